"""Lines on a narrow terminal: nothing is lost, nothing breaks within a number, a unit, an id or a command."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.cli.folding import fitted

WHOLE = ("12 GPUs", "6 x 8 H100", "≤ $0.10", "1.5 MiB", "`baseten-jobs plan -v`", "$52.00/h", "sft--4eb71454b692")
WORDS = st.one_of(st.sampled_from(WHOLE), st.text("abcdef-", min_size=1, max_size=12))
GAPS = st.sampled_from([" ", " ", " ", "  ", " · "])
LINES = st.builds(
    lambda indent, first, more: " " * indent + first + "".join(gap + word for gap, word in more),
    st.integers(0, 14),
    WORDS,
    st.lists(st.tuples(GAPS, WORDS), max_size=30),
)


@given(LINES, st.integers(40, 120))
def test_a_folded_line_fits_and_has_the_same_words(line: str, width: int) -> None:
    folded = fitted(line, width)
    assert folded.split() == line.split()
    assert [each for each in folded.split("\n") if len(each) > width] == []
    assert fitted(line, 1000) == line
    assert [each for each in WHOLE if folded.count(each) != line.count(each)] == []


@given(LINES)
def test_colours_take_no_room(line: str) -> None:
    painted = re.sub(r"[a-f]+", lambda word: f"\x1b[31m{word.group()}\x1b[0m", line)
    assert re.sub(r"\x1b\[[0-9]+m", "", fitted(painted, 60)) == fitted(line, 60)


@pytest.mark.parametrize(
    ("line", "folded"),
    [
        ("Cost for all: 6 x 8 H100", ["Cost for all:", "  6 x 8 H100"]),
        ("  one · job: a--4eb71454b692", ["  one · job:", "    a--4eb71454b692"]),
        ("saved; `apply --plan x.json` applies", ["saved;", "  `apply --plan x.json`", "  applies"]),
        ("abcdefghijklmnopqrstuvwxyz0123456789", ["abcdefghijklmnopqrstuvwxyz0123456789"]),
        ("  + submit  a-name  (old → new)", ["  + submit  a-name", "    (old → new)"]),
    ],
)
def test_lines_break_where_a_reader_would_break_them(line: str, folded: list[str]) -> None:
    assert fitted(line, 20).split("\n") == folded


def test_what_is_no_terminal_folds_nothing() -> None:
    assert fitted("word " * 50, 0) == "word " * 50
