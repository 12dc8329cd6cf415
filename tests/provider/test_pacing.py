"""Waiting: the rate limit, backoff, and the calls that go on the wire."""

from email.utils import formatdate

import httpx
import pytest

from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError, Broken, NotSent
from baseten_jobs.provider.api.pacing import Backoff, RateLimit, Waits, nth
from tests.support.world import START, StandingClock


def test_no_second_sees_more_than_a_hundred_calls_of_one_endpoint() -> None:
    clock = StandingClock()
    limit = RateLimit(clock)
    starts = []
    for _ in range(1000):
        limit.wait("POST /jobs")
        starts.append(clock.now())
    assert all(later - earlier >= 1.0 for earlier, later in zip(starts, starts[100:], strict=False))
    assert starts[-1] == pytest.approx(9.0)


def test_endpoints_are_limited_apart() -> None:
    clock = StandingClock()
    limit = RateLimit(clock)
    for number in range(200):
        limit.wait(f"GET /{number % 2}")
    assert clock.slept == []


def test_the_client_keeps_to_the_limit_by_itself() -> None:
    clock = StandingClock()
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"training_projects": []}))
    api = Api(httpx.Client(transport=transport, base_url="http://x"), clock)
    for _ in range(250):
        api.projects()
    assert clock.now() == pytest.approx(2.0)


def test_waits_double_up_to_the_longest_and_never_undercut_what_the_server_asked() -> None:
    backoff = Backoff(first=0.25, longest=8.0, chance=lambda: 0.0)
    assert [backoff.wait(n) for n in range(7)] == [0.25, 0.5, 1, 2, 4, 8, 8]
    assert backoff.wait(0, asked=30) == 30
    assert Backoff(chance=lambda: 1.0).wait(0) == 0.125


def api_that(*answers: httpx.Response | Exception) -> tuple[Api, StandingClock, list[httpx.Request]]:
    waiting, asked = list(answers), []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        given = waiting.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    clock = StandingClock()
    http = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://x")
    return Api(http, clock, secret="s3cret", backoff=Backoff(chance=lambda: 0.0)), clock, asked


GOOD = {"training_projects": [{"id": "p", "name": "n"}]}


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.Response(429, json={"error": "x"}),
        httpx.Response(500),
        httpx.Response(502, text="<html>"),
        httpx.Response(503),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("cut"),
        httpx.ReadTimeout(""),
        httpx.ConnectError("refused"),
        httpx.Response(200, text="no JSON"),
    ],
    ids=str,
)
def test_a_read_is_repeated_after_passing_trouble(trouble: httpx.Response | Exception) -> None:
    api, _, asked = api_that(trouble, httpx.Response(200, json=GOOD))
    assert api.projects() == GOOD["training_projects"]
    assert len(asked) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_read_that_is_refused_is_not_repeated(status: int) -> None:
    api, _, asked = api_that(httpx.Response(status, json={"message": "no"}))
    with pytest.raises(ApiError, match=f"GET /v1/training_projects: {status} .*: no"):
        api.projects()
    assert len(asked) == 1


def test_a_wait_that_the_server_asks_for_is_kept() -> None:
    api, clock, _ = api_that(
        httpx.Response(429, json={"error": "x", "retry_after": 17}), httpx.Response(200, json=GOOD)
    )
    api.projects()
    assert clock.slept == [17]


NOW = "Sun, 06 Nov 1994 08:49:37 GMT"
AFTER = {"Sun, 06 Nov 1994 08:49:54 GMT": 17, "Sunday, 06-Nov-94 08:49:54 GMT": 17, "Sun Nov  6 08:49:54 1994": 17}

ASKED: list[tuple[str, str, float | None]] = [
    *((date, "", seconds) for date, seconds in AFTER.items()),
    ("17", "", 17),
    ("0", "", 0),
    ("86400", "", 60),
    ("9" * 5000, "", 60),
    ("Sun, 06 Nov 2094 08:49:54 GMT", "", 60),
    ("Sun, 06 Nov 1984 08:49:54 GMT", "", 0),
    (NOW, "", 0),
    *((nonsense, "", None) for nonsense in ("", "soon", "-5", "1e3", "Sun, 99 Nov 1994 08:49:54 GMT", "\u0663")),
    ("Sun, 06 Nov 99999999999 08:49:37 GMT", "", None),
    ("Sun, 06 Nov 1994 08:49:37 +9999", "", None),
    ("17", "{}", 17),
    ("17", '{"retry_after": 5}', 5),
    ("", '{"retry_after": 1e999}', 60),
    *(("17", f'{{"retry_after": {value}}}', 17) for value in ("null", '"soon"', "-1", "NaN", "true", "[]", "{}")),
    ("17", "[1]", 17),
    ("17", "no JSON", 17),
]


@pytest.mark.parametrize(("header", "body", "seconds"), ASKED, ids=[f"{h[:40]} {b}" for h, b, _ in ASKED])
@pytest.mark.parametrize("status", [429, 503])
def test_a_server_is_waited_for_as_it_asks_in_its_body_or_header(
    status: int, header: str, body: str, seconds: float | None
) -> None:
    headers = {"Date": NOW, **({"Retry-After": header} if header else {})}
    sent = {name.encode(): value.encode() for name, value in headers.items()}
    api, clock, _ = api_that(httpx.Response(status, text=body, headers=sent), httpx.Response(200, json=GOOD))
    assert api.projects() == GOOD["training_projects"]
    assert clock.slept == [max(0.25, seconds or 0.0)]


def test_a_date_to_wait_for_is_told_by_our_own_clock_where_the_server_tells_no_time() -> None:
    later = formatdate(START + 21, usegmt=True)
    api, clock, _ = api_that(httpx.Response(503, headers={"Retry-After": later}), httpx.Response(200, json=GOOD))
    api.projects()
    assert clock.slept == [21]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_tells_where_to_and_is_neither_followed_nor_repeated(status: int) -> None:
    target = "https://api.example.test/v1/training_projects?x=s3cret\x1b[2J"
    answer = httpx.Response(status, headers={b"Location": target.encode()}, text="<html>moved</html>")
    api, _, asked = api_that(answer, answer)
    with pytest.raises(ApiError) as caught:
        api.projects()
    assert len(asked) == 1
    told = r"to 'https://api.example.test/v1/training_projects?x=[key]\x1b[2J', which is not followed"
    assert told in str(caught.value)
    assert "BASETEN_BASE_URL" in str(caught.value)
    assert api.create_once("p", {}).status == status


@pytest.mark.parametrize("status", [300, 304, 308])
def test_a_redirect_to_nowhere_is_told_by_its_status(status: int) -> None:
    api, _, _ = api_that(httpx.Response(status))
    with pytest.raises(ApiError, match=str(status)) as caught:
        api.projects()
    assert "followed" not in str(caught.value)


def test_trouble_without_end_is_given_up() -> None:
    api, _, asked = api_that(*[httpx.Response(503)] * 20)
    with pytest.raises(ApiError, match="503 Service Unavailable"):
        api.projects()
    assert len(asked) == 6


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectError("refused"), NotSent),
        (httpx.ConnectTimeout(""), NotSent),
        (httpx.PoolTimeout(""), NotSent),
        (httpx.ReadTimeout(""), Broken),
        (httpx.WriteTimeout(""), Broken),
        (httpx.WriteError("pipe"), Broken),
        (httpx.ReadError("reset"), Broken),
        (httpx.RemoteProtocolError("cut"), Broken),
        (httpx.DecodingError("gzip"), Broken),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_a_create_is_sent_once_and_tells_whether_it_may_have_arrived(error: Exception, kind: type) -> None:
    api, _, asked = api_that(error)
    with pytest.raises(kind):
        api.create_once("p", {})
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (httpx.Response(400, json={"code": "VALIDATION_ERROR", "message": "bad"}), "400 Bad Request: bad"),
        (httpx.Response(429, json={"error": "slow", "retry_after": 1}), "429 Too Many Requests: slow"),
        (httpx.Response(400, json={"detail": [{"loc": ["x"]}]}), '400 Bad Request: [{"loc": ["x"]}]'),
        (httpx.Response(502, text="<html><head><style>x{}</style></head><h1>Bad\nGateway</h1></html>"),
         "502 Bad Gateway: Bad Gateway"),
        (httpx.Response(500, text=""), "500 Internal Server Error"),
        (httpx.Response(599, text="odd"), "599: odd"),
        (httpx.Response(400, json={"message": "key s3cret is odd"}), "400 Bad Request: key [key] is odd"),
        (httpx.Response(400, text="Bearer s3cret"), "400 Bad Request: Bearer [key]"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_the_servers_words_are_told_on_one_line_without_the_key(answer: httpx.Response, told: str) -> None:
    api, _, _ = api_that(answer)
    assert api.create_once("p", {}).words == told


def test_ids_from_outside_can_not_change_the_path() -> None:
    api, _, asked = api_that(httpx.Response(200, json={"training_job": {}}))
    api.stop("p/../../x", "j?y=1")
    assert asked[0].url.raw_path == b"/v1/training_projects/p%2F..%2F..%2Fx/jobs/j%3Fy%3D1/stop"


def test_a_long_wait_is_told_once_however_many_calls_wait() -> None:
    clock = StandingClock()
    waits, told = Waits(clock), list[str]()
    waits.tell = told.append
    waits.sleep(1.9, "short", nth(2, 6))
    for _ in range(50):
        waits.sleep(30.0, "GET /x: 429", nth(2, 6))
        clock.time -= 30.0  # for all of them wait at once
    assert told == ["GET /x: 429; trying again in 30 s (2 of at most 6 times)"]
    clock.time += 30.0
    assert not waits.pause(30.0, "GET /x: 429", "for 40 s at most")
    assert told[1:] == ["GET /x: 429; trying again in 30 s (for 40 s at most)"]
