"""A document and the published schema -> what does not fit, and what its fields mean."""

__all__ = ["check", "explain", "fast_check", "fields"]
