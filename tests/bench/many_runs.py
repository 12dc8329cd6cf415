"""How long `runs` takes beyond the API's answers, for many runs over many commits: python -m tests.bench.many_runs"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from baseten_jobs.cli.run_record import Wanted, recorded
from baseten_jobs.git.repository import Repository, open_repository
from baseten_jobs.job.identity import SHOWN, digest_of
from baseten_jobs.manifest.document import load
from baseten_jobs.planning.history.run_commits import RunCommits
from baseten_jobs.planning.records.record import Telling
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.pacing import Clock
from baseten_jobs.report import formats
from tests.support.repository import ENVIRONMENT, git

START = 1_790_000_000
"""Epoch seconds of the first commit: in September of 2026."""

EVERY = 7200
"""Seconds from one commit to the next."""

MANIFEST = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata: {{name: run-{number}, project: Demo / {project}}}
spec:
  image: {{base_image: "hello-world:1"}}
  compute: {{accelerator: "H100:8", node_count: {nodes}}}
  runtime:
    start_commands: ["train --step {step}"]
    environment_variables: {{STEP: "{step}"}}
"""


def manifest(commit: int, manifests: int) -> str:
    number, step = commit % manifests, commit // manifests
    return MANIFEST.format(number=number, project=number % 5, nodes=1 + step % 4, step=step)


def fill(folder: Path, commits: int, manifests: int) -> None:
    """So many commits, each of which changes one manifest; written by one fast-import."""
    lines: list[bytes] = []
    for number in range(commits):
        author = f"Author {number % 7} <a{number % 7}@example.com>"
        lines.append(f"commit refs/heads/main\ncommitter {author} {START + EVERY * number} +0000\n".encode())
        message = f"Try step {number // manifests} of run-{number % manifests}\n".encode()
        content = manifest(number, manifests).encode()
        lines.append(f"data {len(message)}\n".encode() + message)
        path = f"specs/run-{number % manifests}.yaml"
        lines.append(f"M 644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n")
    git(folder, "init", "-q", "-b", "main")
    subprocess.run(
        ("git", "fast-import", "--quiet", "--force"), cwd=folder, env=ENVIRONMENT, input=b"".join(lines), check=True
    )
    subprocess.run(("git", "checkout", "-qf", "main"), cwd=folder, env=ENVIRONMENT, check=True)


def jobs(runs: int, commits: int, manifests: int) -> list[dict[str, Any]]:
    """Rows of the API: every commit's spec ran, some of them several times."""
    states = ("COMPLETED", "FAILED", "STOPPED", "COMPLETED", "PREEMPTED", "COMPLETED", "COMPLETED")
    digests: dict[int, str] = {}
    found = []
    for number in range(runs):
        commit, retry = number % commits, number // commits
        if commit not in digests:
            (document,) = load("x.yaml", manifest(commit, manifests)).documents
            digests[commit] = digest_of(document.data["spec"], document.data["apiVersion"])[:SHOWN]
        created = START + EVERY * commit + 30_000 * retry + 120
        of, nodes = commit % manifests, 1 + commit // manifests % 4
        suffix = f"-r{retry}" if retry else ""
        found.append(
            {
                "id": f"j{number:06}",
                "name": f"run-{of}--{digests[commit]}{suffix}-bcdfghj",
                "current_status": f"TRAINING_JOB_{states[number % len(states)] if number < runs - 5 else 'RUNNING'}",
                "created_at": _iso(created),
                "updated_at": _iso(created + 3600 + number * 7 % 20_000),
                "training_project_id": f"p{of % 5}",
                "training_project": {"id": f"p{of % 5}", "name": f"Demo / {of % 5}"},
                "instance_type": {"id": "h", "name": "h", "gpu_type": "H100", "gpu_count": 8},
                "node_count": nodes,
                "user": {"email": f"a{commit % 7}@example.com"},
            }
        )
    return found


def _iso(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


class Provider(httpx.BaseTransport):
    """Answers out of memory, and counts its calls and the time that they took."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows, self.calls, self.seconds = rows, 0, 0.0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        began = time.perf_counter()
        answer = httpx.Response(200, request=request, json=self._answer(request))
        self.calls += 1
        self.seconds += time.perf_counter() - began
        return answer

    def _answer(self, request: httpx.Request) -> dict[str, Any]:
        path = request.url.path
        if path.endswith("/search"):
            content = request.read().decode()
            return {"training_jobs": [row for row in self.rows if f'"{row["training_project_id"]}"' in content]}
        if path == "/v1/training_projects":
            return {"training_projects": [{"id": f"p{each}", "name": f"Demo / {each}"} for each in range(5)]}
        if path == "/v1/billing/usage_summary":
            start, end = request.url.params["start_date"], request.url.params["end_date"]
            bill = [_billed(row) for row in self.rows[::2] if start <= row["created_at"] <= end]
            return {"training_usage": {"breakdown": bill}}
        machine = {"millicpu_limit": 8000, "memory_limit_mib": 2**20, "gpu_count": 8, "gpu_type": "H100"}
        return {"instance_types": [{"instance_type": machine, "price": 0.8667}]}


def _billed(row: dict[str, Any]) -> dict[str, Any]:
    days = [{"date": row["created_at"][:10], "subtotal": "12.25", "minutes": 60}]
    return {"billable_resource": {"id": row["id"]}, "subtotal": "12.25", "minutes": 60, "daily": days}


class StandingStill(Clock):
    """It is always the time at which the last run had just begun."""

    def __init__(self, at: float) -> None:
        super().__init__()
        self._at = at

    def wall(self) -> float:
        return self._at


@contextmanager
def provided(provider: Provider, now: float) -> Iterator[Api]:
    http = httpx.Client(transport=provider, base_url="http://baseten", headers={"Authorization": "Bearer k"})
    with http:
        yield Api(http, StandingStill(now))


def opened(folder: Path) -> Repository:
    repository = open_repository(str(folder))
    assert isinstance(repository, Repository)
    return repository


def main() -> None:
    for runs, commits, manifests in ((500, 200, 20), (5_000, 2_000, 100), (5_000, 2_000, 5)):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            fill(folder, commits, manifests)
            provider = Provider(jobs(runs, commits, manifests))
            now = START + EVERY * commits + 200_000
            with provided(provider, now) as api, opened(folder) as repository:
                began, busy = time.perf_counter(), time.process_time()
                record = recorded(api, RunCommits(repository), Wanted())
                took = time.perf_counter() - began - provider.seconds
                busy = time.process_time() - busy
                text = formats.RUNS["text"](record, Telling())
                told = time.perf_counter() - began - provider.seconds - took
            known = sum(run.commit is not None for run in record.runs)
            print(
                f"{runs} runs over {commits} commits of {manifests} manifests: {took:.2f} s "
                f"beyond {provider.calls} calls ({busy:.2f} s of the processor, answers too), "
                f"{told:.2f} s to tell ({known} with their commit, {len(text)} characters)"
            )


if __name__ == "__main__":
    sys.exit(main())
