"""Mutates what a server answers, by seed, and runs every command against it: each ends as a command should.

python -m tests.soaks.mutations [SEEDS] [FIRST]

730 seeds from 0 on; prints what broke, and exits with 1 if something did
"""

import io
import json
import os
import random
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import httpx

from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.main import run
from baseten_jobs.emulator.settings import Durations
from tests.support.sockets import Bending, bending
from tests.support.world import OPENED, StandingClock, World, kind_of

KEY = "AbCdEfGh.0123456789abcdefghijklmnopqrstuv"

ODD: Sequence[Any] = (
    None, True, False, 0, -1, 1e308, 10**400, float("nan"), float("inf"), "", " ", "None", "null", "\x00", "\x1b[2J",
    "\ud800", "x\udfff", "\u202e", "\u2028", "é" * 9, "a/../b", "x" * 5000, [], {}, [[]], [{}], {"": ""}, {"id": None},
    "9999-99-99T99:99:99Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "-1", "1" * 5000, KEY, KEY[:-1],
    "TRAINING_JOB_", "TRAINING_JOB_RUNNING", "x--0123456789ab", "x--0123456789ab-a2",
)  # fmt: skip

HEADERS = {
    "Retry-After": ("0", "-1", "soon", "9" * 999, "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 9999 08:49:37 GMT"),
    "Date": ("", "soon", "Sun, 06 Nov 0001 08:49:37 GMT", "Sun, 06 Nov 99999 08:49:37 +9999"),
    "Location": ("/", "http://[", "https://api.example.test/?x=" + KEY, "\\\\x", "a b"),
    "Content-Type": ("text/html", "x"),
}
STATUSES = (200, 200, 200, 201, 204, 301, 308, 400, 401, 404, 409, 418, 429, 500, 503, 599)

COMMANDS = (
    "plan", "plan -o json", "plan -o markdown", "apply --yes", "apply --yes --wait=running -o json", "status",
    "status -o json", "logs x", "logs x -o json", "logs --job {job}", "metrics x -o json", "metrics x",
    "session x", "session x --extend 5 --yes -o json", "capacity",
    "stop x --yes", "stop --job {job} --yes",
    "apply --yes --retry-failed x", "adopt y --job {job}", "import jobs --project Demo",
    "checkpoints x", "checkpoints x y --latest -o json", "checkpoints download x --to w",
    "checkpoints download --job {job} --to w -o json", "checkpoints deploy x --out -", "code y -o json",
    "doctor", "doctor -o json", "doctor --probe Demo --yes", "doctor --probe Demo --yes -o json",
)  # fmt: skip
CODES = {int(code) for code in Exit} | {64}


class Mutator:
    """Bends some answers of one kind or of all, always alike for a seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.kind = self.chance.choice(("*", "*", "projects", "search", "list", "job", "create", "stop", "upsert"))
        self.often = self.chance.choice((0.1, 0.5, 1.0))

    def bent(self, request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        if self.kind not in ("*", kind_of(request)) or self.chance.random() > self.often:
            return answer
        status, headers, content = answer.status_code, {}, answer.content
        how = self.chance.randrange(10)
        if how < 7:
            with suppress(ValueError):
                content = json.dumps(self._value(json.loads(content))).encode()
        elif how == 7:
            content = self._torn(content)
        else:
            name = self.chance.choice(sorted(HEADERS))
            headers[name] = self.chance.choice(HEADERS[name])
            status = self.chance.choice(STATUSES)
            content = self.chance.choice((content, b"", b"null", b"[]", b"{}", b'{"retry_after": null}', KEY.encode()))
        return httpx.Response(status, content=content, headers=headers)

    def _value(self, data: Any) -> Any:
        """The same JSON with one place in it changed, more or less deep."""
        inner = data if isinstance(data, (dict, list)) and data else None
        if inner is None or self.chance.random() < 0.1:
            return self._odd()
        if isinstance(inner, list):
            return self._rows(inner)
        name = self.chance.choice(sorted(inner))
        if (how := self.chance.random()) < 0.1:
            return {key: value for key, value in inner.items() if key != name}
        if how < 0.2:
            return {**inner, name: self._odd()}
        return {**inner, name: self._value(inner[name])}

    def _rows(self, rows: list[Any]) -> list[Any]:
        at, how = self.chance.randrange(len(rows)), self.chance.randrange(6)
        if how == 0:
            return rows[:at] + rows[at + 1 :]
        if how == 1:
            return [*rows, rows[at]]
        if how == 2:
            return [*rows, self._value(rows[at])]
        if how == 3:
            return rows[::-1]
        return [*rows[:at], self._value(rows[at]), *rows[at + 1 :]]

    def _odd(self) -> Any:
        if self.chance.random() < 0.05:
            deep: Any = 1
            for _ in range(self.chance.choice((50, 400))):
                deep = [deep]
            return deep
        return self.chance.choice(ODD)

    def _torn(self, content: bytes) -> bytes:
        at = self.chance.randrange(len(content) + 1)
        if self.chance.random() < 0.5:
            return content[:at]
        return content[:at] + self.chance.randbytes(3) + content[at + self.chance.randrange(4) :]


@dataclass(frozen=True)
class Broken:
    """A command that did not end as one should."""

    seed: int
    command: str
    what: str


@contextmanager
def _serving(folder: Path) -> Iterator[tuple[World, Bending]]:
    """The embedded API behind a socket, honest as yet, and an environment that names it."""
    world = World(folder, {"durations": Durations(running=1e6)})
    saves = "  checkpointing: {enabled: true}\n"
    world.write("x", more=saves)
    world.write("y", command="y", more=saves)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("BASETEN_", "GITHUB_"))}
    with bending(world.between.handle_request) as server:
        environment |= {"BASETEN_BASE_URL": server.url, "BASETEN_API_KEY": KEY}
        with mock.patch.dict(os.environ, environment, clear=True):
            yield world, server


def commands_of(seed: int) -> list[str]:
    """Four commands, one of which is apt to leave a job behind."""
    chance = random.Random(-seed)
    return ["apply --yes", *chance.sample(COMMANDS, 3)]


def tried(seed: int, folder: Path) -> list[Broken]:
    """What broke under this seed."""
    found = []
    here = Path.cwd()
    with _serving(folder) as (world, server):
        os.chdir(folder)
        world.apply()
        world.clock.sleep(60)
        mutator = Mutator(seed)

        def answer(request: httpx.Request) -> httpx.Response:
            return mutator.bent(request, world.between.handle_request(request))

        server.behind = answer
        job = world.jobs()[0]["id"]
        for command in commands_of(seed):
            if what := _wrong(command.format(job=job)):
                found.append(Broken(seed, command, what))
    os.chdir(here)
    OPENED.close()
    return found


def _wrong(command: str) -> str:
    """What is wrong with how a command ends, if anything is."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = run(command.split(), _Hurried())
    except BaseException:  # noqa: BLE001 - whatever comes here is a traceback on a terminal
        return traceback.format_exc()
    out.flush()
    err.flush()
    shown = (out.buffer.getvalue() + err.buffer.getvalue()).decode()  # type: ignore[attr-defined]
    wrongs: dict[str, Callable[[], bool]] = {
        f"its exit code is {code}": lambda: code not in CODES,
        "it shows the key": lambda: KEY[:20] in shown,
        "it fails without a word": lambda: code == 1 and not shown,
        "it shows a traceback": lambda: "Traceback" in shown,
    }
    return next((told for told, holds in wrongs.items() if holds()), "")


class _Hurried(StandingClock):
    """Ends a command by an interrupt that would go on for more than an hour."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.time > 3600:
            raise KeyboardInterrupt

    def pause(self, seconds: float) -> bool:
        super().sleep(seconds)
        return self.time > 3600


def main(arguments: Sequence[str]) -> int:
    count, first = (int(given) for given in (*arguments, *("730", "0")[len(arguments) :]))
    broken: list[Broken] = []
    for seed in range(first, first + count):
        with tempfile.TemporaryDirectory() as folder:
            broken += tried(seed, Path(folder))
    for each in broken:
        print(f"seed {each.seed}: {each.command}: {each.what}")
    print(f"{count} seeds, {len(broken)} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
