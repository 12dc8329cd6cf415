"""How fast each command is, against its peers in the same run: python -m tests.bench.speed [--rounds N] [PART ...]

PART is start, validate, plan or apply; all of them by default, which takes some ten minutes. The peers: `yaml.load`
with the C loader over the same files in the same Python (the floor); check-jsonschema with our schema, which the extra
`test` installs; and the incumbent client, `pip install truss`, where its command is beside this Python or on the PATH.
Times are medians of whole processes, our modules compiled beforehand as pip compiles them; the ratios are those of the
time on the clock and of the processor's. No process is shown with less memory than this one has.
"""

import argparse
import compileall
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import baseten_jobs
from tests.bench.contest import ENVIRONMENT, Command, Medians, in_turn, ours, python, run
from tests.bench.inputs import emulator, requests_so_far, write_manifests

SCHEMA = Path(__file__).parent.parent.parent / "schemas" / "v1" / "training-job.schema.json"
SIZES = (1, 100, 1_000, 10_000)
JOBS = (0, 1_000, 100_000)
SUBMITS = 100

_FLOOR = """
import os, sys, yaml
for name in sorted(os.listdir(sys.argv[1])):
    with open(os.path.join(sys.argv[1], name), "rb") as file:
        yaml.load(file, yaml.CSafeLoader)
"""
_POST = """
import sys, uuid, httpx, concurrent.futures as futures
http = httpx.Client(base_url=sys.argv[1], headers={"Authorization": "Api-Key bench-key"})
made = http.post("/v1/training_projects", json={"training_project": {"name": str(uuid.uuid4())}})
path = "/v1/training_projects/" + made.json()["training_project"]["id"] + "/jobs"
body = {"training_job": {"image": {"base_image": "python:3.11-slim"}, "runtime": {"start_commands": ["true"]}}}
with futures.ThreadPoolExecutor(4) as pool:
    assert all(pool.map(lambda _: http.post(path, json=body).is_success, range(int(sys.argv[2]))))
"""


def _row(what: str, took: Medians, *peers: tuple[str, Medians | None]) -> None:
    against = ", ".join(
        f"{took.wall / peer.wall:.2f} and {took.cpu / peer.cpu:.2f} x {name} ({peer.wall:.3f} s)"
        for name, peer in peers
        if peer
    )
    print(f"{what:<34} {took.wall:>8.3f} s {took.cpu:>8.3f} s {took.peak:>7.0f} MB   {against}", flush=True)


def _beside_this_python(name: str) -> str | None:
    return shutil.which(str(Path(sys.executable).with_name(name))) or shutil.which(name)


def _all(commands: Sequence[Command | None], rounds: int) -> Iterator[Medians | None]:
    """The medians of each; nothing for a peer that is not installed."""
    ran = iter(in_turn([command for command in commands if command], rounds))
    return (next(ran) if command else None for command in commands)


def start(rounds: int) -> None:
    truss = _beside_this_python("truss")
    peers = [python("import click"), Command((truss, "--help")) if truss else None]
    version, usage, click, incumbent = _all([ours("--version"), ours("--help"), *peers], 3 * rounds)
    assert version
    assert usage
    _row("--version", version, ("import click", click))
    _row("--help", usage, ("import click", click), ("truss --help", incumbent))


def validate(rounds: int) -> None:
    check = _beside_this_python("check-jsonschema")
    cost: dict[int, float] = {}
    peak: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as name:
        for size in SIZES:
            folder = write_manifests(Path(name) / str(size), size)
            files = tuple(str(path) for path in sorted(folder.iterdir()))
            checked = Command((check, "--schemafile", str(SCHEMA), *files)) if check and size <= 1_000 else None
            commands = [
                ours("validate", str(folder)),
                ours("render", str(folder)),
                python(_FLOOR, str(folder)),
                checked,
            ]
            valid, rendered, floor, jsonschema = _all(commands, rounds if size > 100 else 3 * rounds)
            assert valid
            assert rendered
            peers = (("yaml.load", floor), ("check-jsonschema", jsonschema))
            _row(f"validate, {size:,} manifests", valid, *peers)
            _row(f"render, {size:,} manifests", rendered, *peers)
            cost[size], peak[size] = valid.cpu, valid.peak
    for size in SIZES[1:]:
        each = (cost[size] - cost[1]) / (size - 1)
        print(f"  each of {size:,} manifests: {each * 1e6:.0f} us of the processor")
    print(f"  memory: {(peak[10_000] - peak[100]) * 1024 / 9_900:.1f} KB a manifest")


def plan(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = write_manifests(Path(name) / "specs", 1_000)
        command = ours("plan", str(folder), "--max-submits", "1000", "--history", "0")
        for jobs in JOBS:
            with emulator(Path(tempfile.mkdtemp(dir=name)), jobs) as url, _environment("BASETEN_BASE_URL", url):
                before = requests_so_far(url)
                (took,) = in_turn([command], rounds)
                asked = (requests_so_far(url) - before) // (rounds + 1)
                _row(f"plan, 1,000 manifests, {jobs:,} jobs", took)
                inner = [_beyond(url, folder) for _ in range(rounds)]
                inner.sort(key=lambda one: one["beyond"] / max(one["decode"], 1e-9))
                middle = inner[len(inner) // 2]
                print(f"  {asked} requests, {middle['bytes'] / 1e6:.1f} MB; beyond receiving {middle['beyond']:.2f} s, "
                      f"{middle['beyond'] / middle['decode']:.2f} x json.loads ({middle['decode']:.2f} s)")  # fmt: skip


def _beyond(url: str, folder: Path) -> dict[str, float]:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.bench.beyond", url, str(folder)], check=True, capture_output=True, text=True
    )
    told: dict[str, float] = json.loads(ran.stdout)
    return told


def apply(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as name, emulator(Path(name), 0) as url, _environment("BASETEN_BASE_URL", url):
        folders = [write_manifests(Path(name) / str(n), SUBMITS, f"Apply {n}") for n in range(rounds + 1)]
        submits, posts = [], []
        for folder in folders:
            submits.append(run(ours("apply", str(folder), "--yes", "--max-submits", str(SUBMITS))))
            posts.append(run(python(_POST, url, str(SUBMITS))))
        took, peer = Medians(tuple(submits[1:])), Medians(tuple(posts[1:]))
        _row(f"apply, {SUBMITS} submits", took, ("4 threads that POST", peer))
        print("  5 s of it are the wait for another applier's twins, which a bare client does not look for")


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    ENVIRONMENT[name] = value
    try:
        yield
    finally:
        del ENVIRONMENT[name]


PARTS: dict[str, Callable[[int], None]] = {"start": start, "validate": validate, "plan": plan, "apply": apply}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="runs of each command, more for the quick ones")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    asked = parser.parse_args()
    if unknown := [part for part in asked.parts if part not in PARTS]:
        parser.error(f"there is no part '{unknown[0]}'; there are {', '.join(PARTS)}")
    compileall.compile_dir(str(Path(baseten_jobs.__file__).parent), quiet=2)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}\n")
    print(f"{'':<34} {'time':>10} {'processor':>10} {'memory':>10}   against")
    for part in asked.parts or PARTS:
        PARTS[part](asked.rounds)


if __name__ == "__main__":
    sys.exit(main())
