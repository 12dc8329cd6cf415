"""Every call ends, whatever the server does: over real sockets, for httpx bounds only each of its waits."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from baseten_jobs.emulator.settings import Durations
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.connection import Connection, open_api
from baseten_jobs.provider.api.errors import ApiError, Broken
from baseten_jobs.provider.api.exchange import Channel, ExchangeLimits
from baseten_jobs.provider.api.pacing import Backoff, Clock
from tests.support.commands import Cli, Ran, called, nothing_set
from tests.support.sockets import ENDLESS, Bend, Bending, Handler, bending, drips_headers, is_silent
from tests.support.world import World

__all__ = ["called", "nothing_set"]

GOOD = {"training_projects": [{"id": "p", "name": "n"}], "training_job": {"id": "j"}, "training_jobs": []}

one_endless = pytest.mark.parametrize("bend", [drips_headers, is_silent])
each_endless = pytest.mark.parametrize("bend", ENDLESS.values(), ids=ENDLESS.keys())


@pytest.fixture
def server() -> Iterator[Bending]:
    with bending(lambda request: httpx.Response(200, json=GOOD)) as server:
        yield server


@pytest.fixture
def open_to(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Api]]:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    opened: list[Api] = []

    def begin(url: str, **settings: Any) -> Api:
        connection = Connection(url, "k", read_timeout=0.1, connect_timeout=0.1, **settings)
        opened.append(open_api(connection, Clock()))
        opened[-1].backoff = Backoff(0.01, 0.01)
        return opened[-1]

    yield begin
    for api in opened:
        api.close()


def seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    with pytest.raises(ApiError):
        work()
    return time.monotonic() - began


@each_endless
def test_a_create_ends_and_may_have_arrived(server: Bending, open_to: Callable[..., Api], bend: Bend) -> None:
    server.bends["create"] = (True, bend)
    api = open_to(server.url)
    began = time.monotonic()
    with pytest.raises(Broken):
        api.create_once("p", {})
    assert time.monotonic() - began < 2
    assert server.requests == ["create"]


@each_endless
def test_a_read_and_its_repeats_end(server: Bending, open_to: Callable[..., Api], bend: Bend) -> None:
    server.bends["projects"] = (True, bend)
    assert seconds(open_to(server.url).projects) < 4


@each_endless
def test_a_hasty_read_ends_within_its_time(server: Bending, open_to: Callable[..., Api], bend: Bend) -> None:
    server.bends["search"] = (True, bend)
    assert seconds(open_to(server.url).hasty(1, 0.1).search) < 1


def test_nothing_is_tried_again_after_the_time_that_a_hasty_api_has(
    server: Bending, open_to: Callable[..., Api]
) -> None:
    server.bends["search"] = (True, is_silent)
    api = open_to(server.url)
    assert seconds(api.hasty(99, 0.1, until=api.clock.now() + 0.3).search) < 1


@one_endless
def test_calls_that_are_left_behind_take_no_connection_from_later_ones(
    server: Bending, open_to: Callable[..., Api], bend: Bend
) -> None:
    server.bends["search"] = (True, bend)
    api = open_to(server.url, connections=2)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: seconds(api.hasty(1, 0.2).search), range(8)))
    assert api.projects() == GOOD["training_projects"]


def test_a_proxy_that_drips_is_bounded_as_the_server_is(
    server: Bending, open_to: Callable[..., Api], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.bends["*"] = (False, drips_headers)
    for scheme in ("HTTP", "HTTPS"):
        monkeypatch.setenv(f"{scheme}_PROXY", server.url)
        assert seconds(open_to(f"{scheme.lower()}://example.invalid", insecure_http=True).projects) < 4
    assert len(server.requests) >= 2


def test_a_handshake_that_is_never_answered_is_bounded(server: Bending, open_to: Callable[..., Api]) -> None:
    assert seconds(open_to(server.url.replace("http://", "https://")).projects) < 4


def test_a_request_that_waited_for_a_connection_past_its_deadline_is_never_sent(server: Bending) -> None:
    release = threading.Event()
    server.bends["search"] = (True, lambda handler: release.wait(10) and None)
    http = httpx.Client(base_url=server.url, limits=httpx.Limits(max_connections=1), timeout=10, trust_env=False)
    line = Channel(http, time.monotonic)
    for kind in ("/v1/training_jobs/search", "/v1/training_projects/p/jobs"):
        with pytest.raises(httpx.ReadTimeout):
            line.exchange("POST", kind, {}, ExchangeLimits(10, 0.2))
    waiting = [thread for thread in threading.enumerate() if thread.name == "exchange"]
    release.set()
    for thread in waiting:
        thread.join(10)
    assert server.requests == ["search"]
    line.close()


def test_a_call_that_hangs_keeps_no_process_from_ending(server: Bending) -> None:
    server.bends["projects"] = (True, drips_headers)
    script = (
        "from baseten_jobs.provider.api.connection import Connection, open_api\n"
        "from baseten_jobs.provider.api.pacing import Clock\n"
        f"api = open_api(Connection({server.url!r}, 'k'), Clock()).hasty(1, 0.2)\n"
        "try: api.projects()\n"
        "except Exception as error: print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=10)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "GET /v1/training_projects: the connection broke: no whole answer in time" in ran.stdout


def test_a_defect_in_the_thread_of_an_exchange_is_raised_where_it_was_asked_for() -> None:
    def defect(request: httpx.Request) -> httpx.Response:
        raise RuntimeError("a defect")

    api = Api(httpx.Client(transport=httpx.MockTransport(defect), base_url="http://x"), Clock())
    with pytest.raises(RuntimeError, match="a defect"):
        api.projects()


# Whole applies


class Shop:
    """A world behind a server on loopback: the windows pass by its standing clock, the deadlines of calls for real."""

    def __init__(self, folder: Path, server: Bending, called: Cli) -> None:
        self.world = World(folder, {"durations": Durations(running=1e9)})
        self.server, self._called = server, called
        server.behind = self.world.between.handle_request

    def bend(self, bend: Bend, *kinds: str, carried_out: bool = True) -> None:
        self.server.bends |= dict.fromkeys(kinds, (carried_out, bend))

    def apply(self, *options: str) -> Ran:
        return self._called(
            "apply", "--yes", "-o", "json", "--read-timeout", "0.1", "--connect-timeout", "0.1", "--settle", "20",
            *options, clock=self.world.clock,
        )  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path, server: Bending, nothing_set: None, called: Cli, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BASETEN_BASE_URL", server.url)
    monkeypatch.setenv("BASETEN_API_KEY", "k")
    return Shop(tmp_path, server, called)


def outcomes(ran: Ran) -> list[str]:
    return [result["outcome"] for result in ran.json["results"]]


@each_endless
def test_a_create_whose_answer_never_ends_is_found_and_adopted(shop: Shop, bend: Bend) -> None:
    shop.world.write()
    shop.bend(bend, "create")
    ran = shop.apply()
    assert (ran.code, outcomes(ran), len(shop.world.jobs())) == (0, ["adopted"], 1)


@one_endless
@pytest.mark.parametrize("kinds", [("search",), ("list",), ("search", "list")], ids=" ".join)
def test_reads_that_never_end_leave_a_create_unknown_in_time(shop: Shop, bend: Bend, kinds: tuple[str, ...]) -> None:
    shop.world.write()

    def then_reads_too(handler: Handler) -> None:
        shop.bend(bend, *kinds)
        shop.bend(is_silent, "create")
        is_silent(handler)

    shop.bend(then_reads_too, "create", carried_out=False)
    began = shop.world.clock.time, time.monotonic()
    ran = shop.apply()
    assert (ran.code, outcomes(ran)) == (7, ["unknown"])
    assert shop.server.requests.count("create") == 1
    assert shop.world.clock.time - began[0] < 60
    assert time.monotonic() - began[1] < 20


@one_endless
@pytest.mark.parametrize("kind", ["projects", "search", "upsert", "list"])
def test_before_the_first_create_a_call_that_never_ends_ends_the_apply(shop: Shop, bend: Bend, kind: str) -> None:
    shop.world.write()
    if kind in ("search", "list"):
        shop.world.api.upsert_project("Demo / one")
    shop.bend(bend, kind)
    ran = shop.apply()
    assert ran.code == 1
    assert shop.server.requests.count("create") == 0
    assert "the connection broke: " in ran.out


@pytest.mark.slow
@one_endless
def test_stops_of_twins_that_never_end_leave_duplicates_that_are_told(shop: Shop, bend: Bend) -> None:
    for number in range(4):
        shop.world.write(f"m{number}")
    shop.world.habit(lambda request, send: (send(request), send(request))[1], "create")
    shop.bend(bend, "stop", carried_out=False)
    began = time.monotonic()
    ran = shop.apply("--read-timeout", "0.3", "--connect-timeout", "0.3")  # each create must be answered in time
    assert (ran.code, outcomes(ran)) == (7, ["submitted"] * 4)
    assert all("stop one with `baseten-jobs stop --job" in result["error"] for result in ran.json["results"])
    assert time.monotonic() - began < 20
