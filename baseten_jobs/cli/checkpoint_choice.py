"""What a job saved, and the options that choose -> the checkpoints that are meant."""

from collections.abc import Sequence

from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.runs_meant import Meant
from baseten_jobs.cli.session import CommandEnded, Session
from baseten_jobs.job.checkpoint import Checkpoint, checkpoints_in, newest
from baseten_jobs.phrases import listed, one_line
from baseten_jobs.provider.api.client import Api
from baseten_jobs.report.checkpoint_list import Listed


def listed_of(api: Api, meant: Meant) -> Listed:
    rows = api.checkpoints(meant.job.project_id, meant.job.id)
    return Listed(meant.name, meant.run, meant.job.id, checkpoints_in(rows))


def chosen_ids(session: Session, api: Api, meant: Meant, ids: tuple[str, ...], latest: bool) -> tuple[str, ...]:
    """The ids of the checkpoints that are asked for, none for all; a note for each that may not be whole yet."""
    found = listed_of(api, meant).checkpoints
    if latest:
        last = newest(found)
        if last is None:
            raise CommandEnded(session.fail(f"no checkpoint of job {meant.job.id} is synced", Exit.FAILED))
        ids = (last.id,)
    for each in ids:
        if each not in {one.id for one in found}:
            session.note(f"warning: job {meant.job.id} lists no checkpoint '{one_line(each)}'{_known(found)}")
    for name in dict.fromkeys(one.id for one in found if not one.synced and (not ids or one.id in ids)):
        session.note(f"warning: {one_line(name)} is not synced: some of its files may be missing")
    return ids


def to_deploy(session: Session, api: Api, meant: Meant, ids: Sequence[str]) -> list[Checkpoint]:
    """The checkpoints of these ids, or the newest that is synced; raises CommandEnded where there is none."""
    found = listed_of(api, meant).checkpoints
    last = newest(found)
    if not ids and last is None:
        raise CommandEnded(session.fail(f"no checkpoint of job {meant.job.id} is synced", Exit.FAILED))
    by_id = {each.id: each for each in found}
    for each in ids:
        if each not in by_id:
            told = f"job {meant.job.id} has no checkpoint '{one_line(each)}'{_known(found)}"
            raise CommandEnded(session.fail(told, Exit.FAILED))
    chosen = [by_id[each] for each in dict.fromkeys(ids)] or [each for each in (last,) if each]
    for one in chosen:
        if not one.synced:
            session.note(f"warning: {one_line(one.id)} is not synced yet")
    return chosen


def _known(found: Sequence[Checkpoint]) -> str:
    ids = [one_line(each.id, 60) for each in reversed(found)]
    return f"; it has {listed(ids)}" if ids else ""
