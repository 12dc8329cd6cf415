"""A checkout -> its log, its objects and what lies in it; the one place that starts git."""

__all__ = ["facts", "ignored", "index", "listing", "log", "objects", "process", "remote", "repository", "setup"]
