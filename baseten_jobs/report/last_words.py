"""The end of a failed job's log -> a few rows, fit for a terminal and for a log of CI."""

from collections.abc import Iterable, Sequence

from baseten_jobs.phrases import Page, cut, page
from baseten_jobs.provider.log_pages import LogLine
from baseten_jobs.report.log_lines import on_terminal
from baseten_jobs.secrecy import MASK, hidden, without_values

ROWS = 20

_LONGEST_MESSAGE = 20_000
"""Characters of one message that are looked at: its last, which tell why a job failed."""

_COLUMNS = 300


def last_words(name: str, job_id: str, lines: Sequence[LogLine], secrets: Iterable[str] | None) -> Page:
    """A heading and the last rows of these lines. The `secrets`, and what looks like one, are masked unless None."""
    rows = [
        row
        for line in lines
        for row in on_terminal(line._replace(message=_harmless(line.message, secrets))).split("\n")
    ]
    heading = f"{name}: the end of the log of job {job_id}:" if rows else f"{name}: job {job_id} wrote no log"
    return page([heading, *(f"    {cut(row, _COLUMNS)}" for row in rows[-ROWS:])])


def _harmless(message: str, secrets: Iterable[str] | None) -> str:
    if secrets is not None:
        message = hidden(without_values(message, secrets, MASK), MASK)
    return message[-_LONGEST_MESSAGE:]
