"""Text on a terminal takes columns, not characters: tables line up, lines fit, and a redrawn screen counts its rows."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcswidth, wcwidth

from baseten_jobs.cli import sink
from baseten_jobs.cli.screen import Screen
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.request import JobRequest, ProjectRef
from baseten_jobs.phrases import _NARROW, Page, columns, cut, padded
from baseten_jobs.provider.log_pages import LogLine
from baseten_jobs.provider.status import Checkpoints, Status
from baseten_jobs.report.log_lines import on_terminal
from baseten_jobs.report.status_table import status
from baseten_jobs.report.style import Look

WIDTHS = {
    "": 0, "train": 5, "訓練": 4, "日本語 7B": 9, "。、": 4, "ｶﾅ": 2, "한국어": 6, "\u1112\u1161\u11ab": 2, "ガ": 2,
    "e\u0301a": 2, "café": 4, "Größe": 5, "e\u0323\u0301": 1, "ไทย": 3, "a\u200bb": 2, "\u200cx": 1,
    "🚀": 2, "🚀x": 3, "☕": 2, "❤": 1, "❤\ufe0f": 2, "1\ufe0f\u20e3": 2, "👍🏽": 2, "🇯🇵": 2,
    "👩‍👩‍👧": 2, "👩🏽‍🚀": 2, "🏳\ufe0f‍🌈": 2, "≤ $1.00 …": 9, "a → b · c": 9,
}  # fmt: skip
TEXTS = st.text(st.sampled_from([*"aé訓ｶ한…🚀", "\u0301", "\u200d", "\ufe0f", "❤", "👩"]), max_size=30)


@pytest.mark.parametrize("text", WIDTHS)
def test_a_text_takes_the_columns_that_a_terminal_shows(text: str) -> None:
    assert columns(text) == WIDTHS[text]


def test_what_is_counted_without_the_library_is_narrow_there_too() -> None:
    counted = [chr(code) for code in range(0x3000) if re.fullmatch(_NARROW, chr(code))]
    assert len(counted) > 600
    assert [character for character in counted if wcwidth(character) != 1] == []


@given(TEXTS, st.integers(1, 40))
def test_a_cut_text_fits_and_no_longer_one_would(text: str, most: int) -> None:
    short = cut(text, most)
    if columns(text) <= most:
        assert short == text
        return
    assert short.endswith("…")
    assert most - 2 < columns(short) <= most
    assert text.startswith(short[:-1])


@given(TEXTS.filter(lambda text: not text.endswith("\u200d")), st.integers(0, 40))
def test_a_padded_text_is_as_wide_as_asked(text: str, width: int) -> None:
    assert columns(padded(text, width)) == max(columns(text), width)


@pytest.mark.parametrize(
    ("text", "most", "short"),
    [
        ("訓練訓練", 8, "訓練訓練"),
        ("訓練訓練", 7, "訓練訓…"),
        ("訓練訓練", 6, "訓練…"),
        ("e\u0301" * 4, 3, "e\u0301e\u0301…"),
        ("👩‍👩‍👧👩‍👩‍👧", 3, "👩‍👩‍👧…"),
        ("🚀🚀", 1, "…"),
    ],
)
def test_a_text_is_cut_between_what_is_shown_as_one(text: str, most: int, short: str) -> None:
    assert cut(text, most) == short


NAMES = ("sft", "訓練ジョブ", "eval-🚀", "👩‍👩‍👧", "❤\ufe0f-run", "cafe\u0301", "한국어", "日本語の長い長い長い名前")


def _row(name: str, index: int) -> Status:
    body = {"compute": {"accelerator": {"accelerator": "H100", "count": 8}, "node_count": 2}}
    request = JobRequest("", 1, ProjectRef(f"計画 / {name}"), name, 1, "0" * 64, body)
    job = ObservedJob(f"job{index}", name, f"TRAINING_JOB_{name}", "2027-01-15T08:00:00Z", "p1", 16, "H100")
    return Status(request, job, cost=1.0, age=60, checkpoints=Checkpoints(2, name))


ROWS = [_row(name, index) for index, name in enumerate(NAMES)]


def _column_of(line: str, word: str) -> int:
    """The column of a terminal at which a word begins."""
    return int(wcswidth(line.partition(word)[0]))


@pytest.mark.parametrize("width", [0, 60, 80, 100, 120, 200])
def test_the_columns_of_a_table_line_up(width: int) -> None:
    head, *lines = status(ROWS, Look(width=width)).split("\n")[: len(NAMES) + 1]
    at = {_column_of(line, f"job{index}") for index, line in enumerate(lines)}
    assert at == {_column_of(head, "JOB")}
    if "COST" in head:
        assert {_column_of(line, "≤ $1.00") for line in lines} == {_column_of(head, "COST")}


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_no_line_of_a_table_is_wider_than_its_terminal(width: int) -> None:
    lines = status(ROWS, Look(width=width)).split("\n")[: len(NAMES) + 1]
    assert max(wcswidth(line) for line in lines) <= width
    assert min(wcswidth(line) for line in lines[:1]) > 40


@pytest.mark.parametrize("name", NAMES)
def test_what_follows_a_logs_first_row_is_indented_as_far_as_the_first(name: str) -> None:
    first, second = on_terminal(LogLine(1_800_000_000_000_000_000, "first\nsecond", name, None)).split("\n")
    assert _column_of(second, "second") == _column_of(first, "first")


@pytest.mark.parametrize("colour", [False, True])
def test_a_redrawn_screen_wraps_no_line_whatever_it_shows(colour: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("LINES", "40")
    stream = io.StringIO()
    screen = Screen(stream, sink.ready)
    texts = [name * 20 for name in NAMES] + [name + "x" * (20 - columns(name)) for name in NAMES[:-1]]
    screen.draw(Page("\n".join(sink.painted(text, "red") if colour else text for text in texts)))
    rows = re.sub(r"\x1b\[[0-9;]*[mKJ]", "", stream.getvalue()).split("\n")[:-1]
    assert len(rows) == len(texts)
    assert {wcswidth(row) for row in rows} <= {19, 20}
    assert rows[len(NAMES) :] == texts[len(NAMES) :]
    screen.draw("again")
    assert stream.getvalue().rpartition("again")[0].endswith(f"\x1b[{len(texts)}A\r")
