"""Settings -> a local Baseten for training jobs: a WSGI application, or a server that listens."""

__all__ = ["app", "catalogue", "faults", "server", "settings", "store"]
