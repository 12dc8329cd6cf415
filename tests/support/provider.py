"""A Baseten on loopback that holds what it is told to, and whose answers may be bent."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

Row = dict[str, Any]
Rows = list[Row]
Answer = tuple[int, Any]

TYPE = {"id": "h", "name": "H100:8", "gpu_count": 8, "gpu_type": "H100", "memory_limit_mib": 1, "millicpu_limit": 1}

PRICES = [{"instance_type": TYPE, "price": 0.9}]


def ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def as_it_is(rows: Rows) -> Rows:
    return rows


@dataclass
class Provider:
    """The truth in `jobs` and `projects`; `searched`, `listed`, `shown` and the rest say what is made of it."""

    projects: dict[str, Row] = field(default_factory=dict)
    jobs: dict[str, Row] = field(default_factory=dict)
    creates: list[str] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)
    searched: Callable[[Rows], Rows] = as_it_is
    listed: Callable[[Rows], Rows] = as_it_is
    shown: Callable[[Rows], Rows] = as_it_is
    created: Callable[[Row], Answer] | None = None
    stopped: Callable[[Row], Answer] | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def project(self, name: str = "P", team: str | None = "default") -> str:
        project_id = f"p{next(self.numbers)}"
        row = {"id": project_id, "name": name, "team_name": team, "created_at": ago(90), "updated_at": ago(90)}
        self.projects[project_id] = row
        return project_id

    def add(self, name: str | None, status: str = "RUNNING", days: float = 0.0, **more: Any) -> Row:
        """A job of the first project, unless another is named."""
        with self.lock:
            project_id = more.pop("project", None) or next(iter(self.projects), None) or self.project()
            job_id = more.pop("id", f"j{next(self.numbers)}")
            row = {
                "id": job_id, "name": name, "current_status": f"TRAINING_JOB_{status}", "created_at": ago(days),
                "updated_at": ago(days), "training_project_id": project_id, "error_message": None, "priority": 0,
                "training_project": {"id": project_id, "name": self.projects[project_id]["name"]},
                "instance_type": TYPE, "node_count": 1, "availability_model": "dedicated", **more,
            }  # fmt: skip
            self.jobs[job_id] = row
            return row

    def create(self, project_id: str, body: Row) -> Row:
        """Commit a create, whatever is answered to it."""
        return self.add(body["name"], "CREATED", project=project_id)

    def stop(self, row: Row) -> Row:
        row["current_status"], row["updated_at"] = "TRAINING_JOB_STOPPED", ago(0)
        return row

    def live(self) -> list[str]:
        """Names of the jobs that live or are done, oldest first."""
        over = ("STOPPED", "FAILED", "PREEMPTED")
        return [str(job["name"]) for job in self.jobs.values() if not job["current_status"].endswith(over)]

    def answer(self, method: str, path: str, body: Any) -> Answer:
        with self.lock:
            for verb, pattern, answer in self._routes():
                if verb == method and (found := re.fullmatch(pattern, path)):
                    return answer(*found.groups(), body) if method != "GET" else answer(*found.groups())
        return 404, {"message": f"no route {method} {path}"}

    def _routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        jobs = "/v1/training_projects/([^/]+)/jobs"
        return [
            ("GET", "/v1/training_projects", lambda: (200, {"training_projects": self.shown(self._all_projects())})),
            ("POST", "/v1/training_projects", self._upsert),
            ("POST", "/v1/training_jobs/search", self._search),
            ("GET", jobs, self._list),
            ("POST", jobs, self._create),
            ("GET", f"{jobs}/([^/]+)", self._job),
            ("POST", f"{jobs}/([^/]+)/stop", self._stop),
            ("GET", "/v1/teams", lambda: (200, {"teams": [{"id": "t", "name": "default", "default": True}]})),
            ("GET", "/v1/instance_type_prices", lambda: (200, {"instance_types": PRICES})),
            ("GET", "/v1/training/capacity", lambda: (200, {"gpu_capacities": [], "team_gpu_capacities": []})),
        ]

    def _all_projects(self) -> Rows:
        return [dict(row) for row in self.projects.values()]

    def _upsert(self, body: Row) -> Answer:
        name = body["training_project"]["name"]
        known = next((row for row in self.projects.values() if row["name"] == name), None)
        return 200, {"training_project": known or self.projects[self.project(name)]}

    def _search(self, body: Row) -> Answer:
        rows = [dict(job) for job in self.jobs.values()]
        for wanted, own in (("project_id", "training_project_id"), ("job_id", "id")):
            rows = [row for row in rows if body.get(wanted) in (None, row[own])]
        return 200, {"training_jobs": self.searched(sorted(rows, key=lambda row: (row["created_at"], row["id"])))}

    def _list(self, project_id: str) -> Answer:
        if project_id not in self.projects:
            return 404, {"message": "no such project"}
        rows = [dict(job) for job in self.jobs.values() if job["training_project_id"] == project_id]
        return 200, {"training_project": self.projects[project_id], "training_jobs": self.listed(rows)}

    def _job(self, project_id: str, job_id: str) -> Answer:
        job = self.jobs.get(job_id)
        if job is None or job["training_project_id"] != project_id:
            return 404, {"message": "no such job"}
        return 200, {"training_project": self.projects[project_id], "training_job": dict(job)}

    def _create(self, project_id: str, body: Row) -> Answer:
        job = body["training_job"]
        self.creates.append(job["name"])
        if self.created is not None:
            return self.created({**job, "project": project_id})
        return 200, {"training_job": dict(self.create(project_id, job))}

    def _stop(self, project_id: str, job_id: str, body: Row) -> Answer:
        self.stops.append(job_id)
        if (job := self.jobs.get(job_id)) is None:
            return 404, {"message": "no such job"}
        if self.stopped is not None:
            return self.stopped(job)
        return 200, {"training_job": dict(self.stop(job))}


@contextmanager
def serving_provider(provider: Provider) -> Iterator[str]:
    """Serve it for the length of a block; gives its base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, data = provider.answer(self.command, self.path.partition("?")[0], json.loads(raw) if raw else None)
            content = json.dumps(data).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = _handle

        def log_message(self, *_: Any) -> None:
            """Say nothing of requests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
