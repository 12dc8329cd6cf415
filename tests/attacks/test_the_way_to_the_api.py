"""The key goes to the API alone: plain HTTP, proxies, odd addresses, and an environment that is out of date."""

import os
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

import certifi
import httpx
import pytest

from baseten_jobs.provider.api import route
from baseten_jobs.provider.api.connection import Connection, open_api
from baseten_jobs.provider.api.errors import CannotConnect, NotSent
from baseten_jobs.provider.api.pacing import Clock
from baseten_jobs.provider.api.route import route_to
from tests.support.commands import Cli, called, nothing_set
from tests.support.sockets import Bending, bending

__all__ = ["called", "nothing_set"]

pytestmark = pytest.mark.usefixtures("no_proxies")

KEY = "AbCdEfGh.0123456789abcdefghijklmnopqrstuv"
HOST = "https://api.example.test"
EMPTY = {"training_projects": [], "training_jobs": []}


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy") or name.startswith("SSL_CERT")]:
        monkeypatch.delenv(name)


@pytest.fixture
def server() -> Iterator[Bending]:
    with bending(lambda request: httpx.Response(200, json=EMPTY)) as server:
        yield server


@pytest.mark.parametrize(
    "url",
    [
        "http://api.baseten.co", "HTTP://api.example.test", "http://10.0.0.1", "http://0.0.0.0:8080", "http://[::]:80",
        "http://localhost.example.test", "http://127.0.0.1.example.test", "http://127.1", "http://2130706433",
        "http://localhost.", "http://[fe80::1]", "http://169.254.169.254", "http://wiremock:8080",
    ],
)  # fmt: skip
def test_the_key_never_travels_in_clear_to_another_machine_unless_it_is_permitted(url: str) -> None:
    with pytest.raises(CannotConnect, match=r"anyone on the way can read the key; .*--insecure-http"):
        route_to(url, {})
    assert route_to(url, {}, insecure_http=True).address == url


@pytest.mark.parametrize(
    "url", ["http://localhost", "http://LOCALHOST:1", "http://127.0.0.1:8787", "http://127.9.9.9", "http://[::1]:1"]
)
def test_plain_http_is_fine_on_this_machine(url: str) -> None:
    assert route_to(url, {}).loopback


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (f"{HOST}?key=1", "query or a fragment"),
        (f"{HOST}/v?", "query or a fragment"),
        (f"{HOST}#x", "query or a fragment"),
        ("http://127.0.0.1:1/?a#b", "query or a fragment"),
        ("https://me:secret@api.example.test", "user or a password"),
        ("https://api.baseten.co@evil.example.test", "user or a password"),
        ("https://api.baseten.co\\@evil.example.test", "user or a password"),
        ("https://api.example.test\n", "not an"),
        ("https://exa mple.test", "not an"),
        ("https://api.example.test ", "not an"),
        ("https://[", "not an"),
        ("https://", "not an"),
        ("https:/api.example.test", "not an"),
        ("//api.example.test", "not an"),
        ("file:///etc/passwd", "not an"),
        ("https://a:b", "not an"),
    ],
)
def test_an_address_that_is_more_or_less_than_one_is_refused_and_not_shown(url: str, told: str) -> None:
    with pytest.raises(CannotConnect, match=f"^BASETEN_BASE_URL .*{told}") as caught:
        route_to(url, {})
    assert "secret" not in str(caught.value)


NAMED = {
    "HTTPS_PROXY": ["http://", "http://proxy:bad", "http://[", "socks4://proxy:1", "ftp://proxy", "http://:80",
                    "http://proxy:99999", "//", "http://us er:secret@", "pro xy", "http://proxy\n"],
    "https_proxy": ["http://proxy:bad"],
    "HTTP_PROXY": ["http://proxy:bad"],
    "ALL_PROXY": ["gopher://proxy", "socks5://"],
    "NO_PROXY": ["[::1]", "localhost,[::1]", "[::1]:80", "::1/128", "x:bad", "a\nb"],
    "no_proxy": ["[::1]"],
    "SSL_CERT_FILE": ["/gone/ca.pem", "/", os.devnull, __file__],
    "SSL_CERT_DIR": ["/gone", __file__],
    "SSLKEYLOGFILE": ["/gone/keys"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in NAMED.items() for value in values])
def test_a_variable_that_can_not_be_right_is_named_on_one_line(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CannotConnect, match=f"^{name} ") as caught:
        route_to(HOST, {name: value})
    assert len(str(caught.value).splitlines()) == 1
    assert "secret" not in str(caught.value)


def test_a_host_in_brackets_is_told_how_it_is_written() -> None:
    with pytest.raises(CannotConnect, match=r"NO_PROXY holds '\[::1\]', which is not a host; write '::1'"):
        route_to(HOST, {"NO_PROXY": "localhost,[::1]"})


def test_a_socks_proxy_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "find_spec", lambda name: None)
    with pytest.raises(CannotConnect, match=r"^ALL_PROXY names a SOCKS proxy, .*pip install 'httpx\[socks\]'"):
        route_to(HOST, {"ALL_PROXY": "socks5://127.0.0.1:1080"})


FINE: list[tuple[dict[str, str], str]] = [
    ({}, ""),
    ({"HTTPS_PROXY": "proxy.example:3128"}, "HTTPS_PROXY"),
    ({"HTTPS_PROXY": "http://me:pw@proxy.example:3128", "ALL_PROXY": "http://other"}, "HTTPS_PROXY"),
    ({"HTTPS_PROXY": "http://proxy:bad", "https_proxy": "http://proxy"}, "https_proxy"),
    ({"HTTPS_PROXY": "http://proxy:bad", "https_proxy": ""}, ""),
    ({"ALL_PROXY": "http://[::1]:3128"}, "ALL_PROXY"),
    ({"HTTP_PROXY": "http://proxy"}, ""),
    ({"HTTPS_PROXY": "http://proxy", "NO_PROXY": "localhost,127.0.0.1,::1,10.0.0.0/8,.example.test"}, ""),
    ({"HTTPS_PROXY": "http://proxy:bad", "NO_PROXY": "*"}, ""),
    ({"SSL_CERT_FILE": "", "SSL_CERT_DIR": "", "HTTPS_PROXY": "", "NO_PROXY": ""}, ""),
    ({"SSL_CERT_FILE": certifi.where(), "SSL_CERT_DIR": "/gone"}, ""),
    ({"SSL_CERT_DIR": f"/gone{os.pathsep}{os.path.dirname(__file__)}"}, ""),
]


@pytest.mark.parametrize(("environment", "proxied"), FINE)
def test_what_is_right_is_used_as_httpx_uses_it(
    environment: Mapping[str, str], proxied: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert route_to(HOST, environment).proxied == proxied
    open_api(Connection(HOST, KEY, environment=environment), Clock()).close()


@pytest.mark.parametrize("name", [*NAMED, "ALL_PROXY"])
def test_this_machine_is_reached_without_what_the_environment_says_of_proxies(
    name: str, server: Bending, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {name: NAMED[name][0], "HTTP_PROXY": "http://127.0.0.1:1"}
    for each, value in environment.items():
        monkeypatch.setenv(each, value)
    api = open_api(Connection(server.url, KEY, environment=environment), Clock())
    assert api.projects() == []
    api.close()


def test_certificates_of_the_environment_hold_on_this_machine_too(tmp_path: Path) -> None:
    with pytest.raises(CannotConnect, match=r"^SSL_CERT_FILE names '.*', which is not a file here"):
        route_to("https://localhost:1", {"SSL_CERT_FILE": str(tmp_path / "gone")})
    assert isinstance(route_to("https://localhost:1", {"SSL_CERT_FILE": certifi.where()}).trusted, ssl.SSLContext)


def test_a_proxy_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"HTTPS_PROXY": "http://me:secret@127.0.0.1:1"}
    monkeypatch.setenv("HTTPS_PROXY", environment["HTTPS_PROXY"])
    api = open_api(Connection(HOST, KEY, environment=environment), Clock())
    with pytest.raises(NotSent, match=r"could not connect to .* through the proxy that HTTPS_PROXY names: ") as caught:
        api.create_once("p", {})
    api.close()
    assert "secret" not in str(caught.value)


MANIFEST = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata: {name: x, project: demo}
spec:
  image: {base_image: "hello-world:1"}
  compute: {accelerator: "H100:8"}
  runtime: {start_commands: [train]}
"""


@pytest.fixture
def here(tmp_path: Path, nothing_set: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BASETEN_API_KEY", KEY)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "x.yaml").write_text(MANIFEST)
    return tmp_path


@pytest.mark.parametrize(("name", "value"), [(name, values[0]) for name, values in NAMED.items()])
@pytest.mark.parametrize("command", ["plan", "status", "stop --job j --yes", "logs --job j", "apply --yes"])
def test_every_command_tells_of_a_variable_on_one_line(
    name: str, value: str, command: str, called: Cli, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("BASETEN_BASE_URL", HOST)
    ran = called(*command.split())
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"error: {name} ")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(("given", "set_to", "code"), [
    ((), None, 1), (("--insecure-http",), None, 0), ((), "1", 0), ((), "0", 1), ((), "", 1), ((), "perhaps", 64),
])  # fmt: skip
def test_plain_http_to_another_machine_is_a_thing_to_ask_for(
    given: tuple[str, ...], set_to: str | None, code: int, called: Cli, here: Path, server: Bending,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The proxy stands for the other machine, which there is none of here."""
    monkeypatch.setenv("BASETEN_BASE_URL", "http://gateway.example.test")
    monkeypatch.setenv("HTTP_PROXY", server.url)
    if set_to is not None:
        monkeypatch.setenv("BASETEN_INSECURE_HTTP", set_to)
    assert called("status", *given).code == code
    assert bool(server.requests) == (code == 0)
