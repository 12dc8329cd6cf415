"""What apply would do, and what a user permits: actions with their reasons, as every later stage takes them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from baseten_jobs.capacity import Start
from baseten_jobs.cost import Bill, Cost, cost_of
from baseten_jobs.diff import Change
from baseten_jobs.history import Revision
from baseten_jobs.observation import ObservedJob, ObservedProject
from baseten_jobs.request import JobRequest, ProjectRef


class Verb(Enum):
    SUBMIT = "submit"
    UPDATE = "update"
    STOP = "stop"
    KEEP = "keep"
    HOLD = "hold"


@dataclass(frozen=True)
class Policy:
    """What the user permits; the limits are counted over one apply, and nothing means no limit.

    `history` bounds the revisions of a manifest that are looked through; `max_cost_per_hour` is in USD.
    """

    max_submits: int | None = 10
    max_gpus: int | None = None
    max_cost_per_hour: float | None = None
    retry_failed: frozenset[str] = frozenset()
    create_missing: frozenset[str] = frozenset()
    prune: bool = False
    history: int = 1000

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Policy":
        """From plain values, names in lists; raises TypeError for a name that is no field."""
        fields: dict[str, Any] = {n: frozenset(v) if isinstance(v, (list, tuple)) else v for n, v in values.items()}
        return cls(**fields)


@dataclass(frozen=True)
class Action:
    """One decision, with its reason; `job` is the one that it keeps, updates, stops or holds back for.

    `changes` are told against `previous`, the revision that runs as `older`; where git does not show it, `history`
    says why. `missing`: git says that the job was submitted long ago, and it is not there. `pruned`: a stop for a
    manifest that was deleted. `cost` and `starts` are told of submits, as far as the API tells them.
    """

    verb: Verb
    request: JobRequest
    reason: str
    job: ObservedJob | None = None
    older: ObservedJob | None = None
    superseded: tuple[ObservedJob, ...] = ()
    duplicates: tuple[ObservedJob, ...] = ()
    updates: Mapping[str, Any] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    previous: Revision | None = None
    history: str = ""
    warnings: tuple[str, ...] = ()
    error: str = ""
    cost: Cost | None = None
    starts: Start | None = None
    missing: bool = False
    pruned: bool = False

    @property
    def identity_lives(self) -> bool:
        """Whether the manifest's own job lives already, so that what it supersedes may be stopped."""
        own = self.job is not None and self.job.live and self.job.identity == self.request.identity
        return own and self.verb in (Verb.KEEP, Verb.UPDATE)


@dataclass(frozen=True)
class Orphan:
    """A live job whose manifest was deleted: what it was, and the commit that deleted it."""

    job: ObservedJob
    project: str
    deleted: Revision


@dataclass(frozen=True)
class Plan:
    """The actions, and what else a reader of the plan should know; `notes` are for the plan as a whole."""

    actions: tuple[Action, ...] = ()
    projects: Mapping[ProjectRef, ObservedProject] = field(default_factory=dict)
    orphans: tuple[Orphan, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def summary(self) -> dict[str, int]:
        counts = Counter(action.verb for action in self.actions)
        return {verb.value: counts[verb] for verb in Verb}

    @property
    def has_changes(self) -> bool:
        return any(action.verb in (Verb.SUBMIT, Verb.UPDATE, Verb.STOP) for action in self.actions)

    @property
    def errors(self) -> tuple[str, ...]:
        return tuple(action.error for action in self.actions if action.error)

    @property
    def cost(self) -> Bill:
        """What all submits cost together."""
        return Bill(tuple((a.request.name, a.cost or cost_of(a.request, ())) for a in self.of(Verb.SUBMIT)))

    def of(self, verb: Verb) -> tuple[Action, ...]:
        return tuple(action for action in self.actions if action.verb is verb)

    def project_of(self, action: Action) -> ObservedProject:
        return self.projects[action.request.project]

    @property
    def new_projects(self) -> tuple[ProjectRef, ...]:
        """Projects that a submit needs and nobody has made yet."""
        needed = {action.request.project: None for action in self.of(Verb.SUBMIT)}
        return tuple(ref for ref in needed if not self.projects[ref].exists)


def duplicate_warning(jobs: Sequence[ObservedJob]) -> str:
    """What a person reads of several live jobs of one identity, with the remedy."""
    ids = ", ".join(job.id for job in jobs)
    return f"duplicate: {ids} run the same spec; stop one with `baseten-jobs stop --job {jobs[-1].id}`"
