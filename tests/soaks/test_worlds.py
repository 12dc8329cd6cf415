"""Whole applies against servers that mangle, hide, repeat and mix what they hold: some of the worlds that end soon."""

import pytest

from tests.soaks.worlds import WORLDS, visit_all

SOME = (
    "repeated rows", "mixed rows", "hidden jobs", "no project, once", "near miss: accents", "capped search",
    "started by hand", "an old pipeline",
)  # fmt: skip


@pytest.mark.slow
def test_each_world_ends_as_it_must() -> None:
    seen = visit_all(SOME)
    assert {name: wrong for name, each in seen.items() if (wrong := each.wrong(WORLDS[name]))} == {}
