"""A document that extends others -> the manifest that they make together."""

__all__ = ["files", "inheritance", "merge", "reading"]
