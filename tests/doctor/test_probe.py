"""A probe under every fault: it ends, sends no more than six creates, leaves no job live, and says what it measured."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from baseten_jobs.doctor.findings import Finding, Level
from baseten_jobs.doctor.probe import Probe
from baseten_jobs.doctor.probe_jobs import MOST, ProbeJobs, fresh_token
from baseten_jobs.emulator.app import App
from baseten_jobs.emulator.faults import KINDS, parse_fault
from baseten_jobs.emulator.settings import Durations, Settings
from baseten_jobs.job.names import read_job_name
from baseten_jobs.job.observation import job_of
from baseten_jobs.report import formats
from baseten_jobs.report.style import Look
from tests.doctor.bench import KEY, serving_bent
from tests.support.commands import Cli, called, nothing_set
from tests.support.world import Fault, World, answered, late, lost, made_as, never

pytestmark = pytest.mark.slow

__all__ = ["called", "nothing_set"]

TOKEN = "bcdfghjk"
QUESTIONS = [
    "prices", "capacity", "billing", "name", "shown-after", "patch", "same-name", "recreate", "name-63", "name-64",
    "name-128", "stop", "row-cap", "cost", "left",
]  # fmt: skip


class Laboratory:
    """A provider with the faults of its settings, and one project in it."""

    def __init__(self, folder: Path, *faults: str, **settings: Any) -> None:
        with closing(App(Settings(folder / "emulator.db"))) as app:
            http = httpx.Client(transport=httpx.WSGITransport(app), base_url="http://x", headers=_AUTHORISED)
            made = http.post("/v1/training_projects", json={"training_project": {"name": "Demo"}}).json()
        self.project: str = made["training_project"]["id"]
        wanted = {"durations": Durations(running=1e9), "sleep": lambda s: self.world.clock.sleep(s), **settings}
        self.world = World(folder, {**wanted, "faults": tuple(map(parse_fault, faults))})
        self.jobs = ProbeJobs(self.world.api, self.project, TOKEN)

    def probed(self) -> dict[str, Finding]:
        found = Probe(self.jobs).findings()
        assert [each.check for each in found] == QUESTIONS
        assert self.world.clock.time < 1200
        for width in (0, 80):
            assert formats.FINDINGS["text"](found, Look(width=width))
        json.loads(formats.FINDINGS["json"](found))
        return {each.check: each for each in found}

    def _control(self, path: str) -> Any:
        http = httpx.Client(transport=self.world.between, base_url="http://x", headers=_AUTHORISED)
        return http.get(f"/_emulator/{path}").json()

    @property
    def creates(self) -> int:
        """Creates that arrived."""
        return len(self._control("ledger")["creates"])

    @property
    def live(self) -> list[str]:
        rows = self._control("jobs")["training_jobs"]
        return [str(job.name) for job in map(job_of, rows) if job.live]


_AUTHORISED = {"Authorization": "Bearer k"}


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    from tests.support.world import OPENED

    yield
    OPENED.close()


def test_on_a_sound_api_everything_is_measured(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path)
    found = laboratory.probed()
    assert {each.level for each in found.values()} == {Level.OK}
    assert laboratory.jobs.ledger.unsettled == ()
    assert not any(each.unread for each in found.values())
    assert (laboratory.creates, laboratory.live) == (MOST, [])
    assert found["same-name"].measured["answer"] == "neither"
    assert found["patch"].measured["status"] == 400
    assert found["stop"].measured["status"] == 200
    assert [len(found[name].measured["held"]) for name in ("name-63", "name-64", "name-128")] == [63, 64, 128]
    assert found["cost"].measured == {"creates": 6, "jobs": 6, "minutes_at_most": 6, "cents_at_most": 0.36}


RATES = [f"{kind.name}={rate:g}" for kind in KINDS for rate in dict.fromkeys((kind.rate, 0.4, 1.0))]


@pytest.mark.parametrize("fault", RATES)
def test_under_each_fault_it_ends_and_leaves_no_job_live(fault: str, tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path, fault)
    found = laboratory.probed()
    assert laboratory.creates <= MOST
    assert laboratory.live == []
    assert all(each.told.startswith(("not measured: ", "can't be read: ")) for each in found.values() if each.unread)
    assert found["left"].level is not Level.OK or not found["left"].measured["unclear"]


@pytest.mark.parametrize("seed", range(12))
def test_under_all_faults_at_once_it_ends_and_leaves_no_job_live(seed: int, tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path, *(f"{kind.name}=0.08" for kind in KINDS), seed=seed)
    laboratory.probed()
    assert laboratory.creates <= MOST
    assert laboratory.live == []


@pytest.mark.parametrize(
    ("faults", "question", "level", "told"),
    [
        (["suffix"], "same-name", Level.OK, "gets the suffix '-2'"),
        (["suffix"], "recreate", Level.OK, "called as its original, with a suffix"),
        (["rename"], "name", Level.FAIL, "cut to 16 characters"),
        (["rename"], "name-63", Level.FAIL, "cut to 16 characters"),
        (["rename"], "name-128", Level.OK, "cut to 16 characters"),
        (["lagging-search=1,7"], "shown-after", Level.OK, "after 7."),
        (["lagging-search=1,60"], "shown-after", Level.WARN, "does not show it in time"),
        (["rate-limit=1"], "name", Level.WARN, "429"),
        (["read-error=1"], "stop", Level.WARN, "not measured"),
    ],
)
def test_what_an_api_does_is_told(faults: list[str], question: str, level: Level, told: str, tmp_path: Path) -> None:
    found = Laboratory(tmp_path, *faults).probed()[question]
    assert (found.level, told in found.told) == (level, True), found


@pytest.mark.parametrize(
    ("fault", "told", "level"),
    [
        (answered(409, {"message": "taken"}), "is refused: ", Level.OK),
        (answered(400, {"message": "taken"}), "is refused: ", Level.OK),
        (made_as("another"), "is held as 'another'", Level.WARN),
    ],
    ids=["409", "400", "another name"],
)
def test_a_second_create_of_a_name_may_be_refused(fault: Fault, told: str, level: Level, tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path)
    laboratory.world.fault("create", _as_ever, fault)
    found = laboratory.probed()["same-name"]
    assert (found.level, told in found.told) == (level, True), found
    assert laboratory.live == []


def _as_ever(request: httpx.Request, send: Any) -> httpx.Response:
    response: httpx.Response = send(request)
    return response


def test_a_job_that_waits_takes_a_patch(tmp_path: Path) -> None:
    from baseten_jobs.emulator.settings import Behaviour

    found = Laboratory(tmp_path, behaviour=Behaviour(queue=("*",))).probed()["patch"]
    assert (found.level, found.measured["status"], found.measured["while_pending"]) == (Level.OK, 200, True)


def test_jobs_that_have_ended_leave_no_stop_to_measure(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path, durations=Durations(0, 0, 0))
    found = laboratory.probed()
    assert found["stop"].unread
    assert (found["left"].level, laboratory.live) == (Level.OK, [])


LOST = {
    "carried out, and no answer": lambda world: lost(),
    "not carried out, and no answer": lambda world: never(),
    "carried out after half a minute": lambda world: late(world, 30),
    "carried out, and answered with 502": lambda world: answered(502, after=True),
    "carried out, and answered with a page": lambda world: answered(200, "<html>", after=True),
}


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("how", LOST)
def test_a_create_without_an_answer_is_found_by_its_token(how: str, place: int, tmp_path: Path) -> None:
    """One of the five creates; the sixth is a recreate."""
    laboratory = Laboratory(tmp_path)
    laboratory.world.fault("create", *[_as_ever] * place, LOST[how](laboratory.world))
    found = laboratory.probed()
    assert laboratory.creates <= MOST
    assert laboratory.live == []
    expected = Level.WARN if how.startswith("not") else Level.OK
    assert found["left"].level is expected, found["left"]


@pytest.mark.parametrize("place", range(5))
def test_a_signal_ends_the_asking_and_what_was_made_is_stopped(place: int, tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path)

    def interrupts(request: httpx.Request, send: Any) -> httpx.Response:
        laboratory.world.clock.interrupted.set()
        return _as_ever(request, send)

    laboratory.world.fault("create", *[_as_ever] * place, interrupts)
    found = laboratory.probed()
    assert laboratory.live == []
    assert laboratory.creates == place + 1 + (place > 1)
    assert found["stop"].told == "not measured: interrupted"
    assert found["left"].level is Level.OK
    assert laboratory.jobs.ledger.unsettled == ()


def test_a_second_signal_would_name_just_what_may_live(tmp_path: Path) -> None:
    """Two jobs have the first name: it stays until both are over."""
    laboratory = Laboratory(tmp_path)
    laboratory.world.habit(answered(403, {"message": "no"}), "stop")
    found = laboratory.probed()
    assert found["left"].level is Level.FAIL
    assert len(laboratory.live) == MOST
    assert set(laboratory.jobs.ledger.unsettled) == set(laboratory.live)
    assert laboratory.world.clock.time < 60, "a key that may stop nothing is not tried for minutes"


def test_an_error_of_our_own_leaves_no_job_live(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path)

    def breaks(request: httpx.Request, send: Any) -> httpx.Response:
        send(request)
        raise ZeroDivisionError

    laboratory.world.fault("create", _as_ever, breaks)
    with pytest.raises(ZeroDivisionError):
        Probe(laboratory.jobs).findings()
    assert laboratory.live == []


def test_no_name_of_a_probe_is_that_of_a_manifest(tmp_path: Path) -> None:
    jobs = Laboratory(tmp_path).jobs
    names = [jobs.named("kept"), *(jobs.named(f"of-{length}-", length) for length in (63, 64, 128))]
    assert [read_job_name(name) for name in names] == [None] * 4
    assert all(fresh_token() not in name for name in names)


# The command


LOCAL = ("--local-db", "emulator.db")


@pytest.fixture
def here(tmp_path: Path, nothing_set: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)
    return tmp_path


def test_a_probe_is_told_and_written(here: Path, called: Cli) -> None:
    ran = called("doctor", "--probe", "Demo", "--yes", "--out", "probe.json", *LOCAL)
    assert ran.code == 0, ran.err
    assert "up to 6 CPU jobs" in ran.err
    assert "a name of 63 characters is kept" in ran.out
    written = json.loads((here / "probe.json").read_text())
    assert [each["check"] for each in written["findings"]] == QUESTIONS
    again = called("doctor", "--probe", "Demo", "--yes", "-o", "json", *LOCAL)
    assert [each["check"] for each in again.json["findings"]] == QUESTIONS


@pytest.mark.parametrize("environment", [{}, {"CI": "true"}, {"GITHUB_ACTIONS": "true"}], ids=str)
def test_a_probe_that_nobody_confirms_sends_nothing(
    environment: dict[str, str], here: Path, called: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ran = called("doctor", "--probe", "Demo", *LOCAL)
    assert (ran.code, ran.out) == (8, "")
    assert "not confirmed, so nothing was sent; --yes confirms" in ran.err
    with closing(App(Settings(here / "emulator.db"))) as app:
        http = httpx.Client(transport=httpx.WSGITransport(app), base_url="http://x", headers=_AUTHORISED)
        assert http.get("/v1/training_projects").json()["training_projects"] == []


@pytest.mark.parametrize("words", [("--probe", "Demo", "specs"), ("--yes",)], ids=" ".join)
def test_words_that_do_not_fit_are_wrong_usage(words: tuple[str, ...], here: Path, called: Cli) -> None:
    assert called("doctor", *words, *LOCAL).code == 64


def test_a_file_that_cannot_be_written_is_told_before_anything_is_made(here: Path, called: Cli) -> None:
    (here / "out").symlink_to("/etc/passwd")
    ran = called("doctor", "--probe", "Demo", "--yes", "--out", "out", *LOCAL)
    assert (ran.code, "can't be written" in ran.err, "up to 6" in ran.err) == (1, True, False)


def test_ctrl_c_stops_what_was_made(here: Path, called: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASETEN_API_KEY", KEY)
    with serving_bent(Settings(here / "emulator.db", durations=Durations(running=1e9))) as (url, app):
        monkeypatch.setenv("BASETEN_BASE_URL", url)
        app.upon["/jobs"] = lambda: os.kill(os.getpid(), signal.SIGINT)
        ran = called("doctor", "--probe", "Demo", "--yes", "-o", "json")
        rows = httpx.get(f"{url}/_emulator/jobs").json()["training_jobs"]
    assert ran.code == 130, ran.err
    assert [job_of(row).live for row in rows] == [False]
    assert {each["check"]: each["told"] for each in ran.json["findings"]}["stop"] == "not measured: interrupted"
