"""Whole applies against servers that mangle, hide, repeat and mix what they hold."""

from tests.worlds import WORLDS, visit_all


def test_each_world_ends_as_it_must() -> None:
    seen = visit_all(slow=False)
    assert {name: wrong for name, each in seen.items() if (wrong := each.wrong(WORLDS[name]))} == {}
