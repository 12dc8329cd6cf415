"""Start commands -> the programs that they run, the processes that those start, and the files that they name."""

__all__ = ["launchers", "reading"]
