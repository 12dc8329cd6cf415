"""A connection, projects and ids -> what the provider shows of their jobs: observations, statuses, log lines."""

__all__ = [
    "api",
    "checkpoints",
    "downloads",
    "gpu_uses",
    "job_sessions",
    "log_pages",
    "log_reader",
    "log_tail",
    "measured",
    "metrics_reader",
    "observe",
    "outages",
    "presence",
    "run_spending",
    "session_reader",
    "snapshot",
    "standstill",
    "status",
    "status_reader",
    "stop",
]
