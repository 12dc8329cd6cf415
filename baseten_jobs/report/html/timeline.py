"""Runs -> a lane of bars for each manifest, over time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from baseten_jobs.job.observation import StatusClass
from baseten_jobs.phrases import count
from baseten_jobs.planning.records.run import Run
from baseten_jobs.report import run_cells
from baseten_jobs.report.html.elements import percent, shape, tag, text

_LANES = 30
"""As many are shown at once; further ones on demand."""

_TRACKS = 6
"""Bars one below the other for runs of one manifest at one time; any more share the last track."""

_BAR, _STEP = 12, 16
_STEPS = (
    (timedelta(hours=1), "%H:%M"), (timedelta(hours=3), "%H:%M"), (timedelta(hours=12), "%b %d, %H:%M"),
    (timedelta(days=1), "%b %d"), (timedelta(days=2), "%b %d"), (timedelta(weeks=1), "%b %d"),
    (timedelta(weeks=2), "%b %d"), (timedelta(weeks=4), "%b %d"), (timedelta(weeks=13), "%Y %b"),
    (timedelta(weeks=52), "%Y %b"),
)  # fmt: skip
_TICKS = 7

STATES: Mapping[StatusClass, tuple[str, str, str]] = {
    StatusClass.LIVE: ("live", "●", "live"),
    StatusClass.DONE: ("done", "✓", "completed"),
    StatusClass.FAILED: ("failed", "✕", "failed"),
    StatusClass.STOPPED: ("stopped", "■", "stopped"),
    StatusClass.INTERRUPTED: ("interrupted", "↯", "preempted"),
}
"""The class, the sign and the name of a state."""


@dataclass(frozen=True)
class _Span:
    start: float
    end: float

    def at(self, seconds: float) -> str:
        return percent(min(max(seconds - self.start, 0.0), self.length), self.length)

    @property
    def length(self) -> float:
        return self.end - self.start


def timeline(runs: Sequence[Run], numbers: Mapping[str, int], now: float) -> str:
    """The lanes, that of the newest run first; `numbers` are those of the table's rows by job id."""
    timed = [(run, run.started) for run in runs if run.started is not None]
    if not timed:
        return tag("p", "No run with a time.", class_="empty")
    start = min(started for _, started in timed)
    end = max(max(_end(run, now) for run, _ in timed), start + 3600)
    span = _Span(start - (end - start) * 0.01, end + (end - start) * 0.01)
    lanes: dict[tuple[str, str], list[Run]] = {}
    for run, _ in timed:
        lanes.setdefault(run.manifest, []).append(run)
    ticks = tuple(_ticks(span))
    grid = "".join(shape("line", x1=x, x2=x, y1=0, y2="100%") for x, _ in ticks)
    drawn = [_lane(each, numbers, span, now, grid) for each in lanes.values()]
    more = ""
    if len(drawn) > _LANES:
        inside = tag("ul", "\n".join(drawn[_LANES:]), class_="lanes")
        more = tag("details", tag("summary", f"{count(len(drawn) - _LANES, 'more manifest')}") + inside)
    marks = "".join(_mark(*tick) for tick in ticks)
    axis = tag("div", tag("svg", marks, height=18, aria_hidden="true"), class_="axis")
    return f"{_legend()}\n{axis}\n{tag('ul', chr(10).join(drawn[:_LANES]), class_='lanes')}\n{more}"


def _mark(x: str, label: str) -> str:
    place = float(x.rstrip("%"))
    anchor = "start" if place < 10 else "end" if place > 88 else "middle"
    return tag("text", text(label), x=x, y=13, text_anchor=anchor)


def _legend() -> str:
    items = (
        tag("li", f"{tag('span', sign, class_=f's {name}', aria_hidden='true')} {said}")
        for name, sign, said in STATES.values()
    )
    return tag("ul", "".join(items), class_="legend", aria_label="What the colours mean")


def _end(run: Run, now: float) -> float:
    return max(run.started or 0.0, now if run.job.live else run.ended or now)


def _lane(runs: Sequence[Run], numbers: Mapping[str, int], span: _Span, now: float, grid: str) -> str:
    ends: list[float] = []
    bars = []
    for run in reversed(runs):
        start, end = run.started or 0.0, _end(run, now)
        track = next((number for number, until in enumerate(ends) if until <= start), len(ends))
        track = min(track, _TRACKS - 1)
        ends[track:] = [max((end, *ends[track : track + 1])), *ends[track + 1 :]]
        bars.append(_bar(run, numbers[run.job.id], span, end, 3 + track * _STEP))
    name = tag("a", text(runs[0].name), href="#runs", data_find=runs[0].name)
    told = tag("span", text(count(len(runs), "run")), class_="dim")
    height = 2 + len(ends) * _STEP
    drawing = tag("svg", tag("g", grid, class_="grid") + "".join(bars), height=height, aria_hidden="true")
    return tag("li", f"{tag('div', f'{name} {told}', class_='lane-name')}{drawing}")


def _bar(run: Run, number: int, span: _Span, end: float, y: int) -> str:
    name, _, _ = STATES[run.job.status_class]
    start = run.started or 0.0
    label = f"{run.run_name} · {run.state} · {run_cells.minute(run.started)} · {run_cells.time(run.seconds)} · "
    label += f"{run_cells.gpus(run.job)} · {run_cells.usd(run.usd)}"
    return tag(
        "rect", tag("title", text(label, 300)), class_=f"b {name}", x=span.at(start), y=y, height=_BAR, rx=2,
        width=percent(max(end - start, 0.0), span.length), data_run=number,
    )  # fmt: skip


def _ticks(span: _Span) -> Iterator[tuple[str, str]]:
    step, form = next((each for each in _STEPS if span.length / each[0].total_seconds() <= _TICKS), _STEPS[-1])
    try:
        at = datetime.fromtimestamp(span.start, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        if step >= timedelta(weeks=1):
            at -= timedelta(days=at.weekday())
        for _ in range(1000):
            seconds = at.timestamp()
            if seconds > span.end:
                return
            if seconds >= span.start:
                yield span.at(seconds), f"{at:{form}}"
            at += step
    except (ValueError, OverflowError, OSError):
        return
