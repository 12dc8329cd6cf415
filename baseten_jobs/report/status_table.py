"""Rows of status -> a table that fits its terminal."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from baseten_jobs.applying.outcome import Applied, End, Outcome
from baseten_jobs.job.gpu_use import IDLE
from baseten_jobs.job.names import read_job_name, without_letters
from baseten_jobs.job.observation import StatusClass
from baseten_jobs.job.times import age
from baseten_jobs.phrases import Page, columns, count, cut, escaped, listed, one_line, padded, prose
from baseten_jobs.planning.duplicates import duplicate_warning, in_words
from baseten_jobs.provider.standstill import standing_still
from baseten_jobs.provider.status import Status, counted
from baseten_jobs.report import gpu_use, retries
from baseten_jobs.report.cells import by_matrix
from baseten_jobs.report.headline import size_of_run, sizes
from baseten_jobs.report.style import PLAIN, Look

if TYPE_CHECKING:
    from baseten_jobs.report.status_more import More

_GAP = "  "
_LEAST = 12
"""Columns that a project's name is cut to at most; with less room it is left out."""

_COLOURS = {
    StatusClass.LIVE: "cyan",
    StatusClass.DONE: "green",
    StatusClass.FAILED: "red",
    StatusClass.STOPPED: "yellow",
    StatusClass.INTERRUPTED: "magenta",
}


_UNCERTAIN = "? behind a cost: the status is not known here, so the job counts as running; it may have ended."


def _gpus(row: Status) -> str:
    return f"{row.job.gpus} {row.job.gpu_type or 'GPU'}" if row.job and row.job.gpus else "-" if row.job else ""


def _cost(row: Status) -> str:
    if row.job is None:
        return ""
    if row.cost is None:
        return "?"
    return (f"≤ ${row.cost:,.2f}" if row.cost else "$0.00") + (" ?" if row.cost_uncertain else "")


def _cell(text: str, most: int) -> str:
    """Text from outside as a cell of at most so many columns of the terminal."""
    return cut(one_line(text, most), most)


def _letters(row: Status, which: str) -> str:
    name = read_job_name(row.job.name) if row.job else None
    return "" if row.job is None else getattr(name, which, "") or "-"


def _saved(row: Status) -> str:
    saved = row.checkpoints
    return "" if saved is None else f"{saved.count} ({_cell(saved.latest, 30)})" if saved.count else "0"


_COLUMNS: Mapping[str, Callable[[Status], str]] = MappingProxyType(
    {
        "NAME": lambda row: f"  {row.request.name}" if row.request.cell else row.request.name,
        "CELL": lambda row: _cell(row.request.cell.label, 60) if row.request.cell else "",
        "STATE": lambda row: _cell(row.state, 20),
        "AGE": lambda row: "" if row.age is None else age(row.age),
        "GPUS": _gpus,
        "GPU USE": lambda row: gpu_use.cell(row.use),
        "COST SO FAR": _cost,
        "CHECKPOINTS": _saved,
        "JOB": lambda row: row.job.id if row.job else "",
        "PROJECT": lambda row: _cell(str(row.request.project), 60),
    }
)
_WIDE: Mapping[str, Callable[[Status], str]] = MappingProxyType(
    {
        "OWNER": lambda row: _letters(row, "owner"),
        "TOKEN": lambda row: _letters(row, "token"),
        "SUBMITTED NAME": lambda row: _cell(row.job.name or "", 80) if row.job else "",
    }
)
"""What a person asks for by `-o wide`: whose a job is, by which create it came, and its whole name."""
_FIRST_TO_GO = ("PROJECT", "CELL", "CHECKPOINTS", "GPUS", "GPU USE", "COST SO FAR", "AGE")
"""Columns that a narrow terminal has no room for, in this order."""


def status(rows: Sequence[Status], look: Look = PLAIN, more: "More | None" = None, *, wide: bool = False) -> Page:
    """A row for each manifest, the error of its job below it, and a last line with counts of states.

    A `wide` table has more columns, and all of them whatever the terminal. What is known `more` stands below its row,
    and that of jobs without a manifest at the end.
    """
    at_the_end = more.at_the_end if more else []
    if not rows:
        return prose(["no manifests", *at_the_end])
    chosen = {**_COLUMNS, **_WIDE} if wide else _COLUMNS
    cells = {name: [escaped(column(row)) for row in rows] for name, column in chosen.items()}
    cells = {name: column for name, column in cells.items() if any(column)}
    needed = {name: max(map(columns, (name, *column))) for name, column in cells.items()}
    widths = needed if wide else _fitted(needed, look.width)
    lines = [_line([look.paint(padded(name, width), "bright_black") for name, width in widths.items()])]
    index = 0
    for sweep, found in by_matrix(rows, lambda row: row.request):
        lines += [f"# {sweep}"] if sweep else []
        for row in found:
            texts = {name: padded(cut(cells[name][index], width), width) for name, width in widths.items()}
            if row.job:
                texts["STATE"] = look.paint(texts["STATE"], _COLOURS[row.job.status_class])
            lines += [_line(list(texts.values())), *_trouble(row, look), *(more.below(row) if more else [])]
            index += 1
    return prose([*lines, "", *_summary(rows), *at_the_end])


def waited(result: Applied, look: Look = PLAIN) -> Page:
    """A row for each job on how its wait ended, and a last line with counts."""
    lines, ends = [], []
    for outcome in result.outcomes:
        state, name = outcome.awaited, outcome.action.job_name
        if state is None:
            continue
        ends.append(outcome.state)
        if state.end is not End.REACHED:
            colour = "red" if state.end is End.FAILED else "yellow"
            word = look.paint(padded(escaped(outcome.state), 9), colour)
            lines.append(f"  {word}  {name}  {_awaited(outcome)}")
        if state.end is End.FAILED and state.job and state.job.error_message:
            lines.append(f"             {one_line(state.job.error_message, 200)}")
        if state.stuck and state.job:
            lines.append(f"             {standing_still(state.job)}")
    counts = ", ".join(f"{number} {end}" for end, number in Counter(ends).most_common())
    return prose([*lines, f"Waited: {counts or 'nothing to wait for'}."])


def _awaited(outcome: Outcome) -> str:
    """The job that is waited for, or the runs that a stage waits for itself."""
    if outcome.job_id:
        return f"job {outcome.job_id}"
    return f"waits for {listed(sorted({wait.upstream.name for wait in outcome.action.waits}))}"


def _fitted(widths: dict[str, int], width: int) -> dict[str, int]:
    """The columns that fit a terminal of this width, with their widths; all columns where the width is 0."""
    for name in _FIRST_TO_GO if width else ():
        over = sum(widths.values()) + len(_GAP) * (len(widths) - 1) - width
        if over > 0 and name in widths:
            if name == "PROJECT" and widths[name] - over >= _LEAST:
                widths[name] -= over
            else:
                del widths[name]
    return widths


def _line(cells: Sequence[str]) -> str:
    return _GAP.join(cells).rstrip()


def _trouble(row: Status, look: Look) -> list[str]:
    lines = []
    if row.job and row.job.error_message:
        lines.append(f"    {one_line(row.job.error_message, 200)}")
    if row.duplicates:
        lines.append(look.paint(f"    {duplicate_warning(row.duplicates, row.read_at)}", "red"))
    idle = [look.paint(f"    warning: {IDLE}", "yellow")] if row.idle else []
    others = (
        f"    job {other.id} runs another spec of it: {one_line(without_letters(other.name) or '')}"
        f" ({', '.join(filter(None, (in_words(other, row.read_at), size_of_run(other))))})"
        for other in row.others
    )
    copied = (f"    job {job.id} ({in_words(job, row.read_at)}) is a copy that a person made" for job in row.copies)
    retry = [f"    {said}"] if (said := retries.told(row)) else []
    waits = (f"    waits for {one_line(str(wait), 200)}" for wait in row.waits)
    return [*lines, *idle, *retry, *waits, *others, *copied]


def _summary(rows: Sequence[Status]) -> list[str]:
    return [*_sums(rows), *_beside(rows)]


def _beside(rows: Sequence[Status]) -> Iterator[str]:
    others = {job.id: job for row in rows for job in row.others}
    if others:
        size = f" ({told})" if (told := sizes(others.values())) else ""
        yield f"Beside them {count(len(others), 'job')} of other specs of theirs{size}, not in these sums."


def _sums(rows: Sequence[Status]) -> list[str]:
    states = ", ".join(f"{number} {one_line(state, 20)}" for state, number in counted(rows).items())
    costs = [row.cost for row in rows if row.job]
    if not any(costs):
        return [f"{states}."]
    known = sum(cost or 0.0 for cost in costs)
    told = f"{states}; {'' if None not in costs else 'without those not known, '}≤ ${known:,.2f} so far."
    return [told, _UNCERTAIN] if any(row.cost and row.cost_uncertain for row in rows) else [told]
