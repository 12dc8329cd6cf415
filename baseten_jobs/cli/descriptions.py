"""Rows of status -> what git and the API tell of each job beside, each part for itself."""

import os
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from baseten_jobs.cli.session import or_default
from baseten_jobs.compilation import Compiled
from baseten_jobs.git.repository import first_repository
from baseten_jobs.manifest.sources import STDIN
from baseten_jobs.planning.history.spec_commits import spec_commits
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.particulars import Particulars
from baseten_jobs.provider.particulars_reader import last_lines, particulars
from baseten_jobs.provider.status import Awaiting, Status
from baseten_jobs.report.description import Description


def descriptions(
    api: Api,
    rows: Sequence[Status],
    beside: Sequence[Status],
    paths: Sequence[str],
    lines: int,
    *,
    short: bool = False,
) -> tuple[Description, ...]:
    """A description of each row, with at most so many `lines` of the log of a job that failed; raises no ApiError.

    `beside` are rows of all manifests that may load from these jobs. A `short` one is without checkpoints.
    """
    jobs = [(row.job, row.request) for row in rows if row.job]
    with first_repository(folders(paths)) as repository:
        commits = spec_commits(repository, jobs, datetime.now(UTC))
    read = (last_lines if short else particulars)(api, [job for job, _ in jobs], lines)
    return tuple(
        Description(
            row,
            commits[row.job.id],
            read.get(row.job.id, Particulars()),
            api.page_of(row.job.project_id, row.job.id),
            _heirs(row, beside),
        )
        if row.job
        else Description(row, heirs=_heirs(row, beside))
        for row in rows
    )


def folders(paths: Sequence[str]) -> Sequence[str]:
    """The folders in which a repository is looked for: those of the paths, then the one where we are."""
    given = [path for path in or_default(paths) if path != STDIN and os.path.exists(path)]
    return [*(path if os.path.isdir(path) else os.path.dirname(path) for path in given), "."]


def heirs_of(compiled: Compiled, names: Collection[str]) -> tuple[str, ...]:
    """The names of manifests that load checkpoints of the jobs of these."""
    return tuple(r.name for r in compiled.requests if any(up.name in names for up in r.upstreams))


def _heirs(row: Status, beside: Sequence[Status]) -> tuple[Awaiting, ...]:
    """The stages without a job that load from this row's manifest."""
    run = (row.request.project, row.request.name)
    waiting = (each for each in beside if each.job is None)
    return tuple(
        Awaiting(each.request.name, each.state)
        for each in waiting
        if any((up.project, up.name) == run for up in each.request.upstreams)
    )
