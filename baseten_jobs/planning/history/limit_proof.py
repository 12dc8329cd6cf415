"""Plan with stops of runs that are over their limits -> the plan with those alone that git bears out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from baseten_jobs.git.objects import NotWhole
from baseten_jobs.git.process import GitError
from baseten_jobs.git.repository import NotInGit, Repository
from baseten_jobs.job.names import parse_job_name
from baseten_jobs.manifest.sources import read_raw
from baseten_jobs.phrases import one_line
from baseten_jobs.planning.history.branch_tip import Tip
from baseten_jobs.planning.history.lookup import Evidence
from baseten_jobs.planning.history.orphans import of_another
from baseten_jobs.planning.history.review import Inquiry
from baseten_jobs.planning.plan import Action, ActionKey, Plan, Verb


def with_proven_limits(
    plan: Plan,
    repository: Repository | NotInGit,
    inquiry: Inquiry,
    bases: Mapping[str, Sequence[str]],
    ask_tip: Callable[[], Tip | None],
) -> Plan:
    """The plan without the stops over a limit that are in doubt; their manifests' actions get a warning each.

    A run is stopped if this repository's history has its spec, and HEAD the limit, and if the branch that decides is
    not further: `ask_tip` looks at it, returns None where there is no remote, and raises GitError. One of an older spec
    or attempt has to be over the limits that the newest revision with that had, too. `bases` has the files of Defaults
    that each manifest extends, by its path.
    """
    stops = [stop for stop in plan.of(Verb.STOP) if stop.over_limit]
    if not stops:
        return plan
    doubts = {stop.key: why for stop in stops if (why := _of_job(stop, inquiry))}
    left = [stop for stop in stops if stop.key not in doubts]
    if isinstance(repository, NotInGit):
        doubts |= dict.fromkeys((stop.key for stop in left), repository.reason)
    elif left:
        try:
            proof = _Proof(plan, repository, inquiry, bases)
            doubts |= proof.doubts(left, ask_tip)
        except (GitError, NotWhole) as error:
            doubts |= dict.fromkeys((stop.key for stop in left), f"git can't tell: {one_line(str(error), 400)}")
    return _without(plan, doubts)


def _of_job(stop: Action, inquiry: Inquiry) -> str:
    """Why the job alone, as the API shows it, must not be stopped."""
    job = stop.job
    if job is None or job.disputed:
        return "search and job list name it differently"
    owner = inquiry.other_owner(job)
    return of_another(owner) if owner else ""


class _Proof:
    """One repository, asked about the runs of one plan that are over their limits."""

    def __init__(
        self, plan: Plan, repository: Repository, inquiry: Inquiry, bases: Mapping[str, Sequence[str]]
    ) -> None:
        self.plan, self.repository, self.bases = plan, repository, bases
        requests = [action.request for action in plan.actions]
        self.evidence = Evidence(repository, requests, inquiry.policy.history, inquiry.now)
        self.at_head = repository.manifests_at_head()

    def doubts(self, stops: Iterable[Action], ask_tip: Callable[[], Tip | None]) -> dict[ActionKey, str]:
        """Why runs must not be stopped, by the keys of their stops; those that may be are left out."""
        found = {stop.key: self._doubt(stop) for stop in stops}
        tip = None if all(found.values()) else ask_tip()
        told = ""
        if tip is not None and tip.overtaken:
            branch = one_line(tip.branch)
            told = f"{branch} is at {tip.commit[:7]}, and this is {tip.head[:7]}, so its own run decides"
        return {key: why or told for key, why in found.items() if why or told}

    def _doubt(self, stop: Action) -> str:
        request, job = stop.request, stop.job
        was = (parse_job_name(job.name) or job.identity) if job else None
        if was is None or self.evidence.paths[request.path] is None:
            return "the manifest is not in the git repository of the rest"
        if request.overrides:
            return "`--set` is laid over its manifest"
        sources = dict.fromkeys((request.path, *self.bases.get(request.path, ())))
        changed = next((each for each in sources if not _as_committed(each, self.repository, self.at_head)), None)
        if changed is not None:
            return f"{one_line(changed, 200)} is not as HEAD has it"
        found = self.evidence.of(was.name).find_in_project(was, self.plan.project_of(stop))
        if found is None:
            return (
                "this clone is shallow" if self.repository.shallow else "its spec is not in this repository's history"
            )
        if was == request.identity:
            return ""
        own, took = found.written.limits, stop.over_limit
        if own is None or took is None or not own.exceeded_by(took):
            return f"the manifest that it was made from allowed more, in commit {found.revision.commit[:10]}"
        return ""


def _as_committed(path: str, repository: Repository, at_head: Mapping[str, str]) -> bool:
    """True if a file of the work tree is as HEAD has it, but for the ends of its lines."""
    inside = repository.path_of(path)
    blob = at_head.get(inside or "")
    here = read_raw(path)
    if blob is None or here is None:
        return False
    (there,) = repository.contents((blob,))
    return here.replace(b"\r\n", b"\n") == there.replace(b"\r\n", b"\n")


def _without(plan: Plan, doubts: dict[ActionKey, str]) -> Plan:
    told: dict[ActionKey, list[str]] = {}
    for stop in plan.of(Verb.STOP):
        if stop.key in doubts:
            job = stop.job.id if stop.job else ""
            remedy = f"`baseten-jobs stop --job {job}` stops it"
            why = f"job {job} is {stop.reason}, and is not stopped: {doubts[stop.key]}; {remedy}"
            told.setdefault(stop.key.of_manifest, []).append(why)
    return replace(
        plan,
        actions=tuple(
            replace(a, warnings=(*a.warnings, *told.get(a.key, ()))) if a.key in told else a
            for a in plan.actions
            if a.key not in doubts
        ),
    )
