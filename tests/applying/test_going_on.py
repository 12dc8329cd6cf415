"""`apply --wait` goes on with the stages of a chain: each is submitted once what it loads is there, or told why not."""

import io
import json
import os
import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baseten_jobs import pipeline
from baseten_jobs.applying.execute import Execution
from baseten_jobs.applying.in_flight import Ledger
from baseten_jobs.applying.intent import Done, Intent, Planned
from baseten_jobs.applying.outcome import Applied
from baseten_jobs.applying.stages import GivenUp
from baseten_jobs.applying.upload import Sent
from baseten_jobs.applying.wait import Waiting, wait
from baseten_jobs.cli.exit_rules import exit_of_apply
from baseten_jobs.cli.exits import Exit
from baseten_jobs.compilation import compile_all
from baseten_jobs.emulator.settings import Behaviour, Durations
from baseten_jobs.job.request import JobRequest
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.planning.terms import Terms
from tests.manifest.test_chains import stage
from tests.support.commands import Ran
from tests.support.golden import Golden
from tests.support.operating import Desk, Open, desk, open_desk
from tests.support.repository import git
from tests.support.world import Fault, Send, World, answered

__all__ = ["desk", "open_desk"]

FOLDER = Path(__file__).parent / "golden"
CHAIN: Mapping[str, str] = {"s0": "", "s1": "s0", "s2": "s1", "s3": "s2"}
"""Each stage, and the one that it loads from."""


OLD = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "2027-01-14T00:00:00Z")
WAIT = ("apply", "--yes", "--wait", "--concurrency", "1")


def write(desk: Desk, stages: Mapping[str, str], **fields: Any) -> None:
    (desk.folder / "specs").mkdir(exist_ok=True)
    for name, after in stages.items():
        (desk.folder / "specs" / f"{name}.yaml").write_text(stage(name, after, **fields))


def requests(desk: Desk) -> tuple[JobRequest, ...]:
    made = compile_all(Inputs([str(desk.folder / "specs")]), io.BytesIO())
    assert made.valid, made.diagnostics
    return made.requests


def names(desk: Desk) -> list[str]:
    """The manifests whose jobs there are, in the order in which these were made."""
    return [job["name"].partition("--")[0] for job in sorted(desk.jobs(), key=lambda job: str(job["created_at"]))]


def told(desk: Desk, ran: Ran) -> str:
    """All that a command printed, with the manifest's name in the place of each job's id."""
    text = f"$ {ran.code}\n{ran.out}--- stderr\n{ran.err}"
    for job in desk.jobs():
        text = text.replace(job["id"], f"<{job['name'].partition('--')[0]}>")
    return text.replace(desk.url, "<url>")


def test_each_stage_of_a_chain_follows_the_one_before(desk: Desk, golden: Golden) -> None:
    write(desk, CHAIN)
    golden.text(FOLDER / "chain-of-4.out", told(desk, desk(*WAIT)))
    assert names(desk) == ["s0", "s1", "s2", "s3"]
    again = desk(*WAIT)
    assert (again.code, len(desk.jobs())) == (0, 4)


def test_a_stage_that_fails_holds_what_comes_after_it(open_desk: Open, golden: Golden) -> None:
    desk = open_desk(behaviour=Behaviour(fail=("s2--*",)))
    write(desk, CHAIN)
    golden.text(FOLDER / "chain-third-fails.out", told(desk, desk(*WAIT)))
    assert names(desk) == ["s0", "s1", "s2"]


FIRST_FAILS = Behaviour(fail=("s0--????????????-???????",))
"""The first run of `s0` fails, and none of its retries."""

RETRY = "policy: {retry: {limit: 2, when: [failed], delay: 10m}}\n"


def test_a_stage_whose_run_is_to_be_retried_is_left_to_a_later_apply(open_desk: Open, golden: Golden) -> None:
    desk = open_desk(behaviour=FIRST_FAILS)
    write(desk, CHAIN, more=RETRY)
    golden.text(FOLDER / "chain-to-be-retried.out", told(desk, desk(*WAIT)))
    before, began = sum(desk.requests().values()), desk.clock.time
    early = desk(*WAIT)
    assert (early.code, names(desk)) == (0, ["s0"])
    assert desk.clock.time - began < 60
    assert sum(desk.requests().values()) - before < 30
    desk.clock.time += 600
    again = desk(*WAIT)
    assert (again.code, names(desk)) == (0, ["s0", "s0", "s1", "s2", "s3"])


def test_a_retry_that_is_due_at_once_is_left_to_a_later_apply_too(open_desk: Open) -> None:
    desk = open_desk(behaviour=FIRST_FAILS)
    write(desk, CHAIN, more=RETRY.replace("10m", "1s"))
    ran = desk(*WAIT)
    assert (ran.code, names(desk)) == (1, ["s0"])
    assert ran.out.count("left to a later apply") == 3, ran.out
    assert (desk(*WAIT).code, names(desk)) == (0, ["s0", "s0", "s1", "s2", "s3"])


def test_two_chains_share_a_stage_that_runs_once(desk: Desk, golden: Golden) -> None:
    write(desk, {"base": "", "dpo": "base", "sft": "base", "tuned": "sft"})
    golden.text(FOLDER / "chains-that-share.out", told(desk, desk(*WAIT)))
    assert sorted(names(desk)) == ["base", "dpo", "sft", "tuned"]


def test_a_report_tells_what_became_of_each_stage_in_its_place(desk: Desk) -> None:
    write(desk, CHAIN)
    ran = desk("apply", "--yes", "--wait", "-o", "json")
    ids = {job["name"].partition("--")[0]: job["id"] for job in desk.jobs()}
    assert [(r["name"], r["action"], r["outcome"], r["job_id"], r["wait"]) for r in ran.json["results"]] == [
        (name, "submit", "submitted", ids[name], "reached") for name in CHAIN
    ]


def test_a_stage_that_another_apply_began_is_waited_for(desk: Desk) -> None:
    write(desk, {"s0": ""})
    assert desk("apply", "--yes").code == 0
    write(desk, {"s1": "s0"})
    ran = desk("apply", "--yes", "--wait", "specs/s1.yaml")
    assert (ran.code, names(desk)) == (0, ["s0", "s1"])


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--max-gpus", "31"], "32 GPUs to submit in 4 jobs, 3 of them once others have run, and --max-gpus is 31"),
        (["--max-submits", "3"], "4 jobs to submit, 3 of them once others have run, and --max-submits is 3"),
        (["--max-cost-per-hour", "200"], "to submit, and --max-cost-per-hour is $200.00/h"),
    ],
)
@pytest.mark.parametrize("how", [[], ["--wait"]], ids=["at-once", "waiting"])
def test_the_guards_count_the_whole_chain(desk: Desk, options: list[str], reason: str, how: list[str]) -> None:
    write(desk, CHAIN, more="  compute: {accelerator: 'H100:8'}\n")
    ran = desk("apply", "--yes", *how, *options)
    assert (ran.code, desk.jobs()) == (8, [])
    assert reason in ran.err


def test_the_guards_of_a_wait_count_what_only_follows(desk: Desk) -> None:
    write(desk, CHAIN)
    assert desk("apply", "--yes").code == 0
    assert desk("apply", "--yes", "--max-submits", "2").code == 0
    refused = desk("apply", "--yes", "--max-submits", "2", "--wait")
    assert (refused.code, names(desk)) == (8, ["s0"])
    assert "3 jobs to submit, 3 of them once others have run, and --max-submits is 2" in refused.err


def test_what_only_follows_is_asked_for(desk: Desk) -> None:
    write(desk, CHAIN)
    assert desk("apply", "--yes").code == 0
    assert desk("apply").code == 0
    refused = desk("apply", "--wait")
    assert (refused.code, names(desk)) == (8, ["s0"])
    assert "not confirmed" in refused.err


def test_a_wait_until_jobs_run_leaves_later_stages_to_the_next_apply(desk: Desk) -> None:
    write(desk, CHAIN)
    assert desk("apply", "--yes", "--wait=running").code == 0
    assert names(desk) == ["s0"]


def test_a_time_that_is_up_leaves_the_stages_waiting(open_desk: Open) -> None:
    desk = open_desk(durations=Durations(running=600))
    write(desk, CHAIN)
    ran = desk("apply", "--yes", "--wait", "--timeout", "15m")
    assert (ran.code, names(desk)) == (7, ["s0", "s1"])
    assert "  waiting    s2--" in ran.out
    assert ran.out.endswith("Waited: 2 waiting, 1 completed, 1 running.\n")


def test_code_is_packed_and_sent_at_the_start(desk: Desk) -> None:
    code = desk.folder / "specs" / "code"
    code.mkdir(parents=True)
    (code / "train.py").write_text("before")
    write(desk, {"s0": ""})
    write(desk, {"s1": "s0"}, more="  workspace: code\n")
    (name,) = [each.job_name for each in requests(desk) if each.name == "s1"]
    desk.later(30, lambda: (code / "train.py").write_text("after"))
    ran = desk(*WAIT)
    assert (ran.code, names(desk)) == (0, ["s0", "s1"])
    assert [job["name"].startswith(name) for job in desk.jobs()].count(True) == 1


def test_a_job_that_came_meanwhile_holds_its_stage(desk: Desk) -> None:
    write(desk, {"s1": ""}, image="i:other")
    (other,) = requests(desk)
    write(desk, {"s0": "", "s1": "s0"})

    def meddle() -> None:
        (project,) = {job["training_project_id"] for job in desk.jobs()}
        address, key = f"{desk.url}/v1/training_projects/{project}/jobs", {"Authorization": "Bearer a-key"}
        assert httpx.post(address, json=other.body, headers=key, verify=False).is_success

    desk.later(20, meddle)
    ran = desk(*WAIT)
    assert (ran.code, len(desk.jobs())) == (1, 2)
    assert "of this name came since the plan was made: plan again" in ran.out


def test_a_branch_that_moved_on_leaves_stages_to_its_own_run(open_desk: Open) -> None:
    desk = open_desk(durations=Durations(running=600))
    write(desk, {"s0": "", "s1": "s0", "s2": "s1"})
    git(desk.folder, "init", "--quiet", "-b", "main")
    git(desk.folder, "add", "specs")
    git(desk.folder, "commit", "--quiet", "-m", "one")
    git(desk.folder, "clone", "--quiet", "--bare", ".", "origin")
    git(desk.folder, "remote", "add", "origin", str(desk.folder / "origin"))

    def push() -> None:
        git(desk.folder, "clone", "--quiet", "origin", "other")
        (desk.folder / "other" / "specs" / "s2.yaml").unlink()
        git(desk.folder / "other", "commit", "--quiet", "-am", "two")
        git(desk.folder / "other", "push", "--quiet", "origin", "main")

    desk.later(700, push)
    ran = desk("apply", "--yes", "--wait", "--if-tip", "main")
    assert (ran.code, names(desk)) == (0, ["s0", "s1"])
    assert "s2: held: not submitted: main is at " in ran.err
    assert "its own run applies (differing: specs/s2.yaml)" in ran.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_while_a_stage_is_awaited_leaves_it_to_the_next_apply(
    open_desk: Open, number: int, golden: Golden
) -> None:
    desk = open_desk(durations=Durations(running=600))
    write(desk, CHAIN)
    desk.later(700, lambda: os.kill(os.getpid(), number))
    ran = desk(*WAIT)
    golden.text(FOLDER / "chain-interrupted.out", told(desk, ran))
    assert names(desk) == ["s0", "s1"]
    desk.clock.time += 1000
    again = desk(*WAIT)
    assert (again.code, names(desk)) == (0, ["s0", "s1", "s2", "s3"])


def test_a_saved_plan_of_a_chain_holds_what_comes_then(desk: Desk, golden: Golden) -> None:
    write(desk, CHAIN)
    assert desk("plan", "--out", "saved").code == 0
    saved = json.loads((desk.folder / "saved").read_text())
    assert [(action["action"], action["then"]) for action in saved["actions"]] == [
        ("submit", None), ("hold", "submit"), ("hold", "submit"), ("hold", "submit"),
    ]  # fmt: skip
    ran = desk("apply", "--plan", "saved", "--yes", "--wait")
    golden.text(FOLDER / "chain-saved.out", told(desk, ran))
    assert names(desk) == ["s0", "s1", "s2", "s3"]


def test_a_stage_that_became_due_leaves_a_saved_plan_as_it_is(desk: Desk) -> None:
    write(desk, CHAIN)
    assert desk("apply", "--yes").code == 0
    assert desk("plan", "--out", "saved").code == 0
    desk.clock.time += 1000
    assert desk("apply", "--plan", "saved", "--yes").code == 0
    assert names(desk) == ["s0", "s1"]


@pytest.mark.parametrize(
    "change",
    [{"image": "i:2"}, {"metadata": ", attempt: 2"}, {"more": "policy: {on_change: stop}\n"}],
    ids=["another-spec", "another-attempt", "another-policy"],
)
def test_a_stage_that_became_due_as_another_one_makes_a_saved_plan_stale(desk: Desk, change: dict[str, str]) -> None:
    write(desk, CHAIN)
    assert desk("apply", "--yes").code == 0
    assert desk("plan", "--out", "saved").code == 0
    desk.clock.time += 1000
    write(desk, {"s1": "s0"}, **change)
    ran = desk("apply", "--plan", "saved", "--yes")
    assert (ran.code, names(desk)) == (8, ["s0"])
    assert "the plan is stale" in ran.err


def test_a_due_stage_stops_only_what_a_saved_plan_has_seen(desk: Desk) -> None:
    write(desk, {"s0": "", "s1": "s0"}, more="policy: {on_change: stop}\n")
    git(desk.folder, "init", "--quiet", "-b", "main")

    def commit() -> None:
        git(desk.folder, "add", "specs")
        git(desk.folder, "commit", "--quiet", "-m", "another")

    commit()
    assert desk(*WAIT).code == 0
    write(desk, {"s0": "", "s1": "s0"}, more="policy: {on_change: stop}\n", image="i:2")
    commit()
    assert desk("apply", "--yes").code == 0
    old = next(job["id"] for job in desk.jobs() if job["name"].startswith("s1--"))
    desk.force(old, "RUNNING")
    assert desk("plan", "--out", "saved").code == 0
    desk.clock.time += 1000
    ran = desk("apply", "--plan", "saved", "--yes", "-o", "json")
    assert [(r["action"], r["outcome"], r["job_id"] == old) for r in ran.json["results"]][1:] == [
        ("submit", "submitted", False), ("stop", "stopped", True),
    ]  # fmt: skip


def test_a_stop_over_a_limit_that_a_saved_plan_has_not_seen_does_not_come_with_a_due_stage(open_desk: Open) -> None:
    desk = open_desk(durations=Durations(running=600))
    limit, stages = "policy: {max_duration: 30m}\n", {"s0": "", "s1": "s0"}
    git(desk.folder, "init", "--quiet", "-b", "main")
    for image in ("i:1", "i:2"):
        write(desk, stages, more=limit, image=image)
        git(desk.folder, "add", "specs")
        git(desk.folder, "commit", "--quiet", "-m", image)
        assert desk("apply", "--yes", *(["--wait"] if image == "i:1" else [])).code == 0
    old = next(job["id"] for job in desk.jobs() if job["name"].startswith("s1--"))
    desk.force(old, "RUNNING")
    assert desk("plan", "--out", "saved").code == 0
    desk.clock.time += 4000
    ran = desk("apply", "--plan", "saved", "--yes")
    assert ran.code == 8
    assert not any("STOPPED" in job["current_status"] for job in desk.jobs())
    assert f"stop s1 (job {old}) in demo is planned now" in ran.err


PLANS: Mapping[str, tuple[dict[str, dict[str, str]], tuple[str, ...]]] = {
    "first-stage-is-another": ({"s0": {"image": "i:2"}}, ("plan",)),
    "first-stage-is-another-and-the-second-stops": (
        {"s0": {"image": "i:2"}, "s1": {"more": "policy: {on_change: stop}\n"}},
        ("plan",),
    ),
    "values-are-set-of-stages": ({}, ("plan", "--set", "s*:spec.image.base_image=i:3")),
    "a-value-is-set-of-the-first-stage": ({}, ("plan", "--set", "s0:spec.image.base_image=i:3")),
    "all-is-as-it-was": ({}, ("plan", "-o", "markdown")),
}


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_made_while_the_second_stage_runs(name: str, open_desk: Open, golden: Golden) -> None:
    changes, command = PLANS[name]
    desk = open_desk(durations=Durations(running=600))
    write(desk, {"s0": "", "s1": "s0", "s2": "s1"})
    git(desk.folder, "init", "--quiet", "-b", "main")
    git(desk.folder, "add", "specs")
    git(desk.folder, "commit", "--quiet", "-m", "one", **OLD)
    assert desk(*WAIT, "--timeout", "15m").code == 7
    assert names(desk) == ["s0", "s1"]
    for changed, fields in changes.items():
        write(desk, {changed: CHAIN[changed]}, **fields)
    git(desk.folder, "add", "specs")
    git(desk.folder, "commit", "--quiet", "--allow-empty", "-m", "two", **OLD)
    golden.text(FOLDER / f"{name}.out", re.sub(r"commit [0-9a-f]{7,}", "commit …", told(desk, desk(*command))))


def test_a_stop_says_which_stages_load_from_what_is_stopped(desk: Desk) -> None:
    write(desk, {"s0": "", "s1": "s0", "s2": "s0", "other": ""})
    assert desk("apply", "--yes").code == 0
    asked = desk("stop", "s0", "other")
    assert "note: s0: s1, s2 load its checkpoints, and are held from then on unless they have begun\n" in asked.err
    assert "note: other" not in asked.err


# Before the API in process


class Person:
    """Confirms everything, and says what it is told to of the branch."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def show(self, planned: Planned) -> None:
        pass

    def confirm(self) -> bool:
        return True

    @contextmanager
    def watch(self) -> Iterator[tuple[Ledger, Sent]]:
        yield self.ledger, lambda done, total, text: None

    @contextmanager
    def watch_on(self) -> Iterator[Ledger]:
        yield self.ledger

    def overtaken(self) -> GivenUp | None:
        return None


def applied(world: World) -> Applied:
    """What an apply that waits for everything ended with."""
    how = Execution(world.concurrency, world.windows)
    intent = Intent(Terms("here", (str(world.folder / "specs"),), world.policy), how=how, goes_on=True)
    person, compiled = Person(world.ledger), world.compiled()
    done = pipeline.apply(world.api, compiled, intent, person)
    assert isinstance(done, Done), done
    onward = pipeline.Onward(world.api, compiled, intent, person)
    results = (done.applied, *wait(world.api, done.applied, Waiting(), lambda text: None, onward))
    return results[-1]


def chain_of(world: World, stages: Mapping[str, str]) -> None:
    (world.folder / "specs").mkdir(exist_ok=True)
    for name, after in stages.items():
        (world.folder / "specs" / f"{name}.yaml").write_text(stage(name, after))


def fates(result: Applied) -> dict[str, str]:
    return {each.action.request.name: each.fate.value for each in result.outcomes}


def after_the_first(world: World, fault: Fault) -> None:
    """Every create but the first meets a fault."""

    def begin(request: httpx.Request, send: Send) -> httpx.Response:
        world.habit(fault, "create")
        return send(request)

    world.fault("create", begin)


@pytest.mark.parametrize(
    ("answer", "fate"),
    [(httpx.Response(400, json={"error": "no"}), "failed"), (httpx.Response(403, json={"error": "no"}), "failed")],
    ids=["400", "403"],
)
def test_a_stage_whose_create_is_refused_ends_the_wait(tmp_path: Path, answer: httpx.Response, fate: str) -> None:
    world = World(tmp_path)
    chain_of(world, CHAIN)
    after_the_first(world, answered(answer.status_code, answer.json()))
    result = applied(world)
    assert fates(result) == {"s0": "submitted", "s1": fate, "s2": "held", "s3": "held"}
    assert exit_of_apply(result) is Exit.FAILED
    assert [outcome.error for outcome in result.outcomes][2:] == ["what it waits for was not submitted"] * 2


def test_an_outage_while_a_stage_is_planned_is_waited_out(tmp_path: Path) -> None:
    world = World(tmp_path)
    chain_of(world, CHAIN)
    world.clock.at(60, lambda: world.fault("list", *[answered(503, {"error": "later"})] * 12))
    result = applied(world)
    assert (exit_of_apply(result), len(world.jobs())) == (Exit.DONE, 4)


def test_a_checkpoint_that_is_synced_late_is_waited_for(tmp_path: Path) -> None:
    world = World(tmp_path)
    chain_of(world, {"s0": "", "s1": "s0"})
    job: dict[str, str] = {}

    def late(request: httpx.Request, send: Send) -> httpx.Response:
        rows = send(request).json()["checkpoints"]
        state = {} if world.clock.time > 2000 else {"sync_status": "SYNCING"}
        return httpx.Response(200, request=request, json={"checkpoints": [{**row, **state} for row in rows]})

    def begin() -> None:
        job.update(world.jobs()[0])
        world.habit(late, f"/v1/training_projects/{job['training_project_id']}/jobs/{job['id']}/checkpoints")

    world.clock.at(10, begin)
    result = applied(world)
    assert (exit_of_apply(result), len(world.jobs())) == (Exit.DONE, 2)
    assert world.clock.time > 2000


def test_a_checkpoint_that_is_never_synced_holds_its_stage_after_an_hour(tmp_path: Path) -> None:
    world = World(tmp_path)
    chain_of(world, {"s0": "", "s1": "s0"})

    def never(request: httpx.Request, send: Send) -> httpx.Response:
        return httpx.Response(200, request=request, json={"checkpoints": []})

    def begin() -> None:
        job = world.jobs()[0]
        world.habit(never, f"/v1/training_projects/{job['training_project_id']}/jobs/{job['id']}/checkpoints")

    world.clock.at(10, begin)
    result = applied(world)
    assert (exit_of_apply(result), len(world.jobs())) == (Exit.FAILED, 1)
    assert 3600 < world.clock.time < 4000
    assert "no synced checkpoint" in result.outcomes[1].action.error


def test_a_stage_stands_still_with_what_it_waits_for(tmp_path: Path) -> None:
    world = World(tmp_path)
    chain_of(world, {"s0": "", "s1": "s0", "s2": "s1"})
    world.clock.at(10, lambda: world.habit(unheard_of, "search", "list", "job"))
    result = applied(world)
    assert (exit_of_apply(result), len(world.jobs())) == (Exit.UNCLEAR, 1)


def unheard_of(request: httpx.Request, send: Send) -> httpx.Response:
    """Every job has a status that is not known here."""
    answer = send(request)
    text = re.sub(r"TRAINING_JOB_[A-Z_]+", "TRAINING_JOB_NEVER_HEARD_OF", answer.text)
    return httpx.Response(answer.status_code, request=request, text=text)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, str], frozenset[str]]:
    """Stages, each after an earlier one or after none, and those whose jobs fail."""
    size = draw(st.integers(2, 7))
    after = [draw(st.integers(-1, number - 1)) for number in range(size)]
    failing = draw(st.sets(st.integers(0, size - 1), max_size=2))
    named = {f"s{number}": f"s{each}" if each >= 0 else "" for number, each in enumerate(after)}
    return named, frozenset(f"s{number}" for number in failing)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(graphs())
def test_each_stage_runs_once_if_all_before_it_completed(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[dict[str, str], frozenset[str]]
) -> None:
    stages, failing = drawn
    behaviour = Behaviour(fail=tuple(f"{name}--*" for name in failing))
    world = World(tmp_path_factory.mktemp("world"), {"behaviour": behaviour})
    chain_of(world, stages)
    result = applied(world)

    def comes(name: str) -> bool:
        return not (after := stages[name]) or (after not in failing and comes(after))

    coming = {name for name in stages if comes(name)}
    made = [job["name"].partition("--")[0] for job in world.jobs()]
    assert sorted(made) == sorted(coming)
    assert fates(result) == {name: "submitted" if name in coming else "held" for name in stages}
    failed = bool(failing & coming)
    assert exit_of_apply(result) is (Exit.FAILED if failed else Exit.DONE)
    assert all(bool(each.action.error) == (each.action.request.name not in coming) for each in result.outcomes)
