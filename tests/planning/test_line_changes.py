"""How the lines of a file differ between two commits."""

from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.planning.records.line_changes import line_change

LINES = st.lists(st.sampled_from(["a", "b", "-- c", "++ d", "@@ e", "", "\x1b[31m"]), max_size=12)


@given(LINES, LINES)
def test_what_came_and_what_went_make_the_one_the_other(old: list[str], new: list[str]) -> None:
    change = line_change("\n".join(old).encode(), "\n".join(new).encode())
    assert change is not None
    before, after = ("\n".join(each).splitlines() for each in (old, new))
    assert len(before) + change.added - change.removed == len(after)
    body = [line for line in change.lines if not line.startswith("@@ -")]
    assert sum(line[:1] == "+" for line in body) == change.added
    assert sum(line[:1] == "-" for line in body) == change.removed
    assert {line[1:] for line in body if line[:1] == "+"} <= set(after)
    assert {line[1:] for line in body if line[:1] == "-"} <= set(before)
    assert (change.lines == ()) == (before == after)


def test_no_file_is_one_without_lines() -> None:
    change = line_change(None, b"a\nb\n")
    assert change is not None
    assert (change.added, change.removed, change.lines) == (2, 0, ("@@ -0,0 +1,2 @@", "+a", "+b"))


def test_what_is_no_text_or_very_long_is_not_told() -> None:
    assert line_change(b"a", b"\0") is None
    assert line_change(b"\xff", b"a") is None
    assert line_change(b"a\n" * 5001, b"a") is None
