"""One method for each Baseten call that the tool uses; reads and repeatable writes are retried here."""

import json
import re
from collections.abc import Mapping
from copy import copy
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote

import httpx

from baseten_jobs.api.answer import Answer, decoded
from baseten_jobs.api.errors import ApiError, Broken, NotSent
from baseten_jobs.api.exchange import Limits, Line, Open, Reply
from baseten_jobs.api.pacing import Backoff, Clock, RateLimit
from baseten_jobs.diagnostics import one_line
from baseten_jobs.secrecy import without_key

_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
_ATTEMPTS = 6
_FEW_ATTEMPTS = 3
"""For what can be done without: a plan should not wait long for it."""

_AGAIN = 3
"""Times what one exchange may take: a call that broke off after that is not repeated."""

_LEAST = 1.0
"""Seconds that every attempt has, however late it is."""

_TOLD = 4096
"""Bytes of an answer that are looked through for the server's words."""


class Api:
    """Baseten over one `httpx.Client`, for use by several threads at once. Every method raises ApiError.

    `embedded` says that it is the API within this process, which takes uploads itself.
    """

    def __init__(
        self,
        http: httpx.Client,
        clock: Clock,
        *,
        secret: str = "",
        backoff: Backoff | None = None,
        embedded: bool = False,
        reopen: Open | None = None,
    ) -> None:
        self._line = Line(http, clock.now, reopen)
        self.clock, self._secret, self.embedded = clock, secret, embedded
        self.backoff = backoff or Backoff()
        self._limit = RateLimit(clock)
        self._attempts = _ATTEMPTS
        self._within: float | None = None
        self._until = float("inf")

    def hasty(self, attempts: int, within: float, until: float = float("inf")) -> "Api":
        """The same, trying at most so often, and waiting at most so many seconds for an answer.

        `until` is the clock's time after which nothing is tried again; an attempt has at least a second.
        """
        other = copy(self)
        longest = self._http.timeout.read
        other._attempts, other._within = attempts, within if longest is None else min(within, longest)
        other._until = until
        return other

    @property
    def _http(self) -> httpx.Client:
        return self._line.http

    def __repr__(self) -> str:
        return f"Api({self.base_url})"

    @property
    def base_url(self) -> str:
        return str(self._http.base_url).rstrip("/")

    @property
    def is_loopback(self) -> bool:
        """Whether the API is on this very machine."""
        host = self._http.base_url.host
        try:
            return host == "localhost" or ip_address(host).is_loopback
        except ValueError:
            return False

    def close(self) -> None:
        self._line.close()

    def projects(self) -> list[dict[str, Any]]:
        """All training projects of the organisation: one call, without pages."""
        return self._repeat("GET", "/v1/training_projects").rows("training_projects", "id", "name")

    def teams(self) -> list[dict[str, Any]]:
        return self._repeat("GET", "/v1/teams").rows("teams", "id", "name")

    def prices(self) -> list[dict[str, Any]]:
        """Each instance type with its price in USD per minute."""
        answer = self._repeat("GET", "/v1/instance_type_prices", attempts=_FEW_ATTEMPTS)
        return answer.rows("instance_types")

    def capacity(self) -> Mapping[str, Any]:
        """Limits and use of GPUs by type, of the organisation and of its teams."""
        return self._repeat("GET", "/v1/training/capacity", attempts=_FEW_ATTEMPTS).data or {}

    def secrets(self, team_id: str | None = None) -> list[dict[str, Any]]:
        """Secrets by name, never their values: of one team, or of every team that the key belongs to."""
        path, ids = ("/v1/teams/{}/secrets", (team_id,)) if team_id else ("/v1/secrets", ())
        return self._repeat("GET", path, *ids, attempts=_FEW_ATTEMPTS).rows("secrets")

    def upsert_project(self, name: str, team_id: str | None = None) -> dict[str, Any]:
        """Make a project, or get the one of that name; in the organisation's default team without `team_id`."""
        path = "/v1/teams/{}/training_projects" if team_id else "/v1/training_projects"
        ids = (team_id,) if team_id else ()
        answer = self._repeat("POST", path, *ids, body={"training_project": {"name": name}})
        return answer.row("training_project", "id")

    def search(self, **filters: Any) -> list[dict[str, Any]]:
        """Jobs by `project_id` or `job_id`, oldest first: one call, without pages."""
        body = {**filters, "order_by": [{"field": "created_at", "order": "asc"}]}
        return self._repeat("POST", "/v1/training_jobs/search", body=body).rows("training_jobs")

    def search_of(self, project_id: str) -> list[dict[str, Any]]:
        """All jobs of a project, oldest first."""
        return self.search(project_id=project_id)

    def jobs(self, project_id: str) -> list[dict[str, Any]]:
        """The project's own list of its jobs: a second witness beside the search."""
        return self._repeat("GET", "/v1/training_projects/{}/jobs", project_id).rows("training_jobs")

    def job(self, project_id: str, job_id: str) -> dict[str, Any]:
        """A job by its own address: a third witness. The error has the status 404 where the project has no such job."""
        return self._repeat("GET", "/v1/training_projects/{}/jobs/{}", project_id, job_id).row("training_job", "id")

    def logs(self, project_id: str, job_id: str, start: int, end: int | None, limit: int) -> list[dict[str, Any]]:
        """Log lines from `start` on, oldest first; both times in epoch milliseconds, the end is now where none is."""
        path = "/v1/training_projects/{}/jobs/{}/logs?direction=asc&limit={}&start_epoch_millis={}"
        until = () if end is None else (str(end),)
        path += "&end_epoch_millis={}" if until else ""
        return self._repeat("GET", path, project_id, job_id, str(limit), str(start), *until).rows("logs")

    def checkpoints(self, project_id: str, job_id: str) -> list[dict[str, Any]]:
        answer = self._repeat(
            "GET", "/v1/training_projects/{}/jobs/{}/checkpoints", project_id, job_id, attempts=_FEW_ATTEMPTS
        )
        return answer.rows("checkpoints")

    def stop(self, project_id: str, job_id: str) -> dict[str, Any]:
        answer = self._repeat("POST", "/v1/training_projects/{}/jobs/{}/stop", project_id, job_id, body={})
        return answer.row("training_job")

    def update(self, project_id: str, job_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Change priority or availability of a job that is still PENDING; else the API answers 400."""
        answer = self._repeat("PATCH", "/v1/training_projects/{}/jobs/{}", project_id, job_id, body=changes)
        return answer.row("training_job")

    def upload_credentials(self) -> dict[str, Any]:
        """A fresh place for one archive: `creds` that last a while, `s3_bucket` and `s3_key`."""
        answer = self._repeat("GET", "/v1/blobs/credentials/train")
        data = dict(answer.data or {})
        creds = data.get("creds")
        if not _hold_text(data, "s3_bucket", "s3_key"):
            raise ApiError(answer.call, "the answer names no place to upload to", answer.status)
        if not isinstance(creds, dict) or not _hold_text(creds, *_CREDENTIALS):
            raise ApiError(answer.call, "the answer holds no credentials", answer.status)
        return data

    def put_object(self, bucket: str, key: str, content: bytes, **query: str) -> None:
        """Give the embedded API an object, or one part of it, in the place of S3."""
        self._object_call("PUT", bucket, key, query, content)

    def post_object(self, bucket: str, key: str, **query: str) -> str:
        """Begin or end an upload in parts to the embedded API; its answer, which is XML."""
        return self._object_call("POST", bucket, key, query).text

    def _object_call(
        self, method: str, bucket: str, key: str, query: Mapping[str, str], content: bytes = b""
    ) -> httpx.Response:
        url = f"/_emulator/s3/{quote(bucket, safe='')}/{quote(key)}"
        try:
            response = self._http.request(method, url, params=query, content=content)
        except httpx.HTTPError as error:
            raise Broken(f"{method} {url}", _reason(error, "the connection broke")) from None
        if not response.is_success:
            raise ApiError(f"{method} {url}", one_line(response.text, 300), response.status_code)
        return response

    def drop_object(self, bucket: str, key: str, **query: str) -> None:
        """Give up an upload in parts to the embedded API."""
        self._object_call("DELETE", bucket, key, query)

    def create_once(self, project_id: str, body: Mapping[str, Any]) -> Answer:
        """Send one create, never repeated: raises NotSent or Broken where no whole answer came."""
        return self._exchange("POST", "/v1/training_projects/{}/jobs", project_id, body=body)

    def _repeat(
        self, method: str, path: str, *ids: str, body: Mapping[str, Any] | None = None, attempts: int = _ATTEMPTS
    ) -> Answer:
        attempts, began, error = min(attempts, self._attempts), self.clock.now(), ApiError("", "")
        for attempt in range(attempts):
            asked = None
            try:
                answer = self._exchange(method, path, *ids, body=body)
            except NotSent as unsent:
                error, again = unsent, attempt < 2
            except Broken as broken:
                error, again = broken, self.clock.now() < began + _AGAIN * (self._limits.whole or float("inf"))
            else:
                if answer.ok:
                    return answer
                error, asked = answer.error(), answer.retry_after
                again = error.passing or answer.status < 300
            wait = self.backoff.wait(attempt, asked)
            if not again or attempt == attempts - 1 or self.clock.now() + wait >= self._until:
                break
            self.clock.sleep(wait)
        raise error

    def _exchange(self, method: str, path: str, *ids: str, body: Mapping[str, Any] | None = None) -> Answer:
        url = path.format(*(quote(part, safe="") for part in ids))
        call = f"{method} {url}"
        self._limit.wait(f"{method} {path}")
        try:
            reply = self._line.exchange(method, url, body, self._limits)
        except _NEVER_SENT as error:
            raise NotSent(call, self._safe(_reason(error, f"could not connect to {self.base_url}"))) from None
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
            raise Broken(call, self._safe(_reason(error, "the connection broke"))) from None
        good = reply.response.is_success
        text = "" if good else self._safe(reply.raw[:_TOLD].decode("utf-8", "replace"))
        header = reply.response.headers.get("Retry-After", "")
        asked = float(header) if re.fullmatch("[0-9]{1,6}", header) else None
        data = self._object(reply.raw, good)
        return Answer(call, reply.response.status_code, data, text, asked, _sent(reply))

    @property
    def _limits(self) -> Limits:
        """The embedded API is this very process, and not waited for."""
        timeout = self._http.timeout
        if self._within is not None:
            within = min(self._within, max(_LEAST, self._until - self.clock.now()))
            return Limits(within, None if self.embedded else within)
        if self.embedded or timeout.read is None:
            return Limits(None, None)
        return Limits(None, timeout.read + max(timeout.read, timeout.connect or 0.0))

    def _object(self, raw: bytes, good: bool) -> Mapping[str, Any] | None:
        try:
            data = decoded(raw)
            if not isinstance(data, dict):
                return None
            safe: dict[str, Any] = data if good else json.loads(self._safe(json.dumps(data, ensure_ascii=False)))
        except (ValueError, RecursionError):
            return None
        return safe

    def _safe(self, text: str) -> str:
        """A server may echo what it was sent; the key is taken out before anything is kept."""
        return without_key(text, self._secret)


_CREDENTIALS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
"""All are needed: in the place of a missing one an S3 client would take the user's own."""


def _hold_text(data: Mapping[str, Any], *names: str) -> bool:
    return all(isinstance(data.get(name), str) and data[name] for name in names)


def _reason(error: Exception, what: str) -> str:
    words = str(error) or ("no answer in time" if isinstance(error, httpx.TimeoutException) else "")
    return one_line(f"{what}: {words}" if words else what, 300)


def _sent(reply: Reply) -> float | None:
    """The server's own clock when the request was sent, in epoch seconds; None where its answer has no date."""
    try:
        return parsedate_to_datetime(reply.response.headers["Date"]).timestamp() - reply.took
    except (KeyError, ValueError, OverflowError):
        return None
