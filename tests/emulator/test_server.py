"""Many requests at once, and the command around the server."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from baseten_jobs.cli.commands.emulator import command
from baseten_jobs.distribution import OURS
from baseten_jobs.emulator.faults import KINDS
from baseten_jobs.emulator.server import serving
from baseten_jobs.emulator.settings import Settings

from .conftest import Start


def test_sixteen_requests_are_served_at_once(start: Start) -> None:
    meeting = threading.Barrier(16, timeout=10)
    project = start().project()
    api = start(latency=1.0, sleep=lambda _: meeting.wait())
    with ThreadPoolExecutor(16) as pool:
        jobs = list(pool.map(lambda number: api.create(project, f"job-{number}"), range(16)))
    assert len({job["id"] for job in jobs}) == 16
    assert sorted(start().names()) == sorted(f"job-{number}" for number in range(16))


def test_an_answer_that_nobody_reads_is_closed_with_the_server(tmp_path: Path) -> None:
    with serving(Settings(tmp_path / "jobs.db")) as url, socket.socket() as client:
        httpx.post(f"{url}/_emulator/seed", json={"project": "big", "jobs": 4000})
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", httpx.URL(url).port))
        asked = f"POST /v1/training_jobs/search HTTP/1.1\r\nHost: {url.removeprefix('http://')}\r\n"
        asked += "Authorization: Bearer k\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        client.sendall(asked.encode())
        assert client.recv(16).startswith(b"HTTP/1.1 200")
    gc.collect()


@contextmanager
def _listening(*options: str, folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    environment = {name: value for name, value in os.environ.items() if name != "BASETEN_EMULATOR_KEY"}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    process = subprocess.Popen(
        [sys.executable, "-m", "baseten_jobs", "emulator", "--port", "0", *options],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:"), process.communicate()
        yield process, line.split()[-1]
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_the_command_quietly(tmp_path: Path, sent: signal.Signals, code: int) -> None:
    with _listening("--team", "research", "--api-key", "right", folder=tmp_path) as (process, url):
        headers = {"Authorization": "Bearer right"}
        assert len(httpx.get(f"{url}/v1/teams", headers=headers, verify=False).json()["teams"]) == 2
        assert httpx.get(f"{url}/v1/teams", headers={"Authorization": "Bearer x"}, verify=False).status_code == 401
        process.send_signal(sent)
        output, errors = process.communicate(timeout=10)
        assert (process.returncode, output, errors) == (code, "", "")
    assert [path.name for path in (tmp_path / ".baseten-jobs").glob("emulator.db*")] == ["emulator.db"]


def test_globs_decide_how_jobs_end(tmp_path: Path) -> None:
    globs = (
        "--queue",
        "wait-*",
        "--fail",
        "bad-*",
        "--deploy-fail",
        "worse-*",
        "--preempt",
        "spot-*",
        "--stall",
        "h-*",
    )
    instantly = ("--created-seconds", "0", "--deploying-seconds", "0", "--run-seconds", "0")
    with (
        _listening(*globs, *instantly, folder=tmp_path) as (_, url),
        httpx.Client(base_url=url, headers={"Authorization": "Bearer k"}, verify=False) as http,
    ):
        made = http.post("/v1/training_projects", json={"training_project": {"name": "P"}}).json()
        path = f"/v1/training_projects/{made['training_project']['id']}/jobs"
        for name in ("wait-1", "bad-1", "worse-1", "spot-1", "h-1", "good"):
            body = {"training_job": {"image": {"base_image": "i:1"}, "name": name}}
            assert http.post(path, json=body).is_success
        jobs = http.get(path).json()["training_jobs"]
    assert {job["name"]: job["current_status"].removeprefix("TRAINING_JOB_") for job in jobs} == {
        "wait-1": "PENDING", "bad-1": "FAILED", "worse-1": "DEPLOY_FAILED", "spot-1": "PREEMPTED", "h-1": "RUNNING",
        "good": "COMPLETED",
    }  # fmt: skip


def _ended(*options: str) -> Result:
    """The command as the group calls it, which makes an exit code of what it returns."""
    return CliRunner().invoke(command, options, standalone_mode=False)


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with _listening(folder=tmp_path) as (_, url):
        port = url.rpartition(":")[2]
        outcome = _ended("--port", port, "--db", str(tmp_path / "other.db"))
    assert outcome.return_value == 1
    assert outcome.output.startswith(f"error: cannot listen on 127.0.0.1:{port}: ")
    assert outcome.output.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fault", "nonsense"], "'nonsense' is not a fault"),
        (["--capacity", "H100"], "'H100' is not GPU=N, such as H100=16"),
        (["--capacity", "H1=8"], "'H1' is not a GPU type here"),
        (["--team", " "], "the name is empty"),
        (["--api-key", ""], "a key is one word"),
        (["--latency", "-1"], "'--latency'"),
        (["stray"], "stray"),
    ],
)
def test_wrong_options_are_usage_errors(options: list[str], message: str) -> None:
    outcome = CliRunner().invoke(command, options)
    assert outcome.exit_code == 2
    assert message in outcome.output


def test_an_unusable_database_is_one_clear_line(database: Path) -> None:
    database.write_text("not a database " * 100)
    outcome = _ended("--db", str(database))
    assert outcome.return_value == 1
    assert outcome.output.startswith(f"error: {database}: not usable as the database of the embedded API")


@pytest.mark.parametrize("version", [0, 99], ids=["no free port", "of another version"])
def test_what_can_not_be_served_is_closed(version: int, database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert _ended("--db", str(database), "--port", str(port)).return_value == 1
    assert [path.name for path in database.parent.iterdir()] == [database.name]


def test_without_the_extra_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    outcome = _ended()
    assert outcome.return_value == 1
    assert outcome.output == f"error: the embedded API needs its extra: {OURS.install('local')}\n"


def test_the_help_explains_every_fault() -> None:
    words = " ".join(CliRunner().invoke(command, ["--help"], terminal_width=100).output.split())
    assert [kind.name for kind in KINDS if f"{kind.defaults} {kind.meaning}" not in words] == []
    assert "--fault rate-limit=0.2,2" in words
