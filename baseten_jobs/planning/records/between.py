"""Two runs -> the fields in which their specs differ."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from baseten_jobs.job.identity import SHOWN, Identity
from baseten_jobs.manifest.diagnostics import field_name
from baseten_jobs.planning.diff import Change, changes
from baseten_jobs.planning.history.past_manifests import PastManifest
from baseten_jobs.planning.records.line_changes import LineChange
from baseten_jobs.planning.records.run import Run


@dataclass(frozen=True)
class Between:
    """What differs between two runs; `untold` says what can't be compared, and why.

    `lines` are those that differ in files of `code`, by the change's field; of a file that is no text there are none.
    """

    spec: tuple[Change, ...] = ()
    code: tuple[Change, ...] = ()
    untold: tuple[str, ...] = ()
    lines: Mapping[str, LineChange] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        return not (self.spec or self.code or self.untold)


def without_commit(*runs: Run) -> tuple[str, ...]:
    """A line for each run whose spec git does not have."""
    return tuple(f"git does not have the spec of {run.run_name} (job {run.job.id})" for run in runs if not run.commit)


def spec_changes(old: PastManifest, new: PastManifest) -> tuple[Change, ...]:
    """The fields that differ in meaning, and the runs whose checkpoints one of them loads in the place of others'."""
    found = changes(old.spec, new.spec, new.api_version) if old.spec != new.spec else ()
    return (*found, *_origins(old, new))


def _origins(old: PastManifest, new: PastManifest) -> Iterator[Change]:
    before, after = ((each.origins() or {}) if each.loads else {} for each in (old, new))
    entries = {entry.number: entry for entry in old.loads}
    for entry in new.loads:
        was, earlier, now = entries.get(entry.number), before.get(entry.number), after.get(entry.number)
        if was is None or earlier is None or now is None or was.name != entry.name or earlier == now:
            continue
        names = (Identity(entry.name, each.digest[:SHOWN], each.attempt).job_name for each in (earlier, now))
        yield Change(field_name(entry.path), *names, path=entry.path)


def meant(runs: Sequence[Run], given: str) -> tuple[Run, ...]:
    """The runs that a job's id, or a name with a digest, means: of several jobs of one name the newest first."""
    exact = tuple(run for run in runs if run.job.id == given)
    named = (run for run in runs if given in (run.job.name, run.run_name))
    return exact or tuple(named) or tuple(run for run in runs if given == run.identity.job_name)
