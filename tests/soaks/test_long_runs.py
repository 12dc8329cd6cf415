"""A short, seeded run of the days on spot capacity, and proof that a promise that is broken is seen."""

import random
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path

from baseten_jobs.job.gpu_use import IDLE
from tests.soaks.long_runs import HOUR, Pipeline, Row, Story, Within, opened, rehearse, wrong

SEED = 87
"""With it each status comes up, one manifest uses its retries up, and an applier dies right after a create."""


class Told(Pipeline):
    """What a pipeline's API tells, to be tampered with."""

    def __init__(self, line: Pipeline) -> None:
        self._jobs, self._status, self._plan = line.jobs(), line.status(), line.plan()
        self._loads = dict(line.loads())

    def now(self) -> float:
        raise NotImplementedError

    def wait_until(self, time: float) -> None:
        raise NotImplementedError

    def apply(self, chance: random.Random | None = None) -> Row | None:
        raise NotImplementedError

    def status(self) -> Sequence[Row]:
        return self._status

    def plan(self) -> Row:
        return self._plan

    def jobs(self) -> Sequence[Row]:
        return self._jobs

    def loads(self) -> dict[str, tuple[str, str]]:
        return self._loads

    def of(self, status: str) -> Row:
        """A job of this status."""
        return next(job for job in self._jobs if job["current_status"] == f"TRAINING_JOB_{status}")

    def action(self, starts: str) -> Row:
        """An action whose reason starts so."""
        actions: list[Row] = self._plan["actions"]
        return next(action for action in actions if action["reason"].startswith(starts))

    def idle(self) -> Row:
        """The action of a job that stalls."""
        actions: list[Row] = self._plan["actions"]
        return next(action for action in actions if action["warnings"] == [IDLE])


Broken = tuple[str, Callable[[Told, Story], object]]

BROKEN: Mapping[str, Broken] = {
    "a job is missing": ("is told of and is not there", lambda told, _: told.of("COMPLETED").update(id="jx")),
    "nobody told of a job": ("is there and nobody told of it", lambda _, story: story.left.clear()),
    "a job was submitted twice": ("was submitted 2 times", lambda _, story: story.reports.append(story.reports[0])),
    "two run at once": (
        "had ended", lambda told, _: told.of("PREEMPTED").update(updated_at="2099-01-01T00:00:00.000000Z"),
    ),
    "a retry begins anew": ("loads None", lambda told, _: told.loads().popitem()),
    "a held job has retries left": ("hold, waits", lambda told, _: told.action("used up").update(reason="waits")),
    "nobody tells that a job idles": ("RUNNING: keep", lambda told, _: told.idle().update(warnings=[])),
    "a run goes on over its limit": (
        "ran over its limit", lambda told, _: told.of("STOPPED").update(updated_at="2099-01-01T00:00:00.000000Z"),
    ),
    "a run is stopped before its limit": (
        "was stopped before its limit",
        lambda told, _: told.of("STOPPED").update(updated_at=told.of("STOPPED")["created_at"]),
    ),
    "a status is old": ("is told to be", lambda told, _: told.status()[0]["job"].update(status="TRAINING_JOB_PENDING")),
    "nobody tells of idle GPUs": (
        "are told to be idle", lambda told, _: [row.update(gpus_idle=False) for row in told.status()],
    ),
}  # fmt: skip
"""By what goes wrong a part of what is said of it, and how it does."""


def test_every_job_has_an_end_that_is_told_whatever_dies(tmp_path: Path) -> None:
    with opened(tmp_path, SEED, within=True) as line:
        assert isinstance(line, Within)
        story, found = rehearse(line, 10, 4, SEED, HOUR)
        assert found == []
        told = Told(line)
    statuses = {job["current_status"].removeprefix("TRAINING_JOB_") for job in told.jobs()}
    assert (statuses, len(story.left) > 0) == ({"COMPLETED", "PREEMPTED", "FAILED", "RUNNING", "STOPPED"}, True)
    for what, (said, broken) in BROKEN.items():
        tampered, tampered_story = deepcopy(told), deepcopy(story)
        broken(tampered, tampered_story)
        assert any(said in each for each in wrong(tampered, tampered_story)), what
