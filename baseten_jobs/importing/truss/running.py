"""A Python file that may be run -> what it makes, run by an interpreter that has the client, which sends nothing.

The process gets the variables of `--env` and nothing else of the environment, a home folder that is empty, and no
network: the key is not where it looks. It is bounded in time, and what it prints is shown only where it fails.
"""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from baseten_jobs.importing.from_body import Given
from baseten_jobs.importing.placed import placed
from baseten_jobs.importing.truss.beside import origin_of
from baseten_jobs.importing.truss.environment import Variables, secret_given
from baseten_jobs.importing.truss.names import ROOTS
from baseten_jobs.importing.truss.project import Read, read_made
from baseten_jobs.importing.truss.source import PythonSource
from baseten_jobs.manifest.diagnostics import Diagnostic, Position
from baseten_jobs.phrases import one_line
from baseten_jobs.secrecy import hidden, looks_secret, without_values

SECONDS = 120.0
_LARGEST = 16 << 20
_LAST_LINES = 5
_RUNNER = Path(__file__).with_name("runner.py")
_ASKS = f"import importlib.util, sys; sys.exit(importlib.util.find_spec('{ROOTS[0]}') is None)"


def interpreter(asked: str) -> str:
    """The interpreter that is asked for, or else the first one that has the client; empty where there is none."""
    return next((each for each in ([asked] if asked else _interpreters()) if _has_client(each)), "")


def _interpreters() -> Iterator[str]:
    yield sys.executable
    yield from filter(None, map(shutil.which, ("python", "python3")))
    if command := shutil.which("truss"):
        with suppress(OSError), open(command, "rb") as script:
            first = script.readline(4096)
            if first.startswith(b"#!") and (words := os.fsdecode(first[2:]).split()):
                yield words[0]


def _has_client(python: str) -> bool:
    try:
        ran = subprocess.run(
            [python, "-I", "-c", _ASKS], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env=_environment({}, os.sep), timeout=SECONDS, check=False,
        )  # fmt: skip
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return False
    return ran.returncode == 0


def read_by_running(path: str, file: str, python: str, given: Given, variables: Variables) -> Read:
    """What the file makes; a diagnostic with its last lines where it fails."""
    with tempfile.TemporaryDirectory(prefix="baseten-jobs-") as home:
        answer, said = os.path.join(home, "answer"), os.path.join(home, "said")
        command = [python, "-I", str(_RUNNER), os.path.abspath(file), answer, origin_of(file).bound]
        with open(said, "wb") as out:
            try:
                code = _ended(command, out.fileno(), os.path.dirname(os.path.abspath(file)), variables, home)
            except (OSError, ValueError) as error:
                return _failed(path, f"'{one_line(python)}' can't be started: {error}")
        if code is None:
            return _failed(path, f"it did not end within {SECONDS:g} s")
        made = _answer(answer)
        if code or made is None:
            last = _last_lines(said, variables)
            message = f"it failed: {last}" if last else f"it ended with {code} and made nothing"
            return _failed(path, message, _asked_for(last))
    read = read_made(PythonSource.unread(path), [placed(each) for each in made], given)
    return replace(read, diagnostics=(*read.diagnostics, *_secrets(path, json.dumps(made), variables)))


def _secrets(path: str, made: str, variables: Variables) -> Iterator[Diagnostic]:
    for name, value in variables.given.items():
        if looks_secret(name, value) and json.dumps(value)[1:-1] in made:
            yield secret_given(name, Position(path))


def _ended(command: list[str], out: int, folder: str, variables: Variables, home: str) -> int | None:
    """The exit code of the process; None where it had to be ended."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=folder,
        env=_environment(dict(variables.given), home), start_new_session=True,
    )  # fmt: skip
    with suppress(OSError, ValueError, AttributeError):
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (_LARGEST, _LARGEST))
    try:
        return process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        return None
    finally:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _environment(given: dict[str, str], home: str) -> dict[str, str]:
    own = {"HOME": home, "TMPDIR": home, "PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    return {**given, **own}


def _answer(path: str) -> list[dict[str, object]] | None:
    try:
        with open(path, "rb") as file:
            made = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return None
    return made if isinstance(made, list) and all(isinstance(each, dict) for each in made) else None


def _last_lines(path: str, variables: Variables) -> str:
    with open(path, "rb") as file:
        file.seek(max(os.path.getsize(path) - 8192, 0))
        lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
    told = without_values(" / ".join(lines[-_LAST_LINES:]), variables.given.values(), "***")
    return one_line(hidden(told, "***"), 600)


_MISSING = re.compile(r"environ.*KeyError: '([A-Za-z_]\w*)'$|frozen os>.*KeyError: '([A-Za-z_]\w*)'$")


def _asked_for(last: str) -> str:
    """How to give the variable whose absence made the file fail; empty where something else did."""
    found = _MISSING.search(last)
    return f"--env {found.group(1) or found.group(2)}=VALUE gives it" if found else ""


def _failed(path: str, message: str, hint: str = "") -> Read:
    hint = hint or "--env NAME=VALUE gives a variable that it asks for; without --run the file is read, and not run"
    return Read(diagnostics=(Diagnostic("not-run", message, Position(path), hint=hint),))
