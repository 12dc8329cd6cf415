"""Python files of the incumbent client -> drafts of manifests; they are read, and never run."""

__all__ = ["environment", "files"]
