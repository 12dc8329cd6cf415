"""Whole commands against an embedded API on a real socket, whose time only passes while a command waits."""

import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from baseten_jobs.cli.main import run
from baseten_jobs.emulator.faults import parse_fault
from baseten_jobs.emulator.server import serving
from baseten_jobs.emulator.settings import Settings
from tests.support.commands import Ran
from tests.support.world import START, StandingClock


class Desk:
    """A folder of manifests, a provider, a clock that both go by, and the command line."""

    def __init__(self, folder: Path, url: str, clock: StandingClock, capfd: pytest.CaptureFixture[str]) -> None:
        self.folder, self.url, self.clock, self._capfd = folder, url, clock, capfd

    def __call__(self, *arguments: str) -> Ran:
        code = run(list(arguments), self.clock)
        captured = self._capfd.readouterr()
        return Ran(code, captured.out, captured.err)

    def write(self, name: str = "x", command: str = "train", project: str = "Demo", more: str = "") -> None:
        path = self.folder / "specs" / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            textwrap.dedent(f"""\
            apiVersion: baseten-jobs/v1
            kind: TrainingJob
            metadata: {{name: {name}, project: {project}}}
            spec:
              image: {{base_image: "i:1"}}
              compute: {{accelerator: "H100:8", node_count: 2}}
              runtime: {{start_commands: [{command}]}}
            """)
            + more
        )

    def applied(self, *names: str) -> list[str]:
        """Manifests of these names, submitted; the ids of their jobs."""
        for name in names:
            self.write(name)
        before = {job["id"] for job in self.jobs()}
        assert self("apply", "--yes", "--max-submits", "99").code == 0
        made = {job["name"].partition("--")[0]: job["id"] for job in self.jobs() if job["id"] not in before}
        return [made[name] for name in names]

    def started(self, name: str) -> str:
        """The id of a job of the first project that was started without this tool."""
        with httpx.Client(base_url=self.url, headers={"Authorization": "Bearer a-key"}, verify=False) as http:
            project = http.get("/v1/training_projects").json()["training_projects"][0]["id"]
            body = {"training_job": {"name": name, "image": {"base_image": "i:1"}}}
            made: str = http.post(f"/v1/training_projects/{project}/jobs", json=body).json()["training_job"]["id"]
        return made

    def jobs(self) -> list[dict[str, Any]]:
        jobs: list[dict[str, Any]] = httpx.get(f"{self.url}/_emulator/jobs", verify=False).json()["training_jobs"]
        return jobs

    def requests(self) -> dict[str, int]:
        counts: dict[str, int] = httpx.get(f"{self.url}/_emulator/ledger", verify=False).json()["requests"]
        return counts

    def force(self, job_id: str, status: str | None, error_message: str | None = None) -> None:
        forced = {"status": status and f"TRAINING_JOB_{status}", "error_message": error_message}
        assert httpx.post(f"{self.url}/_emulator/jobs/{job_id}", json=forced, verify=False).is_success

    def later(self, seconds: float, call: Callable[[], object]) -> None:
        """Have something happen once so many seconds have passed."""
        self.clock.at(self.clock.time + seconds, call)


Open = Callable[..., Desk]


@pytest.fixture
def open_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Open]:
    monkeypatch.chdir(tmp_path)
    with ExitStack() as running:

        def begin(*faults: str, **settings: Any) -> Desk:
            clock = StandingClock()
            wanted = Settings(
                tmp_path / "emulator.db",
                clock=lambda: START + clock.time,
                faults=tuple(map(parse_fault, faults)),
                **settings,
            )
            url = running.enter_context(serving(wanted, threads=20))
            monkeypatch.setenv("BASETEN_BASE_URL", url)
            monkeypatch.setenv("BASETEN_API_KEY", "a-key")
            return Desk(tmp_path, url, clock, capfd)

        yield begin


@pytest.fixture
def desk(open_desk: Open) -> Desk:
    return open_desk()
