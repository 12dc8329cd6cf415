"""How all manifests stand -> one document for an issue, in Markdown that GitHub accepts."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from baseten_jobs.job.names import read_job_name
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.times import age, moment
from baseten_jobs.manifest.diagnostics import Diagnostic
from baseten_jobs.phrases import Page, count
from baseten_jobs.planning.plan import Plan
from baseten_jobs.provider.dashboard import page_of
from baseten_jobs.provider.status import Status
from baseten_jobs.report import gpu_use, markdown, projects
from baseten_jobs.report.markdown_escape import code, in_comment, linked, prose
from baseten_jobs.report.markdown_sections import lines_of, rows_of
from baseten_jobs.report.size_limit import Section, fitted
from baseten_jobs.report.standings import Kind, Standing, cost_so_far, standings
from baseten_jobs.report.style import PLAIN, Look
from baseten_jobs.secrecy import MASK, without_values

LIMIT = 60_000
"""Bytes; GitHub refuses an issue of more than 65,536 characters."""

_GROUPS: Mapping[str, tuple[Kind, ...]] = MappingProxyType(
    {
        "Needs a person": tuple(kind for kind in Kind if kind.needs_a_person),
        "Runs": (Kind.RUNS,),
        "Waits": (Kind.WAITS,),
        "The next `apply` does this": (Kind.SUBMIT, Kind.UPDATE, Kind.STOP),
        "Suspended": (Kind.SUSPENDED,),
        "Completed": (Kind.COMPLETED,),
    }
)
_COUNTED: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.RUNS: "running",
        Kind.WAITS: "waiting",
        Kind.SUBMIT: "to submit",
        Kind.UPDATE: "to update",
        Kind.STOP: "to stop",
        Kind.SUSPENDED: "suspended",
        Kind.COMPLETED: "completed",
    }
)


def report(
    made: Plan, rows: Sequence[Status], alerts: Sequence[str] = (), look: Look = PLAIN, now: float = 0.0
) -> Page:
    """All in at most LIMIT bytes, what needs a person first; of what does not fit, rows are counted.

    `rows` are the jobs of the plan, `alerts` what is wrong with all of it, and `now` is in epoch seconds.
    """
    found = standings(made, rows)
    groups = {title: [each for each in found if each.kind in kinds] for title, kinds in _GROUPS.items()}
    needy = len(groups["Needs a person"])
    sections = [
        Section(_head(needy, bool(alerts), look)),
        Section(_counts(found, rows, now)),
        *lines_of("", tuple(f"- **{prose(each)}**" for each in alerts), "line", rank=0, share=0.2),
        *(
            section
            for rank, (title, group) in enumerate(groups.items(), 1)
            for section in _table(title, group, rank, look)
        ),
        *lines_of("**Notes**\n", tuple(f"- {prose(note)}" for note in notes_of(made)), "note", rank=1, share=0.1),
    ]  # fmt: skip
    return fitted(sections, LIMIT)


def no_report(reason: str, found: Sequence[Diagnostic] = (), look: Look = PLAIN) -> Page:
    """Why it can't be told how the jobs are, which needs a person as well."""
    sections = [Section(_head(0, True, look)), Section(prose(reason, 1000))]
    return fitted([*sections, *([Section(markdown.diagnostics(found).rstrip("\n"))] if found else [])], LIMIT)


def _head(needy: int, something: bool, look: Look) -> str:
    """The line by which the issue is found again, and whether anything needs a person."""
    marker = f"<!-- baseten-jobs:issue{':' + in_comment(look.target) if look.target else ''} -->"
    needs = f"{count(needy, 'job')} need{'s' if needy == 1 else ''} a person" if needy else "A person is needed"
    return f"{marker}\n### {needs if needy or something else 'Nothing needs a person'}"


def _counts(found: Sequence[Standing], rows: Sequence[Status], now: float) -> str:
    """How many stand how, what all cost so far, and when that was read."""
    counter = Counter(each.kind for each in found)
    told = [f"{counter[kind]} {words}" for kind, words in _COUNTED.items() if counter[kind]]
    retried = sum(each.runs > max(1, len(each.rows)) or any(map(retry_of, each.rows)) for each in found if each.request)
    told += [f"{retried} retried"] if retried else []
    cost, whole = cost_so_far(rows)
    told += [f"{'' if whole else 'without those not known, '}≤ ${cost:,.2f} so far"] if rows else []
    return prose(f"{', '.join(told) or 'no manifests'}. Read at {moment(now)} by `baseten-jobs report`.", 1000)


_WHY = "why"
_COLUMNS: Mapping[str, Callable[[Standing, Look], str]] = MappingProxyType(
    {
        "": lambda each, look: prose(each.kind.value),
        "manifest": lambda each, look: code(each.name, 80),
        "project": lambda each, look: prose(each.project, 80),
        "job": lambda each, look: " ".join(_link(row, look) for row in each.rows),
        "state": lambda each, look: prose(", ".join(map(_state, each.rows)), 120),
        "age": lambda each, look: _last(each, lambda row: "" if row.age is None else age(row.age)),
        "GPUs": lambda each, look: _last(each, _gpus),
        "GPU use": lambda each, look: _last(each, lambda row: gpu_use.cell(row.use)),
        "cost so far": lambda each, look: prose(_cost(each)) if each.runs else "",
    }
)


def _table(title: str, group: Sequence[Standing], rank: int, look: Look) -> Iterator[Section]:
    """A table of the columns in which anything stands."""
    columns = {name: [cell(each, look) for each in group] for name, cell in _COLUMNS.items()}
    most = max(160, 36_000 // len(group)) if group else 0
    columns[_WHY] = [_shortened("; ".join(why(each, look)), most) for each in group]
    columns = {name: cells for name, cells in columns.items() if any(cells)}
    if len({each.kind for each in group}) == 1 and not group[0].kind.needs_a_person:
        columns.pop("")
    rows = zip(*columns.values(), strict=True)
    share = 0.7 if rank == 1 else 0.3
    yield from rows_of(tuple(columns), rows, "row", rank=rank, share=share, title=f"**{prose(title)}**\n\n")


def address(job: ObservedJob, look: Look) -> str:
    """Where people look at a job; empty if that is not known."""
    return page_of(look.dashboard, job.project_id[:200], job.id[:200])


def _link(row: Status, look: Look) -> str:
    """The job's id, as a link to its page where that is known."""
    if row.job is None:
        return ""
    return linked(row.job.id[:40], address(row.job, look))


def retry_of(row: Status) -> int:
    """Which retry a job is; 0 for none."""
    name = read_job_name(row.job.name) if row.job else None
    return name.retry if name else 0


def _state(row: Status) -> str:
    return row.state + (f", retry {number}" if (number := retry_of(row)) else "")


def _gpus(row: Status) -> str:
    return f"{row.job.gpus} {row.job.gpu_type or 'GPU'}" if row.job and row.job.gpus else ""


def _last(each: Standing, cell: Callable[[Status], str]) -> str:
    return prose(cell(each.rows[-1]), 40) if each.rows else ""


def _cost(each: Standing) -> str:
    if each.cost is None:
        return "?"
    return f"≤ ${each.cost:,.2f}" if each.cost else "$0.00"


def _shortened(text: str, most: int) -> str:
    """As prose of about so many bytes: markup that is escaped takes up to twelve for one character."""
    told, limit = prose(text, 600), 600
    while len(told.encode("utf-8", "replace")) > most and limit > 30:
        limit //= 2
        told = prose(text, limit)
    return told


def why(each: Standing, look: Look) -> Iterator[str]:
    """What is said of it, and the error of its last job; without values of its environment, unless they are shown."""
    error = each.rows[-1].job.error_message if each.rows and each.rows[-1].job else None
    yield from each.said
    if error:
        values = look.unshown(each.request) if each.request else ()
        yield without_values(error, values, MASK)


def notes_of(made: Plan) -> Iterable[str]:
    """What is said of projects, and of the plan as a whole."""
    return (*projects.contradictory(made), *projects.capped(made), *made.notes)
