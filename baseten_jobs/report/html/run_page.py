"""Runs -> one HTML page that opens from disk: what was spent, when runs ran, and each beside the one before."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

from baseten_jobs.phrases import Page, count
from baseten_jobs.planning.records.record import Record, Telling
from baseten_jobs.planning.records.run import Run
from baseten_jobs.planning.records.sums import summed, total
from baseten_jobs.report import run_cells
from baseten_jobs.report.html import run_rows, timeline, weeks
from baseten_jobs.report.html.elements import table, tag, text
from baseten_jobs.report.html.timeline import STATES
from baseten_jobs.report.style import PLAIN, Look

_SUMMED = ("manifest", "author", "project")
_SUMS = 8
"""Lines of each table of sums that are shown at once."""

_ICON = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"


def runs(record: Record, telling: Telling, look: Look = PLAIN) -> Page:
    """The page; it asks for nothing, and runs no script but its own, which only sorts and filters."""
    numbers = {run.job.id: number for number, run in enumerate(record.runs, 1)}
    title = f"Runs of {record.title}" if record.title else "Runs"
    style, script = _file("page.css"), _file("page.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    sections = (
        tag("section", _tiles(record), aria_label="In all", class_="tiles"),
        _section("spend", "Spend per week", weeks.spending(record.runs)),
        _section("sums", "Where it went", _sums(record.runs, telling)),
        _section("time", "Timeline", timeline.timeline(record.runs, numbers, record.now)),
        _section("runs", "All runs", _table(record, numbers, look)),
    )
    lines = (
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        '<meta name="referrer" content="no-referrer">',
        f'<link rel="icon" href="{_ICON}">',
        tag("title", text(title)),
        f"<style>{style}</style>",
        "</head>",
        "<body>",
        '<a class="skip" href="#runs">Skip to the table</a>',
        tag("header", f"{tag('h1', text(title))}{tag('p', _when(record), class_='dim')}{_notes(record)}"),
        tag("main", "\n" + "\n".join(sections) + "\n"),
        f"<script>{script}</script>",
        "</body>",
        "</html>",
    )
    return Page("\n".join(lines))


@cache
def _file(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    """What the page's policy lets through is just this content (CSP level 3)."""
    return f"sha256-{b64encode(sha256(content.encode()).digest()).decode()}"


def _section(name: str, heading: str, content: str) -> str:
    return tag(
        "section", f"{tag('h2', heading, id=f'{name}-head')}\n{content}\n", id=name, aria_labelledby=f"{name}-head"
    )


def _when(record: Record) -> str:
    since = f", those that lived since {run_cells.minute(record.since)}" if record.since is not None else ""
    return text(f"As of {run_cells.minute(record.now)} UTC{since}. All times are in UTC.")


def _notes(record: Record) -> str:
    notes = list(record.notes)
    if any(not run.usd.exact for run in record.runs):
        notes.append("≤ marks what runs cost at most: the time since they were created at the price of their machines.")
    if any(run.usd.value is None for run in record.runs):
        notes.append("+ ? marks a sum without the runs whose cost is not known.")
    if jobs := record.others.jobs:
        live = f" ({record.others.live} live)" if record.others.live else ""
        notes.append(f"{count(len(jobs), 'job')}{live} in the same projects, without a manifest in git, not counted.")
    return tag("ul", "".join(tag("li", text(note, 400)) for note in notes), class_="notes") if notes else ""


def _tiles(record: Record) -> str:
    whole = total(record.runs)
    failed = sum(STATES[run.job.status_class][0] == "failed" for run in record.runs)
    facts = (
        ("Cost", run_cells.usd(whole.usd)),
        ("Runs", f"{whole.runs:,}"),
        ("Live now", f"{whole.live:,}"),
        ("Failed", f"{failed:,}"),
        ("GPU hours", run_cells.hours(whole.gpu_hours)),
    )
    return tag("dl", "".join(tag("div", f"{tag('dt', name)}{tag('dd', text(value))}") for name, value in facts))


def _sums(runs: Sequence[Run], telling: Telling) -> str:
    kinds = dict.fromkeys((telling.by, *_SUMMED) if telling.by in _SUMMED else _SUMMED)
    return tag("div", "\n".join(_sum(runs, by) for by in kinds), class_="sums")


def _sum(runs: Sequence[Run], by: str) -> str:
    sums = summed(runs, by)
    rows = [
        (text(each.key, 60), text(run_cells.usd(each.usd)), f"{each.runs:,}", text(run_cells.hours(each.gpu_hours)))
        for each in sums
    ]
    heads = (by.capitalize(), "Cost", "Runs", "GPU hours")
    shown = table(f"By {by}", heads, rows[:_SUMS])
    if len(rows) > _SUMS:
        rest = table(f"By {by}, further ones", heads, rows[_SUMS:])
        shown += tag("details", tag("summary", f"{len(rows) - _SUMS} more") + rest)
    return tag("div", shown)


def _table(record: Record, numbers: dict[str, int], look: Look) -> str:
    heads = "".join(_head(name) for name in run_rows.HEADS)
    head = tag("thead", tag("tr", heads, role="row"), role="rowgroup")
    body = tag("tbody", "\n".join(run_rows.rows(record, numbers, look)), role="rowgroup")
    drawn = tag("table", f"{head}\n{body}", role="table", aria_labelledby="runs-head", class_="runs")
    return f"{''.join(_filters(record))}\n{drawn}"


def _head(name: str) -> str:
    sorts = name in run_rows.SORTED
    inside = tag("button", name, type="button") if sorts else name
    order = "descending" if name == run_rows.HEADS[0] else None
    return tag("th", inside, role="columnheader", scope="col", aria_sort=order, data_sorts="" if sorts else None)


def _filters(record: Record) -> Iterator[str]:
    """Shown by the script, as they do nothing without it."""
    states = dict.fromkeys(STATES[run.job.status_class] for run in record.runs)
    options = tag("option", "any", value="") + "".join(tag("option", said, value=name) for name, _, said in states)
    find = f'{tag("label", "Find", for_="find")}<input id="find" type="search" autocomplete="off" spellcheck="false">'
    state = f"{tag('label', 'State', for_='state')}{tag('select', options, id='state')}"
    shown = tag("output", text(count(len(record.runs), "run")), id="shown", for_="find state")
    yield tag("div", f"<div>{find}</div><div>{state}</div>{shown}", class_="filters", hidden="", role="search")
