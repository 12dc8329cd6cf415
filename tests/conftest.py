"""What holds for every test: the processes that it starts find our modules compiled, whatever the environment says."""

import os
import sys
from collections.abc import Iterator

import pytest

sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(autouse=True)
def _worlds_end_with_their_test() -> Iterator[None]:
    yield
    world = sys.modules.get("tests.world")
    while world is not None and world.OPENED:
        world.OPENED.pop().close()
