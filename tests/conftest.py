"""What holds for every test: what it opens is closed, nothing is remembered for a person, golden files are found."""

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.support.golden import Golden

# No deadlines: a machine may be busy with other things.
settings.register_profile("quick", deadline=None, max_examples=50)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile("quick")
sys.dont_write_bytecode = False
_MEMORY = "/dev/shm"
if "TMPDIR" not in os.environ and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > 2**31:
    # Tens of thousands of small files live for a moment each; a disk takes as long for them as the tests take.
    os.environ["TMPDIR"] = _MEMORY
    tempfile.tempdir = None
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
_CACHE = tempfile.TemporaryDirectory(prefix="baseten-jobs-cache-")
os.environ["XDG_CACHE_HOME"] = _CACHE.name


@pytest.fixture(autouse=True)
def _closing() -> Iterator[None]:
    from tests.support.world import OPENED

    yield
    OPENED.close()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", action="store_true", help="write the golden files; only tests that have one run")


def pytest_collection() -> None:
    gc.disable()


def pytest_collection_finish() -> None:
    """Thousands of tests live as long as the run: to look through them for garbage was a tenth of its work."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--golden"):
        others = [item for item in items if "golden" not in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in set(others)]


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(write=request.config.getoption("--golden"))
