"""Runs -> what was spent in each week, as bars and as a table."""

from collections.abc import Sequence
from datetime import timedelta

from baseten_jobs.phrases import count
from baseten_jobs.planning.records.run import Run
from baseten_jobs.planning.records.sums import Sum, begin_of, by_week, week_of
from baseten_jobs.report import run_cells
from baseten_jobs.report.html.elements import percent, shape, table, tag, text

_HEIGHT = 150
_TOP, _LABELS = 20, 22
_MOST = 104
"""Weeks that are drawn: two years."""

_MARKED = 6
_SLOTS = 10
"""The chart has room for so many weeks at least."""


def spending(runs: Sequence[Run]) -> str:
    """A bar for each week from the first to the last, and the numbers below."""
    sums = by_week(runs)
    if not sums:
        return tag("p", "Nothing was spent.", class_="empty")
    weeks = _gapless(sums)[-_MOST:]
    most = max((each.usd.value or 0.0 for _, each in weeks if each), default=0.0)
    drawn = "".join(_bar(number, len(weeks), week, each, most) for number, (week, each) in enumerate(weeks))
    base = shape("line", class_="base", x1=0, x2="100%", y1=_TOP + _HEIGHT, y2=_TOP + _HEIGHT)
    chart = tag("svg", base + drawn, class_="weeks", height=_TOP + _HEIGHT + _LABELS, aria_hidden="true")
    rows = (
        (text(each.key), text(run_cells.usd(each.usd)), str(each.runs), text(run_cells.hours(each.gpu_hours)))
        for each in sums
    )
    numbers = table("Spend per week", ("Week", "Cost", "Runs", "GPU hours"), rows)
    return f"{_legend(sums)}{chart}\n{tag('details', tag('summary', 'The numbers') + numbers)}"


def _legend(sums: Sequence[Sum]) -> str:
    if all(each.usd.exact for each in sums):
        return ""
    items = (("w", "billed"), ("w bound", "at most, beyond that"))
    swatches = (
        tag(
            "li",
            tag("svg", shape("rect", class_=name, width=10, height=10), height=10, aria_hidden="true") + f" {said}",
        )
        for name, said in items
    )
    return tag("ul", "".join(swatches), class_="legend", aria_label="What the colours mean")


def _gapless(sums: Sequence[Sum]) -> list[tuple[str, Sum | None]]:
    """Every week from the first to the last, with its sum where it has one."""
    known = {each.key: each for each in sums}
    day, last = begin_of(sums[-1].key), begin_of(sums[0].key)
    found: list[tuple[str, Sum | None]] = []
    while day <= last and len(found) < 10_000:
        week = week_of(day.isoformat())
        found.append((week, known.get(week)))
        day += timedelta(weeks=1)
    return found


def _bar(number: int, weeks: int, week: str, each: Sum | None, most: float) -> str:
    slot = 100 / max(weeks, _SLOTS)
    middle = f"{slot * (number + 0.5):.2f}%"
    every = -(-weeks // _MARKED)
    drawn = ""
    if (weeks - 1 - number) % every == 0:
        begin = begin_of(week)
        drawn += tag("text", f"{begin:%b} {begin.day}", x=middle, y=_TOP + _HEIGHT + 16, text_anchor="middle")
    usd = each.usd.value if each else None
    if each is None or not usd or not most:
        return drawn
    height = max(2.0, _HEIGHT * usd / most)
    top = _TOP + _HEIGHT - height
    billed = height * min(each.billed / usd, 1.0)
    place = {"x": f"{slot * (number + 0.12):.2f}%", "width": percent(slot * 0.76, 100)}
    label = tag("title", text(f"{week}: {run_cells.usd(each.usd)}, {count(each.runs, 'run')}"))
    drawn += tag("rect", label, class_="w bound", y=f"{top:.1f}", height=f"{height:.1f}", **place)
    drawn += tag("rect", label, class_="w", y=f"{top + height - billed:.1f}", height=f"{billed:.1f}", **place)
    if weeks <= 8 or usd == most:
        above = f"{top - 5:.1f}"
        drawn += tag("text", text(_short(usd, each.usd.exact)), class_="v", x=middle, y=above, text_anchor="middle")
    return drawn


def _short(usd: float, exact: bool) -> str:
    """`$12`, `$3.4k`."""
    told = f"${usd / 1000:.1f}k" if usd >= 1000 else f"${usd:.0f}"
    return told if exact else run_cells.AT_MOST + told
