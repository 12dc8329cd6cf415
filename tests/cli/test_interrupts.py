"""Ctrl-C and SIGTERM on a real process: the first winds up, the second ends at once."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from baseten_jobs.emulator.faults import parse_fault
from baseten_jobs.emulator.server import serving
from baseten_jobs.emulator.settings import Settings
from baseten_jobs.job.names import without_letters
from tests.soaks.chaos import write_manifests


class Applier:
    """One apply of 40 manifests, as a process, against an embedded API of its own."""

    def __init__(self, folder: Path, url: str) -> None:
        self.url = url
        manifests = write_manifests(folder, 40)
        environment = {**os.environ, "BASETEN_BASE_URL": url, "BASETEN_API_KEY": "k"}
        command = [sys.executable, "-m", "baseten_jobs", "apply", "--yes", str(manifests), "-o", "json",
                   "--max-submits", "99", "--settle", "6", "--concurrency", "2"]  # fmt: skip
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def signal_after(self, creates: int, number: int) -> None:
        """Send a signal once so many creates have arrived."""
        deadline = time.monotonic() + 30
        while len(httpx.get(self.url + "/_emulator/ledger", verify=False).json()["creates"]) < creates:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        self.process.send_signal(number)

    def ended(self) -> tuple[int, dict[str, Any], str]:
        output, errors = self.process.communicate(timeout=60)
        return self.process.returncode, json.loads(output), errors

    def held(self) -> set[str]:
        jobs = httpx.get(self.url + "/_emulator/jobs", verify=False).json()["training_jobs"]
        return {str(without_letters(job["name"])) for job in jobs}


Start = Callable[..., Applier]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    contexts = []

    def begin(*faults: str) -> Applier:
        folder = tmp_path / str(len(contexts))
        folder.mkdir()
        settings = Settings(folder / "e.db", faults=tuple(map(parse_fault, faults)), latency=0.05)
        context = serving(settings)
        contexts.append(context)
        return Applier(folder, context.__enter__())

    yield begin
    for context in contexts:
        context.__exit__(None, None, None)


@pytest.mark.slow
def test_the_first_signal_starts_nothing_more_and_reports_what_became_of_each(start: Start) -> None:
    """SIGINT and SIGTERM at once, for most of it is waiting for twins."""
    appliers = {number: start() for number in (signal.SIGINT, signal.SIGTERM)}
    for number, applier in appliers.items():
        applier.signal_after(6, number)
    for applier in appliers.values():
        code, document, errors = applier.ended()
        outcomes = {result["job_name"]: result["outcome"] for result in document["results"]}
        assert code == 130
        assert {name for name, outcome in outcomes.items() if outcome == "submitted"} == applier.held()
        assert 6 <= len(applier.held()) < 40
        assert set(outcomes.values()) == {"submitted", "skipped"}
        assert document["error"] == "interrupted"
        assert "nothing more is submitted" in errors


@pytest.mark.slow
def test_a_second_signal_ends_at_once_and_names_what_is_unsettled(start: Start) -> None:
    applier = start("hang-after=1,30")
    applier.signal_after(2, signal.SIGTERM)
    assert applier.process.stderr is not None
    while "once more ends at once" not in applier.process.stderr.readline():
        pass
    began = time.monotonic()
    applier.process.send_signal(signal.SIGTERM)
    code, document, errors = applier.ended()
    assert time.monotonic() - began < 5
    assert code == 130
    assert set(document["unsettled"]) == applier.held()
    assert all(name in errors for name in applier.held())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("command", [["plan"], ["apply", "--yes"], ["status", "-f"]], ids=["plan", "apply", "status"])
def test_before_anything_is_sent_a_signal_ends_at_once(command: list[str], number: int, tmp_path: Path) -> None:
    manifests = write_manifests(tmp_path, 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, "-m", "baseten_jobs", *command, str(manifests), "-o", "json"],
            env={**os.environ, "BASETEN_BASE_URL": url, "BASETEN_API_KEY": "a-key"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        silent.settimeout(30)
        with silent.accept()[0]:
            process.send_signal(number)
            output, errors = process.communicate(timeout=60)  # a busy machine may stand still for ten seconds
    assert (process.returncode, json.loads(output)["error"]) == (130, "interrupted")
    assert "Traceback" not in errors
