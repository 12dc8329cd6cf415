"""Everything as a person reads it on a terminal or in a log."""

import json
from collections.abc import Callable, Iterable, Sequence

from baseten_jobs.diagnostics import Diagnostic, Severity, one_line
from baseten_jobs.identity import SHOWN
from baseten_jobs.outcome import Applied, Fate, Outcome
from baseten_jobs.plan import Action, Plan, Verb
from baseten_jobs.request import JobRequest
from baseten_jobs.status import Status

Paint = Callable[[str, str], str]
"""A text and the name of a colour -> the text as it is shown."""

_SIGNS = {
    Verb.SUBMIT: ("+", "green"),
    Verb.UPDATE: ("~", "yellow"),
    Verb.STOP: ("-", "red"),
    Verb.KEEP: ("=", ""),
    Verb.HOLD: ("!", "yellow"),
}
_COLOURS = {Fate.FAILED: "red", Fate.UNKNOWN: "red", Fate.SUBMITTED: "green", Fate.ADOPTED: "green"}


def plain(text: str, colour: str) -> str:
    return text


def diagnostic(d: Diagnostic, paint: Paint = plain) -> str:
    """One line: where, what is wrong, what was expected, and the rule's name."""
    field = f"{d.field}: " if d.field else ""
    hint = ""
    if d.hint:
        hint = f": {d.hint}" if d.hint.startswith('"') else f"; {d.hint}"
    warning = paint("warning: ", "yellow") if d.severity is Severity.WARNING else ""
    return f"{d.position}: {warning}{field}{d.message}{hint} [{d.rule}]"


def diagnostics(found: Sequence[Diagnostic], documents: int = 0, paint: Paint = plain) -> str:
    """All diagnostics, and a closing line that counts them."""
    errors = sum(d.severity is Severity.ERROR for d in found)
    lines = [diagnostic(d, paint) for d in found]
    told = f"{_count(errors, 'error')}, {_count(len(found) - errors, 'warning')}"
    lines.append(f"{_count(documents, 'manifest')}: " + (told if found else "no problems"))
    return "\n".join(lines)


def requests(compiled: Iterable[JobRequest]) -> str:
    """Each body under a line that says whose it is."""
    return "\n".join(
        f"# {r.path}:{r.line}: {r.job_name} in {one_line(str(r.project))} (digest {r.digest[:SHOWN]})\n"
        f"{json.dumps(r.body, indent=2, ensure_ascii=False)}"
        for r in compiled
    )


def plan(made: Plan, paint: Paint = plain) -> str:
    lines = []
    for action in made.actions:
        lines += _action(action, paint)
    for ref in made.new_projects:
        lines.append(f"  project '{one_line(str(ref))}' will be created")
    for project in made.projects.values():
        lines += [paint(f"  warning: {project.name}: {note}", "yellow") for note in project.notes]
    lines += [paint(f"  error: {error}", "red") for error in made.errors]
    if lines:
        lines.append("")
    s = made.summary
    lines.append(
        f"Plan: {s['submit']} to submit, {s['update']} to update, {s['stop']} to stop, "
        f"{s['keep']} unchanged, {s['hold']} on hold."
    )
    if not made.has_changes:
        lines.append("Nothing to submit, update or stop.")
    return "\n".join(lines)


def _action(action: Action, paint: Paint) -> list[str]:
    request, (sign, colour) = action.request, _SIGNS[action.verb]
    what = f"{action.verb.value:<6}  {request.name}"
    lines = [f"  {paint(f'{sign} {what}', colour)}  ({action.reason})"]
    facts = [one_line(str(request.project))]
    if action.verb is Verb.SUBMIT:
        facts += [f"job {request.job_name}", _count(request.gpus, "GPU")]
    elif action.job is not None:
        facts += [f"job {action.job.id} {action.job.status.removeprefix('TRAINING_JOB_').lower()}"]
    facts.append(f"{request.path}:{request.line}")
    lines.append("           " + " · ".join(facts))
    lines += [f"           {c.field}: {c.old} → {c.new}" for c in action.changes]
    lines += [paint(f"           warning: {warning}", "yellow") for warning in action.warnings]
    return lines


def applied(result: Applied, paint: Paint = plain) -> str:
    lines = [_outcome(outcome, paint) for outcome in result.outcomes if _worth_a_line(outcome)]
    counts = ", ".join(f"{count} {fate}" for fate, count in result.summary.items() if count)
    if lines:
        lines.append("")
    lines.append(f"Applied: {counts or 'nothing'}.")
    return "\n".join(lines)


def _worth_a_line(outcome: Outcome) -> bool:
    return outcome.fate not in (Fate.KEPT, Fate.HELD) or bool(outcome.error or outcome.unclear)


def _outcome(outcome: Outcome, paint: Paint) -> str:
    request = outcome.action.request
    line = f"  {paint(f'{outcome.fate.value:<9}', _COLOURS.get(outcome.fate, ''))}  {request.job_name}"
    if outcome.job_id:
        line += f"  job {outcome.job_id}"
    for told in (outcome.error, outcome.unclear):
        line += f"\n             {told}" if told else ""
    return line


def status(rows: Sequence[Status], paint: Paint = plain) -> str:
    width = max((len(row.request.name) for row in rows), default=0)
    lines = []
    for row in rows:
        state = f"{row.state:<13}"
        job = f"  job {row.job.id}  since {row.job.created_at[:16]}" if row.job else ""
        gpus = f"  {row.job.gpus} GPUs" if row.job and row.job.gpus else ""
        lines.append(f"  {row.request.name:<{width}}  {state}{job}{gpus}  {one_line(str(row.request.project), 40)}")
        if row.job and row.job.error_message:
            lines.append(f"    {one_line(row.job.error_message, 200)}")
        if row.duplicates:
            ids = ", ".join(job.id for job in row.duplicates)
            stop = f"baseten-jobs stop --job {row.duplicates[-1].id}"
            lines.append(paint(f"    duplicate: {ids} run the same spec; stop one with `{stop}`", "red"))
        lines += [f"    job {other.id} runs another spec of it: {other.name}" for other in row.others]
    return "\n".join(lines) if lines else "no manifests"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
