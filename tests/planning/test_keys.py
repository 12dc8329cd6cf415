"""The keys of a plan's actions: unique within it, and the same however often it is made."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from baseten_jobs.job.identity import Identity
from baseten_jobs.job.observation import Observation, ObservedJob, ObservedProject
from baseten_jobs.job.request import JobRequest, ProjectRef
from baseten_jobs.planning.decide import make_plan
from baseten_jobs.planning.plan import ActionKey, Policy, Verb
from tests.support.copies import copied

ONE, TWO = ProjectRef(name="Demo / one"), ProjectRef(name="Demo / two", team="other")
DIGESTS = ("a" * 12, "b" * 12)

_NAMES = st.sampled_from(["x", "y"])
_DIGESTS = st.sampled_from(DIGESTS)
_STATUSES = st.sampled_from(["PENDING", "RUNNING", "COMPLETED", "FAILED", "STOPPED", "WARMING"])


@st.composite
def _jobs(draw: st.DrawFn, project_id: str) -> tuple[ObservedJob, ...]:
    rows = draw(st.lists(st.tuples(_NAMES, _DIGESTS, st.integers(1, 2), _STATUSES), max_size=6))
    return tuple(
        ObservedJob(
            f"{project_id}{number}", Identity(name, digest, attempt).job_name, f"TRAINING_JOB_{status}",
            f"2026-01-01T00:00:{number:02}Z", project_id,
        )
        for number, (name, digest, attempt, status) in enumerate(rows)
    )  # fmt: skip


@st.composite
def _requests(draw: st.DrawFn) -> tuple[JobRequest, ...]:
    wanted = draw(st.sets(st.tuples(st.sampled_from([ONE, TWO]), _NAMES), min_size=1))
    return tuple(
        JobRequest(
            f"specs/{name}.yaml", 2, ref, name, draw(st.integers(1, 2)), draw(_DIGESTS) + "0" * 52, {"name": name},
            stop_superseded=draw(st.booleans()), suspended=draw(st.booleans()),
        )
        for ref, name in sorted(wanted, key=str)
    )  # fmt: skip


@settings(deadline=None)
@given(_requests(), _jobs("p"), _jobs("q"))
def test_no_two_actions_of_a_plan_have_one_key(
    requests: tuple[JobRequest, ...], ours: tuple[ObservedJob, ...], others: tuple[ObservedJob, ...]
) -> None:
    observation = Observation({ONE: ObservedProject(ONE, "p", jobs=ours), TWO: ObservedProject(TWO, "q", jobs=others)})
    plan = make_plan(requests, observation, Policy())
    keys = [action.key for action in plan.actions]
    assert len(set(keys)) == len(keys)
    manifests = [key for key in keys if not key.stopped]
    assert manifests == [ActionKey(request.project, request.name) for request in requests]
    assert {stop.key.of_manifest for stop in plan.of(Verb.STOP)} <= set(manifests)
    assert [action.key for action in copied(plan).actions] == keys


def test_an_action_keeps_its_key_when_another_stage_decides_otherwise() -> None:
    request = JobRequest("specs/x.yaml", 2, ONE, "x", 1, DIGESTS[0] + "0" * 52, {"name": "x"})
    plan = make_plan([request], Observation({ONE: ObservedProject(ONE, "p")}), Policy())
    (submit,) = plan.actions
    uploaded = replace(submit, request=request.with_artifact({"s3_bucket": "b", "s3_key": "k"}))
    held = replace(submit, verb=Verb.HOLD, job=ObservedJob("j1", "x", "TRAINING_JOB_RUNNING", "", "p"))
    assert submit.key == uploaded.key == held.key == ActionKey(ONE, "x")
