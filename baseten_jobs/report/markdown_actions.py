"""The actions of a plan -> rows of the table that a reviewer reads first: what happens, to what, why, and its cost."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from baseten_jobs.job.cost import Bill, Cost, usd_of
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.phrases import count, listed, one_line
from baseten_jobs.planning.capacity import Start
from baseten_jobs.planning.plan import Action, Beside, Plan, Verb
from baseten_jobs.provider.dashboard import page_of
from baseten_jobs.report import limits, text
from baseten_jobs.report.brief_changes import FEW, brief, brief_of_cells, brief_of_new
from baseten_jobs.report.cells import Sweep, by_matrix, values
from baseten_jobs.report.headline import short_price, size_of_run
from baseten_jobs.report.markdown_escape import code, linked, prose
from baseten_jobs.report.shared_changes import SharedChanges
from baseten_jobs.report.style import Look

HEAD = ("", "job", "what changes", "GPUs", "cost")

_LABELS = {
    Verb.SUBMIT: "**start**",
    Verb.STOP: "**stop**",
    Verb.UPDATE: "**update**",
    Verb.HOLD: "**held**",
    Verb.KEEP: "keep",
}
_ORDER = (Verb.SUBMIT, Verb.STOP, Verb.UPDATE, Verb.HOLD, Verb.KEEP)
_STARTS = {Start.NOW: "starts now", Start.QUEUES: "queues"}
_OF_CELLS = {Start.NOW: "start now", Start.QUEUES: "queue"}

_MANY = 60
"""Rows from which each tells one change alone, so that all of them fit."""

_SEVERAL = 3
"""Jobs from which a row is shared, and how many of them it names."""

Row = tuple[str, str, str, str, str]


def rows(made: Plan, look: Look, shared: SharedChanges) -> tuple[Row, ...]:
    """What is done, each stop below its start, then what is held back; then what runs on, and keeps with a warning."""
    told: list[tuple[int, Row, bool]] = []
    few = FEW if sum(made.summary[verb.value] for verb in _ORDER[:4]) <= _MANY else 1
    for sweep, actions in by_matrix(made.actions, lambda action: action.request):
        shown = [action for action in actions if action.verb is not Verb.KEEP or action.cautions]
        if sweep is None:
            told += [(_place(action), _row(action, look, shared, few), _is_shared(action, shared)) for action in shown]
        else:
            for cells in _alike(shown):
                alone = len(cells) == 1
                row = _row(cells[0], look, shared, few) if alone else _cells(sweep, cells, look)
                told.append((_place(cells[0]), row, False))
    told += [(3, _beside(run, action, look), True) for run, action in _running(made)]
    return tuple(_together([(row, alike) for _, row, alike in sorted(told, key=lambda item: item[0])]))


def _is_shared(action: Action, shared: SharedChanges) -> bool:
    """True if a job starts for nothing but an edit of Defaults, which is told once, and nothing is stopped for it."""
    stops = bool(action.superseded) and not action.beside
    return action.verb is Verb.SUBMIT and bool(action.changes) and not (shared.own(action) or stops)


def _together(found: Sequence[tuple[Row, bool]]) -> Iterator[Row]:
    """Each row; of those that may be shared and say the same of three jobs or more, one."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for (label, job, *rest), may_share in found:
        alike.setdefault((label, "" if may_share else job, *rest), []).append(job)
    for (label, _, what, size, cost), jobs in alike.items():
        if len(jobs) < _SEVERAL:
            yield from ((label, job, what, size, cost) for job in jobs)
            continue
        more = f" and {len(jobs) - _SEVERAL} more" if len(jobs) > _SEVERAL else ""
        named = f"{', '.join(jobs[:_SEVERAL])}{more}"
        yield label, named, what, f"{len(jobs)} times {size}" if size else "", f"{cost}, each" if cost else ""


def _place(action: Action) -> int:
    """Starts and stops first, in the plan's order; then updates, holds, what runs on, and what is kept."""
    return {Verb.SUBMIT: 0, Verb.STOP: 0, Verb.UPDATE: 1, Verb.HOLD: 2, Verb.KEEP: 4}[action.verb]


def _alike(actions: Sequence[Action]) -> Iterator[Sequence[Action]]:
    """The actions of one matrix, those with one label together."""
    ordered = sorted(actions, key=lambda action: (_ORDER.index(action.verb), _label(action)))
    return (tuple(group) for _, group in groupby(ordered, _label))


def _row(action: Action, look: Look, shared: SharedChanges, few: int) -> Row:
    return _label(action), _job(action, look), _what(action, look, shared, few), _size(action), _cost(action)


def _label(action: Action) -> str:
    return "**waits**" if action.submits_later else "**retry**" if _retried(action) else _LABELS[action.verb]


def _retried(action: Action) -> bool:
    return action.verb is Verb.SUBMIT and action.retry is not None


def _job(action: Action, look: Look) -> str:
    name = code(action.request.name, 80)
    return name if action.verb is Verb.SUBMIT or action.job is None else f"{name}, {_linked(action.job, look)}"


def _linked(job: ObservedJob, look: Look) -> str:
    return f"job {linked(one_line(job.id, 60), page_of(look.dashboard, job.project_id, job.id))}"


def _what(action: Action, look: Look, shared: SharedChanges, few: int) -> str:
    own = brief(shared.own(action), look, few)
    elsewhere = [prose(told.replace(" below", " above"), 200)] if (told := shared.told_elsewhere(action)) else []
    reason = [] if _is_told(action) else [_reason(action)]
    if action.verb is Verb.SUBMIT and action.history and not action.changes:
        reason.append(prose(action.history, 200))
    if action.reason == "new":
        reason.append(brief_of_new(action.request, look))
    given = count(len(action.request.overrides), "field")
    sets = [f"{given} set by <code>--set</code>"] if action.request.overrides else []
    outside = [f"**{prose(taken, 200)}**"] if (taken := text.from_outside(action)) else []
    return " · ".join(filter(None, (*reason, own, *elsewhere, *sets, *outside)))


def _reason(action: Action) -> str:
    if action.follows_a_submit and action.reason.startswith("superseded by"):
        return prose("the run before: `policy.on_change: stop`")
    return prose(action.reason, 200)


def _is_told(action: Action) -> bool:
    """True if the reason says only that the changes, which are told, are there."""
    if action.verb is Verb.UPDATE:
        return bool(action.changes)
    return action.verb is Verb.SUBMIT and bool(action.changes) and action.reason.startswith("changed")


def _size(action: Action) -> str:
    if action.verb is Verb.STOP:
        return prose(size_of_run(action.job)) if action.job else ""
    if action.cost and (action.cost.gpus or action.cost.cpus):
        return prose(action.cost.formula.removeprefix("1 x "))
    return count(action.request.gpus, "GPU") if action.request.gpus else ""


def _cost(action: Action) -> str:
    usd = usd_of(action.cost)
    price = [] if usd is None else [f"saves {short_price(usd)}" if action.verb is Verb.STOP else short_price(usd)]
    starts = [_STARTS[action.starts]] if action.starts else []
    most = limits.at_most(action) if action.verb is Verb.SUBMIT else []
    return prose(", ".join((*price, *starts, *most)))


def _cells(sweep: Sweep, cells: Sequence[Action], look: Look) -> Row:
    """One row for all cells of a matrix to which the same happens."""
    of_all = "" if len(cells) == sweep.cells else f" of {sweep.cells}"
    new = sum(action.reason == "new" for action in cells)
    changed = brief_of_cells([action.changes for action in cells if action.changes], look)
    reasons = dict.fromkeys(prose(each.reason, 120) for each in cells if each.reason != "new" and not _is_told(each))
    more = f"and {len(reasons) - 2} more" if len(reasons) > 2 else ""
    told = (f"{new} new" if new else "", _where(sweep, cells), changed, *list(reasons)[:2], more)
    bill = Bill(tuple((action.job_name, action.cost or Cost.unknown(1)) for action in cells))
    usd = "" if bill.unpriced else short_price(bill.priced)
    saves = "saves " if usd and cells[0].verb is Verb.STOP else ""
    alike = dict.fromkeys(map(_size, cells))
    size = next(iter(alike)) if len(alike) == 1 else prose(bill.formula)
    counted = Counter(each.starts for each in cells)
    starts = [f"{counted[start]} {words}" for start, words in _OF_CELLS.items() if counted[start]]
    each = f"{len(cells)} times {size}" if size and len(alike) == 1 else size
    return (
        _label(cells[0]),
        f"{code(sweep.place, 120)}, {len(cells)}{of_all} cells",
        " · ".join(filter(None, told)),
        each,
        prose(", ".join(filter(None, (saves + usd, *starts)))),
    )


def _where(sweep: Sweep, cells: Sequence[Action]) -> str:
    """The values that these cells have on each axis; empty for all cells of a matrix."""
    if len(cells) == sweep.cells:
        return ""
    columns = zip(*(values(each.request, sweep.axes) for each in cells), strict=True)
    return " · ".join(
        f"{code(axis, 40)} {prose(listed(tuple(dict.fromkeys(filter(None, found))), 3), 100)}"
        for axis, found in zip(sweep.axes[:3], columns, strict=False)
    )


def _running(made: Plan) -> Iterator[tuple[Beside, Action]]:
    """The runs that go on beside what starts, each once."""
    of = {run.job.id: (run, action) for action in made.of(Verb.SUBMIT) for run in action.beside}
    return iter(of.values())


def _beside(run: Beside, action: Action, look: Look) -> Row:
    name = code(action.request.name, 80)
    before = "the run before"
    if action.previous is not None:
        before += f", of commit {prose(action.previous.commit[: text.COMMIT])}"
    usd = usd_of(run.cost)
    price = "" if usd is None else prose(short_price(usd))
    return (
        "waits" if run.job.pending else "runs on",
        f"{name}, {_linked(run.job, look)}",
        before + prose(run.remedy),
        prose(size_of_run(run.job)),
        price,
    )
