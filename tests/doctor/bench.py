"""A sound set-up, to be broken: a repository with an origin, a pipeline and a job that runs, before an embedded API."""

import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import httpx

from baseten_jobs.cli.commands.init import pipeline_text
from baseten_jobs.cli.main import run
from baseten_jobs.compilation import compile_all
from baseten_jobs.distribution import PLACEHOLDER
from baseten_jobs.emulator.app import App
from baseten_jobs.emulator.server import Server
from baseten_jobs.emulator.settings import Durations, Settings
from baseten_jobs.job.names import owner_of
from baseten_jobs.manifest.inputs import Inputs

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

KEY = "the-key-of-ada"
MANIFEST = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata: {name: NAME, project: Demo}
spec:
  image: {base_image: "python:3.13-slim"}
  runtime:
    start_commands: [echo NAME]
    environment_variables: {HF_TOKEN: {name: hf_access_token}}
"""
GITHUB = pipeline_text("github").replace(PLACEHOLDER, "acme")
GITLAB = pipeline_text("gitlab").replace(PLACEHOLDER, "acme")
_SETTINGS = "[user]\nname = Ada\nemail = ada@example.com\n[gc]\nauto = 0\n[core]\nfsync = none\n"
_TOOL = f"""\
#!/bin/sh
# The command as a person runs it who says yes.
case "$1" in stop|apply) set -- "$@" --yes;; esac
exec {sys.executable} -m baseten_jobs "$@"
"""


class Bent(App):
    """The embedded API, but for paths that are answered with a status of their own, so often or always.

    A POST to a path with such an ending calls what is in `upon`, too.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.answers: dict[str, list[int]] = {}
        self.always: dict[str, tuple[int, bytes]] = {}
        self.upon: dict[str, Callable[[], object]] = {}

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        for ending, call in self.upon.items():
            if environ["REQUEST_METHOD"] == "POST" and path.endswith(ending):
                call()
        status, body = self.always.get(path, self.always.get("", (0, b"")))
        if waiting := self.answers.get(path):
            status, body = waiting.pop(0), b'{"error": "no", "retry_after": 0}'
        if not status:
            return super().__call__(environ, start_response)
        start_response(f"{status} No", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]


@contextmanager
def serving_bent(settings: Settings) -> Iterator[tuple[str, Bent]]:
    app = Bent(settings)
    server = Server(app, "127.0.0.1", 0, 20)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server.base_url, app
    finally:
        server.stop()
        thread.join()


@dataclass
class Bench:
    """A folder with the checkout `work`, and the API before it; `environment` is what commands get."""

    folder: Path
    url: str
    app: Bent
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def pipeline(self) -> Path:
        return self.work / ".github" / "workflows" / "training.yml"

    def __post_init__(self) -> None:
        kept = {name: os.environ[name] for name in ("PYTHONPATH", "TMPDIR", "XDG_CACHE_HOME") if name in os.environ}
        self.environment = {
            **kept, "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}", "HOME": str(self.folder),
            "GIT_CONFIG_GLOBAL": str(self.folder / "gitconfig"), "GIT_CONFIG_SYSTEM": os.devnull,
            "BASETEN_API_KEY": KEY, "BASETEN_BASE_URL": self.url,
        }  # fmt: skip

    def set_up(self) -> None:
        """All that a sound set-up has."""
        tool = self.folder / "bin" / "baseten-jobs"
        tool.parent.mkdir()
        tool.write_text(_TOOL)
        tool.chmod(0o755)
        self.work.mkdir()
        self.shell("git init -q -b main && git init -q --bare -b main ../origin.git && git remote add origin .")
        self.write("x")
        self.pipe(GITHUB)
        self.at_home()
        self.commit()
        self.shell("git push -q origin main")
        self.start("x")

    def at_home(self) -> None:
        """Have the paths that git keeps be those of this folder."""
        (self.folder / "gitconfig").write_text(_SETTINGS)
        self.shell(f"git remote set-url origin file://{self.folder}/origin.git")

    def write(self, name: str, change: tuple[str, str] = ("", "")) -> None:
        path = self.work / "specs" / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(MANIFEST.replace("NAME", name).replace(*change))

    def pipe(self, text: str) -> None:
        self.pipeline.parent.mkdir(parents=True, exist_ok=True)
        self.pipeline.write_text(text)

    def commit(self) -> None:
        self.shell("git add -A && git commit -qm change")

    def shell(self, command: str) -> str:
        ran = subprocess.run(
            command, shell=True, cwd=self.work, env=self.environment, capture_output=True, text=True, timeout=60
        )
        assert ran.returncode == 0, f"{command}: {ran.stdout}{ran.stderr}"
        return ran.stdout

    def findings(self, *, before: str = "") -> list[dict[str, Any]]:
        """What doctor finds after a shell has run a command; what that exports counts."""
        told = self.folder / "found.json"
        if before:
            lines = self.shell(f"{{ {before}; }} >&2; env -0; rm -f *.bak .*.bak .github/workflows/*.bak").split("\0")
            self.environment = dict(line.split("=", 1) for line in lines if "=" in line)
        with chdir(self.work), patch.dict(os.environ, self.environment, clear=True):
            code = run(["doctor", "--out", str(told)])
        text = told.read_text()
        assert KEY not in text
        found: list[dict[str, Any]] = json.loads(text)["findings"]
        assert code == (1 if any(each["level"] == "fail" for each in found) else 0)
        return found

    def start(self, name: str) -> str:
        """The job of a manifest, as an apply makes it."""
        with chdir(self.work):
            compiled = compile_all(Inputs([f"specs/{name}.yaml"]), io.BytesIO())
        (request,) = compiled.requests
        project = self.ask("POST", "/v1/training_projects", {"training_project": {"name": "Demo"}})["training_project"]
        owner = owner_of(f"file://{self.folder}/origin.git")
        job = {**request.training_job, "name": f"{request.job_name}-{owner}bbbb"}
        made = self.ask("POST", f"/v1/training_projects/{project['id']}/jobs", {"training_job": job})
        return str(made["training_job"]["id"])

    def jobs(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.ask("GET", "/_emulator/jobs")["training_jobs"]
        return rows

    def create(self, name: str) -> str:
        """A job that somebody else starts."""
        (project, *_) = self.ask("GET", "/v1/training_projects")["training_projects"]
        job = {"name": name, "image": {"base_image": "i:1"}}
        made = self.ask("POST", f"/v1/training_projects/{project['id']}/jobs", {"training_job": job})
        return str(made["training_job"]["id"])

    def force(self, job_id: str, status: str) -> None:
        self.ask("POST", f"/_emulator/jobs/{job_id}", {"status": status})

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = httpx.request(method, f"{self.url}{path}", json=body, headers={"Authorization": f"Bearer {KEY}"})
        assert answer.is_success, answer.text
        return answer.json()


@contextmanager
def opened_bench(folder: Path, *, ahead: float = 0.0) -> Iterator[Bench]:
    """A bench whose API's clock is so many seconds ahead of ours; set up where the folder is empty."""
    fresh = not any(folder.iterdir())
    settings = Settings(
        folder / "emulator.db", api_key=KEY, secrets=("hf_access_token",), durations=Durations(running=1e9),
        clock=lambda: time.time() + ahead,
    )  # fmt: skip
    with serving_bent(settings) as (url, app):
        bench = Bench(folder, url, app)
        bench.set_up() if fresh else bench.at_home()
        yield bench
