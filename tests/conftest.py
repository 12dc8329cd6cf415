"""What holds for every test: what it opens is closed, nothing is remembered for a person, and modules are compiled."""

import os
import sys
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("unhurried", deadline=None)  # a machine may be busy with other things
settings.load_profile("unhurried")
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
_CACHE = tempfile.TemporaryDirectory(prefix="baseten-jobs-cache-")
os.environ["XDG_CACHE_HOME"] = _CACHE.name


@pytest.fixture(autouse=True)
def _closing() -> Iterator[None]:
    from tests.support.world import OPENED

    yield
    OPENED.close()
