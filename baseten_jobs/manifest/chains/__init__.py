"""Manifests -> which of them load the checkpoints of which others, or what is wrong with that."""

__all__ = ["entries", "files", "links", "resolution"]
