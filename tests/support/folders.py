"""Folders that live as long as the process."""

import atexit
import tempfile
from pathlib import Path


def kept_folder() -> Path:
    """An empty folder, for what is made once and copied."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return Path(folder.name)
