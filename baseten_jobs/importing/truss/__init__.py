"""Python files of the incumbent client -> drafts of manifests; they are read, and run only by the explicit word."""

__all__ = ["environment", "files", "running"]
