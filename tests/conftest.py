"""What holds for every test: what it opens is closed, and the processes that it starts find our modules compiled."""

import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("unhurried", deadline=None)  # a machine may be busy with other things
settings.load_profile("unhurried")
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(autouse=True)
def _closing() -> Iterator[None]:
    from tests.world import OPENED

    yield
    OPENED.close()
