"""Plans for the reports to tell: built as values, hostile ones too."""

from dataclasses import replace
from typing import Any

from baseten_jobs.git.log import Revision
from baseten_jobs.job.cost import Cost
from baseten_jobs.job.identity import Identity
from baseten_jobs.job.observation import ObservedJob, ObservedProject
from baseten_jobs.job.request import JobRequest, ProjectRef, Upstream
from baseten_jobs.job.retries import Retry
from baseten_jobs.job.run_limits import Range, RunLimits, Spending
from baseten_jobs.planning.capacity import Start
from baseten_jobs.planning.diff import Change
from baseten_jobs.planning.plan import Action, Beside, Doubt, Orphan, Plan, Verb, Wait

OLD, NEW = "3d7341265964", "e98bb7310837"

REVISION = Revision("0123456789abcdef0123456789abcdef01234567", "Ada", "2026-03-01T10:00:00+01:00", "specs/old.yaml")

CHANGES = (
    Change("spec.compute.node_count", 2, 4),
    Change("spec.priority", None, 10),
    Change(
        "spec.runtime.start_commands[0]",
        "torchrun --nnodes 2 --nproc-per-node 8 train.py --lr 1e-5 --epochs 3 --batch 8 --seed 1",
        "torchrun --nnodes 4 --nproc-per-node 8 train.py --lr 2e-5 --epochs 3 --batch 8 --seed 1",
    ),
    Change("spec.runtime.environment_variables.NCCL_DEBUG", "INFO", "a value of the environment"),
    Change("spec.runtime.environment_variables.HF_TOKEN", "plain text", {"name": "hf_access_token"}),
    Change("spec.weights[1]", None, {"source": "hf://a/b@main"}),
)


def request(name: str = "sft", project: str = "Qwen3 8B / SFT", team: str | None = None, **changes: Any) -> JobRequest:
    compute = {"node_count": 2, "accelerator": {"accelerator": "H100", "count": 8}}
    training_job = {"name": name, "compute": compute}
    made = JobRequest(f"specs/{name}.yaml", 2, ProjectRef(project, team=team), name, 1, NEW + "0" * 52, training_job)
    return replace(made, **changes)


def job(name: str = "sft", id: str = "j1", digest: str = OLD, status: str = "RUNNING") -> ObservedJob:
    created = "2026-03-01T10:00:00Z"
    return ObservedJob(id, Identity(name, digest).job_name, f"TRAINING_JOB_{status}", created, "p1", 16)


def submit(name: str = "sft", **changes: Any) -> Action:
    cost = Cost(2, 8, "H100", 0, 104.0)
    made = Action(Verb.SUBMIT, request(name), f"changed: {OLD} → {NEW}", cost=cost, starts=Start.NOW)
    return replace(made, **changes)


def keep(name: str, **changes: Any) -> Action:
    return replace(Action(Verb.KEEP, request(name), "unchanged", job(name, digest=NEW)), **changes)


def planned(*actions: Action, **changes: Any) -> Plan:
    refs = {action.request.project for action in actions}
    projects = {ref: ObservedProject(ref, f"p-{ref}", str(ref)) for ref in refs}
    return replace(Plan(actions, projects), **changes)


def limits() -> Plan:
    """Limits by time, by cost and by both, without a price and without a limit; and what became of such runs."""
    day, usd = RunLimits(12 * 3600), RunLimits(None, 500.0)
    free = Cost(1, 0, "", 1)
    took = Spending(Range(45_000.0, 46_000.0), Range(0.0, 1_328.88))
    over = "over its limit: it has run for 12h30m, and policy.max_duration is 12h"
    used = "used up: its runs took 13h, and policy.max_duration is 12h: raise `metadata.attempt`, or the limit"
    limited = request("runs", limits=day)
    return planned(
        submit("by-time", request=request("by-time", limits=day)),
        submit("by-cost", request=request("by-cost", limits=usd)),
        submit("by-both", request=request("by-both", limits=RunLimits(60, 500.0))),
        submit("no-price", request=request("no-price", limits=day), cost=free),
        submit("no-limit"),
        keep("runs", request=limited),
        Action(Verb.STOP, limited, over, job("runs", digest=NEW), over_limit=took),
        Action(
            Verb.HOLD, request("used", limits=day), used, job("used", "j7", NEW, "PREEMPTED"), error=f"used: {used}"
        ),
    )


def chain() -> Plan:
    """Four stages: one runs, one waits for it, one for that one; and one waits for what will never come."""
    names = ("pretrain", "sft", "dpo")
    upstreams = {name: Upstream(0, request().project, name, NEW + "0" * 52, 1) for name in (*names, "broken")}

    def waiting(name: str, after: str, state: str, *, job: ObservedJob | None = None, broken: bool = False) -> Action:
        wait = Wait(upstreams[after], state, job, broken)
        stage = request(name, upstreams=(upstreams[after],))
        error = f"{name}: {wait}" if broken else ""
        cost = None if broken else Cost(2, 8, "H100", 0, 104.0)
        return Action(Verb.HOLD, stage, str(wait), waits=(wait,), error=error, cost=cost)

    return planned(
        keep("pretrain"),
        waiting("sft", "pretrain", "running, 3 checkpoints", job=job("pretrain", digest=NEW)),
        replace(
            waiting("dpo", "sft", "which waits itself"),
            superseded=(job("dpo", "j5"),),
            warnings=("job j5 of another spec runs on until then",),
        ),
        Action(Verb.HOLD, request("broken"), "failed before: raise it", job("broken", "j3", NEW, "FAILED")),
        waiting("eval", "broken", "job j3 failed", job=job("broken", "j3", NEW, "FAILED"), broken=True),
    )


def every_kind() -> Plan:
    """One of everything that a plan can say."""
    return planned(
        submit(
            changes=CHANGES,
            previous=REVISION,
            superseded=(job(),),
            request=request("sft", overrides=(("spec.image.base_image", "repo:1"),)),
        ),
        Action(Verb.STOP, request("sft"), f"superseded by sft--{NEW}", job()),
        submit("new", reason="new", cost=None, starts=Start.QUEUES, request=request("new", project="Made by apply")),
        submit(
            "beside", beside=(Beside(job("beside", "j8"), Cost(2, 8, "H100", 0, 104.0)),),
            notes=("job j9 ('theirs'), which no manifest manages, runs on as many GPUs as this one asks for",),
        ),
        Action(Verb.HOLD, request("moved"), "renamed? job j10 runs this very spec as 'was'", job("was", "j10", NEW),
               doubt=Doubt.RENAMED),
        submit("lost", history="the revision that runs is not in this shallow clone: clone with `fetch-depth: 0`"),
        Action(
            Verb.UPDATE, request("eval"), "priority 0 → 10", job("eval", "j2", NEW, "PENDING"),
            changes=(Change("spec.priority", 0, 10),),
        ),
        keep("base", warnings=("job j9 runs the same spec",)),
        keep("tiny"),
        Action(Verb.HOLD, request("bad"), "failed before: raise `metadata.attempt`", job("bad", "j3", NEW, "FAILED"),
               error="bad: job j4 (16 GPUs) still runs, which is not what git says"),
        projects={
            ref: ObservedProject(ref, None if "Made" in str(ref) else "p1", str(ref), notes=notes)
            for ref, notes in (
                (request().project, ("its two lists do not agree",)),
                (ProjectRef(name="Made by apply"), ()),
            )
        },
        orphans=(
            Orphan(job("gone", "j7"), "Qwen3 8B / SFT", REVISION),
            Orphan(job("late", "j11"), "Qwen3 8B / SFT", REVISION, "it was created after its manifest was deleted"),
        ),
        notes=("capacity can't be read",),
    )  # fmt: skip


def retries() -> Plan:
    """Runs that ended: one is retried from its checkpoint, one waits to be, one has no retry left, one is by hand."""

    def ended(name: str, id: str, number: int = 0) -> ObservedJob:
        made = job(name, id, digest=NEW, status="PREEMPTED")
        return replace(made, name=f"{made.name}-r{number}" if number else made.name)

    def again(name: str, number: int) -> JobRequest:
        return request(name).as_retry(number)

    ends = {name: ended(name, f"j{number}", number) for number, name in enumerate(("sft", "dpo", "kto", "ppo"))}
    due = 1_772_359_200.0
    retry = {
        "sft": Retry(1, ends["sft"], 0, 3, due),
        "dpo": Retry(2, ends["dpo"], 1, 3, due),
        "kto": Retry(3, ends["kto"], 2, 2, due),
        "ppo": Retry(4, ends["ppo"], 3),
    }
    entry = {"typ": "baseten_named_checkpoint", "checkpoint_name": "checkpoint-4", "job_id": "j0"}
    loaded = (
        Change("spec.checkpointing.load.checkpoints[0]", None, entry),
        Change("spec.checkpointing.load.enabled", None, True),
    )
    waits = "waits to be retried: job j1 was preempted, retry 2 of 3, in 10m (2026-03-01T10:00:00Z)"
    used_up = "used up: job j2 was preempted after 2 of 2 retries: raise `metadata.attempt`, or `--retry-failed kto`"
    return planned(
        submit(
            "sft",
            request=again("sft", 1),
            reason="retried: job j0 was preempted, retry 1 of 3, from checkpoint-4 of job j0",
            retry=retry["sft"],
            changes=loaded,
            loads=(ends["sft"],),
        ),
        Action(Verb.HOLD, again("dpo", 2), waits, ends["dpo"], retry=retry["dpo"], cost=Cost(2, 8, "H100", 0, 104.0)),
        Action(Verb.HOLD, request("kto"), used_up, ends["kto"], retry=retry["kto"], error=f"kto: {used_up}"),
        submit("ppo", request=again("ppo", 4), reason="retried: job j3 was preempted", retry=retry["ppo"]),
    )
