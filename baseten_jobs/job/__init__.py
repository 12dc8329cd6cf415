"""A document -> the request for its job; a row of the API -> an observed job; prices -> what jobs cost."""

__all__ = [
    "bills", "checkpoint", "claims", "content", "copies", "cost", "gpu_use", "identity", "metrics", "names",
    "observation", "pools", "project_resolution", "reading_order", "relative_paths", "request", "retries",
    "retry_policy", "run_limits", "run_spending", "saved", "sessions", "settings", "times",
]  # fmt: skip
