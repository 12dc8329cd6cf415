"""Every fault, struck with certainty, over a real socket."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import httpx
import pytest

from baseten_jobs.emulator.app import App
from baseten_jobs.emulator.errors import BrokenExchange
from baseten_jobs.emulator.faults import KINDS, Dice, Fault, Scope, parse_fault
from baseten_jobs.emulator.settings import Settings

from .conftest import Api, Clock, Start


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("rate-limit", Fault("rate-limit", 0.1, 1.0)),
        ("rate-limit=0.5", Fault("rate-limit", 0.5, 1.0)),
        ("rate-limit=1,7", Fault("rate-limit", 1.0, 7.0)),
        ("suffix", Fault("suffix", 1.0, 0.0)),
    ],
)
def test_a_fault_is_written_as_kind_rate_and_seconds(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "'nonsense' is not a fault; expected one of rate-limit, "),
        ("rate-limit=", "'rate-limit=': '' is not a rate"),
        ("rate-limit=2", "'rate-limit=2': a rate is a number from 0 to 1"),
        ("rate-limit=nan", "'rate-limit=nan': 'nan' is not a rate"),
        ("rate-limit=1,-1", "'rate-limit=1,-1': '-1' is not a number of seconds"),
        ("suffix=1,5", "'suffix=1,5': suffix takes no seconds"),
    ],
)
def test_a_fault_written_wrongly_is_explained(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="^" + message.replace("(", r"\(")):
        parse_fault(text)


def test_the_same_seed_strikes_the_same_requests() -> None:
    def struck(seed: int) -> list[bool]:
        dice = Dice(seed, [Fault("reset-after", 0.5, 0)])
        return [dice.roll().ending([Scope.CREATE]) is not None for _ in range(64)]

    assert struck(7) == struck(7)
    assert struck(7) != struck(8)
    assert 16 < sum(struck(7)) < 48


def _ledger(api: Api) -> list[tuple[str | None, bool]]:
    return [(entry["fault"], entry["job_id"] is not None) for entry in api.ledger()]


@pytest.mark.parametrize(
    ("fault", "body"),
    [
        ("rate-limit=1,3", {"error": "rate limit exceeded", "retry_after": 3}),
        ("rate-limit-bare=1", {"error": "rate limit exceeded"}),
    ],
)
def test_rate_limits_answer_429_and_do_nothing(start: Start, fault: str, body: dict[str, object]) -> None:
    project = start().project()
    api = start(fault)
    answer = api.send(project)
    assert (answer.status_code, answer.json()) == (429, body)
    assert api.http.get("/v1/training_projects").status_code == 429
    assert _ledger(api) == [(fault.partition("=")[0], False)]


def test_errors_before_and_after_the_commit_look_alike(start: Start) -> None:
    plain = start()
    project = plain.project()
    answers = {}
    for fault in ("error-before", "error-after"):
        api = start(f"{fault}=1")
        answers[fault] = [api.send(project, fault) for _ in range(24)]
    for sent in answers.values():
        assert {answer.status_code for answer in sent} == {500, 502, 503, 504}
        assert {answer.headers["content-type"].partition(";")[0] for answer in sent} == {
            "application/json",
            "text/html",
        }
    assert plain.names() == ["error-after"] * 24
    assert _ledger(plain) == [("error-before", False)] * 24 + [("error-after", True)] * 24


@pytest.mark.parametrize(
    ("fault", "error", "committed"),
    [
        ("reset-before=1", httpx.ReadError, False),
        ("reset-after=1", httpx.ReadError, True),
        ("truncate-after=1", httpx.RemoteProtocolError, True),
        ("hang-after=1,60", httpx.ReadTimeout, True),
        ("late-commit=1,0", httpx.ReadError, True),
    ],
)
def test_a_broken_exchange_commits_or_not(start: Start, fault: str, error: type[Exception], committed: bool) -> None:
    plain = start()
    project = plain.project()
    api = start(fault)
    api.http.timeout = httpx.Timeout(0.3 if fault.startswith("hang") else 5)
    with pytest.raises(error):
        api.send(project)
    assert plain.names() == (["job"] if committed else [])
    assert _ledger(plain) == [(fault.partition("=")[0], committed)]


def _raw(api: Api, request: bytes) -> socket.socket:
    place = urlsplit(api.url)
    raw = socket.create_connection((str(place.hostname), int(str(place.port))), timeout=5)
    raw.sendall(request)
    return raw


def _raw_create(api: Api, project: str) -> bytes:
    body = b'{"training_job": {"image": {"base_image": "x"}}}'
    host = urlsplit(api.url).netloc
    head = f"POST /v1/training_projects/{project}/jobs HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer k\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


def test_a_reset_is_a_reset_and_not_a_polite_end(start: Start) -> None:
    project = start().project()
    api = start("reset-after=1")
    with _raw(api, _raw_create(api, project)) as raw, pytest.raises(ConnectionResetError):
        raw.recv(1)


def test_a_truncated_answer_announces_more_than_it_sends(start: Start) -> None:
    project = start().project()
    api = start("truncate-after=1")
    with _raw(api, _raw_create(api, project)) as raw:
        received = raw.makefile("rb").read()
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    announced = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line)
    assert 0 < len(body) < announced


def test_an_answer_that_is_not_json_commits(start: Start) -> None:
    plain = start()
    project = plain.project()
    answer = start("not-json-after=1").send(project)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert plain.names() == ["job"]


def test_a_refused_create_is_refused_whatever_fault_would_follow_a_commit(start: Start) -> None:
    project = start().project()
    api = start("reset-after=1")
    assert api.send(project, name=7).status_code == 400  # type: ignore[arg-type]
    assert _ledger(api) == [(None, False)]


def test_a_late_commit_survives_a_restart(start: Start) -> None:
    project = start().project()
    with pytest.raises(httpx.ReadError):
        start("late-commit=1,10").send(project)
    restarted = start()
    restarted.advance(9.999)
    assert restarted.search(project_id=project) == []
    restarted.advance(0.001)
    (job,) = restarted.search(project_id=project)
    assert job["created_at"] == "2027-01-15T08:00:10.250000Z"
    assert job["current_status"] == "TRAINING_JOB_CREATED"


def test_reads_and_repeatable_writes_fail_before_or_after_their_effect(start: Start) -> None:
    plain = start()
    project = plain.project()
    jobs = [plain.create(project, f"job-{index}")["id"] for index in range(16)]
    api = start("read-error=1")
    for job in jobs:
        assert api.http.post(f"/v1/training_projects/{project}/jobs/{job}/stop", json={}).status_code >= 500
    assert api.http.get("/v1/training_projects").status_code >= 500
    assert {job["current_status"] for job in plain.search()} == {"TRAINING_JOB_CREATED", "TRAINING_JOB_STOPPED"}
    assert api.send(project).status_code == 200


def test_reads_can_be_reset(start: Start) -> None:
    with pytest.raises(httpx.ReadError):
        start("read-reset=1").http.get("/v1/training_projects")


def test_a_lagging_search_shows_a_job_later_than_get_does(start: Start) -> None:
    api = start("lagging-search=1,5")
    project = api.project()
    job = api.create(project)["id"]
    assert api.http.get(f"/v1/training_projects/{project}/jobs/{job}").status_code == 200
    assert api.names() == []
    assert [held["id"] for held in api.http.get("/_emulator/jobs").json()["training_jobs"]] == [job]
    api.advance(4.9)
    assert api.http.get(f"/v1/training_projects/{project}/jobs").json()["training_jobs"] == []
    api.advance(0.1)
    assert api.names() == ["job"]


def test_an_empty_search_hides_what_get_shows(start: Start) -> None:
    api = start("empty-search=1")
    project = api.project()
    job = api.create(project)["id"]
    assert api.search() == []
    assert api.http.get(f"/v1/training_projects/{project}/jobs").json()["training_jobs"] == []
    assert api.http.get(f"/v1/training_projects/{project}/jobs/{job}").status_code == 200


def test_search_and_list_fail_independently(start: Start) -> None:
    api = start("empty-search=0.5")
    project = api.project()
    api.create(project)
    seen = {
        (bool(api.search()), bool(api.http.get(f"/v1/training_projects/{project}/jobs").json()["training_jobs"]))
        for _ in range(40)
    }
    assert len(seen) == 4


def test_repeated_names_get_a_suffix(start: Start) -> None:
    api = start("suffix=1")
    project = api.project()
    assert [api.create(project, "a")["name"] for _ in range(3)] == ["a", "a-2", "a-3"]
    assert [api.create(project, None)["name"] for _ in range(2)] == [None, None]


def test_without_faults_a_repeated_name_is_kept(api: Api) -> None:
    project = api.project()
    assert [api.create(project, "a")["name"] for _ in range(2)] == ["a", "a"]


def test_a_name_can_be_cut(start: Start) -> None:
    api = start("rename=1")
    assert api.create(api.project(), "qwen3-30b-sft--0123456789ab")["name"] == "qwen3-30b-sft--0"


def test_a_live_job_can_show_a_status_never_seen_before(start: Start) -> None:
    api = start("new-status=1")
    project = api.project()
    assert api.create(project)["current_status"] == "TRAINING_JOB_WARMING"
    assert len(api.search(statuses=["TRAINING_JOB_WARMING"])) == 1
    assert api.search(statuses=["TRAINING_JOB_CREATED"]) == []
    api.advance(100)
    assert api.search()[0]["current_status"] == "TRAINING_JOB_COMPLETED"


def test_creation_times_can_be_coarse_or_early(start: Start) -> None:
    plain = start()
    project = plain.project()
    assert start("coarse-time=1").create(project)["created_at"] == "2027-01-15T08:00:00Z"
    early = start("early-time=1").create(project)["created_at"]
    assert "2027-01-15T07:59:59.250000Z" <= early < plain.create(project)["created_at"]


def test_in_process_a_broken_exchange_is_an_exception(database: object, clock: Clock) -> None:
    for fault, committed in (("reset-before=1", 0), ("truncate-after=1", 1), ("hang-after=1,30", 2)):
        waits: list[float] = []
        faults = (parse_fault(fault),)
        app = App(Settings(database=database, clock=clock, faults=faults, sleep=waits.append))  # type: ignore[arg-type]
        transport = httpx.WSGITransport(app=app)
        headers = {"Authorization": "Bearer k"}
        with httpx.Client(transport=transport, base_url="http://local", headers=headers) as client:
            project = client.post("/v1/training_projects", json={"training_project": {"name": "p"}}).json()
            path = f"/v1/training_projects/{project['training_project']['id']}/jobs"
            with pytest.raises(BrokenExchange):
                client.post(path, json={"training_job": {"image": {"base_image": "x"}}})
            assert len(client.get(path).json()["training_jobs"]) == committed
        assert waits == ([30.0] if fault.startswith("hang") else [])
        app.close()


def test_the_table_explains_every_fault() -> None:
    assert [kind.name for kind in KINDS if not kind.meaning] == []
    assert [parse_fault(kind.defaults) for kind in KINDS] == [parse_fault(kind.name) for kind in KINDS]
