"""Runs -> a table that fits its terminal, or a table of sums."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from baseten_jobs.job.observation import StatusClass, short
from baseten_jobs.job.times import epoch_of
from baseten_jobs.phrases import Page, columns, count, cut, escaped, one_line, padded, page
from baseten_jobs.planning.records.record import Record, Telling
from baseten_jobs.planning.records.run import Run
from baseten_jobs.planning.records.sums import Sum, summed, total
from baseten_jobs.report import run_cells
from baseten_jobs.report.style import PLAIN, Look

_GAP = "  "
_LEAST: Mapping[str, int] = MappingProxyType({"NAME": 16, "SUBJECT": 16})
"""Columns that are cut, and the width that each keeps."""

_FIRST_TO_GO = ("PROJECT", "OWNER", "USER", "ENDED", "JOB", "TRY", "AUTHOR", "SUBJECT", "GPUS", "RAN")
"""Columns that a narrow terminal has no room for, in this order."""

_NUMBERS = frozenset({"RAN", "COST", "RUNS", "LIVE", "GPU HOURS"})
_COLOURS: Mapping[StatusClass, str] = MappingProxyType(
    {
        StatusClass.LIVE: "cyan",
        StatusClass.DONE: "green",
        StatusClass.FAILED: "red",
        StatusClass.STOPPED: "yellow",
        StatusClass.INTERRUPTED: "magenta",
    }
)
_COLUMNS: Mapping[str, Callable[[Run], str]] = MappingProxyType(
    {
        "STARTED": lambda run: run_cells.minute(run.started),
        "ENDED": lambda run: run_cells.minute(run.ended),
        "NAME": lambda run: run.name,
        "TRY": run_cells.again,
        "STATE": lambda run: one_line(run.state, 20),
        "RAN": lambda run: run_cells.time(run.seconds),
        "GPUS": lambda run: one_line(run_cells.gpus(run.job), 24),
        "COST": lambda run: run_cells.usd(run.usd),
        "COMMIT": lambda run: run_cells.commit(run) or "-",
        "AUTHOR": lambda run: one_line(run_cells.author(run), 24),
        "SUBJECT": lambda run: one_line(run_cells.subject(run), 72),
        "JOB": lambda run: run.job.id,
        "OWNER": lambda run: run.owner,
        "USER": lambda run: one_line(run.job.user, 40),
        "PROJECT": lambda run: one_line(run.project, 40),
    }
)
_SUMS: Mapping[str, Callable[[Sum], str]] = MappingProxyType(
    {
        "RUNS": lambda sum: str(sum.runs),
        "LIVE": lambda sum: str(sum.live),
        "GPU HOURS": lambda sum: run_cells.hours(sum.gpu_hours),
        "COST": lambda sum: run_cells.usd(sum.usd),
    }
)


def runs(record: Record, telling: Telling, look: Look = PLAIN) -> Page:
    """A row for each run, or for each sum, and lines with what they come to."""
    body = _sums(record, telling, look) if telling.by else _runs(record, look)
    return page([*body, *([""] if body else []), _summary(record), *_others(record, telling, look)])


def _runs(record: Record, look: Look) -> list[str]:
    cells = {name: [escaped(column(run)) for run in record.runs] for name, column in _COLUMNS.items()}
    colours = [_COLOURS[run.job.status_class] for run in record.runs]
    return list(_table(cells, look, {"STATE": colours}))


def _sums(record: Record, telling: Telling, look: Look) -> list[str]:
    sums = summed(record.runs, telling.by)
    keys = {telling.by.upper(): [one_line(each.key, 60) for each in sums]}
    return list(_table({**keys, **{name: list(map(cell, sums)) for name, cell in _SUMS.items()}}, look, {}))


def _table(cells: Mapping[str, Sequence[str]], look: Look, colours: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The lines of a table; columns that are empty all the way down are left out."""
    cells = {name: column for name, column in cells.items() if any(column)}
    widths = fitted({name: max(map(columns, (name, *column))) for name, column in cells.items()}, look.width)
    if not widths:
        return
    heads = [look.paint(_aligned(name, name, width), "bright_black") for name, width in widths.items()]
    yield _GAP.join(heads).rstrip()
    for row in range(len(next(iter(cells.values())))):
        texts = {name: _aligned(name, cut(cells[name][row], width), width) for name, width in widths.items()}
        for name, colour in colours.items():
            if name in texts:
                texts[name] = look.paint(texts[name], colour[row])
        yield _GAP.join(texts.values()).rstrip()


def _aligned(name: str, text: str, width: int) -> str:
    return " " * (width - columns(text)) + text if name in _NUMBERS else padded(text, width)


def fitted(needed: Mapping[str, int], width: int) -> dict[str, int]:
    """The columns that fit a terminal of this width, with their widths; all of them, whole, where the width is 0."""
    kept = dict(needed)
    if not width:
        return kept
    for name in (*_FIRST_TO_GO, ""):
        least = {each: min(wide, _LEAST.get(each, wide)) for each, wide in kept.items()}
        spare = width - sum(least.values()) - len(_GAP) * (len(least) - 1)
        if spare >= 0 or not name:
            break
        kept.pop(name, None)
    for name in _LEAST:
        if name in least:
            more = max(0, min(spare, kept[name] - least[name]))
            least[name] += more
            spare -= more
    return least


def _summary(record: Record) -> str:
    if not record.runs:
        return "no runs" + (" in that time" if record.since is not None else "")
    states = Counter(one_line(run.state, 20) for run in record.runs)
    told = ", ".join(f"{number} {state}" for state, number in states.most_common())
    whole = total(record.runs)
    part = f", of which ${whole.billed:,.2f} were billed" if whole.billed and not whole.usd.exact else ""
    return f"{count(whole.runs, 'run')}: {told}; {run_cells.usd(whole.usd)}{part}."


def _others(record: Record, telling: Telling, look: Look) -> Iterable[str]:
    jobs = record.others.jobs
    if not jobs:
        return
    live = f" ({record.others.live} live)" if record.others.live else ""
    have = "has" if len(jobs) == 1 else "have"
    told = f"{count(len(jobs), 'job')}{live} in the same projects {have} no manifest in this repository's history"
    if not telling.others:
        yield f"{told}; --all lists {'it' if len(jobs) == 1 else 'them'}."
        return
    yield from ("", f"{told}:")
    newest = sorted(jobs, key=lambda each: each[1].age_order, reverse=True)
    cells = {
        "STARTED": [run_cells.minute(epoch_of(job.created_at)) for _, job in newest],
        "NAME": [one_line(run_cells.name_of(job), 80) for _, job in newest],
        "STATE": [one_line(short(job.status), 20) for _, job in newest],
        "GPUS": [one_line(run_cells.gpus(job), 24) for _, job in newest],
        "JOB": [escaped(job.id) for _, job in newest],
        "USER": [one_line(job.user, 40) for _, job in newest],
        "PROJECT": [one_line(project, 40) for project, _ in newest],
    }
    yield from _table(cells, look, {"STATE": [_COLOURS[job.status_class] for _, job in newest]})
