"""Plans, outcomes and diagnostics -> a page: one module a format, and the one registry of them.

A format is a module here, and holds a function of the same name for each kind of result that can be told in it. It
is imported when it is asked for; the diagnostics as text have a module of their own, lest `validate` load the rest.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from baseten_jobs.phrases import Page
from baseten_jobs.report.style import PLAIN, Look

if TYPE_CHECKING:
    from baseten_jobs.applying.outcome import Applied
    from baseten_jobs.doctor.findings import Finding
    from baseten_jobs.importing.adoption import Adoption
    from baseten_jobs.job.pools import Pool
    from baseten_jobs.job.request import JobRequest
    from baseten_jobs.manifest.diagnostics import Diagnostic
    from baseten_jobs.manifest.document import Document
    from baseten_jobs.planning.plan import Plan
    from baseten_jobs.planning.records.between import Between
    from baseten_jobs.planning.records.record import Record, Telling
    from baseten_jobs.planning.records.run import Run
    from baseten_jobs.provider.job_sessions import JobSessions
    from baseten_jobs.provider.measured import Measured
    from baseten_jobs.provider.status import Status
    from baseten_jobs.report.description import Description
    from baseten_jobs.report.status_more import More

F_co = TypeVar("F_co", covariant=True)
_APART = {
    ("diagnostics", "text"): ("problems", "diagnostics"),
    ("adoption", "text"): ("adoption", "adoption"),
    ("status", "wide"): ("wide_status", "status"),
    ("report", "json"): ("issue_json", "report"),
    ("described", "text"): ("description", "described"),
    ("findings", "text"): ("findings_text", "findings"),
    ("findings", "json"): ("findings_json", "findings"),
    ("metrics", "text"): ("metrics_chart", "metrics"),
    ("metrics", "table"): ("metrics_table", "metrics"),
    ("metrics", "csv"): ("metrics_data", "csv"),
    ("metrics", "json"): ("metrics_data", "json"),
    ("sessions", "text"): ("sessions", "sessions"),
    ("sessions", "json"): ("sessions", "json"),
    ("pools", "text"): ("pools", "pools"),
    ("pools", "json"): ("pools", "json"),
    ("runs", "text"): ("run_table", "runs"),
    ("runs", "json"): ("run_json", "runs"),
    ("runs", "csv"): ("run_csv", "runs"),
    ("runs", "html"): ("html.run_page", "runs"),
    ("run_diff", "text"): ("run_diff", "run_diff"),
    ("run_diff", "json"): ("run_json", "run_diff"),
}
"""Formats that are told elsewhere: in which module, by which function."""


class Formats(Mapping[str, F_co]):
    """The formats of one kind of result, by name; the first is the default."""

    def __init__(self, kind: str, *names: str) -> None:
        self._kind, self._names = kind, names

    def __getitem__(self, name: str) -> F_co:
        if name not in self._names:
            raise KeyError(name)
        module, function = _APART.get((self._kind, name), (name, self._kind))
        reporter: Any = getattr(import_module(f"{__package__}.{module}"), function)
        return reporter  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class TellsDiagnostics(Protocol):
    def __call__(
        self, found: "Sequence[Diagnostic]", documents: "Sequence[Document]" = ..., look: Look = PLAIN
    ) -> Page: ...


class TellsRequests(Protocol):
    def __call__(self, compiled: "Iterable[JobRequest]", look: Look = PLAIN) -> Page: ...


class TellsPlan(Protocol):
    def __call__(self, made: "Plan", look: Look = PLAIN) -> Page: ...


class TellsNoPlan(Protocol):
    def __call__(self, reason: str, found: "Sequence[Diagnostic]" = ..., look: Look = PLAIN) -> Page: ...


class TellsSkipped(Protocol):
    def __call__(self, reason: str, look: Look = PLAIN) -> Page: ...


class TellsApplied(Protocol):
    def __call__(self, result: "Applied", look: Look = PLAIN) -> Page: ...


class TellsStatus(Protocol):
    def __call__(self, rows: "Sequence[Status]", look: Look = PLAIN, more: "More | None" = None) -> Page: ...


class TellsDescribed(Protocol):
    def __call__(self, found: "Sequence[Description]", look: Look = PLAIN) -> Page: ...


class TellsReport(Protocol):
    def __call__(
        self,
        made: "Plan",
        rows: "Sequence[Status]",
        alerts: Sequence[str] = ...,
        look: Look = PLAIN,
        now: float = ...,
    ) -> Page: ...


class TellsAdoption(Protocol):
    def __call__(self, done: "Adoption", look: Look = PLAIN) -> Page: ...


class TellsMetrics(Protocol):
    def __call__(self, every: "Sequence[Measured]", look: Look = PLAIN) -> Page: ...


class TellsSessions(Protocol):
    def __call__(self, every: "Sequence[JobSessions]", look: Look = PLAIN) -> Page: ...


class TellsPools(Protocol):
    def __call__(self, every: "Sequence[Pool]", now: float, look: Look = PLAIN) -> Page: ...


class TellsFindings(Protocol):
    def __call__(self, found: "Sequence[Finding]", look: Look = PLAIN) -> Page: ...


class TellsRuns(Protocol):
    def __call__(self, record: "Record", telling: "Telling", look: Look = PLAIN) -> Page: ...


class TellsRunDiff(Protocol):
    def __call__(self, pair: "tuple[Run, Run]", between: "Between", look: Look = PLAIN) -> Page: ...


DIAGNOSTICS: Formats[TellsDiagnostics] = Formats("diagnostics", "text", "json", "github", "sarif", "junit", "markdown")
REQUESTS: Formats[TellsRequests] = Formats("requests", "text", "json")
NO_PLAN: Formats[TellsNoPlan] = Formats("no_plan", "markdown")
SKIPPED: Formats[TellsSkipped] = Formats("skipped", "markdown", "json")
PLAN: Formats[TellsPlan] = Formats("plan", "text", "json", "markdown")
APPLIED: Formats[TellsApplied] = Formats("applied", "text", "json", "markdown")
STATUS: Formats[TellsStatus] = Formats("status", "text", "wide", "json")
REPORT: Formats[TellsReport] = Formats("report", "issue", "json")
NO_REPORT: Formats[TellsNoPlan] = Formats("no_report", "issue")
METRICS: Formats[TellsMetrics] = Formats("metrics", "text", "table", "csv", "json")
SESSIONS: Formats[TellsSessions] = Formats("sessions", "text", "json")
POOLS: Formats[TellsPools] = Formats("pools", "text", "json")
DESCRIBED: Formats[TellsDescribed] = Formats("described", "text", "json")
ADOPTION: Formats[TellsAdoption] = Formats("adoption", "text", "json")
FINDINGS: Formats[TellsFindings] = Formats("findings", "text", "json")
RUNS: Formats[TellsRuns] = Formats("runs", "text", "json", "csv", "html")
RUN_DIFF: Formats[TellsRunDiff] = Formats("run_diff", "text", "json")

FOR_HOSTS = ("github", "sarif", "junit")
"""Formats of diagnostics that a repository's host reads: it knows paths from the repository's root alone."""
