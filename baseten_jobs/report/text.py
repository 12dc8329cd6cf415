"""Values of every kind -> text for a person, on a terminal or in a log."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from baseten_jobs.applying.outcome import Applied, Fate, Outcome
from baseten_jobs.git.log import Revision
from baseten_jobs.job.cost import per_hour, usd_of
from baseten_jobs.job.identity import SHOWN
from baseten_jobs.job.names import without_letters
from baseten_jobs.job.observation import short
from baseten_jobs.job.request import JobRequest
from baseten_jobs.phrases import Page, count, document, one_line, page, prose
from baseten_jobs.planning.capacity import Start
from baseten_jobs.planning.diff import FILE, Change
from baseten_jobs.planning.plan import Action, Orphan, Plan, Verb
from baseten_jobs.report import file_list, limits, projects, stages
from baseten_jobs.report.cells import by_matrix
from baseten_jobs.report.headline import left_running, size_of_run
from baseten_jobs.report.new_job import parts_of_new
from baseten_jobs.report.shared_changes import SharedChange, SharedChanges
from baseten_jobs.report.status_table import status as status
from baseten_jobs.report.status_table import waited as waited
from baseten_jobs.report.style import PLAIN, Look, Paint
from baseten_jobs.report.word_diff import Mark, briefly, reads_better_by_words, told, word_diff

SIGNS = {
    Verb.SUBMIT: ("+", "green"),
    Verb.UPDATE: ("~", "yellow"),
    Verb.STOP: ("-", "red"),
    Verb.KEEP: ("=", ""),
    Verb.HOLD: ("!", "yellow"),
}
COMMIT = 10
"""Hex digits of a commit that a person reads."""

FILES = 20
"""How many changed files of a workspace are listed for one action."""

_INDENT = " " * 11
_STARTS = {Start.NOW: "starts now", Start.QUEUES: "queues"}
_COLOURS = {Fate.FAILED: "red", Fate.UNKNOWN: "red", Fate.SUBMITTED: "green", Fate.ADOPTED: "green"}


def requests(compiled: Iterable[JobRequest], look: Look = PLAIN) -> Page:
    """Each request body, below a line with its manifest and its job's name."""
    lines: list[str] = []
    for r in compiled:
        outside = f", {told_of}" if (told_of := file_list.from_outside(r.content)) else ""
        whose = f"{r.job_name} in {one_line(str(r.project))} (digest {r.digest[:SHOWN]})"
        lines.append(f"# {place(r)}: {whose}{outside}")
        lines += [f"# {stages.stand_in(r)}"] if r.upstreams else []
        lines += [f"# {override(change)}" for change in look.overrides(r)]
        lines += [f"# {line}" for line in file_list.lines(r.content, look)]
        lines.append(document(r.body))
    return page(lines)


def plan(made: Plan, look: Look = PLAIN) -> Page:
    paint, lines, shared = look.paint, [], SharedChanges(made.actions)
    for sweep, actions in by_matrix(made.actions, lambda action: action.request):
        told = [action for action in actions if look.verbose or not is_quiet(action)]
        inset = "" if sweep is None else "  "
        lines += [f"  # {sweep}"] if sweep and told else []
        lines += [f"{inset}{line}" for action in told for line in _action(action, look, shared)]
    lines += _unchanged(made.actions) if not look.verbose else []
    lines += [line for each in shared for line in _shared(each, look)]
    orphans = left_running(made)
    for orphan in orphans:
        lines += _orphan(orphan, paint)
    lines += [f"  {sentence}" for sentence in projects.created(made)]
    lines += [paint(f"  warning: {sentence}", "yellow") for sentence in projects.contradictory(made)]
    lines += [f"  note: {note}" for note in (*projects.capped(made), *made.notes)]
    lines += [paint(f"  error: {error}", "red") for error in made.errors]
    if lines:
        lines.append("")
    left = f", {count(len(orphans), 'orphan')} left running." if orphans else "."
    lines += [f"{_plan_summary(made).removesuffix('.')}{left}", *cost_summary(made)]
    if not made.has_changes:
        lines.append("Nothing to submit, update or stop.")
    lines += [paint(f"Apply would refuse this: {refusal}.", "red") for refusal in made.refusals]
    return prose(lines)


def _plan_summary(made: Plan) -> str:
    s = made.summary
    return (
        f"Plan: {s['submit']} to submit, {s['update']} to update, {s['stop']} to stop, "
        f"{s['keep']} unchanged, {s['hold']} on hold."
    )


def cost_summary(made: Plan) -> list[str]:
    """The cost of the submits, its sum with the runs that they leave running, and that of what waits."""
    jobs = f"{count(len(made.later), 'more job')}, {made.cost_later}"
    later = [f"Then, {stages.when_later(made.later)}: {jobs}."] if made.later else []
    if not made.of(Verb.SUBMIT):
        return later
    lines = [f"Cost: {made.cost}{limits.in_all(made)}."]
    if made.beside:
        runs = "a previous run keeps" if len(made.beside) == 1 else f"{len(made.beside)} previous runs keep"
        doing = " or ".join(dict.fromkeys(run.doing for run in made.beside))
        in_all = made.cost.and_also(made.cost_beside).price
        lines.append(f"Beside it {runs} {doing}: {made.cost_beside}; in all {in_all}.")
    return [*lines, *later]


def _shared(shared: SharedChange, look: Look) -> list[str]:
    """An edit of Defaults, once for all jobs that it reaches."""
    shown = look.shown([replace(change, source="") for change in shared.changes])
    head = look.paint(f"  {one_line(shared.source, 200)}, in {shared.jobs}", "yellow")
    return [head, *(_INDENT + change_line(change, look.paint) for change in shown)]


def _action(action: Action, look: Look, shared: SharedChanges) -> list[str]:
    request, (sign, colour) = action.request, SIGNS[action.verb]
    what = f"{action.verb.value:<6}  {subject(action)}" + (f"  [{request.cell.label}]" if request.cell else "")
    outside = f"  {look.paint(told_of, 'yellow')}" if (told_of := from_outside(action)) else ""
    lines = [f"  {look.paint(f'{sign} {what}', colour)}  ({action.reason}){outside}"]
    lines.append(_INDENT + " · ".join(facts(action)))
    if action.verb is Verb.SUBMIT and action.reason == "new" and (parts := parts_of_new(request, look)):
        lines.append(_INDENT + " · ".join(one_line(each, 100) for each in parts))
    lines += [_INDENT + stages.then(action)] if action.submits_later else []
    if action.previous is not None:
        lines.append(f"{_INDENT}compared with {revision(action.previous)}")
    lines += [_INDENT + line for line in _changes(look.shown(shared.own(action)), look)]
    lines += [_INDENT + elsewhere] if (elsewhere := shared.told_elsewhere(action)) else []
    lines += [_INDENT + override(change) for change in look.overrides(request)]
    if action.verb is Verb.SUBMIT:
        lines += [_INDENT + line for line in file_list.lines(request.content, look)]
    if action.history:
        lines.append(f"{_INDENT}{action.history}")
    lines += [look.paint(f"{_INDENT}warning: {warning}", "yellow") for warning in action.cautions]
    lines += [f"{_INDENT}note: {note}" for note in (*map(str, action.beside), *action.notes)]
    return lines


def _unchanged(actions: Sequence[Action]) -> list[str]:
    """One line that counts the actions of which nothing is told."""
    quiet = [action for action in actions if is_quiet(action)]
    cells = sum(action.request.cell is not None for action in quiet)
    counts = [count(number, noun) for number, noun in ((len(quiet) - cells, "job"), (cells, "cell")) if number]
    return [f"  = {Verb.KEEP.value:<6}  {' and '.join(counts)} unchanged; -v lists them"] if quiet else []


def is_quiet(action: Action) -> bool:
    """True if an action does nothing, and there is nothing to say of it."""
    told = action.cautions or action.notes or action.error or action.duplicates
    return action.verb is Verb.KEEP and action.reason.startswith("unchanged") and not told


def subject(action: Action) -> str:
    """The manifest's name; for a stop the name of the stopped job, which may be of another spec."""
    return one_line(action.job_name) if action.verb is Verb.STOP else action.request.name


def from_outside(action: Action) -> str:
    """What the manifest takes from outside of its repository; a stop is of another spec's job, which is there."""
    return "" if action.verb is Verb.STOP else file_list.from_outside(action.request.content)


def facts(action: Action) -> list[str]:
    """Where the manifest and its job are, how large it is, what it costs, and whether it starts now."""
    request = action.request
    found = [one_line(str(request.project))]
    if action.verb is Verb.SUBMIT:
        found += [f"job {request.job_name}", str(action.cost) if action.cost else count(request.gpus, "GPU")]
        found += [*limits.at_most(action), *([_STARTS[action.starts]] if action.starts else [])]
    elif action.job is not None:
        found += [f"job {action.job.id} {short(action.job.status)}"]
        if action.verb is Verb.STOP:
            found += filter(None, (size_of_run(action.job), _saved(action)))
    return [*found, place(request)]


def _saved(action: Action) -> str:
    usd = usd_of(action.cost)
    return "" if usd is None else f"saves {per_hour(usd)}"


def place(request: JobRequest) -> str:
    """The path and line where a manifest begins, in one line: a path may hold any character."""
    return f"{one_line(request.path, 1024)}:{request.line}"


def override(change: Change) -> str:
    return f"set by `--set`: {change.field} = {one_line(change.new, 200)}"


def revision(r: Revision) -> str:
    """A commit, its author and its date, and the path of the manifest in it."""
    return f"commit {r.commit[:COMMIT]} by {one_line(r.author, 60)} on {r.date[:10]} ({one_line(r.path, 200)})"


def _changes(shown: Sequence[Change], look: Look) -> Iterator[str]:
    """A line for each change; of many changed files only the first ones, unless all are asked for."""
    files = [change for change in shown if change.field.startswith(FILE)]
    left_out = {change.field for change in files[FILES:]} if not look.verbose else set()
    yield from (change_line(change, look.paint) for change in shown if change.field not in left_out)
    if left_out:
        yield f"{count(len(left_out), 'more file')} of the workspace changed; -v tells all"


def change_line(change: Change, paint: Paint) -> str:
    """What changed, and where it stands if that is in Defaults."""
    source = f" ({one_line(change.source, 200)})" if change.source else ""
    return _difference(change, paint) + source


def _difference(change: Change, paint: Paint) -> str:
    if brief := briefly(change):
        return f"{change.field}: {brief}"
    if not reads_better_by_words(change):
        return f"{change.field}: {one_line(told(change.old), 200)} → {one_line(told(change.new), 200)}"
    shown = []
    for piece in word_diff(change.old, change.new):
        space, words = _split(one_line(piece.text, 600))
        if piece.mark is Mark.REMOVED:
            words = paint(f"[-{words}-]", "red")
        elif piece.mark is Mark.ADDED:
            words = paint(f"{{+{words}+}}", "green")
        shown.append(space + words)
    return f"{change.field}: {''.join(shown)}"


def _split(text: str) -> tuple[str, str]:
    words = text.lstrip(" ")
    return text[: len(text) - len(words)], words


def _orphan(orphan: Orphan, paint: Paint) -> list[str]:
    job = orphan.job
    size = [size_of_run(job)] if job.gpus else []
    price = [] if (usd := usd_of(orphan.cost)) is None else [per_hour(usd)]
    remedy = f"not pruned: {orphan.doubt}" if orphan.doubt else "`apply --prune` stops it"
    return [
        paint(f"  ? orphan  {without_letters(job.name)}", "yellow")
        + f"  (its manifest was deleted in {revision(orphan.deleted)})",
        _INDENT + " · ".join((one_line(orphan.project), f"job {job.id}", *size, *price, remedy)),
    ]


def applied(result: Applied, look: Look = PLAIN) -> Page:
    told = (look.said(outcome) for outcome in result.outcomes if worth_a_line(outcome))
    lines = [line for outcome in told for line in _outcome(outcome, look.paint)]
    lines += [f"  note: {note}" for note in result.notes]
    if lines:
        lines.append("")
    lines.append(applied_summary(result))
    return prose(lines)


def applied_summary(result: Applied) -> str:
    counts = ", ".join(f"{number} {fate}" for fate, number in result.summary.items() if number)
    return f"Applied: {counts or 'nothing'}."


def worth_a_line(outcome: Outcome) -> bool:
    return outcome.fate not in (Fate.KEPT, Fate.HELD) or bool(outcome.error or outcome.unclear)


def _outcome(outcome: Outcome, paint: Paint) -> list[str]:
    name = one_line(outcome.action.job_name)
    line = f"  {paint(f'{outcome.fate.value:<9}', _COLOURS.get(outcome.fate, ''))}  {name}"
    if outcome.job_id:
        line += f"  job {outcome.job_id}"
    warning = f"warning: {outcome.warning}" if outcome.warning else ""
    page_of = outcome.url if outcome.made else ""
    return [
        line,
        *(f"             {said}" for said in (page_of, outcome.why, outcome.error, outcome.unclear, warning) if said),
    ]
