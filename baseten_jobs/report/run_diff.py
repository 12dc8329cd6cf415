"""What differs between two runs -> both side by side, and a line for each field and file that differs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from baseten_jobs.phrases import Page, columns, count, cut, escaped, one_line, padded, page
from baseten_jobs.planning.diff import FILE, Change
from baseten_jobs.planning.records.between import Between
from baseten_jobs.planning.records.line_changes import LineChange
from baseten_jobs.planning.records.run import Run
from baseten_jobs.report import run_cells
from baseten_jobs.report.style import PLAIN, Look
from baseten_jobs.report.text import change_line

_FILES = 20
_GAP = "  "
_LEAST = 12
_UNLIMITED = 10_000
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def run_diff(pair: tuple[Run, Run], between: Between, look: Look = PLAIN) -> Page:
    """The facts of both in two columns, then the fields of the specs, then the files of the code."""
    lines = list(_side_by_side(_facts(pair), look))
    spec = look.shown(between.spec)
    lines += ["", *_section("spec", spec, {}, look)]
    if between.code or _have_code(pair):
        lines += ["", *_section("code", between.code, between.lines, look)]
        lines += [] if look.verbose else _how_to_see_more(between)
    if between.untold:
        lines += ["", *(look.paint(f"not compared: {one_line(each, 300)}", "yellow") for each in between.untold)]
    return page(lines)


def _have_code(pair: tuple[Run, Run]) -> bool:
    return any(run.commit and run.commit.written.workspace for run in pair)


def _facts(pair: tuple[Run, Run]) -> Iterator[tuple[str, str, str]]:
    def both(name: str, one: str, other: str) -> tuple[str, str, str]:
        return name, one_line(one, 200), one_line(other, 200)

    a, b = pair
    yield both("", a.run_name, b.run_name)
    yield both("job", a.job.id, b.job.id)
    if a.project != b.project:
        yield both("project", a.project, b.project)
    yield both("state", a.state, b.state)
    yield both("started", run_cells.minute(a.started), run_cells.minute(b.started))
    yield both("ran", run_cells.time(a.seconds), run_cells.time(b.seconds))
    yield both("gpus", run_cells.gpus(a.job), run_cells.gpus(b.job))
    yield both("cost", run_cells.usd(a.usd), run_cells.usd(b.usd))
    yield both("user", a.job.user, b.job.user)
    yield both("commit", run_cells.commit(a) or "not in git", run_cells.commit(b) or "not in git")
    yield both("author", run_cells.author(a), run_cells.author(b))
    yield both("subject", run_cells.subject(a), run_cells.subject(b))
    yield both("error", a.job.error_message or "", b.job.error_message or "")


def _side_by_side(facts: Iterable[tuple[str, str, str]], look: Look) -> Iterator[str]:
    """Two columns, each cut to half of the terminal."""
    rows = [row for row in facts if row[1] or row[2]]
    head = max(len(row[0]) for row in rows)
    most = (look.width - head - 2 * len(_GAP)) // 2 if look.width else _UNLIMITED
    width = min(max(columns(row[1]) for row in rows), max(most, _LEAST))
    for name, one, other in rows:
        left, right = (escaped(cut(text, max(most, _LEAST))) for text in (one, other))
        yield _GAP.join((look.paint(padded(name, head), "bright_black"), padded(left, width), right)).rstrip()


def _section(what: str, changes: Sequence[Change], lines: Mapping[str, LineChange], look: Look) -> Iterator[str]:
    if not changes:
        yield f"{what}: the same"
        return
    noun = "file" if what == "code" else "field"
    yield f"{what}: {count(len(changes), noun)} {'differs' if len(changes) == 1 else 'differ'}"
    shown = changes if look.verbose or what != "code" else changes[:_FILES]
    for change in shown:
        if not change.field.startswith(FILE):
            yield f"  {change_line(change, look.paint)}"
            continue
        by_line = lines.get(change.field)
        yield f"  {_file(change, look)}" + (f"  +{by_line.added} -{by_line.removed}" if by_line else "")
        if look.verbose and by_line:
            yield from (f"    {_line(line, look)}" for line in by_line.lines)
    if len(shown) < len(changes):
        yield f"  {count(len(changes) - len(shown), 'more file')}; -v tells all"


def _file(change: Change, look: Look) -> str:
    path = change.field.removeprefix(FILE)
    if change.old is None:
        return look.paint(f"+ {path}", "green")
    if change.new is None:
        return look.paint(f"- {path}", "red")
    return look.paint(f"~ {path}", "yellow")


def _line(line: str, look: Look) -> str:
    return look.paint(one_line(line, 400), _COLOURS.get(line[:1], ""))


def _how_to_see_more(between: Between) -> Iterator[str]:
    if between.lines:
        yield "  -v shows the lines"
