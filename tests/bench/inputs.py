"""Manifests of the size of those in `specs/`, and an embedded API that holds many jobs."""

import json
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.contest import ENVIRONMENT

SPECS = sorted((Path(__file__).parent.parent.parent / "specs").glob("*.yaml"))
SECRETS = ("hf_access_token", "wandb_api_key")
PROJECT = "Bench"
_SEEDED = 100
"""Names that the seeded jobs have: earlier runs of the first manifests."""


def write_manifests(folder: Path, count: int, project: str = PROJECT) -> Path:
    """So many copies of the specs, each with a name of its own."""
    texts = [path.read_text(encoding="utf-8") for path in SPECS]
    folder.mkdir(parents=True)
    for number in range(count):
        text = re.sub(r"(?m)^  name: .*", f"  name: bench-{number}", texts[number % len(texts)], count=1)
        text = re.sub(r"(?m)^  project: .*", f"  project: {project}", text, count=1)
        (folder / f"m{number:05}.yaml").write_text(text, encoding="utf-8")
    return folder


@contextmanager
def emulator(folder: Path, jobs: int) -> Iterator[str]:
    """The embedded API in a process of its own, with so many jobs; gives its base URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "baseten_jobs", "emulator", "--port", str(port), "--db", str(folder / "bench.db")]
    command += [part for name in SECRETS for part in ("--secret", name)]
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url)
        seed(url, jobs)
        yield url
    finally:
        process.terminate()
        process.wait()


def seed(url: str, jobs: int) -> None:
    """Completed jobs of other specs under the manifests' names; nine of ten have names of the tool's own form."""
    ask(url, "/v1/training_projects", {"training_project": {"name": PROJECT}})
    each = jobs // _SEEDED
    for number in range(_SEEDED if each else 0):
        digits = 12 - len(str(each - 1))
        prefix = f"bench-{number}--{number:0{digits}x}"
        ask(url, "/_emulator/seed", {"project": PROJECT, "jobs": each, "name_prefix": prefix})


def requests_so_far(url: str) -> int:
    counts: dict[str, int] = ask(url, "/_emulator/ledger")["requests"]
    return sum(counts.values())


def ask(url: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": "Api-Key bench-key", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url + path, data, headers), timeout=300) as answer:
        return json.load(answer)


def _wait_for(url: str) -> None:
    for _ in range(200):
        try:
            ask(url, "/_emulator/health")
            return
        except urllib.error.URLError:
            time.sleep(0.1)
    raise RuntimeError("the embedded API does not answer")
