"""Persons make copies of jobs, appliers die, and everything else goes wrong: no copy is ever stopped, by seed.

python -m tests.soaks.copies [ROUNDS] [FIRST]

1,000 rounds from 0 on; prints what it counted and what broke, and exits with 1 if something did
"""

import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

from baseten_jobs.emulator.faults import parse_fault
from baseten_jobs.emulator.settings import Durations
from baseten_jobs.job.names import LETTERS, owner_of, read_job_name
from baseten_jobs.job.observation import job_of
from baseten_jobs.planning.plan import Policy
from baseten_jobs.provider.api.errors import ApiError
from tests.soaks.chaos import MIX
from tests.support.world import OPENED, Row, World

OWNER = owner_of("github.com/acme/training")
NAMES = ("a", "b")
DURATIONS = Durations(created=1e9)
STATUSES = ("PENDING", "QUEUED", "CREATED", "DEPLOYING", "RUNNING", "COMPLETED", "FAILED", "PREEMPTED", "WARMING")
FAULTS = tuple(fault for fault in MIX if not fault.startswith(("suffix", "new-status")))
"""Those of `faults`; suffixes come in every second round, and statuses that are not known by force."""


class Round:
    """One provider, two manifests, and what persons and appliers did so far."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance, self.counts = random.Random(seed), Counter[str]()
        mix = (*FAULTS, "suffix=1") if seed % 2 else FAULTS
        self.world = world = World(
            folder,
            {
                "seed": seed, "faults": tuple(map(parse_fault, mix)), "durations": DURATIONS,
                "sleep": lambda seconds: world.clock.sleep(seconds),
            },
            policy=Policy(max_submits=None),
            owner=OWNER,
        )  # fmt: skip
        self.honest = World(folder, {"durations": DURATIONS})
        self.honest.clock = world.clock
        self.copies: dict[str, str] = {}
        self.write()
        self.wrong: list[str] = []

    def write(self) -> None:
        for name in NAMES:
            self.world.write(name, f"train {self.chance.randrange(2)}", more="policy: {on_change: stop}\n")

    def run(self) -> None:
        steps = (self.apply, self.apply, self.apply, self.copy, self.copy, self.twin, self.force, self.write)
        self.apply()
        for _ in range(12):
            self.chance.choice(steps)()
            self.world.clock.sleep(self.chance.choice((1, 5, 130, 4000)))

    def apply(self) -> None:
        """Apply, and see what was stopped."""
        before = self.live()
        self.counts["applies"] += 1
        try:
            self.world.apply()
        except (ApiError, AssertionError) as error:  # nothing was submitted
            if isinstance(error, AssertionError) and "disagree" not in str(error):
                raise
            self.counts["failed applies"] += 1
        after = self.live()
        stopped = before.keys() - after.keys()
        self.counts["stopped"] += len(stopped)
        self.wrong += [f"copy {job} of {self.copies[job]} was stopped" for job in stopped & self.copies.keys()]
        wanted = {request.identity for request in self.world.compiled().requests}
        for identity in wanted & {job_of(row).identity for row in before.values()}:
            if all(job_of(row).identity != identity for row in after.values()):
                self.wrong.append(f"nothing of {identity.job_name} lives any more")

    def live(self) -> dict[str, Row]:
        return {row["id"]: row for row in self.honest.jobs() if job_of(row).live}

    def copy(self) -> None:
        """A person makes a copy of a job, at the earliest two minutes after the oldest of its name was made."""
        if not (jobs := self.honest.jobs()):
            return
        original = self.chance.choice(jobs)
        self.world.clock.sleep(125)
        path = "/v1/training_projects/{}/jobs/{}/recreate"
        answer = self.honest.api._exchange("POST", path, original["training_project_id"], original["id"], body={})
        assert answer.data
        self.copies[answer.data["training_job"]["id"]] = original["id"]
        self.counts["copies"] += 1

    def twin(self) -> None:
        """An applier dies, and its create made a job all the same."""
        if jobs := [row for row in self.honest.jobs() if (name := read_job_name(row["name"])) and name.token]:
            row = self.chance.choice(jobs)
            name = read_job_name(row["name"])
            assert name is not None
            token = "".join(self.chance.choices(LETTERS, k=4))
            self.honest.create_behind(name=str(name._replace(token=token, suffix=None)))
            self.counts["twins"] += 1

    def force(self) -> None:
        if jobs := self.honest.jobs():
            row, status = self.chance.choice(jobs), self.chance.choice(STATUSES)
            forced = {"status": f"TRAINING_JOB_{status}"}
            self.honest.api._exchange("POST", "/_emulator/jobs/{}", row["id"], body=forced)


def run(rounds: int, first: int = 0) -> bool:
    """Visit the rounds, and print what was counted; False if something broke."""
    counts, wrong = Counter[str](), []
    for seed in range(first, first + rounds):
        with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder, OPENED:
            visited = Round(Path(folder), seed)
            visited.run()
            counts += visited.counts
            wrong += [f"seed {seed}: {each}" for each in visited.wrong]
    told = ", ".join(f"{number} {what}" for what, number in sorted(counts.items()))
    print(f"{rounds} rounds: {told}; {len(wrong)} wrong")
    for line in wrong[:20]:
        print("wrong:", line)
    return not wrong


if __name__ == "__main__":
    sys.exit(not run(*map(int, sys.argv[1:] or ("1000",))))
