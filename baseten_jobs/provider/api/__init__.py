"""A call -> the answer of the Baseten API, or why there is none. httpx lives only here."""

__all__ = ["answer", "client", "connection", "errors", "link", "local_database", "pacing", "route"]
