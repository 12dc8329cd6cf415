"""Values and long texts in words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.planning.diff import Change
from baseten_jobs.report.word_diff import Mark, Piece, reads_better_by_words, told, word_diff

MARKS = {Mark.SAME: "{}", Mark.REMOVED: "[-{}-]", Mark.ADDED: "{{+{}+}}", Mark.OMITTED: "{}"}

TEXTS = [
    ("one word", "train --lr 1", "train --lr 2", "train --lr[- 1-]{+ 2+}"),
    ("appended", "train", "train --fast", "train{+ --fast+}"),
    ("put in front", "train", "exec train", "{+exec+} train"),
    ("taken away", "a b c", "a c", "a[- b-] c"),
    ("everything", "a b", "c d", "[-a b-]{+c d+}"),
    ("a few words around, the rest left out", "1 2 3 4 5 6 x 1 2 3 4 5 6", "1 2 3 4 5 6 y 1 2 3 4 5 6",
     "… 4 5 6[- x-]{+ y+} 1 2 3 …"),
    ("left out in between", "a 1 2 3 4 5 6 7 8 b", "c 1 2 3 4 5 6 7 8 d",
     "[-a-]{+c+} 1 2 3 … 6 7 8[- b-]{+ d+}"),
    ("one word more is not worth leaving out", "a 1 2 3 4 5 6 7 b", "c 1 2 3 4 5 6 7 d",
     "[-a-]{+c+} 1 2 3 4 5 6 7[- b-]{+ d+}"),
    ("a line break", "a b", "a\nb", "a[- b-]{+\nb+}"),
    ("only a space in front", "a", " a", "[-a-]{+ a+}"),
    ("a space at the end", "a", "a ", "a{+ +}"),
    ("from nothing", "", "a", "{+a+}"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), [t[1:] for t in TEXTS], ids=[t[0] for t in TEXTS])
def test_the_words_that_differ_are_shown(old: str, new: str, expected: str) -> None:
    assert "".join(MARKS[piece.mark].format(piece.text) for piece in word_diff(old, new)) == expected


WORDS = st.lists(st.sampled_from(["a", "b", "--lr", "1e-5", "\n", "  "]), max_size=12).map(" ".join)


@given(WORDS, WORDS)
def test_nothing_is_lost_but_what_is_left_out(old: str, new: str) -> None:
    pieces = word_diff(old, new)
    if any(piece.mark is Mark.OMITTED for piece in pieces):
        return
    assert "".join(p.text for p in pieces if p.mark is not Mark.REMOVED).lstrip() == new.lstrip()


@given(WORDS, WORDS)
def test_two_different_texts_never_look_the_same(old: str, new: str) -> None:
    marks = {piece.mark for piece in word_diff(old, new)}
    assert old == new or marks & {Mark.REMOVED, Mark.ADDED}


def test_a_text_with_a_hundred_differences_is_cut() -> None:
    old, new = (" ".join(f"{word} {i}" for i in range(100)) for word in "ab")
    pieces = word_diff(old, new)
    assert len(pieces) == 81
    assert pieces[-1].mark is Mark.OMITTED


def test_two_huge_texts_are_not_compared_for_long() -> None:
    old, new = (" ".join(f"{kind}{i % 7}" for i in range(50_000)) for kind in "ab")
    assert [piece.mark for piece in word_diff(old, new)] == [Mark.REMOVED, Mark.ADDED]


def test_two_long_words_are_shown_from_where_they_differ() -> None:
    assert word_diff("run " + "A" * 5000 + "B tail", "run " + "A" * 5000 + "C tail") == (
        Piece(Mark.SAME, "run"),
        Piece(Mark.OMITTED, " …"),
        Piece(Mark.REMOVED, "A" * 20 + "B"),
        Piece(Mark.ADDED, "A" * 20 + "C"),
        Piece(Mark.SAME, " tail"),
    )


VALUES: list[tuple[Any, str]] = [
    (None, "unset"), ("unset", '"unset"'), (2, "2"), ("2", '"2"'), (True, "true"), ("true", '"true"'), ("", '""'),
    ("H100:8", "H100:8"), (" x", '" x"'), ("grüße", "grüße"), ({"name": "a"}, '{"name": "a"}'), (["é"], '["é"]'),
    ("[a]", '"[a]"'), ("1e-5", '"1e-5"'), ("a b", "a b"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), VALUES)
def test_a_value_is_never_taken_for_another(value: Any, expected: str) -> None:
    assert told(value) == expected


@pytest.mark.parametrize(
    ("old", "new", "by_words"),
    [
        ("a", "b", False),
        ("a" * 41, "b", True),
        ("a\nb", "a", True),
        (None, "a" * 50, False),
        (["a" * 50], "b", False),
        ("login *** " * 9, "login *** " * 9, False),
    ],
)
def test_long_texts_are_told_by_words(old: Any, new: Any, by_words: bool) -> None:
    assert reads_better_by_words(Change("f", old, new)) is by_words
