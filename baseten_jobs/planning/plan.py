"""The plan that each later stage takes: actions with their reasons, and the policy that a user permits."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from baseten_jobs.git.log import Revision
from baseten_jobs.job.cost import Bill, Cost, cost_of, per_hour, usd_of
from baseten_jobs.job.gpu_use import IDLE
from baseten_jobs.job.names import run_name, without_letters
from baseten_jobs.job.observation import ObservedJob, ObservedProject
from baseten_jobs.job.request import JobRequest, ProjectRef, Upstream
from baseten_jobs.job.retries import Retry
from baseten_jobs.job.run_limits import Spending
from baseten_jobs.manifest.name_globs import means
from baseten_jobs.planning.capacity import Start
from baseten_jobs.planning.diff import Change


class Verb(Enum):
    SUBMIT = "submit"
    UPDATE = "update"
    STOP = "stop"
    KEEP = "keep"
    HOLD = "hold"


@dataclass(frozen=True)
class Policy:
    """What the user permits; the limits are counted over one apply; None is no limit.

    `history` bounds the revisions of a manifest that are looked through; `max_cost_per_hour` is in USD. `create` has
    the names of manifests, and globs, that are submitted although a doubt would hold them; `retry_failed` those whose
    ended job is no reason to hold them. What is new since the commit `since` is not old, whatever its dates say. Jobs
    of the owners in `owner_too` are this repository's, too.
    """

    max_submits: int | None = 10
    max_gpus: int | None = None
    max_cost_per_hour: float | None = None
    retry_failed: frozenset[str] = frozenset()
    create: frozenset[str] = frozenset()
    since: str = ""
    prune: bool = False
    history: int = 1000
    owner_too: frozenset[str] = frozenset()

    def creates(self, name: str) -> bool:
        """True if a person has said that this manifest is to be submitted, whatever the doubt."""
        return any(means(given, name) for given in self.create)

    def retries(self, name: str) -> bool:
        """True if a person has said that this manifest is to be submitted although its job ended."""
        return any(means(given, name) for given in self.retry_failed)


class Doubt(Enum):
    """Why a submit is held until a person says `--create NAME`."""

    MISSING = "missing"
    LOOK_ALIKE = "look-alike"
    RENAMED = "renamed"


class ActionKey(NamedTuple):
    """What an action is for: the manifest `name` of `project`; a stop also has the id of the job that is `stopped`.

    A plan has one action for each key. It is how actions are found again, after each stage that copies them: requests
    come from a second plan, or name what was uploaded; a later look turns a submit into a keep or a hold.
    """

    project: ProjectRef
    name: str
    stopped: str = ""

    @property
    def of_manifest(self) -> "ActionKey":
        """The key of the manifest's own action, which a stop follows."""
        return self._replace(stopped="")


@dataclass(frozen=True)
class Beside:
    """A run that a submit leaves running, and what would stop it; `cost` is None if it is not known."""

    job: ObservedJob
    cost: Cost | None = None
    remedy: str = "; `policy.on_change: stop` would stop it"

    @property
    def doing(self) -> str:
        """`running`; `waiting` for one that has no machines yet."""
        return "waiting" if self.job.pending else "running"

    @property
    def size(self) -> str:
        """`job wfmmjzx, 32 H100`."""
        return f"job {self.job.id}" + (f", {self.job.gpus} {self.job.gpu_type or 'GPUs'}" if self.job.gpus else "")

    def __str__(self) -> str:
        usd = usd_of(self.cost)
        price = "" if usd is None else f": {per_hour(usd)}"
        return f"the previous run ({self.size}) keeps {self.doing} beside it{price}{self.remedy}"


@dataclass(frozen=True)
class Wait:
    """What a stage waits for: the run that it loads from, how that is, and its job if it has one.

    It is `broken` if nothing that goes on by itself will end it.
    """

    upstream: Upstream
    state: str
    job: ObservedJob | None = None
    broken: bool = False

    def __str__(self) -> str:
        return f"waits for {self.upstream.name} ({self.state})"


@dataclass(frozen=True)
class Action:
    """One decision, with its reason; `job` is the one that it keeps, updates, stops or holds back for.

    `changes` are against `previous`, the revision that runs as `older`; where git does not show it, `history` says
    why. A person should act on `warnings` before this apply; `notes` say what merely goes on. `idle` is True if the
    GPUs of the job are. `doubt` is set on a hold that `--create` lifts. `pruned` is True for the stop of a job whose
    manifest was deleted; `over_limit` is set on that of a run over its limits, to what its runs took, and `twin_of` on
    that of a duplicate, to the older job of its identity. `cost`, `starts` and `beside` are set on submits, as far as
    the API tells them; the `cost` of a stop is what the stopped job costs. `past` has the ids of the jobs of this name
    that a submit goes past. `waits` are set on the hold of a stage that will be submitted once others have run; a
    submit that `loads` checkpoints has the jobs that wrote them. `retry` is set where a job that ended is run again,
    now or later, or would be if that were not used up.
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
    notes: tuple[str, ...] = ()
    error: str = ""
    cost: Cost | None = None
    starts: Start | None = None
    beside: tuple[Beside, ...] = ()
    doubt: Doubt | None = None
    pruned: bool = False
    twin_of: ObservedJob | None = None
    over_limit: Spending | None = None
    past: tuple[str, ...] = ()
    waits: tuple[Wait, ...] = ()
    loads: tuple[ObservedJob, ...] = ()
    retry: Retry | None = None
    idle: bool = False

    @property
    def cautions(self) -> tuple[str, ...]:
        """The warnings, and one of a job that does nothing, which is no reason to refuse an apply."""
        return (*self.warnings, IDLE) if self.idle else self.warnings

    @property
    def key(self) -> ActionKey:
        """What the action is matched by, in its own plan, in a later one, and among outcomes."""
        stopped = self.job.id if self.verb is Verb.STOP and self.job else ""
        return ActionKey(self.request.project, self.request.name, stopped)

    @property
    def follows_a_submit(self) -> bool:
        """True for the stop of what a submit supersedes, which is stopped only once the manifest's own job lives."""
        return self.verb is Verb.STOP and not (self.pruned or self.twin_of or self.over_limit)

    @property
    def submits_later(self) -> bool:
        """True if it will be submitted by a later apply, once what it waits for is there."""
        return self.follows or self.waits_to_retry

    @property
    def follows(self) -> bool:
        """True if it will be submitted once others have run, so that an apply may go on with it."""
        return bool(self.waits) and not any(wait.broken for wait in self.waits)

    @property
    def waits_to_retry(self) -> bool:
        """True if it is held until its retry is due, so that nothing has to be done but wait."""
        held = self.verb is Verb.HOLD and self.retry is not None
        return held and not (self.waits or self.error or self.doubt)

    @property
    def job_name(self) -> str:
        """The name of the manifest's own job; of a stop, that of the job that is stopped."""
        if self.verb is Verb.STOP and self.job:
            return without_letters(self.job.name) or self.request.job_name
        held = self.job.name if self.job and self.verb is not Verb.SUBMIT and not self.waits_to_retry else None
        return run_name(self.request.identity, held) or self.request.job_name

    @property
    def identity_lives(self) -> bool:
        """True if the manifest's own job lives already, so that what it supersedes may be stopped."""
        own = self.job is not None and self.job.live and self.job.identity == self.request.identity
        return own and self.verb in (Verb.KEEP, Verb.UPDATE)


@dataclass(frozen=True)
class Orphan:
    """A live job whose manifest a commit deleted. `doubt` says why `--prune` leaves it; `cost` is None if not known."""

    job: ObservedJob
    project: str
    deleted: Revision
    doubt: str = ""
    cost: Cost | None = None


@dataclass(frozen=True)
class Plan:
    """The actions, their projects, orphans, `notes` on the whole, and the `refusals` by which `apply` sends nothing."""

    actions: tuple[Action, ...] = ()
    projects: Mapping[ProjectRef, ObservedProject] = field(default_factory=dict)
    orphans: tuple[Orphan, ...] = ()
    notes: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()

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
    def warnings(self) -> tuple[str, ...]:
        """Every warning, with the manifest or project that it is about: what `--strict` refuses."""
        of_actions = (f"{action.request.name}: {warning}" for action in self.actions for warning in action.warnings)
        of_projects = (f"{project.name}: {note}" for project in self.projects.values() for note in project.notes)
        return (*of_actions, *dict.fromkeys(of_projects))

    @property
    def cost(self) -> Bill:
        """What all submits cost together."""
        return Bill(tuple((a.request.name, a.cost or cost_of(a.request, ())) for a in self.of(Verb.SUBMIT)))

    @property
    def cost_later(self) -> Bill:
        """What the stages that wait cost together, once they run."""
        return Bill(tuple((a.request.name, a.cost or cost_of(a.request, ())) for a in self.later))

    @property
    def beside(self) -> tuple[Beside, ...]:
        """The runs that the submits leave running, each once."""
        return tuple({run.job.id: run for action in self.of(Verb.SUBMIT) for run in action.beside}.values())

    @property
    def cost_beside(self) -> Bill:
        """What the runs that the submits leave running cost together."""
        return Bill(tuple((f"job {run.job.id}", run.cost or Cost.unknown(run.job.node_count)) for run in self.beside))

    def of(self, verb: Verb) -> tuple[Action, ...]:
        return tuple(action for action in self.actions if action.verb == verb)

    @property
    def possible_submits(self) -> tuple[Action, ...]:
        """The submits, and the holds that git may turn into submits: of specs that ran under another name."""
        return tuple(a for a in self.actions if a.verb is Verb.SUBMIT or a.doubt is Doubt.RENAMED)

    @property
    def later(self) -> tuple[Action, ...]:
        """What is submitted by a later apply: stages that wait for others, and retries that are not due."""
        return tuple(action for action in self.actions if action.submits_later)

    def lacks_job_of(self, action: Action) -> bool:
        """True if no job in its project has, or had, just the identity of an action's manifest."""
        named = self.project_of(action).by_name.get(action.request.name, ())
        return all(job.identity != action.request.identity for job in named)

    def project_of(self, action: Action) -> ObservedProject:
        return self.projects[action.request.project]

    @property
    def new_projects(self) -> tuple[ProjectRef, ...]:
        """Projects that a submit needs and that do not exist yet."""
        needed = {action.request.project: None for action in self.of(Verb.SUBMIT)}
        return tuple(ref for ref in needed if not self.projects[ref].exists)
