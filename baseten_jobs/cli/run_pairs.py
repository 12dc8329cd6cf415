"""Two runs -> what differs between their specs and code, out of git."""

from collections.abc import Mapping, Sequence

from baseten_jobs.cli.run_record import NoSuchRun
from baseten_jobs.phrases import listed, nearest, one_line
from baseten_jobs.planning.diff import FILE, Change
from baseten_jobs.planning.history.code_revisions import file_changes
from baseten_jobs.planning.history.run_commits import RunCommits, Written
from baseten_jobs.planning.records.between import Between, meant, spec_changes, without_commit
from baseten_jobs.planning.records.line_changes import LineChange, line_change
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


def compared(commits: RunCommits, old: Run, new: Run, *, by_line: bool = False) -> Between:
    """What differs in spec and code, `by_line` also in the lines of files; and what git can't tell of either."""
    if old.commit is None or new.commit is None:
        return Between(untold=without_commit(old, new))
    was, now = old.commit.written, new.commit.written
    code = _Code(commits, old, new) if was.content != now.content else None
    spec = spec_changes(was, now)
    if code is None or code.untold:
        return Between(spec, untold=code.untold if code else ())
    return Between(spec, code.changes, lines=code.lines() if by_line else {})


class _Code:
    """The files of two runs whose code differs."""

    def __init__(self, commits: RunCommits, old: Run, new: Run) -> None:
        self._commits = commits
        self._written = [Written(run.commit.revision, run.commit.written) for run in (old, new) if run.commit]
        self._files = [commits.files(each) for each in self._written]
        self.untold = tuple(
            f"git can't tell the code of {run.run_name} in commit {written.revision.commit[:8]}"
            for run, written, found in zip((old, new), self._written, self._files, strict=True)
            if found is None
        )

    @property
    def changes(self) -> tuple[Change, ...]:
        return tuple(file_changes(*(found or () for found in self._files)))

    def lines(self) -> Mapping[str, LineChange]:
        """How the lines of each file changed that is a text, by the change's field."""
        changed = {change.field for change in self.changes}
        texts = []
        for written, found in zip(self._written, self._files, strict=True):
            files = [each for each in found or () if FILE + one_line(each.path) in changed]
            texts.append(self._commits.texts(written, files))
        was, now = texts
        if was is None or now is None:
            return {}
        lines = ((path, line_change(was.get(path), now.get(path))) for path in was.keys() | now.keys())
        return {FILE + one_line(path): change for path, change in lines if change is not None}


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
