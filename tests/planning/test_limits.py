"""Runs over their limits: what is stopped, what is only warned about, what is held, and what is read for it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from baseten_jobs.applying.outcome import Applied
from baseten_jobs.cli.exit_rules import exit_of_apply
from baseten_jobs.cli.exits import Exit
from baseten_jobs.emulator.settings import Durations
from baseten_jobs.job.cost import Machine
from baseten_jobs.job.observation import Observation, ObservedJob, ObservedProject
from baseten_jobs.job.request import JobRequest
from baseten_jobs.job.retry_policy import RetryPolicy
from baseten_jobs.job.run_limits import RunLimits
from baseten_jobs.planning.decide import make_plan
from baseten_jobs.planning.limits import Readings, seen_again, with_limits
from baseten_jobs.planning.plan import Plan, Policy, Verb
from baseten_jobs.planning.saved_plan import SavedPlan, loaded, planned
from baseten_jobs.planning.terms import Terms
from tests.planning.test_plan import OTHER, REF, request
from tests.planning.test_retries import START, run
from tests.support.world import World, answered, showing

HOUR = 3600.0
DAY = RunLimits(24 * 3600)
RETRIES = RetryPolicy(3, frozenset({"TRAINING_JOB_PREEMPTED"}), False, 600)
H100 = Machine(1000, 1024, 1.0, 8, "H100")
"""A dollar a minute."""


@dataclass
class Read:
    """What can be read, and which jobs it was read of."""

    begins: Mapping[str, float] = field(default_factory=dict)
    bills: Mapping[str, float] = field(default_factory=dict)
    machines: tuple[Machine, ...] = (H100,)
    calls: list[str] = field(default_factory=list)

    def readings(self, now: float) -> Readings:
        return Readings(START + now, self._machines, self._first_lines, self._billed)

    def _machines(self) -> tuple[Machine, ...]:
        self.calls.append("prices")
        return self.machines

    def _first_lines(self, jobs: Collection[ObservedJob], now: float) -> Mapping[str, float]:
        self.calls += sorted(f"log {job.id}" for job in jobs)
        return {job.id: START + self.begins[job.id] * HOUR for job in jobs if job.id in self.begins}

    def _billed(self, jobs: Collection[ObservedJob], now: float) -> Mapping[str, float]:
        self.calls.append("bill")
        return {job.id: self.bills[job.id] for job in jobs if job.id in self.bills}


def plan_of(
    *jobs: ObservedJob, read: Read, now: float, limits: RunLimits | None = DAY, retry: bool = False, **changes: Any
) -> Plan:
    """The plan so many hours after the start; `retry` is asked for by hand."""
    project = ObservedProject(REF, "p1", "Demo", jobs=jobs, read_at=START + now * HOUR)
    asked: JobRequest = request(limits=limits, **changes)
    policy = Policy(retry_failed=frozenset({"x"} if retry else ()))
    return with_limits(make_plan([asked], Observation({REF: project}), policy), read.readings(now * HOUR))


def told(plan: Plan) -> list[str]:
    """What becomes of each job, in short, with the warnings and the errors."""
    found = []
    for action in plan.actions:
        job = f" {action.job.id}" if action.job else ""
        reason = f": {action.reason}" if action.over_limit or action.verb is Verb.HOLD else ""
        found += [f"{action.verb.value}{job}{reason}", *(f"warning: {each}" for each in action.warnings)]
    return found


def live(number: int = 0, begun: float = 0.0, status: str = "RUNNING", **more: Any) -> ObservedJob:
    """A job that began so many hours after the start, on 8 H100."""
    return run(status, number, begun * HOUR, begun * HOUR, gpu_type="H100", node_count=1, **more)


def over(number: int, begun: float, ended: float, status: str = "PREEMPTED", **more: Any) -> ObservedJob:
    return run(status, number, begun * HOUR, ended * HOUR, gpu_type="H100", node_count=1, **more)


USD = RunLimits(None, 600.0)
NO_LINE = "may be over its limit: no log line of it can be read, so its time is not known"
USED_UP = "hold j0: used up: it has run for 1d1h, and policy.max_duration is 1d: raise `metadata.attempt`, or the limit"
COPY = {"id": "copy", "token": "bcdf"}
ROWS: Mapping[str, tuple[list[ObservedJob], dict[str, Any], list[str]]] = {
    "over its time": (
        [live()], {"begins": {"j0": 1}, "now": 25},
        ["keep j0", "stop j0: over its limit: it has run for 1d, and policy.max_duration is 1d"],
    ),
    "not over its time, counted from its first line": ([live()], {"begins": {"j0": 2}, "now": 25}, ["keep j0"]),
    "no line": ([live()], {"now": 48}, ["keep j0", f"warning: job j0 {NO_LINE}"]),
    "still in the queue": ([live(status="PENDING")], {"now": 48}, ["keep j0"]),
    "a status that is not known": ([live(status="WARMING")], {"begins": {"j0": 0}, "now": 48}, ["keep j0"]),
    "its runs together": (
        [over(0, 0, 20), live(1, 21)], {"begins": {"j0": 0, "j1": 21}, "now": 25},
        ["keep j1", "stop j1: over its limit: its runs took 1d, and policy.max_duration is 1d"],
    ),
    "its runs together, but for the time between": (
        [over(0, 0, 20), live(1, 24)], {"begins": {"j0": 0, "j1": 24}, "now": 27}, ["keep j1"],
    ),
    "an earlier run without a line counts for nothing": (
        [over(0, 0, 20), live(1, 21)], {"begins": {"j1": 21}, "now": 25}, ["keep j1"],
    ),
    "another attempt counts for itself": (
        [over(0, 0, 20), live(1, 21, attempt=2, id="j2")],
        {"begins": {"j0": 0, "j2": 21}, "now": 25, "attempt": 2}, ["keep j2"],
    ),
    "another spec counts for itself": (
        [over(0, 0, 20, digest=OTHER), live(1, 21)], {"begins": {"j0": 0, "j1": 21}, "now": 25}, ["keep j1"],
    ),
    "a live run of another spec is bounded, too": (
        [live(0, 0, digest=OTHER), live(1, 21)], {"begins": {"j0": 0, "j1": 21}, "now": 25},
        ["keep j1", "stop j0: over its limit: it has run for 1d1h, and policy.max_duration is 1d"],
    ),
    "a run beside it counts for itself": (
        [live(0, 0), live(1, 5, token="ghjk")], {"begins": {"j0": 0, "j1": 5}, "now": 24},
        ["keep j0", "warning: duplicate: j0, j1 run the same spec; stop one with `baseten-jobs stop --job j1` (j0 "
         "running, 1d old; j1 running, 19h old)",
         "stop j0: over its limit: it has run for 1d, and policy.max_duration is 1d"],
    ),
    "a copy is not stopped": (
        [over(0, 0, 1, "FAILED"), live(0, 1, **COPY)], {"begins": {"j0": 0, "copy": 1}, "now": 99}, ["keep copy"],
    ),
    "what a copy took counts for nothing": (
        [over(0, 0, 1, "FAILED"), over(0, 1, 21, "FAILED", **COPY), live(1, 22, token="ghjk")],
        {"begins": {"j0": 0, "copy": 1, "j1": 22}, "now": 25}, ["keep j1"],
    ),
    "suspended": (
        [live()], {"begins": {"j0": 0}, "now": 30, "suspended": True},
        ["hold j0: suspended", "stop j0: over its limit: it has run for 1d6h, and policy.max_duration is 1d"],
    ),
    "over its cost by the bill": (
        [live()], {"bills": {"j0": 600.0}, "now": 20, "limits": USD},
        ["keep j0", "stop j0: over its limit: it has cost at least $600.00, at most $1,200.00, and policy.max_cost is "
         "$600.00"],
    ),
    "the bill is below, whatever the time says": (
        [live()], {"bills": {"j0": 599.0}, "begins": {"j0": 0}, "now": 20, "limits": USD}, ["keep j0"],
    ),
    "over its cost by its time, where no bill is there": (
        [live()], {"begins": {"j0": 10}, "now": 20, "limits": USD},
        ["keep j0", "stop j0: over its limit: it has cost at least $600.00, at most $1,200.00, and policy.max_cost is "
         "$600.00"],
    ),
    "a bill and a time together": (
        [over(0, 0, 9), live(1, 10)], {"bills": {"j0": 540.0}, "begins": {"j1": 10}, "now": 11, "limits": USD},
        ["keep j1", "stop j1: over its limit: its runs cost at least $600.00, at most $600.00, and policy.max_cost is "
         "$600.00"],
    ),
    "no price and no bill": (
        [live()], {"begins": {"j0": 10}, "now": 20, "limits": USD, "machines": ()},
        ["keep j0", "warning: job j0 may be over its limit of $600.00: neither its price nor its bill is known"],
    ),
    "a bill without a price": (
        [live()], {"bills": {"j0": 700.0}, "begins": {"j0": 10}, "now": 20, "limits": USD, "machines": ()},
        ["keep j0", "stop j0: over its limit: it has cost at least $700.00, and policy.max_cost is $600.00"],
    ),
    "a retry that has nothing left": (
        [over(0, 0, 25)], {"begins": {"j0": 0}, "now": 30, "retries": RETRIES},
        [USED_UP],
    ),
    "a retry that waits, and has nothing left": (
        [over(0, 0, 25)], {"begins": {"j0": 0}, "now": 25.1, "retries": RETRIES},
        [USED_UP],
    ),
    "a retry that has an hour left": (
        [over(0, 0, 23)], {"begins": {"j0": 0}, "now": 30, "retries": RETRIES}, ["submit"],
    ),
    "a retry by hand that has nothing left": (
        [over(0, 0, 25, "FAILED")], {"begins": {"j0": 0}, "now": 30, "retry": True},
        [USED_UP],
    ),
    "after a stop over its limit": (
        [over(0, 0, 25, "STOPPED")], {"begins": {"j0": 0}, "now": 30, "retries": RETRIES},
        ["hold j0: stopped over its limit: it has run for 1d1h, and policy.max_duration is 1d: raise "
         "`metadata.attempt`, or the limit and `--retry-failed x` (job j0 was stopped)"],
    ),
    "after a person's stop": (
        [over(0, 0, 3, "STOPPED")], {"begins": {"j0": 0}, "now": 30, "retries": RETRIES},
        ["hold j0: stopped by a person: raise `metadata.attempt`, or `--retry-failed x` (job j0 was stopped)"],
    ),
    "a new spec after one that is used up": (
        [over(0, 0, 99, "STOPPED", digest=OTHER)], {"begins": {"j0": 0}, "now": 99}, ["submit"],
    ),
    "no limit": ([live()], {"begins": {"j0": 0}, "now": 999, "limits": None}, ["keep j0"]),
}  # fmt: skip


@pytest.mark.parametrize("case", ROWS)
def test_what_becomes_of_a_run_that_has_limits(case: str) -> None:
    jobs, given, expected = ROWS[case]
    names = ("begins", "bills", "machines")
    read = Read(**{name: given[name] for name in names if name in given})
    assert told(plan_of(*jobs, read=read, **{k: v for k, v in given.items() if k not in names})) == expected


def test_a_run_is_stopped_once_although_it_is_superseded_too() -> None:
    old, new = live(0, 0, digest=OTHER), live(1, 20)
    plan = plan_of(old, new, read=Read({"j0": 0, "j1": 20}), now=30, stop_superseded=True)
    assert [action.reason for action in plan.of(Verb.STOP)] == [f"superseded by {new.identity.job_name}-r1"]  # type: ignore[union-attr]


def test_what_was_to_follow_a_retry_that_is_held_is_not_stopped() -> None:
    old, failed = live(0, 29, digest=OTHER), over(1, 0, 25)
    plan = plan_of(failed, old, read=Read({"j1": 0, "j0": 29}), now=30, retries=RETRIES, stop_superseded=True)
    assert [(action.verb, bool(action.error)) for action in plan.actions] == [(Verb.HOLD, True)]


READS: Mapping[str, tuple[dict[str, Any], list[str]]] = {
    "no limit": ({"limits": None, "now": 999}, []),
    "its time can't be up": ({"now": 23}, []),
    "its time may be up": ({"now": 25}, ["log j0"]),
    "its cost can't be reached": ({"limits": USD, "now": 9}, ["prices"]),
    "its cost may be reached": ({"limits": USD, "now": 11}, ["prices", "log j0", "bill"]),
    "its time may be up, its cost can't": ({"limits": RunLimits(3600, 600.0), "now": 2}, ["prices", "log j0"]),
}


@pytest.mark.parametrize("case", READS)
def test_no_more_is_read_than_may_decide(case: str) -> None:
    given, calls = READS[case]
    read = Read()
    plan_of(live(), read=read, **given)
    assert read.calls == calls


def test_only_what_another_look_shows_alive_is_stopped() -> None:
    plan = plan_of(live(), read=Read({"j0": 0}), now=30)

    def again(*jobs: ObservedJob) -> list[Verb]:
        return [a.verb for a in seen_again(plan, Observation({REF: ObservedProject(REF, "p1", jobs=jobs)})).actions]

    assert again(live()) == [Verb.KEEP, Verb.STOP]
    assert again(live(status="WARMING")) == again(over(0, 0, 30)) == again() == [Verb.KEEP]


# Before a provider


LIMITED = "policy: {max_duration: 12h, retry: {limit: 2, when: [preempted, failed], delay: 10m}}\n"
COURSE = Durations(created=60, deploying=300, running=1e9, line=60)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path, {"durations": COURSE})
    world.write(more=LIMITED)
    world.apply()
    return world


def became(result: Applied) -> list[str]:
    return [outcome.fate.value for outcome in result.outcomes]


def test_a_run_over_its_time_is_stopped_and_neither_started_again_nor_retried(world: World) -> None:
    world.clock.time += 11 * HOUR
    assert became(world.apply()) == ["kept"]
    world.clock.time += HOUR
    result = world.apply()
    assert (became(result), exit_of_apply(result)) == (["kept", "stopped"], Exit.DONE)
    for _ in range(3):
        world.clock.time += 100 * HOUR
        (hold,) = world.plan().plan.actions
        assert hold.reason.startswith("stopped over its limit: it has run for 12h, and policy.max_duration is 12h: ")
        assert became(world.apply()) == ["held"]
    assert world.status_of() == ["STOPPED"]


def test_a_higher_limit_lets_what_was_stopped_go_on_by_hand(world: World) -> None:
    world.clock.time += 13 * HOUR
    world.apply()
    world.policy = Policy(retry_failed=frozenset({"x"}))
    assert became(world.apply()) == ["held"]
    world.write(more=LIMITED.replace("12h", "24h"))
    assert became(world.apply()) == ["submitted"]
    world.policy = Policy()
    world.clock.time += 12 * HOUR
    assert became(world.apply()) == ["kept", "stopped"]
    assert world.status_of() == ["STOPPED", "STOPPED"]


def test_a_run_that_ended_since_the_plan_is_no_failure(world: World) -> None:
    world.clock.time += 13 * HOUR
    planned = world.plan()
    assert [action.verb for action in planned.plan.actions] == [Verb.KEEP, Verb.STOP]
    force(world, "COMPLETED")
    result = world.carry_out(planned)
    assert (became(result), exit_of_apply(result)) == (["kept", "stopped"], Exit.DONE)
    assert world.status_of() == ["COMPLETED"]


@pytest.mark.parametrize("witness", ["search", "list"])
def test_a_witness_that_shows_a_status_not_known_here_keeps_a_run_from_its_stop(world: World, witness: str) -> None:
    world.clock.time += 13 * HOUR
    world.habit(showing(lambda row: {**row, "current_status": "TRAINING_JOB_WARMING"}), witness)
    assert [action for action in world.plan().plan.actions if action.over_limit] == []


@pytest.mark.parametrize("witness", ["search", "list"])
def test_a_witness_that_does_not_show_a_run_lets_it_be_stopped(world: World, witness: str) -> None:
    """A search may leave old jobs out for good."""
    world.clock.time += 13 * HOUR
    world.habit(showing(lambda row: None), witness)
    assert became(world.apply()) == ["kept", "stopped"]
    assert world.status_of() == ["STOPPED"]


def test_a_log_that_cannot_be_read_stops_nothing(world: World) -> None:
    job = world.jobs()[0]
    world.clock.time += 13 * HOUR
    world.habit(answered(503), f"/v1/training_projects/{job['training_project_id']}/jobs/{job['id']}/logs")
    (kept,) = world.plan().plan.actions
    assert kept.warnings == (f"job {job['id']} {NO_LINE}",)


def test_a_run_costs_what_its_bill_says(world: World) -> None:
    world.write(more="policy: {max_cost: 520}\n")
    world.clock.time += 9.9 * HOUR
    assert became(world.apply()) == ["kept"]
    world.clock.time += 0.2 * HOUR
    plan = world.plan().plan
    assert [a.reason for a in plan.of(Verb.STOP)] == [
        "over its limit: it has cost at least $524.41, at most $525.27, and policy.max_cost is $520.00"
    ]
    world.habit(answered(403), "/v1/billing/usage_summary")
    plan = world.plan().plan
    assert [a.reason for a in plan.of(Verb.STOP)] == [
        "over its limit: it has cost at least $525.27, at most $525.27, and policy.max_cost is $520.00"
    ]


def test_a_plan_reads_nothing_more_where_no_manifest_has_a_limit(world: World) -> None:
    def calls(more: str) -> list[str]:
        world.write(more=more)
        world.between.calls.clear()
        world.plan()
        return [call for call in world.between.calls if call.startswith("/v1/billing") or call.endswith("logs")]

    world.clock.time += 13 * HOUR
    assert calls("") == []
    assert len(calls("policy: {max_duration: 12h}\n")) == 1
    assert calls("policy: {max_duration: 14h}\n") == []


def test_a_saved_plan_holds_its_limits_and_its_stop(world: World) -> None:
    def saved() -> SavedPlan:
        return loaded(SavedPlan(Terms("t", ()), planned(world.plan().plan)).dumped())

    before = saved()
    world.write(more=LIMITED.replace("12h", "10h"))
    assert before.stale(world.plan().plan) == ("keep x in Demo / one differs",)
    world.write(more=LIMITED)
    world.clock.time += 13 * HOUR
    job = world.jobs()[0]["id"]
    assert before.stale(world.plan().plan) == (f"stop x (job {job}) in Demo / one is planned now",)
    now = saved()
    world.clock.time += HOUR
    assert now.stale(world.plan().plan) == (), "that it took longer by now is no difference"
    world.apply()
    assert len(now.stale(world.plan().plan)) == 3


def force(world: World, status: str) -> None:
    world.api._exchange("POST", "/_emulator/jobs/{}", world.jobs()[0]["id"], body={"status": f"TRAINING_JOB_{status}"})
