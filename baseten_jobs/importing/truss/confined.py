"""A stranger's Python file -> what it says, worked out in a process of its own, without the key and with limits.

The file is never run there either. The process is for what is yet to be thought of: whatever a file costs to read, it
costs no more than this.
"""

import json
import os
import resource
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from baseten_jobs.importing.from_body import Given
from baseten_jobs.importing.truss.beside import NOWHERE, Beside, Origin
from baseten_jobs.importing.truss.carried import packed, unpacked
from baseten_jobs.importing.truss.environment import NO_VARIABLES, Variables
from baseten_jobs.importing.truss.project import Read
from baseten_jobs.importing.truss.projects import read_project
from baseten_jobs.importing.truss.source import parse
from baseten_jobs.manifest.diagnostics import Diagnostic, Position

_MEMORY = 1 << 30
_CPU_SECONDS = 20
SECONDS = 60.0
"""By the wall's clock, on a machine that is busy with other things too."""
_MAX_ANSWER = 64 << 20
_FAULT = 70
"""The exit code of a fault that is neither one of the file nor of its cost; sysexits.h calls it EX_SOFTWARE."""
_REPORT = "--run runs the file, if you trust it; please report the file's shape"

_PASSED_ON = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
_CHILD = """
import sys
from importlib.util import module_from_spec, spec_from_file_location
sys.path.append(sys.argv[1])
spec = spec_from_file_location("baseten_jobs", sys.argv[1] + "/baseten_jobs/__init__.py")
spec.loader.exec_module(sys.modules.setdefault("baseten_jobs", module_from_spec(spec)))
from baseten_jobs.importing.truss.confined import answer
answer()
"""
"""The very package that asks, whatever other one is installed; nothing of its folder stands before Python's own."""


def read_confined(
    path: str, raw: bytes, given: Given, variables: Variables = NO_VARIABLES, origin: Origin = NOWHERE, *, partial: bool
) -> Read:
    """What the file holds; a diagnostic where its process does not end as it should."""
    asked = [
        path, raw.decode("latin-1"), given.name, given.project, dict(variables.given), variables.defaults,
        origin.file, origin.bound, partial,
    ]  # fmt: skip
    command = (sys.executable, "-I", "-c", _CHILD, str(Path(__file__).parents[3]))
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    try:
        ran = subprocess.run(
            command, input=json.dumps(asked).encode(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=os.sep,
            env=environment, timeout=SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return _too_costly(path, f"more than {SECONDS:g} s")
    except OSError as error:
        return _told(path, "confined", f"no process can be started to read it: {error.strerror}", "")
    if ran.returncode == _FAULT:
        return _told(path, "confined", "the process that read it failed, by a fault of baseten-jobs", _REPORT)
    if ran.returncode or len(ran.stdout) > _MAX_ANSWER:
        return _too_costly(path, f"more than {_CPU_SECONDS} s or {_MEMORY >> 20} MiB")
    try:
        return unpacked(ran.stdout)
    except ValueError:
        return _told(path, "confined", "the process that read it gave no sound answer", "")


def answer() -> None:
    """The work of the process: the question on standard input, the answer on standard output."""
    for limit, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, _CPU_SECONDS),
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_FSIZE, 0),
    ):
        with suppress(ValueError, OSError):  # a system may have no such limit, or a lower one already
            resource.setrlimit(limit, (most, most))
    path, raw, name, project, environment, defaults, file, bound, partial = json.loads(sys.stdin.buffer.read())
    try:
        variables = Variables(environment, defaults)
        read = read_here(
            path, raw.encode("latin-1"), Given(name, project), variables, Origin(file, bound), partial=partial
        )
        text = packed(read)
    except (MemoryError, RecursionError):
        sys.exit(1)
    except Exception:  # noqa: BLE001 - whatever it is, no manifest may come of it, and it is told as what it is
        sys.exit(_FAULT)
    sys.stdout.buffer.write(text.encode("ascii"))


def read_here(
    path: str, raw: bytes, given: Given, variables: Variables = NO_VARIABLES, origin: Origin = NOWHERE, *, partial: bool
) -> Read:
    """What the file holds, worked out in this very process."""
    source = parse(path, raw)
    if isinstance(source, Diagnostic):
        return Read(diagnostics=(source,))
    return read_project(replace(source, file=origin.file), given, variables, Beside(origin), partial=partial)


def _too_costly(path: str, cost: str) -> Read:
    return _told(path, "too-costly", f"to work this file out takes {cost}", "write what it makes out in full")


def _told(path: str, rule: str, message: str, hint: str) -> Read:
    return Read(diagnostics=(Diagnostic(rule, message, Position(path), hint=hint),))
