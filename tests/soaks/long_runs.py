"""Days of training on spot capacity, by a pipeline that applies every quarter of an hour and dies at random.

    python -m tests.soaks.long_runs            200 jobs, each apply a process, some of them killed
    python -m tests.soaks.long_runs --within   the same within this process, whose time only passes in waits

Jobs are preempted, fail, stall or complete by seed. It prints what it counted, and exits with 1 if a promise was
broken: what the reports tell is what the API holds, no spec runs twice at once, a retry begins with what the runs
before it saved, none runs over its limit for longer than until the next apply, and every job completes, or is held as
used up, or, without a limit, stalls and is told to be idle.
"""

import argparse
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx

from baseten_jobs import phrases, pipeline
from baseten_jobs.emulator.faults import parse_fault
from baseten_jobs.emulator.settings import Durations
from baseten_jobs.job.gpu_use import IDLE
from baseten_jobs.job.observation import ObservedJob, StatusClass, job_of
from baseten_jobs.job.times import epoch_of
from baseten_jobs.planning.plan import Policy
from baseten_jobs.provider.gpu_uses import MOST_JOBS
from baseten_jobs.provider.status_reader import Survey
from baseten_jobs.report import json as as_json
from tests.soaks.chaos import START, Server, serving
from tests.support.fast_clock import VARIABLE
from tests.support.repository import git
from tests.support.world import OPENED, World, kind_of

HOUR = 3600.0
INTERVAL = HOUR / 4
COURSE = Durations(created=60, deploying=300, running=4 * HOUR, checkpoint=HOUR / 2, line=60)
FAULTS = (f"preemption=0.4,{COURSE.running}", f"failure=0.1,{COURSE.running}", f"stall=0.04,{COURSE.running}")
DEATHS = 0.3
"""The share of applies that die."""

LIMIT, DELAY = 3, "10m"
OVER = 7 * HOUR
"""The time that all runs of a limited manifest may take together."""

Row = dict[str, Any]


def limited(number: int) -> bool:
    """Half of the manifests are: those that stall are stopped, and the others are idle for good."""
    return number % 2 == 0


def manifest(number: int) -> str:
    retry = f"retry: {{limit: {LIMIT}, when: [preempted, failed], from_checkpoint: true, delay: {DELAY}}}"
    limit = f", max_duration: {OVER / HOUR:.0f}h" if limited(number) else ""
    return (
        "apiVersion: baseten-jobs/v1\nkind: TrainingJob\n"
        f"metadata: {{name: run-{number}, project: Long runs}}\n"
        "spec:\n"
        '  image: {base_image: "x:1"}\n'
        '  compute: {accelerator: "H100:8", availability_model: spot}\n'
        f'  runtime: {{start_commands: ["train --seed {number}"]}}\n'
        "  checkpointing: {enabled: true}\n"
        f"policy: {{{retry}{limit}}}\n"
    )


class Pipeline(ABC):
    """Something that applies manifests, beside the API that it applies them to."""

    folder: Path

    def write(self, count: int) -> None:
        """Have so many manifests, in one file: what is rehearsed is not the parser."""
        path = self.folder / "specs" / "runs.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text("---\n".join(map(manifest, range(count))))

    @abstractmethod
    def now(self) -> float:
        """The API's time in epoch seconds."""

    @abstractmethod
    def wait_until(self, time: float) -> None: ...

    @abstractmethod
    def apply(self, chance: random.Random | None = None) -> Row | None:
        """The report of an apply, or None of one that died, at any time that `chance` gives."""

    @abstractmethod
    def status(self) -> Sequence[Row]: ...

    @abstractmethod
    def plan(self) -> Row: ...

    @abstractmethod
    def jobs(self) -> Sequence[Row]:
        """All jobs that the API holds."""

    def loads(self) -> Mapping[str, tuple[str, str]]:
        """By job the one that it loads a checkpoint of, and which: no call tells, so its database has to."""
        with closing(sqlite3.connect(self.folder / "emulator.db")) as database:
            bodies = {row[0]: json.loads(row[1]) for row in database.execute("SELECT id, body FROM jobs")}
        found = {}
        for job, body in bodies.items():
            for each in body["runtime"].get("load_checkpoint_config", {}).get("checkpoints", ()):
                found[job] = (each["job_id"], each["checkpoint_name"])
        return found


class Died(BaseException):
    """What a killed process would not live to see."""


class Within(Pipeline):
    """A World whose appliers die between two calls, or between a request and its answer."""

    def __init__(self, folder: Path, seed: int) -> None:
        faults = tuple(map(parse_fault, FAULTS))
        settings = {"seed": seed, "faults": faults, "durations": COURSE}
        self.folder, self.world = folder, World(folder, settings, policy=Policy(max_submits=None))
        self._left: float = float("inf")
        self._counted, self._answers = "", False
        self._handle = self.world.between.handle_request
        self.world.between.handle_request = self._mortal  # type: ignore[method-assign]

    def _mortal(self, request: httpx.Request) -> httpx.Response:
        self._left -= self._counted in ("", kind_of(request))
        if self._left == 0 and self._answers:
            self._handle(request)
        if self._left <= 0:
            raise Died
        return self._handle(request)

    def now(self) -> float:
        return self.world.clock.wall()

    def wait_until(self, time: float) -> None:
        self.world.clock.time += max(0.0, time - self.now())

    def apply(self, chance: random.Random | None = None) -> Row | None:
        if chance:
            self._counted = chance.choice(("", "create"))
            self._left, self._answers = chance.randrange(1, 4 if self._counted else 12), chance.random() < 0.5
        try:
            planned = self.world.plan()
            assert planned.valid, planned.diagnostics
            report: Row = json.loads(as_json.applied(self.world.carry_out(planned)))
            return report
        except Died:
            return None
        finally:
            self._left = float("inf")

    def status(self) -> Sequence[Row]:
        rows, _ = pipeline.status(self.world.api, self.world.compiled())
        jobs: Sequence[Row] = json.loads(as_json.status(Survey(self.world.api).of(rows)))["jobs"]
        return jobs

    def plan(self) -> Row:
        plan: Row = json.loads(as_json.plan(self.world.plan().plan))
        return plan

    def jobs(self) -> Sequence[Row]:
        return self.world.jobs()


SPEED = 20
"""How many times as fast time passes while a command works, so that waits are short. Between commands it leaps."""


class Processes(Pipeline):
    """Each command a process in a checkout; what dies is killed."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder, self.server = folder, server
        git(folder, "init", "-q", "-b", "main")
        (folder / ".gitignore").write_text("emulator.db*\n")

    def write(self, count: int) -> None:
        super().write(count)
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-q", "--allow-empty", "-m", "more runs")

    def now(self) -> float:
        return epoch_of(self.server.get("/_emulator/health")["time"]) or 0.0

    def wait_until(self, time: float) -> None:
        advance = {"advance": max(0.0, time - self.now())}
        assert httpx.post(f"{self.server.url}/_emulator/clock", json=advance, verify=False).is_success

    def apply(self, chance: random.Random | None = None) -> Row | None:
        process = self._started("apply", "--yes", "--max-submits", "1000000")
        try:
            output, errors = process.communicate(timeout=chance.uniform(0.3, 2.5) if chance else 600)
        except subprocess.TimeoutExpired:
            assert chance, "an apply never ends"
            process.kill()
            process.communicate()
            return None
        assert process.returncode in (0, 1), errors
        report: Row = json.loads(output)
        return report

    def status(self) -> Sequence[Row]:
        jobs: Sequence[Row] = self._told("status")["jobs"]
        return jobs

    def plan(self) -> Row:
        return self._told("plan")

    def jobs(self) -> Sequence[Row]:
        return self.server.jobs()

    def _told(self, *command: str) -> Row:
        output, errors = self._started(*command).communicate()
        assert output, errors
        told: Row = json.loads(output)
        return told

    def _started(self, *command: str) -> "subprocess.Popen[str]":
        clock = {VARIABLE: f"{SPEED}:{time.time()}:{self.now()}"}
        connection = {"BASETEN_BASE_URL": self.server.url, "BASETEN_API_KEY": "k"}
        root = str(Path(__file__).parents[2])
        paths = {"PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))}
        words = [START[0], "-m", "tests.support.fast_clock", *command, "-o", "json"]
        return subprocess.Popen(
            words, env={**os.environ, **clock, **connection, **paths}, cwd=self.folder,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip


@contextmanager
def opened(folder: Path, seed: int, *, within: bool) -> Iterator[Pipeline]:
    if within:
        with OPENED:
            yield Within(folder, seed)
        return
    durations = (("--created-seconds", COURSE.created), ("--deploying-seconds", COURSE.deploying),
                 ("--run-seconds", COURSE.running), ("--checkpoint-seconds", COURSE.checkpoint))  # fmt: skip
    options = [word for option, value in durations for word in (option, str(value))]
    faults = [word for fault in FAULTS for word in ("--fault", fault)]
    with serving(folder, "--seed", str(seed), "--speed", str(SPEED), *options, *faults) as server:
        yield Processes(folder, server)


@dataclass
class Story:
    """What the pipeline told, what it left when it died, and when the applies that lived began and ended."""

    reports: list[Row] = field(default_factory=list)
    left: set[str] = field(default_factory=set)
    died: int = 0
    applies: list[tuple[float, float]] = field(default_factory=list)


def rehearse(line: Pipeline, count: int, growing: int, seed: int, every: float) -> tuple[Story, list[str]]:
    """Apply after so many seconds each: for the first `growing` times there are more manifests, in the end `count`."""
    chance, story, began = random.Random(seed), Story(), line.now()
    longest = (LIMIT + 1) * (COURSE.running + 3 * every) + 2**LIMIT * 600
    for number in range(growing + int(longest / every)):
        line.wait_until(began + number * every)
        if number < growing:
            line.write(count * (number + 1) // growing)
        before, begun = {row["id"] for row in line.jobs()}, line.now()
        report = line.apply(chance if chance.random() < DEATHS else None)
        if report is None:
            story.died += 1
            story.left |= {row["id"] for row in line.jobs()} - before
        else:
            story.reports.append(report)
            story.applies.append((begun, line.now()))
    line.wait_until(line.now() + 2 * COURSE.running)
    last = line.apply()
    assert last is not None
    story.reports.append(last)
    return story, wrong(line, story)


def wrong(line: Pipeline, story: Story) -> list[str]:
    """Every promise that is broken, in words."""
    jobs = [job_of(row) for row in line.jobs()]
    return [
        *_sum(story, jobs),
        *(each for same in _by_identity(jobs).values() for each in _twice(same)),
        *_ends(line.plan()["actions"], _by_identity(jobs)),
        *_statuses(line.status(), jobs),
        *_resumed(line.loads(), _by_identity(jobs)),
        *_overruns(story, jobs),
    ]


def _sum(story: Story, jobs: Sequence[ObservedJob]) -> Iterator[str]:
    """What all reports tell, and what dead appliers left, is what the API holds."""
    results = [result for report in story.reports for result in report["results"]]
    made = Counter(result["job_id"] for result in results if result["outcome"] in ("submitted", "adopted"))
    yield from (f"job {job} was submitted {times} times" for job, times in made.items() if times > 1)
    told, held = {result["job_id"] for result in results} - {None}, {job.id for job in jobs}
    yield from (f"job {job} is told of and is not there" for job in told - held)
    yield from (f"job {job} is there and nobody told of it" for job in held - made.keys() - story.left)
    yield from (f"{each['name']}: {each['error']}" for each in results if each["outcome"] in ("failed", "unknown"))


def _by_identity(jobs: Sequence[ObservedJob]) -> Mapping[str, list[ObservedJob]]:
    found: dict[str, list[ObservedJob]] = {}
    for job in sorted(jobs, key=lambda job: job.age_order):
        assert job.identity is not None, job.name
        found.setdefault(job.identity.name, []).append(job)
    return found


def _ended(job: ObservedJob) -> float:
    return float("inf") if job.live else epoch_of(job.updated_at) or 0.0


def _twice(same: Sequence[ObservedJob]) -> Iterator[str]:
    """Jobs of one spec that ran at the same time, or more of them than it may have."""
    for earlier, later in pairwise(same):
        if (epoch_of(later.created_at) or 0.0) < _ended(earlier):
            yield f"{later.name} began before {earlier.name} had ended"
    if len(same) > LIMIT + 1:
        yield f"{same[-1].name} is job number {len(same)} of its spec"


def _ends(actions: Sequence[Row], jobs: Mapping[str, Sequence[ObservedJob]]) -> Iterator[str]:
    """Every job has completed, or is held as used up, or stalls and is told to be idle."""
    for action in actions:
        name, newest = action["name"], jobs[action["name"]][-1]
        done = newest.status_class is StatusClass.DONE
        idle = action["warnings"] == [IDLE] or _live(jobs) > MOST_JOBS
        stalls = newest.live and not _is_limited(newest) and idle
        over = _is_limited(newest) and sum(map(_took, jobs[name])) >= OVER
        used_up = action["reason"].startswith("used up: ") and (over or len(jobs[name]) == LIMIT + 1)
        stopped = action["reason"].startswith("stopped over its limit: ") and over
        held = action["action"] == "hold" and not newest.live and (used_up or stopped)
        if not (done or stalls or held):
            yield f"{name} is {newest.status}: {action['action']}, {action['reason']}"


def _is_limited(job: ObservedJob) -> bool:
    return job.identity is not None and limited(int(job.identity.name.removeprefix("run-")))


def _took(job: ObservedJob) -> float:
    """Seconds from its first log line on, which tells that it was created."""
    return _ended(job) - (epoch_of(job.created_at) or 0.0)


def _live(jobs: Mapping[str, Sequence[ObservedJob]]) -> int:
    return sum(job.live for same in jobs.values() for job in same)


def _statuses(rows: Sequence[Row], jobs: Sequence[ObservedJob]) -> Iterator[str]:
    """Each manifest's status is that of its newest job; what lives for so long stalls, and is idle."""
    newest = {name: same[-1] for name, same in _by_identity(jobs).items()}
    for row in rows:
        job = newest[row["name"]]
        if (row["job"]["job_id"], row["job"]["status"]) != (job.id, job.status):
            yield f"{row['name']} is told to be {row['state']} by job {row['job']['job_id']}: job {job.id} {job.status}"
        if not job.live and row.get("gpus_idle"):
            yield f"{row['name']} is told to be idle, and has ended"
    idle, live = sum(row.get("gpus_idle", False) for row in rows), sum(job.live for job in newest.values())
    if idle != min(live, MOST_JOBS):
        yield f"{idle} jobs are told to be idle, {live} stall"


def _resumed(loads: Mapping[str, tuple[str, str]], jobs: Mapping[str, Sequence[ObservedJob]]) -> Iterator[str]:
    """Every run loads the newest checkpoint of the newest run before it that saved any."""
    for same in jobs.values():
        newest = None
        for job in same:
            if loads.get(job.id) != newest:
                yield f"{job.name} loads {loads.get(job.id)}, the newest before it was {newest}"
            ran = _ended(job) - (epoch_of(job.created_at) or 0.0) - COURSE.created - COURSE.deploying
            if not job.live and (saved := int(ran / COURSE.checkpoint)) > 0:
                newest = (job.id, f"checkpoint-{saved}")


def _overruns(story: Story, jobs: Sequence[ObservedJob]) -> Iterator[str]:
    """Every job over its limit ended by the end of the first apply that lived since; no other is stopped."""
    for same in _by_identity(jobs).values():
        spent = 0.0
        for job in same:
            limit = (epoch_of(job.created_at) or 0.0) + OVER - spent if _is_limited(job) else float("inf")
            allowed = next((ended for begun, ended in story.applies if begun > limit), float("inf"))
            spent += _took(job)
            if _ended(job) > allowed:
                yield f"{job.name} ran over its limit by {_ended(job) - limit:.0f} s, and an apply had come"
            if job.status_class is StatusClass.STOPPED and _ended(job) < limit:
                yield f"{job.name} was stopped before its limit"


def run(count: int, growing: int, seed: int, *, within: bool, every: float = INTERVAL) -> bool:
    """Rehearse, and print what was counted; False if a promise was broken."""
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder,
        opened(Path(folder), seed, within=within) as line,
    ):
        start = line.now()
        story, found = rehearse(line, count, growing, seed, every)
        counts = Counter(row["current_status"].removeprefix("TRAINING_JOB_").lower() for row in line.jobs())
        passed, took = line.now() - start, time.monotonic() - began
    ends = ", ".join(f"{number} {status}" for status, number in counts.most_common())
    told = f"{len(story.reports)} applies lived, {story.died} died and left {phrases.count(len(story.left), 'job')}"
    pace = f"{passed / 86_400:.1f} days, {passed / took:,.0f} times as fast"
    print(f"{count} manifests, {counts.total()} jobs, {pace}: {ends}; {told}; {len(found)} wrong")
    for each in found[:20]:
        print("wrong:", each)
    return not found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--within", action="store_true")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--growing", type=int, default=100, help="applies in which there are more manifests each time")
    parser.add_argument("--seed", type=int, default=1)
    return 0 if run(**vars(parser.parse_args())) else 1


if __name__ == "__main__":
    sys.exit(main())
