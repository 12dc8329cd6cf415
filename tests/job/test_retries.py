"""What a manifest says of retries: read with its defaults, never sent, and no part of what a job is."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from baseten_jobs.job.request import JobRequest, compile_request
from baseten_jobs.job.retry_policy import RetryPolicy
from baseten_jobs.manifest import document as manifest
from baseten_jobs.manifest.durations import LONGEST
from tests.support.strategies import MANIFEST, values

PREEMPTED = frozenset({"TRAINING_JOB_PREEMPTED"})
DEFAULT = RetryPolicy(3, PREEMPTED, False, 600)


def asked(policy: Any = None) -> JobRequest:
    text = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata: {name: x, project: demo}
spec:
  image: {base_image: "i:1"}
  checkpointing: {enabled: true}
"""
    (document,) = manifest.load("x.yaml", text).documents
    return compile_request(replace(document, data={**document.data, "policy": policy}))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (None, None),
        ({}, DEFAULT),
        ({"limit": None, "when": None, "from_checkpoint": None, "delay": None}, DEFAULT),
        (
            {"limit": 5, "when": ["failed", "deploy_failed"], "from_checkpoint": True, "delay": "1h30m"},
            RetryPolicy(5, frozenset({"TRAINING_JOB_FAILED", "TRAINING_JOB_DEPLOY_FAILED"}), True, 5400),
        ),
        ({"limit": 0, "when": [], "delay": "0s"}, RetryPolicy(0, frozenset(), False, 0)),
    ],
    ids=["nothing", "empty", "nulls", "all", "none"],
)
def test_what_is_written_is_read_with_the_defaults_of_the_schema(written: Any, read: RetryPolicy | None) -> None:
    assert asked({"retry": written}).retries == read
    assert asked().retries is None


@given(values(MANIFEST.properties["policy"]))
def test_no_policy_moves_a_digest_or_a_body(policy: dict[str, Any] | None) -> None:
    with_policy, without = asked(policy), asked()
    assert (with_policy.digest, with_policy.body, with_policy.job_name) == (
        without.digest,
        without.body,
        without.job_name,
    )


def test_the_delay_doubles_with_each_retry_and_stays_a_time() -> None:
    assert [DEFAULT.delay_after(number) for number in range(4)] == [600, 1200, 2400, 4800]
    assert DEFAULT.delay_after(99) == DEFAULT.delay_after(10**9) == LONGEST
    assert replace(DEFAULT, delay=0).delay_after(10**9) == 0


def test_a_retry_carries_its_number_in_its_jobs_name_alone() -> None:
    request = asked()
    retry = request.as_retry(2)
    assert (retry.job_name, retry.training_job["name"]) == (f"{request.job_name}-r2",) * 2
    assert (retry.identity, retry.digest) == (request.identity, request.digest)
    assert replace(retry, retry=0, training_job=request.training_job) == request
