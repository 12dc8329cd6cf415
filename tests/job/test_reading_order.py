"""Names are told as people count, and the cells of a matrix by their values."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.job.reading_order import by_name
from baseten_jobs.job.request import JobRequest, ProjectRef
from baseten_jobs.manifest.document import Cell
from baseten_jobs.phrases import as_counted
from tests.support.operating import Desk
from tests.support.operating import desk as desk
from tests.support.operating import open_desk as open_desk

WORDS = st.text("ab-", max_size=4)


def named(name: str, *cells: str, number: int = 0, path: str = "") -> JobRequest:
    made = JobRequest(path or f"{name}.yaml", 1, ProjectRef("p"), name, 1, "d", {})
    axes = tuple(zip(("lr", "size"), cells, strict=False))
    return replace(made, cell=Cell(number, axes, ("matrix",), 1, ("matrix",))) if cells else made


def in_order(*requests: JobRequest) -> list[str]:
    return [request.name for request in by_name(requests, lambda request: request)]


@given(WORDS, st.integers(0, 10**30), st.integers(0, 10**30), WORDS)
def test_of_two_names_that_differ_in_a_number_the_smaller_one_comes_first(
    before: str, a: int, b: int, after: str
) -> None:
    one, other = as_counted(f"{before}{a}{after}"), as_counted(f"{before}{b}{after}")
    assert (one < other) == (a < b)


@given(st.lists(st.text()))
def test_any_texts_have_an_order_and_only_equal_ones_share_a_place(texts: list[str]) -> None:
    ordered = sorted(texts, key=as_counted)
    backwards = texts[::-1]
    assert sorted(backwards, key=as_counted) == ordered
    assert len({as_counted(text) for text in texts}) == len(set(texts))


@given(st.lists(st.text(st.characters(exclude_categories=("N",)))))
def test_without_digits_the_order_is_that_of_the_texts(texts: list[str]) -> None:
    assert sorted(texts, key=as_counted) == sorted(texts)


def test_cells_stay_together_with_numbers_by_size_and_words_as_they_are_written() -> None:
    matrix = [("1e-4", "small"), ("1e-4", "large"), ("3e-5", "small"), ("3e-5", "large")]
    cells = [named(f"b-{i}", *values, number=i, path="sweep.yaml") for i, values in enumerate(matrix)]
    others = [named("c"), named("b-10"), named("a")]
    assert in_order(cells[0], others[0], *cells[1:], *others[1:]) == ["a", "b-2", "b-3", "b-0", "b-1", "b-10", "c"]


def test_commands_list_names_as_people_count(desk: Desk) -> None:
    names = ["lr-1", "lr-2", "lr-10"]
    desk.applied(*reversed(names))
    assert [row["name"] for row in desk("status", "-o", "json").json["jobs"]] == names
    assert [action["name"] for action in desk("plan", "-o", "json").json["actions"]] == names
    asked = desk("stop", "lr-*").err.splitlines()
    assert [line.split()[0] for line in asked[:3]] == names
