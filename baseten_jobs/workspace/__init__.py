"""A folder that a manifest names -> what travels of it, and the archive of that."""

__all__ = [
    "archive",
    "boundary",
    "default_excludes",
    "lfs_pointers",
    "own_files",
    "pack",
    "places",
    "scan",
    "selection",
    "start_commands",
    "unpacking",
    "walk",
]
