"""An embedded API on a real socket, with a clock that only moves when told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from baseten_jobs.emulator.faults import parse_fault
from baseten_jobs.emulator.server import serving
from baseten_jobs.emulator.settings import Settings
from tests.support import sdk

if TYPE_CHECKING:
    from baseten.client import ManagementClient

START = 1_800_000_000.25


class Clock:
    """Epoch seconds that stand still."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Api:
    """One running emulator, by the official SDK and by its HTTP client."""

    url: str
    sdk: ManagementClient

    @property
    def http(self) -> httpx.Client:
        return self.sdk.http_client

    def project(self, name: str = "Qwen3 30B") -> str:
        answer = self.http.post("/v1/training_projects", json={"training_project": {"name": name}})
        return str(answer.json()["training_project"]["id"])

    def send(self, project: str, name: str | None = "job", **fields: Any) -> httpx.Response:
        """Create a job, whatever comes of it."""
        body = {"training_job": {"image": {"base_image": "hello-world"}, "name": name, **fields}}
        return self.http.post(f"/v1/training_projects/{project}/jobs", json=body)

    def create(self, project: str, name: str | None = "job", **fields: Any) -> dict[str, Any]:
        answer = self.send(project, name, **fields)
        assert answer.status_code == 200, answer.text
        job: dict[str, Any] = answer.json()["training_job"]
        return job

    def search(self, **filters: Any) -> list[dict[str, Any]]:
        answer = self.http.post("/v1/training_jobs/search", json=filters)
        assert answer.status_code == 200, answer.text
        jobs: list[dict[str, Any]] = answer.json()["training_jobs"]
        return jobs

    def names(self, **filters: Any) -> list[str]:
        return [job["name"] for job in self.search(**filters)]

    def advance(self, seconds: float) -> None:
        assert self.http.post("/_emulator/clock", json={"advance": seconds}).status_code == 200

    def ledger(self) -> list[dict[str, Any]]:
        creates: list[dict[str, Any]] = self.http.get("/_emulator/ledger").json()["creates"]
        return creates


@contextmanager
def _running(settings: Settings) -> Iterator[Api]:
    headers = {"Authorization": "Bearer a-key"}
    with (
        serving(settings, threads=20) as url,
        # Without `verify=False` every client would load the certificates of the world, for plain HTTP.
        httpx.Client(base_url=url, headers=headers, verify=False) as client,
    ):
        yield Api(url, sdk.ManagementClient(api_key="a-key", base_url_override=url, http_client_override=client))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "emulator.db"


@pytest.fixture
def clock() -> Clock:
    return Clock()


Start = Callable[..., Api]


@pytest.fixture
def start(database: Path, clock: Clock) -> Iterator[Start]:
    """Start an emulator; `faults` are given as on the command line."""
    with ExitStack() as running:

        def begin(*faults: str, **settings: Any) -> Api:
            settings = {"database": database, "clock": clock, **settings}
            return running.enter_context(_running(Settings(faults=tuple(map(parse_fault, faults)), **settings)))

        yield begin


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One emulator for all tests that do not mind what others left in it."""
    with _running(Settings(database=tmp_path_factory.mktemp("shared") / "emulator.db", clock=Clock())) as api:
        yield api


@pytest.fixture
def api(start: Start) -> Api:
    return start()
