"""The embedded API on a socket: what web pages, and other users of the machine, get of it."""

from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest

from baseten_jobs.emulator.own_hosts import OwnHosts
from baseten_jobs.emulator.server import serving
from baseten_jobs.emulator.settings import Settings

KEY = {"Authorization": "Bearer right"}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(Settings(database=tmp_path_factory.mktemp("api") / "e.db", api_key="right")) as url:
        yield url


def _status(url: str, method: str = "GET", path: str = "/v1/users/me", **headers: str) -> int:
    return httpx.request(method, url + path, headers={**KEY, **headers}, verify=False).status_code


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])
def test_the_servers_own_names_are_served(name: str, url: str) -> None:
    assert _status(url, Host=f"{name}:{httpx.URL(url).port}") == 200


@pytest.mark.parametrize("path", ["/v1/users/me", "/_emulator/health", "/nowhere"])
@pytest.mark.parametrize(
    "host", ["attacker.example:PORT", "attacker.example", "127.0.0.1", "localhost:1", "localhost.attacker.example:PORT",
             "127.0.0.1.attacker.example:PORT", "localhost:PORT@attacker.example", "192.0.2.1:PORT", "", "[::1"],
)  # fmt: skip
def test_no_other_host_is_served_whatever_the_key(host: str, path: str, url: str) -> None:
    answer = httpx.get(
        url + path, headers={**KEY, "Host": host.replace("PORT", str(httpx.URL(url).port))}, verify=False
    )
    assert answer.status_code in (400, 403)
    assert answer.status_code == 400 or "is not a host of this server" in answer.json()["message"]


def test_a_request_without_a_host_is_not_served(url: str) -> None:
    with closing(HTTPConnection("127.0.0.1", httpx.URL(url).port)) as connection:
        connection.putrequest("GET", "/_emulator/health", skip_host=True)
        connection.endheaders()
        assert connection.getresponse().status in (400, 403)


@pytest.mark.parametrize("origin", ["https://attacker.example", "null", "http://127.0.0.1:1", "SELF"])
@pytest.mark.parametrize("path", ["/v1/users/me", "/_emulator/seed", "/_emulator/s3/bucket/key"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PUT"])
def test_no_web_page_is_served(method: str, path: str, origin: str, url: str) -> None:
    assert _status(url, method, path, Origin=origin.replace("SELF", url)) == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/_emulator/health"), ("GET", "/_emulator/jobs"), ("GET", "/_emulator/ledger"),
        ("POST", "/_emulator/seed"), ("POST", "/_emulator/clock"), ("POST", "/_emulator/jobs/x"),
        ("DELETE", "/_emulator/jobs/x"), ("GET", "/_emulator/s3/b/k"), ("PUT", "/_emulator/s3/b/k"),
        ("POST", "/_emulator/s3/b/k"), ("DELETE", "/_emulator/s3/b/k"),
        ("GET", "/%5Femulator/jobs"), ("GET", "/_emulator/nowhere"),
    ],
)  # fmt: skip
def test_everything_below_emulator_needs_the_key(method: str, path: str, url: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"X-Amz-Security-Token": "right"}):
        assert httpx.request(method, url + path, headers=headers, verify=False).status_code == 401
    assert httpx.request(method, url + path + "?token=0", verify=False).status_code == 401


def test_what_is_handed_out_opens_one_path_alone(url: str) -> None:
    """As uploads and downloads of the official client go, which send no key there."""
    given: dict[str, Any] = httpx.get(f"{url}/v1/blobs/credentials/train", headers=KEY, verify=False).json()
    token = {"X-Amz-Security-Token": given["creds"]["aws_session_token"]}
    place = f"{given['s3_endpoint_url']}/{given['s3_bucket']}/{given['s3_key']}"
    assert httpx.put(place, content=b"code", headers=token, verify=False).status_code == 200
    assert httpx.get(place, headers=token, verify=False).content == b"code"
    assert httpx.get(place, verify=False).status_code == 401
    assert httpx.get(f"{url}/_emulator/s3/b/other", headers=token, verify=False).status_code == 401
    assert "right" not in token["X-Amz-Security-Token"]


@pytest.mark.parametrize(
    ("bound", "more", "host", "served"),
    [
        ("0.0.0.0", (), "10.1.2.3:8787", True),
        ("::", (), "[fd00::1]:8787", True),
        ("0.0.0.0", (), "gateway:8787", False),
        ("0.0.0.0", ("gateway",), "gateway:8787", True),
        ("0.0.0.0", ("gateway",), "gateway:80", False),
        ("0.0.0.0", ("gateway:80",), "gateway:80", True),
        ("192.0.2.7", (), "192.0.2.7:8787", True),
        ("192.0.2.7", (), "192.0.2.8:8787", False),
        ("fd00::1", (), "[fd00::1]:8787", True),
        ("box.example", (), "BOX.example:8787", True),
    ],
)
def test_what_it_is_bound_to_and_told_of_is_its_own(bound: str, more: tuple[str, ...], host: str, served: bool) -> None:
    def inner(environ: Any, start_response: Any) -> list[bytes]:
        return [b"served"]

    refused: list[str] = []
    answer = OwnHosts(inner, bound, 8787, more)({"HTTP_HOST": host}, lambda status, headers: refused.append(status))
    assert (list(answer) == [b"served"], refused) == (served, [] if served else ["403 Forbidden"])


def test_the_port_may_be_left_out_where_it_is_https_own() -> None:
    def inner(environ: Any, start_response: Any) -> list[bytes]:
        return [b"served"]

    assert list(OwnHosts(inner, "127.0.0.1", 80)({"HTTP_HOST": "localhost"}, lambda *_: None)) == [b"served"]


def test_in_process_there_is_no_host_to_refuse(tmp_path: Path) -> None:
    from baseten_jobs.provider.api.connection import Connection, open_api
    from baseten_jobs.provider.api.pacing import Clock

    api = open_api(Connection(local_db=str(tmp_path / "e.db")), Clock())
    try:
        assert api._exchange("GET", "/v1/users/me").ok
    finally:
        api.close()
