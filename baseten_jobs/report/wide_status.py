"""Rows of status -> a table that also tells whose each job is, and by which create it came."""

from collections.abc import Sequence

from baseten_jobs.phrases import Page
from baseten_jobs.provider.status import Status
from baseten_jobs.report import status_table
from baseten_jobs.report.style import PLAIN, Look


def status(rows: Sequence[Status], look: Look = PLAIN) -> Page:
    return status_table.status(rows, look, wide=True)
