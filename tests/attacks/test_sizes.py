"""Answers, logs and folders without end or bottom: each is one clear error, and takes neither memory nor time."""

import errno
import gzip
import json
import os
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from baseten_jobs.provider.api import caller
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.connection import Connection, open_api
from baseten_jobs.provider.api.errors import ApiError, Broken, UnreadableAnswer
from baseten_jobs.provider.api.pacing import Backoff, Clock
from baseten_jobs.provider.log_pages import LogLine, begin, read
from tests.support.commands import Cli, called, nothing_set
from tests.support.sockets import Bend, Bending, Handler, bending
from tests.support.world import Send, World

__all__ = ["called", "nothing_set"]

GOOD = {"training_projects": [{"id": "p", "name": "n"}], "training_job": {"id": "j"}, "training_jobs": [], "logs": []}


@pytest.fixture
def server() -> Iterator[Bending]:
    with bending(lambda request: httpx.Response(200, json=GOOD)) as server:
        yield server


@pytest.fixture
def api(server: Bending) -> Iterator[Api]:
    api = open_api(Connection(server.url, "a-key-of-ours", read_timeout=20), Clock())
    api.backoff = Backoff(0.01, 0.01)
    yield api
    api.close()


def answering(content: bytes | Callable[[], bytes], *headers: str, status: int = 200) -> Bend:
    def bend(handler: Handler) -> None:
        body = content if isinstance(content, bytes) else content()
        head = [f"HTTP/1.1 {status} X", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
        handler.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)

    return bend


def without_end(status: int = 200) -> Bend:
    """Chunks as fast as they are taken."""

    def bend(handler: Handler) -> None:
        handler.write(f"HTTP/1.1 {status} X\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        while handler.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n"):
            pass

    return bend


# Packing takes longer than collecting the tests of a room, so it waits for a test that asks.
@cache
def bomb() -> bytes:
    return gzip.compress(b"[" * (64 << 20), 9)


@cache
def hollow() -> bytes:
    return gzip.compress(b'{"training_projects": [' + b"[]," * 2_000_001 + b"[]]}", 9)


@cache
def blank() -> bytes:
    return zlib.compress(b" " * (20 << 20))


DEEP = b'{"training_projects": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"

TOO_MUCH: dict[str, tuple[Bend, str]] = {
    "gzip": (answering(bomb, "Content-Encoding: gzip"), "the answer is larger than 16 MiB"),
    "zlib": (answering(blank, "Content-Encoding: deflate"), "larger than 16 MiB"),
    "no end": (without_end(), "the answer is larger than 16 MiB"),
    "many lists": (answering(hollow, "Content-Encoding: gzip"), "more than 2000000 lists and objects"),
    "deep": (answering(DEEP), "the answer is nested too deeply"),
}


@pytest.mark.parametrize(("bend", "told"), TOO_MUCH.values(), ids=TOO_MUCH.keys())
def test_an_answer_that_is_too_much_is_one_error_and_not_asked_for_again(
    bend: Bend, told: str, server: Bending, api: Api
) -> None:
    server.bends["projects"] = (False, bend)
    with pytest.raises(UnreadableAnswer, match=f"GET /v1/training_projects: .*{told}") as caught:
        api.projects()
    assert server.requests == ["projects"]
    assert not caught.value.passing


def test_an_answer_that_is_too_much_takes_little_memory(server: Bending, api: Api) -> None:
    server.bends["projects"] = (False, TOO_MUCH["gzip"][0])
    bomb()  # packing takes memory of its own, once in a process
    tracemalloc.start()
    with pytest.raises(UnreadableAnswer):
        api.projects()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 << 20


@pytest.mark.parametrize("packing", ["gzip, gzip", "br", "zstd", "gzip,deflate,gzip", "x\u00ff"])
def test_what_is_packed_otherwise_than_we_asked_is_not_unpacked(packing: str, server: Bending, api: Api) -> None:
    server.bends["create"] = (True, answering(gzip.compress(bomb(), 9), f"Content-Encoding: {packing}"))
    with pytest.raises(Broken, match="was not asked for"):
        api.create_once("p", {})


@pytest.mark.parametrize("bend", [bend for bend, _ in TOO_MUCH.values()], ids=TOO_MUCH.keys())
def test_a_create_whose_answer_is_too_much_may_have_arrived_and_is_sent_once(
    bend: Bend, server: Bending, api: Api
) -> None:
    server.bends["create"] = (True, bend)
    with pytest.raises(Broken):
        api.create_once("p", {})
    assert server.requests == ["create"]


def test_a_job_whose_create_is_answered_with_too_much_is_found_and_made_once(tmp_path: Path) -> None:
    def bloated(request: httpx.Request, send: Send) -> httpx.Response:
        return httpx.Response(200, request=request, json={**send(request).json(), "more": " " * (2 << 20)})

    world = World(tmp_path)
    world.write()
    world.fault("create", bloated)
    assert [outcome.fate.value for outcome in world.apply().outcomes] == ["adopted"]
    assert len(world.jobs()) == 1


@pytest.mark.parametrize("status", [400, 500, 503])
def test_trouble_without_end_is_told_by_its_status(status: int, server: Bending, api: Api) -> None:
    server.bends["create"] = (False, without_end(status))
    assert api.create_once("p", {}).status == status


@pytest.mark.parametrize("packed", [gzip.compress, zlib.compress], ids=["gzip", "zlib"])
def test_a_packed_answer_is_read_whole(packed: Callable[[bytes], bytes], server: Bending, api: Api) -> None:
    projects = [{"id": str(n), "name": f"project {n}" * 9} for n in range(20_000)]
    body = packed(json.dumps({"training_projects": projects}).encode())
    server.bends["projects"] = (False, answering(body, "Content-Encoding: " + ("gzip", "deflate")[body[:1] == b"x"]))
    assert api.projects() == projects


@pytest.mark.parametrize("body", [lambda: bomb()[:9], lambda: bomb()[:5000], b"no gzip"], ids=["head", "part", "none"])
def test_a_packed_answer_that_ends_early_is_no_answer(
    body: bytes | Callable[[], bytes], server: Bending, api: Api
) -> None:
    server.bends["create"] = (True, answering(body, "Content-Encoding: gzip"))
    with pytest.raises(Broken):
        api.create_once("p", {})


def test_every_endpoint_has_a_bound(server: Bending, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caller, "_MOST", dict.fromkeys(caller._MOST, 1 << 16))
    monkeypatch.setattr(caller, "_LARGE", 1 << 16)
    server.bends["*"] = (False, without_end())
    calls: list[Callable[[], Any]] = [
        api.projects, api.teams, api.prices, api.capacity, api.secrets, lambda: api.secrets("t"), api.search,
        lambda: api.upsert_project("x"), lambda: api.upsert_project("x", "t"), lambda: api.jobs("p"),
        lambda: api.job("p", "j"), lambda: api.logs("p", "j", 0, None, 9), lambda: api.logs("p", "j", 0, 1, 9),
        lambda: api.checkpoints("p", "j"), lambda: api.stop("p", "j"), lambda: api.update("p", "j", {}),
        api.upload_credentials, lambda: api.create_once("p", {}),
        lambda: api.metrics("p", "j", 0, 9), lambda: api.metrics("p", "j", 0, 9, 9), lambda: api.auth_codes("p", "j"),
        lambda: api.extend_session("p", "j", "s", 1), lambda: api.logs("p", "j", 0, 1, 9, level="INFO", newest=True),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(UnreadableAnswer, match="larger than"):
            call()
    assert len(server.requests) == len(calls)


# A log


def test_a_log_that_never_moves_on_comes_to_an_end() -> None:
    reading, pages = begin(0, 10_000_000), 0
    while not reading.endless:
        start = reading.window.start
        page = [LogLine((start + n // 999) * 1_000_000, f"{start} {n} {'x' * 2000}") for n in range(1000)]
        reading, _ = read(reading, page, 10_000_000)
        pages += 1
        assert pages < 100


def test_a_log_of_which_old_lines_are_forgotten_has_no_such_end() -> None:
    reading = begin(0, 10**9)
    for number in range(80):
        start = reading.window.start
        page = [LogLine((start + n * 60) * 1_000_000, f"{number} {n} {'x' * 2000}") for n in range(1000)]
        reading, new = read(reading, page, 10**9)
        assert len(new) == 999
    assert not reading.endless


# Memory, recursion and folders


@pytest.mark.parametrize(("error", "told"), [(MemoryError, "not enough memory"), (RecursionError, "nested too deeply")])
def test_no_command_ends_in_a_traceback_for_want_of_room(
    error: type[Exception], told: str, called: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **named: object) -> None:
        raise error

    monkeypatch.setattr("baseten_jobs.cli.options.complete_names", fail)
    monkeypatch.setattr("baseten_jobs.compilation.validate", fail)
    ran = called("validate")
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert told in ran.err


@pytest.mark.parametrize("error", [MemoryError, RecursionError])
def test_a_read_for_which_memory_does_not_suffice_is_one_error(error: type[Exception]) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error

    api = Api(httpx.Client(transport=httpx.MockTransport(fail), base_url="http://x"), Clock())
    with pytest.raises(ApiError, match="GET /v1/training_projects: the answer is"):
        api.projects()


MANIFEST = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata: {name: x, project: demo}
spec:
  image: {base_image: "hello-world:1"}
  compute: {accelerator: "H100:8"}
  runtime: {start_commands: [train]}
  workspace: .
"""

NEST = """\
import os, sys
os.chdir(sys.argv[1])
for _ in range(3000):
    os.mkdir("ddd")
    os.chdir("ddd")
open("f.py", "w").close()
"""


@pytest.fixture(scope="module")
def nested(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A manifest beside 3,000 folders, one in the other; no path leads to the last of them."""
    root = tmp_path_factory.mktemp("nested")
    (root / "code").mkdir()
    (root / "x.yaml").write_text(MANIFEST)
    subprocess.run([sys.executable, "-c", NEST, str(root / "code")], check=True)
    yield root
    subprocess.run(["rm", "-rf", "--", str(root)], check=True)  # Python's own way is a call for each level


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    ["validate x.yaml", "plan --local x.yaml", "validate .", "render code", "status --local -f code",
     "import truss code --out new"],
)  # fmt: skip
def test_three_thousand_folders_are_told_without_a_traceback(
    command: str, nested: Path, called: Cli, nothing_set: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(nested)
    ran = called(*command.split())
    assert ran.code == 1
    assert "Traceback" not in ran.err
    assert os.strerror(errno.ENAMETOOLONG) in ran.out + ran.err
