"""Rows of status -> a table that also tells whose each job is, and by which create it came."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from baseten_jobs.phrases import Page
from baseten_jobs.provider.status import Status
from baseten_jobs.report import status_table
from baseten_jobs.report.style import PLAIN, Look

if TYPE_CHECKING:
    from baseten_jobs.report.status_more import More


def status(rows: Sequence[Status], look: Look = PLAIN, more: "More | None" = None) -> Page:
    return status_table.status(rows, look, more, wide=True)
