"""The decision table: a row a case, and the properties that hold for every row."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.job.identity import Identity
from baseten_jobs.job.observation import Observation, ObservedJob, ObservedProject
from baseten_jobs.job.request import Adopts, JobRequest, ProjectRef
from baseten_jobs.job.settings import settings_of_row, settings_of_spec
from baseten_jobs.planning.decide import decide, make_plan
from baseten_jobs.planning.guards import refusals
from baseten_jobs.planning.plan import Action, Doubt, Plan, Policy, Verb

OWN, OTHER, THIRD = "a" * 12, "b" * 12, "c" * 12
REF = ProjectRef(name="Project (1)")


def request(**changes: Any) -> JobRequest:
    training_job = {
        "name": "x",
        "image": {"base_image": "i:1"},
        "compute": {"node_count": 2, "accelerator": {"accelerator": "H100", "count": 8}},
        **changes.pop("training_job", {}),
    }
    settings = settings_of_spec(training_job, "baseten-jobs/v1")
    return replace(JobRequest("specs/x.yaml", 2, REF, "x", 1, OWN + "0" * 52, training_job, settings), **changes)


def job(
    status: str, digest: str = OWN, attempt: int = 1, name: str = "x", id: str = "j1", **changes: Any
) -> ObservedJob:
    made = ObservedJob(
        id, Identity(name, digest, attempt).job_name, f"TRAINING_JOB_{status}", f"2026-01-01T00:00:0{id[-1]}Z", "p1", 8
    )
    shown = {name: changes.pop(name) for name in ("priority", "availability_model") if name in changes}
    return replace(made, settings=settings_of_row(shown), **changes)


def decided(*jobs: ObservedJob, retry: str = "", **changes: Any) -> Action:
    project = ObservedProject(REF, "p1", "Project (1)", jobs=jobs)
    return decide(request(**changes), project, Policy(retry_failed=frozenset({retry})), frozenset({"x"}))


LIVE = ["PENDING", "QUEUED", "CREATED", "DEPLOYING", "RUNNING", "WARMING"]

ROWS = [
    ("nothing there", [], {}, Verb.SUBMIT, "new", None),
    ("suspended", [], {"suspended": True}, Verb.HOLD, "suspended", None),
    ("suspended beats a failure", [job("FAILED")], {"suspended": True}, Verb.HOLD, "suspended", None),
    *((f"same is {s}", [job(s)], {}, Verb.KEEP, "unchanged", "j1") for s in LIVE),
    ("same is done", [job("COMPLETED")], {}, Verb.KEEP, "unchanged: job j1 completed", "j1"),
    ("same done and failed", [job("COMPLETED"), job("FAILED", id="j2")], {}, Verb.KEEP,
     "unchanged: job j1 completed", "j1"),
    ("same live after failure", [job("FAILED"), job("RUNNING", id="j2")], {}, Verb.KEEP, "unchanged", "j2"),
    ("two live", [job("RUNNING"), job("PENDING", id="j2")], {}, Verb.KEEP, "duplicate", "j1"),
    ("later attempt ran", [job("COMPLETED", attempt=3)], {}, Verb.KEEP, "ran already as attempt 3", "j1"),
    ("later attempt ran, this one failed", [job("FAILED"), job("RUNNING", attempt=2, id="j2")], {}, Verb.KEEP,
     "ran already as attempt 2", "j2"),
    ("later attempt failed", [job("FAILED", attempt=2)], {}, Verb.SUBMIT, "new", None),
    ("same failed", [job("FAILED")], {}, Verb.HOLD,
     "failed before: raise `metadata.attempt`, or `--retry-failed x` (job j1 failed)", "j1"),
    ("same could not be deployed", [job("DEPLOY_FAILED")], {}, Verb.HOLD,
     "failed before: raise `metadata.attempt`, or `--retry-failed x` (job j1 failed)", "j1"),
    ("same was stopped", [job("STOPPED")], {}, Verb.HOLD,
     "stopped by a person: raise `metadata.attempt`, or `--retry-failed x` (job j1 was stopped)", "j1"),
    ("this attempt failed, and a later one", [job("FAILED"), job("STOPPED", attempt=3, id="j2")], {}, Verb.HOLD,
     "of an older attempt: raise `metadata.attempt` to 4, or `--retry-failed x`"
     " (attempt 3 was stopped as well, job j2)", "j1"),
    ("a status not known, retried", [job("WARMING")], {"retry": "x"}, Verb.SUBMIT,
     "retried: job j1 has the status warming", None),
    ("live beside a status not known, retried", [job("WARMING"), job("RUNNING", id="j2")], {"retry": "x"}, Verb.KEEP,
     "unchanged", "j2"),
    ("failed, retried", [job("FAILED")], {"retry": "x"}, Verb.SUBMIT, "retried: job j1 failed", None),
    ("failed, another retried", [job("FAILED")], {"retry": "y"}, Verb.HOLD,
     "failed before: raise `metadata.attempt`, or `--retry-failed x` (job j1 failed)", "j1"),
    ("running, retried", [job("RUNNING")], {"retry": "x"}, Verb.KEEP, "unchanged", "j1"),
    ("changed", [job("COMPLETED", OTHER)], {}, Verb.SUBMIT, f"changed: {OTHER} → {OWN}", None),
    ("changed, a failed one before", [job("FAILED", OTHER)], {}, Verb.SUBMIT, f"changed: {OTHER} → {OWN}", None),
    ("the live one is what changed", [job("RUNNING", OTHER), job("FAILED", THIRD, id="j2")], {}, Verb.SUBMIT,
     f"changed: {OTHER} → {OWN}", None),
    ("attempt raised", [job("FAILED")], {"attempt": 2}, Verb.SUBMIT, "changed: attempt 1 → 2", None),
    ("reverted to what completed", [job("COMPLETED"), job("RUNNING", OTHER, id="j2")], {}, Verb.KEEP,
     "unchanged: job j1 completed", "j1"),
    ("another manifest's", [job("RUNNING", OTHER, name="y")], {}, Verb.SUBMIT, "new", None),
    ("unmanaged", [replace(job("RUNNING"), name="job-2")], {}, Verb.SUBMIT, "new", None),
    ("renamed by the server", [replace(job("RUNNING"), name=f"{job('RUNNING').name}-2")], {}, Verb.KEEP, "unchanged",
     "j1"),
]  # fmt: skip


@pytest.mark.parametrize(("jobs", "given", "verb", "reason", "job_id"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS])
def test_the_first_row_that_fits_decides(
    jobs: list[ObservedJob], given: dict[str, Any], verb: Verb, reason: str, job_id: str | None
) -> None:
    action = decided(*jobs, **given)
    assert (action.verb, action.reason, action.job.id if action.job else None) == (verb, reason, job_id)


def test_scheduling_is_updated_in_place_while_the_job_waits() -> None:
    wanted = {"priority": 10, "compute": {"availability_model": "spot"}}
    action = decided(job("PENDING", priority=0, availability_model="dedicated"), training_job=wanted)
    assert (action.verb, dict(action.updates)) == (Verb.UPDATE, {"priority": 10, "availability_model": "spot"})
    assert action.reason == "priority 0 → 10, availability_model dedicated → spot"


def test_scheduling_of_a_job_that_waits_no_longer_is_a_note() -> None:
    action = decided(job("RUNNING", priority=0), training_job={"priority": 10})
    assert action.verb is Verb.KEEP
    assert (action.warnings, action.notes) == ((), ("priority 0 → 10 has no effect: job j1 waits no longer",))


@pytest.mark.parametrize(
    ("shown", "written"),
    [({"priority": 5}, {}), ({}, {"priority": 5}), ({"priority": 5}, {"priority": 5})],
    ids=["not written", "not shown", "equal"],
)
def test_scheduling_that_is_not_written_or_not_shown_is_never_compared(
    shown: dict[str, Any], written: dict[str, Any]
) -> None:
    assert decided(job("PENDING", **shown), training_job=written).verb is Verb.KEEP


def test_a_live_older_job_is_superseded_and_keeps_running_beside_the_new_one() -> None:
    action = decided(job("RUNNING", OTHER), job("COMPLETED", THIRD, id="j2"))
    assert [j.id for j in action.superseded] == ["j1"]
    assert action.warnings == ()
    assert list(map(str, action.beside)) == [
        "the previous run (job j1, 8 GPUs) keeps running beside it; `policy.on_change: stop` would stop it"
    ]


def test_duplicates_are_told_with_both_ids_and_the_remedy() -> None:
    action = decided(job("RUNNING"), job("RUNNING", id="j2"))
    assert action.warnings == (
        "duplicate: j1, j2 run the same spec; stop one with `baseten-jobs stop --job j2` (j1 running; j2 running)",
    )


def test_a_status_never_seen_before_is_named() -> None:
    action = decided(job("WARMING"))
    assert (action.warnings, action.notes) == (
        (),
        ("job j1 has the status warming, not known here and counted as live",),
    )


@pytest.mark.parametrize(("status", "did"), [("RUNNING", "runs"), ("COMPLETED", "ran")])
def test_a_spec_that_ran_under_a_name_nobody_claims_was_renamed(status: str, did: str) -> None:
    action = decided(job(status, name="old-name"))
    assert (action.verb, action.doubt, action.reason) == (
        Verb.HOLD,
        Doubt.RENAMED,
        f"renamed? job j1 {did} this very spec as 'old-name', a name that no manifest has: "
        "`metadata.renamed_from: old-name` counts it as this manifest's, `--create x` submits it again",
    )


@pytest.mark.parametrize("answer", ["x", "*"])
def test_a_person_lifts_a_doubt_by_name_or_for_all(answer: str) -> None:
    project = ObservedProject(REF, "p1", jobs=(job("RUNNING", name="old-name"),))
    action = decide(request(), project, Policy(create=frozenset({answer})), frozenset({"x"}))
    assert (action.verb, action.doubt) == (Verb.SUBMIT, None)


def test_a_spec_that_failed_under_another_name_is_submitted() -> None:
    assert decided(job("FAILED", name="old-name")).verb is Verb.SUBMIT


def test_a_raised_attempt_is_no_renaming_of_what_is_done() -> None:
    assert decided(job("COMPLETED", name="old-name"), attempt=2).verb is Verb.SUBMIT
    assert decided(job("RUNNING", name="old-name"), attempt=2).doubt is Doubt.RENAMED


def test_jobs_of_a_former_name_count_as_the_manifests_own() -> None:
    made = plan(job("RUNNING", name="old-name"), renamed_from=("old-name",))
    assert [(a.verb, a.reason, a.job and a.job.id) for a in made.actions] == [(Verb.KEEP, "unchanged", "j1")]
    changed = plan(job("RUNNING", OTHER, name="old-name"), renamed_from=("old-name",), stop_superseded=True)
    assert [(a.verb, a.reason) for a in changed.actions] == [
        (Verb.SUBMIT, f"changed: {OTHER} → {OWN}"),
        (Verb.STOP, f"superseded by x--{OWN}"),
    ]
    assert changed.actions[1].job_name == f"old-name--{OTHER}"


ADOPTED = Adopts("j1", Identity("x", OWN))


@pytest.mark.parametrize(
    ("status", "changes", "verb", "reason"),
    [
        ("RUNNING", {}, Verb.KEEP, "unchanged"),
        ("COMPLETED", {}, Verb.KEEP, "unchanged: job j1 completed"),
        ("FAILED", {}, Verb.HOLD,
         "failed before: raise `metadata.attempt`, or `--retry-failed x` (job j1 failed)"),
        ("FAILED", {"attempt": 2}, Verb.SUBMIT, "changed: attempt 1 → 2"),
        ("RUNNING", {"digest": OTHER + "0" * 52}, Verb.SUBMIT, f"changed: {OWN} → {OTHER}"),
    ],
    ids=["live", "done", "failed", "raised", "changed"],
)  # fmt: skip
def test_an_adopted_job_counts_in_every_row(status: str, changes: dict[str, Any], verb: Verb, reason: str) -> None:
    adopted = replace(job(status), name="qwen-sft")
    (action,) = plan(adopted, adopts=ADOPTED, **changes).actions
    assert (action.verb, action.reason) == (verb, reason)


def test_an_adopted_job_is_superseded_under_its_own_name() -> None:
    adopted = replace(job("RUNNING"), name="qwen-sft")
    made = plan(adopted, adopts=ADOPTED, stop_superseded=True, digest=OTHER + "0" * 52)
    assert [(a.verb, a.job_name) for a in made.actions] == [(Verb.SUBMIT, f"x--{OTHER}"), (Verb.STOP, "qwen-sft")]


LOOK_ALIKES = [
    ("as written", "x", "Demo", True),
    ("as imported", "X!", "Demo", True),
    ("no name of its own, and the project's", None, "x", True),
    ("a name that the server gave", "job-2", "X", True),
    ("a name of its own in a project of that name", "eval", "x", False),
    ("another", "y", "Demo", False),
    ("longer", "x-2", "Demo", False),
]


@pytest.mark.parametrize(("name", "project", "alike"), [r[1:] for r in LOOK_ALIKES], ids=[r[0] for r in LOOK_ALIKES])
def test_a_first_submit_is_held_while_an_unmanaged_job_of_its_name_lives(
    name: str | None, project: str, alike: bool
) -> None:
    stranger = replace(job("RUNNING"), name=name)
    action = decide(request(), ObservedProject(REF, "p1", project, jobs=(stranger,)), Policy(), frozenset({"x"}))
    assert action.doubt is (Doubt.LOOK_ALIKE if alike else None)
    if alike:
        assert "job j1 (" in action.reason
        assert "`baseten-jobs adopt x --job j1`" in action.reason
        assert "`--create x`" in action.reason


@pytest.mark.parametrize("beside", [job("FAILED", OTHER, id="j2"), job("COMPLETED", THIRD, id="j2")])
def test_only_a_first_submit_is_held_for_a_look_alike(beside: ObservedJob) -> None:
    assert decided(replace(job("RUNNING"), name="x"), beside).verb is Verb.SUBMIT


def test_an_unmanaged_job_that_ended_holds_nothing() -> None:
    assert decided(replace(job("FAILED"), name="x")).verb is Verb.SUBMIT


def test_a_stranger_of_the_same_size_is_a_note() -> None:
    stranger = replace(job("RUNNING"), name="theirs", gpus=16, gpu_type="H100", node_count=2)
    action = decided(stranger)
    assert (action.verb, action.warnings, action.notes) == (
        Verb.SUBMIT,
        (),
        ("job j1 ('theirs'), which no manifest manages, runs on as many GPUs as this one asks for",),
    )
    assert decided(replace(stranger, gpu_type="H200")).notes == ()
    assert decided(replace(stranger, node_count=4)).notes == ()


def test_a_spec_that_lives_under_another_manifests_name_was_not_renamed() -> None:
    project = ObservedProject(REF, "p1", jobs=(job("RUNNING", name="y"),))
    action = decide(request(), project, Policy(), frozenset({"x", "y"}))
    assert (action.verb, action.warnings) == (Verb.SUBMIT, ())


def test_a_hold_for_failure_while_another_spec_runs_is_an_error() -> None:
    action = decided(job("FAILED"), job("RUNNING", OTHER, id="j2"))
    assert action.verb is Verb.HOLD
    assert action.error == (
        "x: job j2 (8 GPUs) still runs, which is not what git says; `baseten-jobs stop --job j2` stops it"
    )


@pytest.mark.parametrize("stop", [True, False])
def test_an_older_run_beside_a_spec_that_is_done_is_not_what_git_says(stop: bool) -> None:
    """v1 is done, v2 lives, and v2 was reverted: nothing of what git asks for runs."""
    action = decided(job("COMPLETED"), job("RUNNING", OTHER, id="j2"), stop_superseded=stop)
    said = "job j2 (8 GPUs) still runs, which is not what git says; `baseten-jobs stop --job j2` stops it"
    assert (action.verb, action.error, action.warnings) == (
        Verb.KEEP,
        f"x: {said}" if stop else "",
        () if stop else (said,),
    )


def test_a_suspended_manifest_whose_older_job_runs_is_no_error() -> None:
    assert decided(job("FAILED"), job("RUNNING", OTHER, id="j2"), suspended=True).error == ""


def plan(*jobs: ObservedJob, **changes: Any) -> Plan:
    observation = Observation({REF: ObservedProject(REF, "p1", jobs=jobs)})
    return make_plan([request(**changes)], observation, Policy())


STOPS = [
    ("submit", [job("RUNNING", OTHER)], {}, ["submit", "stop"]),
    ("keep of a live job", [job("RUNNING", OTHER), job("RUNNING", id="j2")], {}, ["keep", "stop"]),
    ("keep beside a younger one", [job("RUNNING"), job("RUNNING", OTHER, id="j2")], {}, ["keep"]),
    ("keep beside one of an unknown age", [job("RUNNING", OTHER, created_at=""), job("RUNNING", id="j2")], {},
     ["keep"]),
    ("duplicates", [job("RUNNING", OTHER), job("RUNNING", id="j2"), job("RUNNING", id="j3")], {}, ["keep", "stop"]),
    ("update", [job("RUNNING", OTHER), job("PENDING", priority=0, id="j2")], {"training_job": {"priority": 3}},
     ["update", "stop"]),
    ("keep of a done job", [job("COMPLETED"), job("RUNNING", OTHER, id="j2")], {}, ["keep"]),
    ("hold", [job("FAILED"), job("RUNNING", OTHER, id="j2")], {}, ["hold"]),
    ("suspended", [job("RUNNING", OTHER)], {"suspended": True}, ["hold"]),
    ("older one done", [job("COMPLETED", OTHER)], {}, ["submit"]),
    ("lower attempt", [job("RUNNING")], {"attempt": 2}, ["submit", "stop"]),
]  # fmt: skip


@pytest.mark.parametrize(("jobs", "given", "verbs"), [s[1:] for s in STOPS], ids=[s[0] for s in STOPS])
def test_what_is_superseded_is_stopped_only_where_the_own_job_lives(
    jobs: list[ObservedJob], given: dict[str, Any], verbs: list[str]
) -> None:
    assert [a.verb.value for a in plan(*jobs, stop_superseded=True, **given).actions] == verbs


def test_without_leave_nothing_is_stopped() -> None:
    assert [a.verb for a in plan(job("RUNNING", OTHER)).actions] == [Verb.SUBMIT]


@pytest.mark.parametrize(
    ("policy", "refused"),
    [
        (Policy(), ()),
        (Policy(max_submits=0), ("1 jobs to submit, and --max-submits is 0",)),
        (Policy(max_gpus=15), ("16 GPUs to submit, and --max-gpus is 15",)),
        (Policy(max_gpus=16, max_submits=1), ()),
        (Policy(max_submits=None), ()),
    ],
)
def test_guards_count_what_is_to_be_submitted(policy: Policy, refused: tuple[str, ...]) -> None:
    assert refusals(plan(), policy) == refused


JOBS = st.builds(
    job,
    st.sampled_from([*LIVE, "COMPLETED", "FAILED", "DEPLOY_FAILED", "STOPPED"]),
    st.sampled_from([OWN, OTHER, THIRD]),
    st.integers(1, 3),
    st.sampled_from(["x", "y"]),
    priority=st.sampled_from([None, 0, 7]),
)


@given(st.lists(JOBS, max_size=6), st.booleans(), st.booleans(), st.integers(1, 3), st.sampled_from(["", "x"]))
def test_the_table_is_total_and_never_submits_beside_a_job_that_ran(
    jobs: list[ObservedJob], suspended: bool, stop: bool, attempt: int, retry: str
) -> None:
    jobs = [replace(each, id=f"j{i}") for i, each in enumerate(jobs)]
    asked = request(suspended=suspended, stop_superseded=stop, attempt=attempt, training_job={"priority": 7})
    observation = Observation({REF: ObservedProject(REF, "p1", jobs=tuple(jobs))})
    made = make_plan([asked], observation, Policy(retry_failed=frozenset({retry})))
    first, *stops = made.actions
    same = [j for j in jobs if j.identity == asked.identity]
    assert first.verb is not Verb.STOP
    assert first.reason
    assert all(s.verb is Verb.STOP and s.job in first.superseded for s in stops)
    assert all(s.job is not None and s.job not in same and s.job.live for s in stops)
    assert all(s.job is not None and s.job.age_order < first.job.age_order for s in stops if first.job)
    if first.verb is Verb.SUBMIT:
        assert not suspended
        assert not any(j.ran for j in same if j.status_known or not retry)
        assert not same or retry
    if first.verb is Verb.UPDATE:
        assert first.job is not None
        assert first.job.pending
    assert not stops or (stop and (first.verb is Verb.SUBMIT or any(j.live for j in same)))
