"""A job -> the files that it left, as a list; links to them; and the files themselves, whole, in a folder."""

__all__ = ["archive", "fetching", "listing", "outcome", "partial", "places", "remote_files"]
