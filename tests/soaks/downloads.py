"""A download of many files, killed and under faults of every kind: each file whole and once, in little memory.

python -m tests.soaks.downloads [FILES] [MIB] [KILLS] [SEED]

5,000 files of 3,072 MiB, killed three times; prints what it measured and what broke, and exits with 1 if something did
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from baseten_jobs.emulator.artifacts import Content
from tests.soaks.chaos import START, Server, faults, serving

MIX = (
    "link-error=0.025", "link-expired=0.025", "link-reset=0.025", "link-truncate=0.025", "link-whole=0.1",
    "read-error=0.05", "read-reset=0.05",
)  # fmt: skip
"""One download of a file in ten fails, and one in ten that goes on gets the whole file."""
_NODES = 2
_MOST_KIB = 150 << 10
_PART = ".baseten-part"


@dataclass
class Measured:
    """What one download was, over all of its runs: `memory` is the most of any, in KiB."""

    files: int = 0
    size: int = 0
    killed: int = 0
    memory: int = 0
    seconds: float = 0.0
    asked: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.files} files, {self.size >> 20} MiB, killed {self.killed} times: {self.seconds:.0f} s,"
            f" {self.memory >> 10} MiB of memory, {self.asked} downloads asked for, {len(self.wrong)} wrong"
        )


def run(files: int = 5000, mib: int = 3072, kills: int = 3, seed: int = 1) -> Measured:
    done, dice = Measured(), random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder, to = Path(name), Path(name, "to")
        mean = (mib << 20) // files
        options = [*faults(MIX, seed), "--checkpoint-files", str(files // _NODES), "--file-bytes", str(mean)]
        with serving(folder, *options, "--link-seconds", "20", "--checkpoint-seconds", "1000") as server:
            job = _trained(server)
            kept: dict[str, int] = {}
            for part in range(kills):
                end = (part + dice.uniform(0.2, 0.8)) / (kills + 1) * (mib << 20)
                done.killed += _downloaded(server, job, to, done, end)
                kept |= {path: os.stat(path).st_ino for path, _ in _whole(to)}
            _downloaded(server, job, to, done)
            asked = server.ledger()["requests"]
            done.asked = sum(
                count for call, count in asked.items() if call.startswith("GET /_emulator/checkpoint_files")
            )
        done.wrong += [f"{path} was downloaded again" for path, inode in kept.items() if os.stat(path).st_ino != inode]
        done.wrong += _unlike(to, job, mean, seed)
        found = dict(_whole(to))
        done.files, done.size = len(found), sum(found.values())
        if done.files != files // _NODES * _NODES:
            done.wrong.append(f"{done.files} files, and not {files}")
    if done.memory > _MOST_KIB:
        done.wrong.append(f"{done.memory} KiB of memory")
    return done


def _trained(server: Server) -> str:
    """The id of a job that has saved one checkpoint."""
    runtime = {"start_commands": ["train"], "checkpointing_config": {"enabled": True}}
    body = {"image": {"base_image": "i:1"}, "compute": {"node_count": _NODES}, "runtime": runtime}
    project = _post(server, "/v1/training_projects", {"training_project": {"name": "Soak"}})["training_project"]["id"]
    job = _post(server, f"/v1/training_projects/{project}/jobs", {"training_job": {"name": "soak", **body}})
    httpx.post(f"{server.url}/_emulator/clock", json={"advance": 1500}, verify=False).raise_for_status()
    return str(job["training_job"]["id"])


def _post(server: Server, path: str, body: object) -> dict[str, dict[str, str]]:
    for _ in range(100):
        try:
            answer = httpx.post(server.url + path, json=body, headers={"Authorization": "Bearer k"}, verify=False)
        except httpx.HTTPError:
            continue
        if answer.is_success:
            made: dict[str, dict[str, str]] = answer.json()
            return made
    raise AssertionError("the server does not answer")


def _downloaded(server: Server, job: str, to: Path, done: Measured, end: float = float("inf")) -> bool:
    """Run the command until it ends, or kill it once so many bytes are there; return True if it was killed."""
    environment = {**os.environ, "BASETEN_BASE_URL": server.url, "BASETEN_API_KEY": "soak"}
    command = [*START, "checkpoints", "download", "--job", job, "--to", str(to)]
    began = time.monotonic()
    with open(to.with_suffix(".log"), "a+b") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        while process.poll() is None:
            done.memory = max(done.memory, _memory(process.pid))
            if sum(size for _, size in _there(to)) >= end:
                process.send_signal(signal.SIGKILL)
            time.sleep(0.02)  # what is killed must be under way
        code = process.returncode
        done.seconds += time.monotonic() - began
        killed = code == -signal.SIGKILL
        if code and not killed:
            log.seek(0)
            done.wrong.append(f"exit {code}: {log.read()[-500:].decode()}")
    return killed


def _memory(process: int) -> int:
    """The most memory that a process had so far, in KiB: what the system tells of it at its end counts its parent's."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), 0)


def _there(folder: Path) -> Iterator[tuple[str, int]]:
    """Every file with its size, parts too."""
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                yield os.path.join(parent, name), os.stat(os.path.join(parent, name)).st_size
            except FileNotFoundError:
                continue


def _whole(folder: Path) -> Iterator[tuple[str, int]]:
    return ((path, size) for path, size in _there(folder) if not path.endswith(_PART))


def _unlike(folder: Path, job: str, mean: int, seed: int) -> Iterator[str]:
    """Files that do not hold what the job left, and parts that were left over."""
    for path, size in _there(folder):
        node, _, name = os.path.relpath(path, folder).partition("/")
        content = Content(job, int(node.removeprefix("node-")), name, mean, seed)
        if path.endswith(_PART):
            yield f"{path} is left over"
        elif size != len(content):
            yield f"{path} has {size} bytes, and not {len(content)}"
        else:
            with open(path, "rb") as file:
                if any(file.read(len(part)) != part for part in content.read(0, size)):
                    yield f"{path} holds something else"


def told(measured: Measured) -> bool:
    """Prints what one download was, and what broke; False if something did."""
    print(measured)
    for line in measured.wrong[:20]:
        print("wrong:", line)
    return not measured.wrong


if __name__ == "__main__":
    sys.exit(not told(run(*map(int, sys.argv[1:]))))
