"""Paths and text that people wrote -> documents, and diagnostics of what is wrong with them."""

__all__ = [
    "checkout",
    "confusables",
    "diagnostics",
    "document",
    "edit",
    "folders",
    "inputs",
    "landing",
    "names",
    "normalisation",
    "overrides",
    "ownership",
    "rules",
    "schema",
    "secret_references",
    "sources",
]
