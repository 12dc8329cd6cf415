"""What a terminal is shown: redrawn in place, no wider and no higher than it is, and nothing that takes it over."""

import io
import re

import pytest

from baseten_jobs.cli import sink
from baseten_jobs.cli.screen import Screen
from baseten_jobs.phrases import page
from tests.cli.test_command_line import terminal
from tests.support.operating import Open, desk, open_desk

__all__ = ["desk", "open_desk"]


def displayed(written: str) -> list[str]:
    """The rows of a terminal that knows what a screen uses: up, erase the rest of a line, erase the rest of all."""
    rows, at, column = [""], 0, 0
    for up, erase, character in re.findall(r"\x1b\[(\d+)A|\x1b\[([KJ])|([^\x1b])", written):
        if up:
            at -= int(up)
        elif erase:
            rows[at] = rows[at][:column]
            rows[at + 1 :] = [] if erase == "J" else rows[at + 1 :]
        elif character == "\r":
            column = 0
        elif character == "\n":
            at, column = at + 1, 0
            rows += [""] * (at + 1 - len(rows))
        else:
            rows[at] = rows[at][:column] + character + rows[at][column + 1 :]
            column += 1
    return rows[:-1]


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("LINES", "6")
    return Screen(io.StringIO(), sink.ready)


def written(screen: Screen) -> str:
    stream = screen._stream
    assert isinstance(stream, io.StringIO)
    return stream.getvalue()


def test_a_second_drawing_takes_the_place_of_the_first(screen: Screen) -> None:
    screen.draw(page(["one", "two", "three"]))
    screen.draw(page(["four", "five"]))
    assert displayed(written(screen)) == ["four", "five"]
    assert "\x1b[2J" not in written(screen)


def test_a_line_is_left_above_what_is_drawn(screen: Screen) -> None:
    screen.draw("waiting 1s")
    screen.above("x: running")
    screen.draw("waiting 2s")
    assert displayed(written(screen)) == ["x: running", "waiting 2s"]


def test_a_drawing_fits_the_terminal(screen: Screen) -> None:
    screen.draw(page(f"{'long ' * 10}{number}" for number in range(9)))
    shown = displayed(written(screen))
    assert (len(shown), shown[-1]) == (5, "… 5 more lines")
    assert max(map(len, shown)) == 20


def test_colours_take_no_room(screen: Screen) -> None:
    screen.draw(sink.painted("x" * 20, "red"))
    assert f"\x1b[31m{'x' * 20}\x1b[0m" in written(screen)


@pytest.mark.slow
def test_a_job_can_not_take_over_the_terminal_that_shows_its_log(open_desk: Open) -> None:
    desk = open_desk()
    desk.write("x", command="\"printf '\\e[2J\\e]0;owned\\a'\"")
    assert desk("apply", "--yes").code == 0
    desk.clock.time = 10
    assert "g00r0  + printf '\x1b[2J\x1b]0;owned\x07'\n" in desk("logs", "x").out
    with terminal("logs", "x", NO_COLOR="1") as shown:
        assert shown.ends() == 0
    assert "\x1b" not in shown.shown
    assert "+ printf ''" in shown.shown
    with terminal("logs", "x", NO_COLOR="") as coloured:
        assert coloured.ends() == 0
    assert set(re.findall(r"\x1b.[^m]*m?", coloured.shown)) == {"\x1b[90m", "\x1b[0m"}
