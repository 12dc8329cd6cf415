"""Values -> text, one module a format."""

__all__ = [
    "checkpoint_list",
    "code_list",
    "download_list",
    "field_help",
    "formats",
    "json",
    "last_words",
    "log_lines",
    "markdown_escape",
    "merged",
    "metrics_table",
    "problems",
    "rule_help",
    "sessions",
    "standings",
    "stop_list",
    "style",
    "text",
    "truss_deployment",
    "word_diff",
]
