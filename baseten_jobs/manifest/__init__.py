"""Paths and text that people wrote -> documents, and diagnostics of what is wrong with them."""

__all__ = [
    "confusables",
    "defaults",
    "diagnostics",
    "document",
    "edit",
    "folder_policies",
    "inputs",
    "matrix",
    "name_globs",
    "names",
    "normalisation",
    "overrides",
    "ownership",
    "paths",
    "rules",
    "said_once",
    "schema",
    "secret_references",
    "sources",
    "yaml_scalars",
]
