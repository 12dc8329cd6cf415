"""Records of runs, made from nothing but numbers: every state, every kind of change, and text that means no good."""

from collections.abc import Iterator
from dataclasses import replace

from baseten_jobs.git.log import Revision
from baseten_jobs.job.bills import Bill, BilledDay, Bills
from baseten_jobs.job.cost import Machine
from baseten_jobs.job.identity import Identity
from baseten_jobs.job.observation import ObservedJob, ObservedProject
from baseten_jobs.job.request import ProjectRef
from baseten_jobs.job.times import moment
from baseten_jobs.planning.diff import Change
from baseten_jobs.planning.history.past_manifests import PastManifest
from baseten_jobs.planning.records.assembly import Taken, run_of
from baseten_jobs.planning.records.between import Between
from baseten_jobs.planning.records.record import Others, Record, Step
from baseten_jobs.planning.records.run import Run, RunCommit

NOW = 1_796_000_000.0
HOUR = 3600.0
STATES = ("COMPLETED", "RUNNING", "FAILED", "STOPPED", "PREEMPTED", "COMPLETED", "WARMING")
MACHINES = (Machine(8000, 1 << 20, 0.8667, 8, "H100"),)

HOSTILE = (
    "<script>window.hit=1</script>",
    "\"><img src=x onerror='window.hit=1'>",
    "</style></script></title><script>window.hit=1</script>",
    "javascript:window.hit=1",
    "' autofocus onfocus='window.hit=1",
    "<svg/onload=window.hit=1>",
    "&lt;b&gt; &amp; <!-- ]]> -->",
    "\u202eevil\u202c \x1b[31mred\x00 \n::error::x ##[add-path]x",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>",
    "<a href=http://127.0.0.1:9/>x</a> {{7*7}} ${7*7}",
)
"""Texts that a name, a message or a log line may hold."""


def text(number: int, hostile: bool) -> str:
    return HOSTILE[number % len(HOSTILE)] if hostile else f"text {number}"


def a_run(number: int, manifests: int = 7, *, hostile: bool = False) -> Run:
    """The run of this number, the higher the older. One in five is billed, and one in nine not in git."""
    of, state = number % manifests, STATES[number % len(STATES)]
    created = NOW - HOUR * (3 + 5 * number)
    project = ObservedProject(ProjectRef("Demo"), f"p{of % 3}", f"Demo {of % 3} {text(of, hostile)}")
    job = ObservedJob(
        id=f"j{number:05}{text(number, hostile) if hostile else ''}",
        name=f"sweep-{of}--{number // manifests:012x}-bcdfghj",
        status=f"TRAINING_JOB_{state}",
        created_at=moment(created),
        project_id=f"p{of % 3}",
        gpus=None if number % 11 == 10 else 0 if number % 13 == 12 else 8 * (1 + of % 2),
        gpu_type="H100" if not hostile else f"H100{text(number, True)}",
        node_count=1 + of % 2,
        updated_at=moment(created + HOUR * (1 + number % 9)),
        user=f"u{of}@example.com" if not hostile else text(number + 1, True),
        error_message=f"CUDA out of memory {text(number, hostile)}" if state == "FAILED" else None,
    )
    day = BilledDay(job.created_at[:10], 12.5, HOUR)
    bills = Bills({job.id: Bill(12.5, HOUR, (day,))} if number % 5 == 0 else {})
    identity = Identity(f"sweep-{of}", f"{number // manifests:012x}", 1 + number % 4 // 3)
    commit = None if number % 9 == 8 else a_commit(number, identity, hostile=hostile)
    return run_of(project, job, identity, commit, Taken(NOW, MACHINES, bills))


def a_commit(number: int, identity: Identity, *, hostile: bool = False) -> RunCommit:
    author = f"Author {number % 4}" if not hostile else text(number + 2, True)
    revision = Revision(f"{number:040x}", author, moment(NOW - HOUR * (4 + 5 * number)), f"specs/{identity.name}.yaml")
    spec = {"image": {"base_image": "i:1"}, "runtime": {"start_commands": [f"train {number}"]}}
    written = PastManifest(identity.name, "Demo", None, None, identity.attempt, spec, "baseten-jobs/v1")
    return RunCommit(revision, f"Try step {number} {text(number + 3, hostile)}", written)


def a_record(runs: int, manifests: int = 7, *, hostile: bool = False) -> Record:
    """The newest runs first, each beside the one before of its manifest."""
    found = tuple(a_run(number, manifests, hostile=hostile) for number in range(runs))
    others = Others((("Demo", replace(found[0].job, id="j-other", name=text(0, hostile))),)) if found else Others()
    notes = (f"a note {text(1, hostile)}",) if runs > 1 else ()
    title = f"training {text(2, hostile)}" if hostile else "training"
    return Record(found, others, NOW, None, True, notes, title, dict(_steps(found, hostile)))


def _steps(runs: tuple[Run, ...], hostile: bool) -> Iterator[tuple[str, Step]]:
    last: dict[object, Run] = {}
    for number, run in enumerate(reversed(runs)):
        if before := last.get(run.manifest):
            lr = Change(
                "spec.runtime.start_commands[0]", f"train {number} {text(number, hostile)}", f"train {number + 1}"
            )
            env = Change("spec.runtime.environment_variables.SECRET", "sesame", "open")
            added = Change(f"spec.workspace/train-{text(number, hostile)}.py", None, "0123456789ab")
            between = (
                Between((lr, env), (added,)),
                Between((lr,) * 9),
                Between(),
                Between(untold=(f"git does not have it {text(number, hostile)}",)),
            )
            yield run.job.id, Step(before, between[number % 4])
        last[run.manifest] = run
