"""Jobs, bills and the commits of their specs -> runs with what they took, their sums, and what differs between two."""

__all__ = ["assembly", "between", "line_changes", "record", "run", "sums"]
