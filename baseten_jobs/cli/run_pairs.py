"""Two runs -> what differs between their specs and code, out of git."""

from collections.abc import Sequence

from baseten_jobs.cli.run_record import NoSuchRun
from baseten_jobs.phrases import listed, nearest, one_line
from baseten_jobs.planning.diff import Change
from baseten_jobs.planning.history.code_revisions import file_changes
from baseten_jobs.planning.history.run_commits import RunCommits, Written
from baseten_jobs.planning.records.between import Between, meant, spec_changes, without_commit
from baseten_jobs.planning.records.record import Record, Step
from baseten_jobs.planning.records.run import Run


def pair_of(record: Record, given: Sequence[str]) -> tuple[Run, Run]:
    """The two runs that are meant; raises NoSuchRun."""
    old, new = (_one(record, each) for each in given)
    return old, new


def _one(record: Record, given: str) -> Run:
    if found := meant(record.runs, given):
        return found[0]
    ids = {job.id for _, job in record.others.jobs}
    if given in ids:
        raise NoSuchRun(f"job {one_line(given)} has no manifest in this repository's history")
    own = [run for run in record.runs if run.name == given]
    if own:
        names = listed([run.run_name for run in own], 3)
        raise NoSuchRun(f"'{one_line(given)}' names a manifest, and one run is wanted: {names}")
    near = nearest(given, [run.run_name for run in record.runs])
    told = f"no run has the id or the name '{one_line(given)}'"
    raise NoSuchRun(f"{told}; did you mean '{near}'?" if near else told)


def compared(commits: RunCommits, old: Run, new: Run) -> Between:
    """What differs in spec and code, and what git can't tell of either."""
    if old.commit is None or new.commit is None:
        return Between(untold=without_commit(old, new))
    code, untold = _code(commits, old, new)
    return Between(spec_changes(old.commit.written, new.commit.written), code, untold)


def _code(commits: RunCommits, old: Run, new: Run) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    assert old.commit is not None
    assert new.commit is not None
    was, now = old.commit.written, new.commit.written
    if was.content == now.content:
        return (), ()
    files = [commits.files(Written(each.revision, each.written)) for each in (old.commit, new.commit)]
    untold = tuple(
        f"git can't tell the code of {run.run_name} in commit {run.commit.revision.commit[:8]}"
        for run, found in zip((old, new), files, strict=True)
        if found is None and run.commit
    )
    return (() if untold else tuple(file_changes(*(found or () for found in files)))), untold


def steps(commits: RunCommits, runs: Sequence[Run]) -> dict[str, Step]:
    """Each run beside the one before it of its manifest, by job id; `runs` are the newest first."""
    found: dict[str, Step] = {}
    last: dict[object, Run] = {}
    known: dict[object, Between] = {}
    for run in reversed(runs):
        before = last.get(run.manifest)
        last[run.manifest] = run
        if before is None:
            continue
        if run.identity.digest == before.identity.digest:
            found[run.job.id] = Step(before, Between())
            continue
        revisions = (each.commit and each.commit.revision for each in (before, run))
        key = (run.manifest, before.identity, run.identity, *revisions)
        if key not in known:
            known[key] = compared(commits, before, run)
        found[run.job.id] = Step(before, known[key])
    return found
