"""Whole commands in this process: what they are given, and what became of them."""

import io
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from baseten_jobs.cli.main import run
from baseten_jobs.provider.api.pacing import Clock


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output."""
        return json.loads(self.out)


Cli = Callable[..., Ran]


@pytest.fixture
def called(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run a command where we are; without `given`, standard input is empty."""

    def call(*arguments: str, given: str = "", clock: Clock | None = None) -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
        capfd.readouterr()
        code = run(list(arguments), clock)
        captured = capfd.readouterr()
        return Ran(code, captured.out, captured.err)

    return call


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that has nothing of Baseten's, and nothing of GitHub's and GitLab's."""
    for name in [name for name in os.environ if name.startswith(("BASETEN_", "CI_", "GITHUB_"))]:
        monkeypatch.delenv(name)
