"""What was read of a key, an account, a checkout and a pipeline -> findings, each with what mends it."""

__all__ = ["account", "checks", "findings", "pipeline_files", "probe", "probe_jobs", "readings"]
