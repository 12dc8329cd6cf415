"""Servers that answer anything: a few of the seeds of `python -m tests.soaks.mutations`."""

from pathlib import Path

import pytest

from tests.soaks.mutations import tried

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", range(12))
def test_no_command_is_upset_by_what_a_server_answers(seed: int, tmp_path: Path) -> None:
    assert tried(seed, tmp_path) == []
