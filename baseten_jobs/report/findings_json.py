"""Findings -> one JSON document."""

from collections.abc import Sequence
from typing import Any

from baseten_jobs.doctor.findings import Finding, Level
from baseten_jobs.phrases import Page
from baseten_jobs.report.job_fields import document
from baseten_jobs.report.style import PLAIN, Look


def findings(found: Sequence[Finding], look: Look = PLAIN) -> Page:
    counts = {level.value: sum(each.level == level for each in found) for level in Level}
    return document({"findings": [_finding(each) for each in found], "summary": counts})


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "level": finding.level.value,
        "told": finding.told,
        "means": finding.means,
        "remedy": finding.remedy,
        "read": not finding.unread,
        **({"measured": dict(finding.measured)} if finding.measured else {}),
    }
