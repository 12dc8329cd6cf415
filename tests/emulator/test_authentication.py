"""Who is let in, over a real socket, because an in-process transport forgives illegal headers."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support import sdk

from .conftest import Api, Start


def _status(api: Api, header: str | None) -> int:
    headers = {} if header is None else {"Authorization": header}
    return httpx.get(f"{api.url}/v1/users/me", headers=headers, verify=False).status_code


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Bearer abc", 200),
        ("Api-Key abc", 200),
        ("bearer abc", 200),
        ("api-key abc", 200),
        (None, 401),
        ("abc", 401),
        ("Bearer", 401),
        ("Basic abc", 401),
        ("Bearer a b", 401),
        ("Bearer forbidden", 403),
        ("Api-Key forbidden", 403),
    ],
)
def test_any_key_is_accepted_under_both_schemes(shared: Api, header: str | None, status: int) -> None:
    assert _status(shared, header) == status


@pytest.mark.parametrize(("key", "status"), [("right", 200), ("wrong", 401), ("forbidden", 403)])
def test_a_configured_key_is_the_only_one(start: Start, key: str, status: int) -> None:
    api = start(api_key="right")
    assert _status(api, f"Bearer {key}") == status


def test_an_empty_key_cannot_even_be_sent_by_httpx(shared: Api) -> None:
    with pytest.raises(httpx.LocalProtocolError):
        _status(shared, "Bearer ")


def test_an_empty_key_sent_all_the_same_is_unauthorized(shared: Api) -> None:
    place = urlsplit(shared.url)
    with socket.create_connection((str(place.hostname), int(str(place.port))), timeout=5) as raw:
        head = f"GET /v1/users/me HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer \r\n"
        raw.sendall(f"{head}Connection: close\r\n\r\n".encode())
        assert raw.makefile("rb").readline().startswith(b"HTTP/1.1 401")


def test_the_sdk_without_a_key_is_unauthorized(shared: Api) -> None:
    with (
        sdk.ManagementClient(api_key="", base_url_override=shared.url) as keyless,
        pytest.raises(sdk.ResponseError) as refusal,
    ):
        keyless.api.get_training_projects()
    assert refusal.value.status_code == 401


def test_no_answer_repeats_the_key(start: Start) -> None:
    api = start(api_key="right")
    answer = httpx.get(f"{api.url}/v1/users/me", headers={"Authorization": "Bearer s3cr3t"}, verify=False)
    assert answer.json() == {"code": "UNAUTHORIZED", "message": "the API key is not known"}


def test_control_endpoints_need_the_key_where_there_is_one(start: Start) -> None:
    keyed = start(api_key="right")
    url = f"{keyed.url}/_emulator/health"
    assert httpx.get(url, verify=False).status_code == 401
    assert httpx.get(url, headers={"Authorization": "Bearer wrong"}, verify=False).status_code == 401
    assert httpx.get(url, headers={"Authorization": "Api-Key right"}, verify=False).json()["status"] == "ok"


def test_control_endpoints_need_no_key_where_there_is_none(shared: Api) -> None:
    assert httpx.get(f"{shared.url}/_emulator/health", verify=False).json()["status"] == "ok"
