"""A provider in process, a clock that only moves when somebody sleeps, and faults laid between the two."""

import io
import json
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from baseten_jobs import compilation, pipeline
from baseten_jobs.applying.carry_out import carry_out
from baseten_jobs.applying.execute import Execution
from baseten_jobs.applying.in_flight import Ledger
from baseten_jobs.applying.intent import Planned
from baseten_jobs.applying.outcome import Applied
from baseten_jobs.applying.settle import Windows
from baseten_jobs.emulator.app import App
from baseten_jobs.emulator.errors import BrokenExchange
from baseten_jobs.emulator.settings import Settings
from baseten_jobs.job.names import NO_OWNER, Signature
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.planning.history.review import Inquiry
from baseten_jobs.planning.plan import Policy
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.pacing import Backoff, Clock

START = 1_800_000_000.0

OPENED = ExitStack()
"""What the present test has opened; it is closed when the test ends."""

Send = Callable[[httpx.Request], httpx.Response]
Fault = Callable[[httpx.Request, Send], httpx.Response]
"""A fault takes a request and how to have it answered; it may do so, or not, or raise."""


class StandingClock(Clock):
    """Seconds pass only in `sleep` and `pause`; `at` calls something once a time has come.

    Each sleep takes at least `least` seconds, as on a machine that wakes late: a long wait is fewer looks then.
    """

    def __init__(self) -> None:
        super().__init__()
        self.time, self.least = 0.0, 0.0
        self.slept: list[float] = []
        self._due: list[tuple[float, Callable[[], object]]] = []

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return START + self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += max(seconds, self.least)
        due = [call for time, call in self._due if time <= self.time]
        self._due = [(time, call) for time, call in self._due if time > self.time]
        for call in due:
            call()

    def pause(self, seconds: float) -> bool:
        self.sleep(seconds)
        return self.interrupted.is_set()

    def at(self, time: float, call: Callable[[], object]) -> None:
        self._due.append((time, call))


class Between(httpx.BaseTransport):
    """Lays one fault after the other over the calls that a pattern names, then its habit, and counts every call."""

    def __init__(self, app: Any) -> None:
        self._inner = httpx.WSGITransport(app=app)
        self.calls: list[str] = []
        self.bodies: list[bytes] = []
        self.faults: dict[str, list[Fault]] = {}
        self.habits: dict[str, Fault] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as the embedded API does, unless a fault is due."""
        call = kind_of(request)
        self.calls.append(call)
        self.bodies.append(request.read())
        waiting = self.faults.get(call, [])
        fault = waiting.pop(0) if waiting else self.habits.get(call)
        return fault(request, self._answer) if fault else self._answer(request)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        """Answer; what the embedded API breaks off is broken as a socket shows it."""
        try:
            response = self._inner.handle_request(request)
        except BrokenExchange as error:
            raise httpx.ReadError(str(error), request=request) from None
        response.read()
        return response


def kind_of(request: httpx.Request) -> str:
    """`create`, `search`, `list`, `job`, `projects`, `upsert`, `stop`, `update` or the path itself."""
    method, parts = request.method, request.url.path.strip("/").split("/")
    if parts[:2] == ["v1", "training_jobs"]:
        return "search"
    if parts[:2] != ["v1", "training_projects"]:
        return request.url.path
    named = {("GET", 2): "projects", ("POST", 2): "upsert", ("POST", 4): "create", ("GET", 4): "list",
             ("GET", 5): "job", ("PATCH", 5): "update", ("POST", 6): parts[-1]}  # fmt: skip
    return named.get((method, len(parts)), request.url.path)


@dataclass
class World:
    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    windows: Windows = field(default_factory=Windows)
    concurrency: int = 1
    policy: Policy = field(default_factory=Policy)
    owner: str = NO_OWNER

    def __post_init__(self) -> None:
        self.clock = StandingClock()
        database = self.folder / "emulator.db"
        settings = Settings(database=database, clock=lambda: START + self.clock.time, **self.settings)
        app = App(settings)
        OPENED.callback(app.close)
        self.between = Between(app)
        http = httpx.Client(transport=self.between, base_url="http://baseten", headers={"Authorization": "Bearer k"})
        self.api = Api(http, self.clock, backoff=Backoff(chance=lambda: 0.0))
        self.ledger = Ledger()

    def fault(self, call: str, *faults: Fault) -> None:
        """The next calls of this kind meet these faults, one each."""
        self.between.faults.setdefault(call, []).extend(faults)

    def habit(self, fault: Fault, *calls: str) -> None:
        """Every call of these kinds meets this fault from now on, unless another one is due."""
        self.between.habits |= dict.fromkeys(calls, fault)

    def write(self, name: str = "x", command: str = "train --lr 1e-4", more: str = "", metadata: str = "") -> None:
        path = self.folder / "specs" / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            textwrap.dedent(f"""\
            apiVersion: baseten-jobs/v1
            kind: TrainingJob
            metadata: {{name: {name}, project: Demo / one{metadata}}}
            spec:
              image: {{base_image: "hello-world:1"}}
              compute: {{accelerator: "H100:8"}}
              runtime: {{start_commands: ["{command}"]}}
            """)
            + more
        )

    def compiled(self) -> compilation.Compiled:
        compiled = compilation.compile_all(Inputs([str(self.folder / "specs")]), io.BytesIO())
        assert compiled.valid, compiled.diagnostics
        return compiled

    def plan(self) -> Planned:
        if self.owner == NO_OWNER:
            return pipeline.make(self.api, self.compiled(), self.policy)
        now = datetime.fromtimestamp(self.clock.wall(), UTC)
        inquiry = Inquiry(now, self.policy, missing=False, owner=self.owner)
        return pipeline.make(self.api, self.compiled(), self.policy, inquiry)

    def apply(self) -> Applied:
        planned = self.plan()
        assert planned.valid, planned.diagnostics
        self.between.calls.clear()
        return self.carry_out(planned)

    def carry_out(self, planned: Planned) -> Applied:
        how = Execution(self.concurrency, self.windows, Signature(self.owner))
        return carry_out(self.api, planned.plan, self.policy, how, self.ledger)

    def jobs(self) -> list[dict[str, Any]]:
        """What the provider holds, read behind the faults; oldest first."""
        with self.honest():
            return self.api.search()

    @contextmanager
    def honest(self) -> Iterator[None]:
        """Within, no call meets a fault."""
        faults, habits = self.between.faults, self.between.habits
        self.between.faults, self.between.habits = {}, {}
        yield
        self.between.faults, self.between.habits = faults, habits

    def status_of(self) -> list[str]:
        return [job["current_status"].removeprefix("TRAINING_JOB_") for job in self.jobs()]

    def create_behind(self, request: httpx.Request | None = None, **fields: Any) -> dict[str, Any]:
        """Another applier's create of the same job."""
        project = self.api.projects()[0]["id"]
        body = self.compiled().requests[0].body
        job = self.api.create_once(project, {"training_job": {**body["training_job"], **fields}}).data
        assert job is not None
        return dict(job["training_job"])


def lost(error: type[httpx.TransportError] = httpx.ReadTimeout) -> Fault:
    """Carried out, and the answer never comes."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        send(request)
        raise error("", request=request)

    return fault


def never(error: type[httpx.TransportError] = httpx.ReadTimeout) -> Fault:
    """Not carried out, and no answer comes."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        raise error("", request=request)

    return fault


def answered(status: int, body: str | dict[str, Any] = "", *, after: bool = False) -> Fault:
    """Answered like this, after it was carried out or instead."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        if after:
            send(request)
        if isinstance(body, dict):
            return httpx.Response(status, request=request, json=body)
        return httpx.Response(status, request=request, text=body)

    return fault


def empty(request: httpx.Request, send: Send) -> httpx.Response:
    """A search or a list that shows nothing for once."""
    data = send(request).json()
    return httpx.Response(200, request=request, json={**data, "training_jobs": []})


def late(world: World, seconds: float) -> Fault:
    """No answer, and carried out only so many seconds later."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        world.clock.at(world.clock.time + seconds, lambda: send(request))
        raise httpx.ReadTimeout("", request=request)

    return fault


def renamed(name: str | None) -> Fault:
    """Created under another name than was asked for."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        data = send(request).json()
        data["training_job"]["name"] = name
        return httpx.Response(200, request=request, json=data)

    return fault


def made_as(name: str | None) -> Fault:
    """Carried out under another name than was asked for: the provider itself holds it so."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        body = json.loads(request.read())
        body["training_job"]["name"] = name
        return send(httpx.Request(request.method, request.url, json=body, headers=_authorised(request)))

    return fault


def claiming(**fields: Any) -> Fault:
    """Carried out, and answered with a job that has these fields in the place of its own."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        answer = send(request)
        data = answer.json()
        data["training_job"] |= fields
        headers = {name: value for name, value in answer.headers.items() if name == "date"}
        return httpx.Response(200, request=request, json=data, headers=headers)

    return fault


Row = dict[str, Any]


def showing(change: Callable[[Row], Row | None]) -> Fault:
    """A search or a list whose rows are changed so, or left out where that gives None."""

    def fault(request: httpx.Request, send: Send) -> httpx.Response:
        answer = send(request)
        if not answer.is_success:
            return answer
        data = answer.json()
        rows = [row for row in map(change, data["training_jobs"]) if row is not None]
        return httpx.Response(200, request=request, json={**data, "training_jobs": rows})

    return fault


def _authorised(request: httpx.Request) -> dict[str, str]:
    return {"Authorization": request.headers["Authorization"]}
