"""Rows of a table, or lines of a list, in Markdown -> the section that they fill, which counts what it leaves out."""

from collections.abc import Iterable, Iterator, Sequence

from baseten_jobs.report.size_limit import Section


def rows_of(
    head: Sequence[str], rows: Iterable[Sequence[str]], noun: str, *, rank: int, share: float = 1.0, title: str = ""
) -> Iterator[Section]:
    """Yields a table of these cells, below a title; nothing without a row."""
    items = tuple(f"| {' | '.join(cells)} |" for cells in rows)
    if items:
        line = f"{title}| {' | '.join(head)} |\n|{' --- |' * len(head)}"
        yield Section(line, items, left_out=missing(noun), rank=rank, share=share)


def lines_of(title: str, items: tuple[str, ...], noun: str, *, rank: int, share: float) -> Iterator[Section]:
    """Yields these lines below a title; nothing without a line."""
    if items:
        yield Section(title, items, left_out=missing(noun), rank=rank, share=share)


def missing(noun: str) -> tuple[str, str]:
    """How one thing is counted that does not fit, and how several are."""
    return f"**1 more {noun} is left out.**", f"**{{}} more {noun}s are left out.**"
