"""What became of an apply, or how jobs are -> the exit code to end with."""

from collections.abc import Iterable, Iterator, Sequence

from baseten_jobs.applying.outcome import Applied, End, Fate
from baseten_jobs.cli.exits import Exit, worst
from baseten_jobs.job.observation import ObservedJob, StatusClass
from baseten_jobs.planning.plan import Plan, Verb
from baseten_jobs.provider.status import Status
from baseten_jobs.report.standings import Kind, needs_a_person, standings

_EXITS = {End.REACHED: Exit.DONE, End.FAILED: Exit.FAILED, End.OPEN: Exit.UNCLEAR}


def exit_of_apply(result: Applied) -> Exit:
    """0 if all that was planned is done; else the worst that holds of its outcomes."""
    return worst(list(_exits(result)))


def _exits(result: Applied) -> Iterator[Exit]:
    if result.interrupted:
        yield Exit.INTERRUPTED
    if result.unauthorised:
        yield Exit.UNAUTHORISED
    for outcome in result.outcomes:
        if outcome.fate is Fate.UNKNOWN or outcome.unclear:
            yield Exit.UNCLEAR
        if outcome.fate is Fate.FAILED or outcome.action.error:
            yield Exit.FAILED
        if outcome.action.doubt is not None:
            yield Exit.FAILED if _does_something(result) else Exit.REFUSED
        if outcome.awaited:
            yield _EXITS[outcome.awaited.end]


def _does_something(result: Applied) -> bool:
    """True if anything was to be submitted, updated or stopped."""
    return any(outcome.action.verb in (Verb.SUBMIT, Verb.UPDATE, Verb.STOP) for outcome in result.outcomes)


def exit_of_report(made: Plan, rows: Iterable[Status], alerts: Sequence[str]) -> Exit:
    """1 where anything needs a person, as each of the `alerts` does; 7 where a duplicate is live."""
    found = standings(made, rows)
    exits = [Exit.FAILED] if alerts or needs_a_person(found) else []
    return worst([*exits, *(Exit.UNCLEAR for each in found if each.kind is Kind.DUPLICATE)])


def exit_of_statuses(rows: Iterable[Status], *, by_state: bool) -> Exit:
    """7 where a duplicate is live. By state also 7 where a job has not ended, and 1 where one did not complete."""
    exits = []
    for row in rows:
        if row.duplicates or (by_state and row.job and row.job.live):
            exits.append(Exit.UNCLEAR)
        elif by_state and not row.request.suspended and not _completed(row.job):
            exits.append(Exit.FAILED)
    return worst(exits)


def _completed(job: ObservedJob | None) -> bool:
    return job is not None and job.status_class is StatusClass.DONE
