"""Runs -> the rows of the page's table, each with what changed since the run before."""

from collections.abc import Iterator, Mapping
from itertools import islice

from baseten_jobs.phrases import one_line
from baseten_jobs.planning.diff import FILE, Change
from baseten_jobs.planning.records.record import Record, Step
from baseten_jobs.planning.records.run import Figure, Run
from baseten_jobs.report import run_cells
from baseten_jobs.report.html.elements import tag, text
from baseten_jobs.report.html.timeline import STATES
from baseten_jobs.report.style import Look
from baseten_jobs.report.word_diff import reordered, told

HEADS = ("Started", "Run", "State", "Ran", "GPUs", "Cost", "Commit", "Changed since the run before")
LABELS = {HEADS[-1]: "Changes"}
"""What a column is called beside its cell, where there is little room."""

SORTED = frozenset(HEADS[:6])
"""By these columns the table can be sorted."""

_MOST, _AT_ONCE = 30, 3
"""Changes of one run that are listed, and those of them that are shown without a click."""


def rows(record: Record, numbers: Mapping[str, int], look: Look) -> Iterator[str]:
    """Cells name their column, since on a narrow screen each row is a card of its own."""
    for run in record.runs:
        name, sign, _ = STATES[run.job.status_class]
        chip = tag("span", f"{tag('span', sign, aria_hidden='true')} {text(run.state, 24)}", class_=f"chip {name}")
        cells = (
            (_moment(run.started), run.started or 0),
            (_what(run, look), run.name),
            (chip, run.state),
            (text(run_cells.time(run.seconds)), _key(run.seconds)),
            (text(run_cells.gpus(run.job), 24), run.job.gpus or 0),
            (text(run_cells.usd(run.usd)), _key(run.usd)),
            (_commit(run), None),
            (_changed(run, record.steps.get(run.job.id), numbers, look), None),
        )
        drawn = "".join(
            tag(
                "td",
                tag("div", html),
                role="cell",
                data_label=LABELS.get(head, head),
                data_v=None if key is None else f"{key}",
                class_=_of(head),
            )
            for head, (html, key) in zip(HEADS, cells, strict=True)
        )
        yield tag("tr", drawn, role="row", id=f"run-{numbers[run.job.id]}", data_state=name, tabindex="-1")


def _of(head: str) -> str | None:
    return "n" if head in ("Ran", "Cost") else None


def _key(figure: Figure) -> float:
    return -1.0 if figure.value is None else round(figure.value, 2)


def _moment(seconds: float | None) -> str:
    if seconds is None:
        return "not known"
    return tag("time", text(run_cells.minute(seconds)), datetime=run_cells.instant(seconds))


def _what(run: Run, look: Look) -> str:
    again = f" {tag('span', text(run_cells.again(run)), class_='again')}" if run_cells.again(run) else ""
    facts = " · ".join(filter(None, (text(run.project, 60), text(run.job.user, 60))))
    ids = f"{tag('code', text(run.identity.digest))} · job {tag('code', text(run.job.id, 40))}"
    error = run_cells.error(run, look)
    failure = tag("p", text(error, 300), class_="error") if error else ""
    return f'<strong>{text(run.name)}</strong>{again}<p class="dim">{facts}<br>{ids}</p>{failure}'


def _commit(run: Run) -> str:
    if run.commit is None:
        return tag("span", "not in git", class_="dim")
    by = f"{tag('code', run_cells.commit(run))} {text(run_cells.author(run), 40)}"
    return f'{text(run_cells.subject(run), 120)}<p class="dim">{by}</p>'


def _changed(run: Run, step: Step | None, numbers: Mapping[str, int], look: Look) -> str:
    if step is None:
        return tag("span", "first run here", class_="dim")
    before, between = step.before, step.between
    link = tag("a", text(run_cells.minute(before.started) or before.run_name), href=f"#run-{numbers[before.job.id]}")
    if between.untold:
        return f"{text('; '.join(between.untold), 200)}"
    spec, code = look.shown(between.spec), between.code
    if not spec and not code:
        same = "a retry" if run.retry > before.retry and run.identity == before.identity else "the same spec"
        return f"{tag('span', same, class_='dim')} {tag('span', f'as {link}', class_='dim')}"
    lines = [tag("li", _change(each)) for each in islice((*spec, *code), _MOST)]
    left = len(spec) + len(code) - len(lines)
    lines += [tag("li", f"and {left} more")] if left else []
    first, rest = lines[:_AT_ONCE], lines[_AT_ONCE:]
    listed = f'<p class="dim">since {link}</p>{tag("ul", "".join(first), class_="changes")}'
    if not rest:
        return listed
    more = tag("summary", f"{len(rest) - bool(left) + left} more")
    return f"{listed}{tag('details', more + tag('ul', ''.join(rest), class_='changes'))}"


def _change(change: Change) -> str:
    if change.field.startswith(FILE):
        verb = "added" if change.old is None else "removed" if change.new is None else "changed"
        return f"{tag('code', text(change.field.removeprefix(FILE), 120))} {verb}"
    field = tag("code", text(change.field, 120))
    if change.moved:
        return f"{field} {text(reordered(change))}"
    if change.old == change.new:
        return f"{field} another value, not shown"
    old, new = (one_line(told(value), 160) for value in (change.old, change.new))
    return f"{field} {tag('del', text(old))} {tag('span', '→', aria_hidden='true')} {tag('ins', text(new))}"
