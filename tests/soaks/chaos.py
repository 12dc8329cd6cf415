"""Rehearses the worst: appliers in processes of their own, against the embedded API over real sockets.

    python -m tests.soaks.chaos faults   one applier at a time under a mix of all faults, beside a naive client
    python -m tests.soaks.chaos race     eight appliers at the same moment
    python -m tests.soaks.chaos killed-race   the same, each killed at a random instant, then one more
    python -m tests.soaks.chaos kill     an applier killed at a random instant, then one more
    python -m tests.soaks.chaos speed    a clean apply against a server with latency
    python -m tests.soaks.chaos worlds   servers that mangle, hide, repeat and mix what they hold

Each prints what it counted, and exits with 1 if a promise was broken.
"""

import argparse
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from tests.soaks.worlds import run_worlds
from tests.support import warm

LIVE_OR_DONE = ("RUNNING", "CREATED", "DEPLOYING", "PENDING", "QUEUED", "COMPLETED", "WARMING")

MIX = (
    "rate-limit=0.03,0.2", "rate-limit-bare=0.02", "error-before=0.03", "error-after=0.03", "reset-before=0.02",
    "reset-after=0.03", "truncate-after=0.02", "not-json-after=0.02", "hang-after=0.01,4", "late-commit=0.02,4",
    "read-error=0.03", "read-reset=0.02", "lagging-search=1,1.5", "empty-search=0.01", "suffix=1", "new-status=0.1",
    "coarse-time=1", "early-time=1",
)  # fmt: skip
RACE = ("lagging-search=1,1.5", "coarse-time=1", "early-time=1")
LOST = (*RACE, "reset-after=0.05", "error-after=0.05", "truncate-after=0.05")
RACES = {"nothing lost": RACE, "answers lost": LOST}
KILLED = ("lagging-search=1,4", *LOST[1:], "late-commit=0.1,5")
WAITS = "job-*[02468]--*"
"""Jobs that stay queued, in a race of appliers that are killed; the others run."""


START = (sys.executable, "-m", "baseten_jobs")
"""What is killed or measured is a whole process of Python; what only has to be a process is forked off a warm one."""


@dataclass(frozen=True)
class Server:
    """One embedded API in a process of its own."""

    url: str

    def get(self, path: str) -> Any:
        return httpx.get(self.url + path, timeout=60, verify=False).json()

    def jobs(self) -> list[dict[str, Any]]:
        """What it holds, whatever faults its answers have."""
        for _ in range(200):
            try:
                project = {"Authorization": "Bearer k"}
                answer = httpx.get(self.url + "/_emulator/jobs", headers=project, timeout=120, verify=False)
                if answer.status_code == 200:
                    jobs: list[dict[str, Any]] = answer.json()["training_jobs"]
                    return jobs
            except (httpx.HTTPError, ValueError):
                pass
        raise AssertionError("the server does not answer")

    def ledger(self) -> dict[str, Any]:
        ledger: dict[str, Any] = self.get("/_emulator/ledger")
        return ledger


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Server]:
    command = [*START, "emulator", "--port", "0", "--db", str(folder / "emulator.db")]
    with subprocess.Popen(
        [*command, "--run-seconds", "1000000", *options], stdout=subprocess.PIPE, text=True, cwd=folder
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield Server(line.strip().rpartition(" ")[2])
        finally:
            process.terminate()


def faults(mix: Sequence[str], seed: int) -> list[str]:
    return ["--seed", str(seed), *(part for fault in mix for part in ("--fault", fault))]


def write_manifests(folder: Path, count: int, first: int = 0) -> Path:
    """One file: what is rehearsed is the network, not the parser."""
    path = folder / f"manifests-{first}.yaml"
    documents = [
        "apiVersion: baseten-jobs/v1\nkind: TrainingJob\n"
        f"metadata: {{name: job-{number}, project: Chaos / (1)}}\n"
        f'spec: {{image: {{base_image: "x:1"}}, runtime: {{start_commands: ["train --seed {number}"]}}}}\n'
        for number in range(first, first + count)
    ]
    path.write_text("---\n".join(documents))
    return path


@dataclass
class Apply:
    """One applier as a process."""

    server: Server
    manifests: Path
    settle: float
    concurrency: int = 16
    start: tuple[str, ...] = START
    owner: str = ""
    process: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        environment = {**os.environ, "BASETEN_BASE_URL": self.server.url, "BASETEN_API_KEY": "chaos"}
        environment |= {"BASETEN_JOBS_OWNER": self.owner} if self.owner else {}
        command = [*self.start, "apply", str(self.manifests), "--yes", "-o", "json", "--max-submits", "1000000",
                   "--settle", str(self.settle), "--concurrency", str(self.concurrency),
                   "--read-timeout", "2", "--connect-timeout", "5"]  # fmt: skip
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def wait(self) -> tuple[int, list[dict[str, Any]]]:
        output, _ = self.process.communicate()
        return self.process.returncode, json.loads(output).get("results", []) if output else []


def live(jobs: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Ids of the jobs that live or are done, by the name that was asked for."""
    found: dict[str, list[str]] = {}
    for job in jobs:
        if job["current_status"].removeprefix("TRAINING_JOB_") in LIVE_OR_DONE:
            found.setdefault(asked(job["name"]), []).append(job["id"])
    return found


def asked(name: str) -> str:
    """A job's name without the suffix that the server may have given it: `job-7--0123456789ab-2`."""
    base, _, rest = name.rpartition("--")
    return f"{base}--{rest[:12]}"


def wrong_reports(
    results: Sequence[Mapping[str, Any]], held: Mapping[str, list[str]], *, alone: bool = True
) -> list[str]:
    """Results that say what the server does not hold. An unknown claims nothing.

    Nor does a kept job where the applier is not `alone`: it is as the plan saw it, and may be another's second one.
    """
    wrong = []
    for result in results:
        ids = held.get(result["job_name"], [])
        named = result["outcome"] in ("submitted", "adopted", *(["kept"] if alone else []))
        if named and result["job_id"] not in ids:
            wrong.append(f"{result['job_name']} is {result['outcome']} as {result['job_id']}, held are {ids}")
        if result["outcome"] in ("failed", "skipped") and ids:
            wrong.append(f"{result['job_name']} is {result['outcome']}, held are {ids}")
    return wrong


# One applier at a time, under every fault


def run_faults(creates: int, batch: int, seed: int, settle: float, naive: bool) -> bool:
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), *faults(MIX, seed)) as server:
        tally = _applied_until_quiet(Path(folder), server, creates, batch, settle)
    print(f"baseten-jobs: {tally.told(creates)}\n")
    print(tally.table())
    if naive:
        with tempfile.TemporaryDirectory() as folder, serving(Path(folder), *faults(MIX, seed)) as server:
            other = _naive(server, creates)
        print(f"\na client that retries whatever fails: {other.told(creates)}")
    for line in tally.wrong[:20]:
        print("wrong:", line)
    return not (tally.duplicates or tally.lost or tally.wrong)


@dataclass
class Tally:
    """What was counted. By fault: creates that met it, and what became of their jobs in that apply."""

    sent: int = 0
    applies: int = 0
    duplicates: int = 0
    lost: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)
    by_fault: dict[str, Counter[str]] = field(default_factory=dict)

    def told(self, creates: int) -> str:
        return (f"{creates} jobs, {self.sent} creates sent, {self.applies} applies, {self.seconds:.0f} s: "
                f"{self.duplicates} duplicates live, {self.lost} lost, {len(self.wrong)} wrong reports")  # fmt: skip

    def table(self) -> str:
        columns = ("sent", "retried", "adopted", "unknown", "duplicates", "lost")
        lines = [f"| {'fault':<16} | " + " | ".join(f"{c:>10}" for c in columns) + " |"]
        lines.append(f"|{'-' * 18}|" + "|".join("-" * 11 + ":" for _ in columns) + "|")
        for fault, counts in sorted(self.by_fault.items()):
            lines.append(f"| {fault:<16} | " + " | ".join(f"{counts[c]:>10}" for c in columns) + " |")
        return "\n".join(lines)


def _applied_until_quiet(folder: Path, server: Server, creates: int, batch: int, settle: float) -> Tally:
    tally, began, met = Tally(), time.monotonic(), Met()
    for first in range(0, creates, batch):
        manifests = write_manifests(folder, min(batch, creates - first), first)
        for _ in range(20):
            code, results = Apply(server, manifests, settle, start=warm.command()).wait()
            tally.applies += 1
            held = live(server.jobs())
            tally.wrong += wrong_reports(results, held)
            met.take(server.ledger()["creates"], results, tally.by_fault)
            if code == 0 and all(result["outcome"] == "kept" for result in results):
                break
        else:
            tally.wrong.append(f"no quiet after 20 applies of the manifests from {first}")
    sent = server.ledger()["creates"]
    latest = max(datetime.fromisoformat(create["time"]).timestamp() for create in sent)
    time.sleep(max(0.0, latest + 5 - time.time()))  # what is committed late is committed by now
    held = live(server.jobs())
    tally.sent = len(sent)
    tally.duplicates = sum(len(ids) - 1 for ids in held.values())
    tally.lost = creates - len(held)
    for name, faults_met in met.by_name.items():
        for fault in faults_met:
            tally.by_fault[fault]["duplicates"] += max(0, len(held.get(name, [])) - 1)
            tally.by_fault[fault]["lost"] += name not in held
    tally.seconds = time.monotonic() - began
    return tally


@dataclass
class Met:
    """Which faults the creates of each name met."""

    read: int = 0
    by_name: dict[str, set[str]] = field(default_factory=dict)

    def take(
        self, creates: Sequence[Mapping[str, Any]], results: Sequence[Mapping[str, Any]],
        by_fault: dict[str, Counter[str]],
    ) -> None:  # fmt: skip
        """The creates since the last time, beside the outcomes of the apply that sent them."""
        new, self.read = creates[self.read :], len(creates)
        outcomes = {result["job_name"]: result["outcome"] for result in results}
        last = {asked(create["job_name"]): create["sequence"] for create in new}
        for create in new:
            name, fault = asked(create["job_name"]), create["fault"] or "none"
            counts = by_fault.setdefault(fault, Counter())
            counts["sent"] += 1
            counts["retried"] += create["sequence"] != last[name]
            counts["adopted"] += outcomes.get(name) == "adopted" and create["sequence"] == last[name]
            counts["unknown"] += outcomes.get(name) == "unknown" and create["sequence"] == last[name]
            self.by_name.setdefault(name, set()).add(fault)


def _naive(server: Server, creates: int) -> Tally:
    """What most scripts do: send, and send again if there is no good answer."""
    began = time.monotonic()
    limits = httpx.Limits(max_connections=16)
    with httpx.Client(
        base_url=server.url, headers={"Authorization": "Bearer k"}, timeout=2, limits=limits, verify=False
    ) as client:

        def until_good(method: str, path: str, body: Mapping[str, Any]) -> Any:
            for attempt in range(8):
                try:
                    answer = client.request(method, path, json=body)
                    if answer.status_code == 200:
                        return answer.json()
                except (httpx.HTTPError, ValueError):
                    pass
                time.sleep(0.05 * 2**attempt)
            return None

        made = until_good("POST", "/v1/training_projects", {"training_project": {"name": "Chaos / (1)"}})
        path = f"/v1/training_projects/{made['training_project']['id']}/jobs"

        def submit(number: int) -> None:
            job = {"name": f"job-{number}--000000000000", "image": {"base_image": "x:1"}}
            until_good("POST", path, {"training_job": job})

        with ThreadPoolExecutor(16) as pool:
            list(pool.map(submit, range(creates)))
    time.sleep(5)
    held = live(server.jobs())
    return Tally(
        sent=len(server.ledger()["creates"]), applies=1, duplicates=sum(len(ids) - 1 for ids in held.values()),
        lost=creates - len(held), seconds=time.monotonic() - began,
    )  # fmt: skip


# Several appliers at once


def run_race(
    appliers: int, manifests: int, rounds: int, seed: int, settle: float, races: Collection[str] = tuple(RACES)
) -> bool:
    good = True
    for title in races:
        mix, counts = RACES[title], Counter[str]()
        for number in range(rounds):
            counts += _race(appliers, manifests, mix, seed + number, settle)
        columns = ("identities", "creates", "live duplicates", "unreported duplicates", "lost", "wrong reports")
        told = ", ".join(f"{counts[column]} {column}" for column in columns)
        print(f"{title}: {rounds} rounds of {appliers} appliers and {manifests} manifests: {told}")
        broken = counts["unreported duplicates"] + counts["lost"] + counts["wrong reports"]
        good = good and not broken and not counts["live duplicates"]
    return good


def _race(appliers: int, manifests: int, mix: Sequence[str], seed: int, settle: float) -> Counter[str]:
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), *faults(mix, seed)) as server:
        path = write_manifests(Path(folder), manifests)
        running = [Apply(server, path, settle, concurrency=4, start=warm.command()) for _ in range(appliers)]
        ended = [apply.wait() for apply in running]
        held = live(server.jobs())
        creates = len(server.ledger()["creates"])
    wrong = [line for _, results in ended for line in wrong_reports(results, held, alone=False)]
    for line in wrong[:5]:
        print("wrong:", line)
    twice = {name for name, ids in held.items() if len(ids) > 1}
    reported = {
        result["job_name"] for code, results in ended for result in results
        if code == 7 and "duplicate" in (result["error"] or "")
    }  # fmt: skip
    return Counter({
        "identities": manifests, "creates": creates, "live duplicates": sum(len(ids) - 1 for ids in held.values()),
        "unreported duplicates": len(twice - reported), "lost": manifests - len(held), "wrong reports": len(wrong),
    })  # fmt: skip


def run_killed_race(appliers: int, manifests: int, rounds: int, seed: int, settle: float) -> bool:
    """Appliers race and are killed; then one more apply stops each twin that waits, and reports the others."""
    counts = Counter[str]()
    for number in range(rounds):
        counts += _killed_race(appliers, manifests, seed + number, settle)
    columns = ("identities", "creates", "twins that waited", "of these left", "other twins", "of these stopped",
               "unreported duplicates", "lost", "wrong reports")  # fmt: skip
    told = ", ".join(f"{counts[column]} {column}" for column in columns)
    print(f"appliers killed: {rounds} rounds of {appliers} appliers and {manifests} manifests: {told}")
    bad = ("of these left", "of these stopped", "unreported duplicates", "lost", "wrong reports")
    return not any(counts[column] for column in bad)


def _killed_race(appliers: int, manifests: int, seed: int, settle: float) -> Counter[str]:
    chance, owner = random.Random(seed), "github.com/acme/training"
    options = (*faults(KILLED, seed), "--queue", WAITS)
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), *options) as server:
        path = write_manifests(Path(folder), manifests)

        def raced(seconds: tuple[float, float]) -> None:
            time.sleep(seconds[0])
            apply = Apply(server, path, settle, concurrency=4, owner=owner)
            time.sleep(seconds[1])
            apply.process.kill()
            apply.process.communicate()

        moments = [(chance.uniform(0, 4), chance.uniform(1, 5)) for _ in range(appliers)]
        with ThreadPoolExecutor(appliers) as pool:
            list(pool.map(raced, moments))
        time.sleep(10)  # what is committed late is committed and shown by now, and what does not wait runs
        before = _twins(server.jobs())
        code, results = Apply(server, path, settle, concurrency=4, owner=owner).wait()
        jobs = server.jobs()
        creates = len(server.ledger()["creates"])
    held, after = live(jobs), _twins(jobs)
    waited = {job for job, waits in before.items() if waits}
    wrong = wrong_reports(results, held, alone=False)
    for line in wrong[:5]:
        print("wrong:", line)
    twice = {name for name, ids in held.items() if len(ids) > 1}
    reported = {r["job_name"] for r in results if code == 7 and "duplicate" in (r["error"] or "")}
    return Counter({
        "identities": manifests, "creates": creates, "twins that waited": len(waited),
        "of these left": len(waited & after.keys()), "other twins": len(before.keys() - waited),
        "of these stopped": len(before.keys() - waited - after.keys()), "unreported duplicates": len(twice - reported),
        "lost": manifests - len(held), "wrong reports": len(wrong),
    })  # fmt: skip


def _twins(jobs: Sequence[Mapping[str, Any]]) -> dict[str, bool]:
    """Each live job that is not the oldest of its name; true for one that waits, and surely came later."""
    found: dict[str, bool] = {}
    oldest: dict[str, datetime] = {}
    for job in sorted(jobs, key=lambda job: (job["created_at"], job["id"])):
        if job["current_status"].removeprefix("TRAINING_JOB_") not in LIVE_OR_DONE:
            continue
        made = datetime.fromisoformat(job["created_at"])
        first = oldest.setdefault(asked(job["name"]), made)
        if first is not made:
            found[job["id"]] = job["current_status"] == "TRAINING_JOB_PENDING" and (made - first).total_seconds() > 2
    return found


# Killed


def run_kill(manifests: int, rounds: int, seed: int) -> bool:
    chance, broken, survived = random.Random(seed), 0, 0
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server:
            path = write_manifests(Path(folder), manifests)
            first = Apply(server, path, 5, concurrency=4)
            _wait_for_creates(server, chance.randrange(manifests))
            time.sleep(chance.uniform(0.0, 0.02))
            first.process.send_signal(signal.SIGKILL)
            first.process.communicate()
            before = len(server.ledger()["creates"])
            code, _ = Apply(server, path, 5, concurrency=4).wait()
            held = live(server.jobs())
            survived += 0 < before < manifests
            whole = len(held) == manifests and all(len(ids) == 1 for ids in held.values())
            broken += not (whole and code == 0)
    print(f"{rounds} applies of {manifests} killed, {survived} of them between the first and the last create; "
          f"after one more apply each, {broken} did not hold each job once")  # fmt: skip
    return not broken


def _wait_for_creates(server: Server, count: int) -> None:
    while len(server.ledger()["creates"]) < count:
        time.sleep(0.005)


# Speed


def run_speed(manifests: int, latency: float, concurrency: int) -> bool:
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), "--latency", str(latency)) as server:
        path = write_manifests(Path(folder), manifests)
        code, results = Apply(server, path, 20, concurrency=concurrency).wait()
        ledger = server.ledger()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    times = [datetime.fromisoformat(create["time"]).timestamp() for create in ledger["creates"]]
    took, ideal = max(times) - min(times) + latency, manifests * latency / concurrency
    calls = {name: count for name, count in ledger["requests"].items() if "/v1/" in name}
    others = sum(calls.values()) - len(times)
    print(f"{len(results)} jobs in {took:.2f} s, {took / ideal:.2f} times the ideal {ideal:.2f} s; "
          f"{others} requests beside the creates; at most {peak:.0f} MB in a process")  # fmt: skip
    return code == 0 and took <= 1.25 * ideal and others <= 9 and peak < 200


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("faults")
    run.add_argument("--creates", type=int, default=10_000)
    run.add_argument("--batch", type=int, default=1000)
    run.add_argument("--settle", type=float, default=12.0)
    run.add_argument("--no-naive", dest="naive", action="store_false")
    race = commands.add_parser("race")
    race.add_argument("--appliers", type=int, default=8)
    race.add_argument("--manifests", type=int, default=50)
    race.add_argument("--rounds", type=int, default=20)
    race.add_argument("--settle", type=float, default=15.0)
    killed = commands.add_parser("killed-race")
    killed.add_argument("--appliers", type=int, default=8)
    killed.add_argument("--manifests", type=int, default=50)
    killed.add_argument("--rounds", type=int, default=20)
    killed.add_argument("--settle", type=float, default=15.0)
    kill = commands.add_parser("kill")
    kill.add_argument("--manifests", type=int, default=200)
    kill.add_argument("--rounds", type=int, default=50)
    speed = commands.add_parser("speed")
    speed.add_argument("--manifests", type=int, default=1000)
    speed.add_argument("--latency", type=float, default=0.05)
    speed.add_argument("--concurrency", type=int, default=4)
    worlds = commands.add_parser("worlds")
    worlds.add_argument("--only", default="", help="those whose name holds this")
    for command in (run, race, killed, kill):
        command.add_argument("--seed", type=int, default=1)
    arguments = vars(parser.parse_args())
    rehearsals = {
        "faults": run_faults, "race": run_race, "killed-race": run_killed_race, "kill": run_kill,
        "speed": run_speed, "worlds": run_worlds,
    }  # fmt: skip
    work = rehearsals[arguments.pop("command")]
    return 0 if work(**arguments) else 1


if __name__ == "__main__":
    sys.exit(main())
