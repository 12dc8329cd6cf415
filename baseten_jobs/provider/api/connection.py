"""Where the API is and how it is reached -> an Api: over the network, or embedded in the process."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from baseten_jobs import __version__
from baseten_jobs.distribution import OURS
from baseten_jobs.phrases import one_line
from baseten_jobs.provider.api.body import ACCEPTED
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import CannotConnect
from baseten_jobs.provider.api.pacing import Clock
from baseten_jobs.provider.api.route import route_to
from baseten_jobs.provider.dashboard import dashboard_of

if TYPE_CHECKING:
    from baseten_jobs.emulator.app import App

DEFAULT_BASE_URL = "https://api.baseten.co"
DASHBOARD = "BASETEN_APP_URL"
"""The variable that names the dashboard, where the API is reached by an address that is not Baseten's own."""


@dataclass(frozen=True)
class Connection:
    """Timeouts are in seconds; `local_db` is the embedded API's database file, and needs no key.

    `insecure_http` permits plain HTTP to another machine. `environment` is where proxies and certificates are named.
    """

    base_url: str = DEFAULT_BASE_URL
    key: str = field(default="", repr=False)
    local_db: str | None = None
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    connections: int = 16
    insecure_http: bool = False
    environment: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def local(self) -> bool:
        return self.local_db is not None

    @property
    def target(self) -> str:
        """What a saved plan remembers of where it was made."""
        return f"local:{self.local_db}" if self.local else self.base_url.rstrip("/")

    @property
    def dashboard(self) -> str:
        """Where people look at the jobs; empty for an address whose pages are not known."""
        return "" if self.local else dashboard_of(self.base_url, self.environment.get(DASHBOARD, ""))


def open_api(connection: Connection, clock: Clock) -> Api:
    """Return an Api that has sent no request yet; raises CannotConnect. The caller closes it."""
    timeout = httpx.Timeout(connection.read_timeout, connect=connection.connect_timeout)
    limits = httpx.Limits(max_connections=connection.connections, max_keepalive_connections=connection.connections)
    agent = {"User-Agent": f"baseten-jobs/{__version__}"}
    headers = {
        **agent,
        "Authorization": f"Bearer {_key(connection)}",
        "Accept-Encoding": ACCEPTED,
    }
    if connection.local_db is not None:
        app = _app(connection.local_db)
        http = httpx.Client(transport=_Embedded(app), base_url="http://embedded", headers=headers)
        inside = httpx.WSGITransport(app)
        return Api(http, clock, embedded=True, keyless=lambda: httpx.Client(transport=inside, headers=agent))

    def keyless() -> httpx.Client:
        return httpx.Client(
            headers=agent,
            timeout=timeout,
            limits=limits,
            verify=route.loopback or route.trusted,
            trust_env=not route.loopback,
        )

    def reopened() -> httpx.Client:
        return httpx.Client(
            base_url=route.address, headers=headers, timeout=timeout, limits=limits, verify=route.trusted,
            trust_env=not route.loopback,
        )  # fmt: skip

    try:
        route = route_to(connection.base_url, connection.environment, insecure_http=connection.insecure_http)
        http = reopened()
    except (httpx.InvalidURL, ImportError, ValueError, OSError) as error:
        raise CannotConnect("connect", f"the connection can't be set up: {one_line(str(error), 300)}") from None
    return Api(
        http, clock, secret=connection.key, reopen=reopened, keyless=keyless, proxied=route.proxied,
        insecure_http=connection.insecure_http,
        dashboard=connection.dashboard,
    )  # fmt: skip


def _key(connection: Connection) -> str:
    if connection.local:
        return "embedded"
    if not connection.key:
        raise CannotConnect("connect", "BASETEN_API_KEY is not set; --local needs none", 401)
    if not re.fullmatch(r"[\x21-\x7e]+", connection.key):
        raise CannotConnect("connect", "BASETEN_API_KEY holds a blank or a character that can't be in a key", 401)
    return connection.key


class _Embedded(httpx.WSGITransport):
    """The embedded API; its database is closed with the client that it is the transport of."""

    def __init__(self, app: "App") -> None:
        super().__init__(app)
        self._app = app

    def close(self) -> None:
        self._app.close()


def _app(database: str) -> "App":
    from baseten_jobs.emulator.settings import Settings
    from baseten_jobs.emulator.store import StoreError
    from baseten_jobs.provider.api.local_database import NotOwn, own_database

    try:
        from baseten_jobs.emulator.app import App
    except ModuleNotFoundError as error:
        if error.name not in ("flask", "waitress", "werkzeug"):
            raise
        raise CannotConnect("connect", f"--local needs an extra: {OURS.install('local')}") from None
    try:
        return App(Settings(database=Path(own_database(database, "--local-db"))))
    except (StoreError, NotOwn) as error:
        raise CannotConnect("connect", str(error)) from None
