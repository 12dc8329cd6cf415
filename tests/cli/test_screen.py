"""What a terminal is shown: redrawn in place, no wider and no higher than it is, and nothing that takes it over."""

import io
import re
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from baseten_jobs.cli import patience, sink
from baseten_jobs.cli.progress import ByteProgress, Progress
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


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Terminal]:
    """Standard error as a terminal."""
    stream = _Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sink, "sys", SimpleNamespace(stdin=stream, stdout=stream, stderr=stream))
    yield stream
    sink.quiet()


LONG = "llama-70b-full-finetune-fsdp-stage-12--4eb71454b692"


@pytest.mark.parametrize("width", [40, 80])
def test_bars_never_stack(width: int, shown: _Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    upload, steps = ByteProgress("text"), Progress("text")
    for done in range(0, 101, 5):
        upload(done << 20, 100 << 20, f"uploading the workspace of {LONG}")
    upload.close()
    for done in range(1, 19):
        steps(done, 18, f"submitted {LONG}")
        if done == 9:
            sink.err("note: the API asks to wait; trying again in 30 s")
    steps.close()
    sink.quiet()
    sink.err("the end")
    rows = displayed(shown.getvalue())
    assert [row for row in rows if len(row) > width] == []
    assert "".join(rows).count("uploading the workspace") == 1
    assert [row for row in rows if "18/18" in row] == [row for row in rows if "/18" in row] != []
    assert sum(row.startswith("note: ") for row in rows) == 1
    assert rows[-1] == "the end"
    assert "100 MiB of 100 MiB" in " ".join(rows)


def test_a_long_wait_is_told_until_something_is_printed(shown: _Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = threading.Event()

    def told(seconds: int) -> str:
        drawn.set()
        return f"waiting for the API: {seconds} s so far, up to 60 s for one answer"

    monkeypatch.setattr(patience, "_AFTER", 0.0)
    sink.waiting(told)
    assert drawn.wait(5)
    sink.err("error: it broke")
    assert displayed(shown.getvalue()) == ["error: it broke"]
    assert "waiting for the API: 0 s so far, up to 60 s" in shown.getvalue()


def test_what_is_no_terminal_is_told_of_no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sink, "sys", SimpleNamespace(stdin=stream, stdout=stream, stderr=stream))
    sink.waiting(lambda seconds: "waiting")
    sink.quiet()
    assert stream.getvalue() == ""


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
