"""Every message of a plan: a person should act on a warning before this apply, and a note stops nobody."""

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import baseten_jobs
from baseten_jobs.emulator.settings import Durations
from baseten_jobs.job.observation import Observation, ObservedJob, ObservedProject
from baseten_jobs.job.retry_policy import RetryPolicy
from baseten_jobs.planning.decide import make_plan
from baseten_jobs.planning.plan import Action, Policy
from tests.planning.test_plan import OTHER, REF, job, request
from tests.support.repository import Repository
from tests.support.world import World, empty

PACKAGE = Path(baseten_jobs.__file__).parent

STRANGER = replace(job("RUNNING", gpus=16, gpu_type="H100"), name="theirs")
OLDER, YOUNGER = job("RUNNING", OTHER), job("RUNNING", OTHER, id="j2")
STOP = {"stop_superseded": True}
RETRY = {"retries": RetryPolicy(1, frozenset({"TRAINING_JOB_PREEMPTED"}), False, 600)}
PREEMPTED = job("PREEMPTED", updated_at="2026-01-01T01:00:00Z")
AGAIN = replace(PREEMPTED, id="j2", name=f"{PREEMPTED.name}-r1", created_at="2026-01-01T00:00:02Z")

OF_THE_TABLE: list[tuple[str, str, list[ObservedJob], dict[str, Any]]] = [
    ("warning", "duplicate: j1, j2 run the same spec", [job("RUNNING"), job("RUNNING", id="j2")], {}),
    ("warning", "j2 (8 GPUs) still runs, which is not what git says", [job("COMPLETED"), YOUNGER], {}),
    ("error", "j2 (8 GPUs) still runs, which is not what git says", [job("COMPLETED"), YOUNGER], STOP),
    ("error", "j2 (8 GPUs) still runs, which is not what git says", [job("FAILED"), YOUNGER], {}),
    ("note", "the previous run (job j1, 8 GPUs) keeps running beside it", [OLDER], {}),
    ("note", "job j2 (8 GPUs) of another spec runs on", [job("RUNNING"), YOUNGER], {}),
    ("note", "it was created after job j1", [job("RUNNING"), YOUNGER], STOP),
    ("note", "job j1 (8 GPUs) of another spec runs on", [OLDER], {"suspended": True}),
    ("note", "has the status warming, not known here and counted as live", [job("WARMING")], {}),
    ("note", "priority 0 → 7 has no effect", [job("RUNNING", priority=0)], {"training_job": {"priority": 7}}),
    ("error", "used up: job j2 was preempted after 1 of 1 retries", [PREEMPTED, AGAIN], RETRY),
    ("note", "job j2 (8 GPUs) of another spec runs on", [PREEMPTED, YOUNGER], RETRY),
    ("note", "which no manifest manages, runs on as many GPUs", [STRANGER], {}),
]


def sayings(action: Action) -> dict[str, list[str]]:
    return {
        "error": [action.error] if action.error else [],
        "warning": list(action.warnings),
        "note": [*map(str, action.beside), *action.notes],
    }


@pytest.mark.parametrize(
    ("kind", "text", "jobs", "changes"), OF_THE_TABLE, ids=[f"{r[0]}: {r[1]}" for r in OF_THE_TABLE]
)
def test_what_the_decision_table_says(kind: str, text: str, jobs: list[ObservedJob], changes: dict[str, Any]) -> None:
    project = ObservedProject(REF, "p1", "Demo", jobs=tuple(jobs))
    action = make_plan([request(**changes)], Observation({REF: project}), Policy()).actions[0]
    said = sayings(action)
    assert {where: len(texts) for where, texts in said.items()} == {"error": 0, "warning": 0, "note": 0} | {kind: 1}
    assert text in said[kind][0]


@pytest.mark.parametrize("committed", [True, False])
def test_a_stop_that_git_does_not_bear_out_is_a_warning(tmp_path: Path, committed: bool) -> None:
    """Either the run's spec is not in the history, or the manifest's own is not."""
    world = Repository(tmp_path / "work", durations=Durations(running=1e9))
    world.write(command="v1")
    if not committed:
        world.commit()
    world.apply()
    world.write(command="v2", more="policy: {on_change: stop}\n")
    if committed:
        world.commit()
    said = sayings(world.asked().actions[0])
    assert (len(said["error"]), len(said["warning"]), len(said["note"])) == (0, 1, 1)
    assert "history" in said["warning"][0]
    assert "keeps running beside it" in said["note"][0]


def test_reads_that_contradict_each_other_are_a_warning(tmp_path: Path) -> None:
    world = World(tmp_path, {"durations": Durations(running=1e9)})
    world.write("y", command="y")
    world.apply()
    world.write("x", command="x")
    world.fault("search", empty, empty)
    (warning,) = world.plan().plan.warnings
    assert "search and job list of the project disagree on 1 job" in warning


def test_no_other_module_says_something_of_an_action() -> None:
    """Warnings and notes of actions come from the modules whose messages are in the tables here."""
    speaking = {
        path.stem
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.keyword) and node.arg in ("warnings", "beside")
    }
    assert speaking == {
        "decide", "holds", "limit_proof", "limits", "review", "preflight", "resumption", "second_look", "stages",
        "twins",
    }  # fmt: skip
