"""A plan, as apply would make it -> verdicts: what lives twice, without a manifest, or waits for a person."""

from collections.abc import Iterator

from baseten_jobs.distribution import OURS
from baseten_jobs.doctor.findings import Verdict, fail, ok, warn
from baseten_jobs.doctor.readings import Readings, Unread
from baseten_jobs.job.observation import ObservedJob, StatusClass, short
from baseten_jobs.phrases import count, listed, one_line
from baseten_jobs.planning.duplicates import duplicate_warning
from baseten_jobs.planning.plan import Action, Plan, Verb
from baseten_jobs.secrecy import quoted

_MOST = 20
"""As many lines of one kind are told; the last says how many more there are."""

_ENDED = (StatusClass.FAILED, StatusClass.STOPPED, StatusClass.INTERRUPTED)


def check_manifests(readings: Readings) -> Iterator[Verdict]:
    found = readings.manifests
    where = listed([one_line(path, 200) for path in found.paths])
    if not found.errors:
        told = f"{count(found.number, 'manifest')} in {where}"
        yield ok(told) if found.number else warn(f"there is no manifest in {where}", "baseten-jobs init")
        return
    first = found.errors[0]
    told = f"{count(len(found.errors), 'error')}, first {first.position}: {first.message}"
    told += f"; {first.hint}" if first.hint else ""
    missing = first.rule in ("missing-path", "empty-folder")
    yield fail(told, "baseten-jobs init" if missing else "baseten-jobs validate")


def check_duplicates(readings: Readings) -> Iterator[Verdict]:
    plan = _plan(readings)
    twice = [action for action in plan.actions if action.duplicates]
    known = {job.id for action in twice for job in action.duplicates}
    told = [
        fail(*_split(duplicate_warning(action.duplicates, None), f"baseten-jobs stop --job {action.duplicates[-1].id}"))
        for action in twice
    ]
    stops = [action for action in plan.of(Verb.STOP) if action.twin_of and action.job]
    told += [
        fail(f"duplicate: job {stop.job.id} is a twin of {stop.twin_of.id}", f"baseten-jobs stop --job {stop.job.id}")
        for stop in stops
        if stop.job and stop.twin_of and stop.job.id not in known
    ]
    yield from _most(told, "no spec runs twice")


def _split(warning: str, remedy: str) -> tuple[str, str]:
    return warning.partition("; ")[0], remedy


def check_orphans(readings: Readings) -> Iterator[Verdict]:
    told = []
    for orphan in _plan(readings).orphans:
        gone = f"its manifest was deleted in {orphan.deleted.commit[:10]}"
        doubt = f"; {orphan.doubt}" if orphan.doubt else ""
        remedy = f"baseten-jobs stop --job {orphan.job.id}" if orphan.doubt else "baseten-jobs stop --orphans"
        told.append(warn(f"{_called(orphan.job)} of {quoted(orphan.project)}: {gone}{doubt}", remedy))
    yield from _most(told, "no live job has lost its manifest")


def check_held(readings: Readings) -> Iterator[Verdict]:
    holds = _plan(readings).of(Verb.HOLD)
    told = [warn(f"{hold.request.name}: {hold.reason}", _freed(hold)) for hold in holds if _freed(hold)]
    yield from _most(told, "no manifest waits for a person")


def _freed(hold: Action) -> str:
    """What lets a held manifest go on; empty for one that goes on by itself, or that its own text holds."""
    if hold.doubt is not None:
        return f"baseten-jobs apply --create {hold.request.name}"
    if hold.job is not None and hold.job.status_class in _ENDED and not hold.waits_to_retry and not hold.waits:
        return f"baseten-jobs apply --retry-failed {hold.request.name}"
    return ""


def check_unmanaged(readings: Readings) -> Iterator[Verdict]:
    told = []
    for project in _plan(readings).projects.values():
        if project.unmanaged:
            jobs = listed([_called(job) for job in project.unmanaged], 3)
            told.append(
                warn(
                    f"{quoted(project.name)} has {count(len(project.unmanaged), 'live job')} of no manifest: {jobs}",
                    f"baseten-jobs adopt NAME --job {project.unmanaged[0].id}",
                )
            )
    yield from _most(told, "each live job is of a manifest")


def check_statuses(readings: Readings) -> Iterator[Verdict]:
    strange = {
        job.status: job for project in _plan(readings).projects.values() for job in project.jobs if not job.status_known
    }
    told = [
        warn(f"job {job.id} has the status {one_line(short(status), 40)}", OURS.upgrade)
        for status, job in sorted(strange.items())
    ]
    yield from _most(told, "each job has a status that is known here")


def check_plan(readings: Readings) -> Iterator[Verdict]:
    plan = _plan(readings)
    counts = ", ".join(f"{number} {verb}" for verb, number in plan.summary.items() if number)
    yield ok(f"{count(len(plan.actions), 'action')}: {counts}" if counts else "nothing to plan")
    yield from _most([warn(one_line(warning, 300), "baseten-jobs plan") for warning in _others(plan)], "")


def _others(plan: Plan) -> tuple[str, ...]:
    """The plan's errors and warnings but for those that a check of its own tells."""
    own = {w for action in plan.actions for w in action.warnings if "duplicate: " in w}
    return (*plan.errors, *(w for w in plan.warnings if not any(each in w for each in own)))


def _called(job: ObservedJob) -> str:
    return f"job {job.id} ({one_line(job.name or 'without a name', 80)})"


def _most(told: list[Verdict], well: str) -> Iterator[Verdict]:
    """The verdicts, not too many of them; that all is well where there are none."""
    if not told:
        yield from (ok(well),) if well else ()
        return
    yield from told[:_MOST]
    if len(told) > _MOST:
        yield warn(f"and {len(told) - _MOST} more", "baseten-jobs plan")


def _plan(readings: Readings) -> Plan:
    assert not isinstance(readings.plan, Unread)
    return readings.plan
