"""One method for each Baseten call that the tool uses; reads and repeatable writes are retried here."""

import json
import re
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from baseten_jobs.api.errors import ApiError, Broken, NotSent
from baseten_jobs.api.pacing import Backoff, Clock, RateLimit
from baseten_jobs.diagnostics import one_line

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

_LONGEST_ASKED = 60.0
_TOLD = 4096
"""Bytes of an answer that are looked through for the server's words."""
SHORTEST_KEY = 6
"""Baseten's keys are far longer; a shorter word stands in every other message."""


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer; `data` is nothing where the body is not a JSON object."""

    call: str
    status: int
    data: Mapping[str, Any] | None
    text: str
    asked: float | None = None

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300 and self.data is not None

    @property
    def words(self) -> str:
        """The status and the server's own words, on one line."""
        said = _message(self.data) or _plain(self.text)
        try:
            name = f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            name = str(self.status)
        if 200 <= self.status < 300:
            name += ", but the answer is not a JSON object"
        return one_line(f"{name}: {said}" if said else name, 300)

    @property
    def retry_after(self) -> float | None:
        """Seconds that the server asks to wait, as told in the body of a 429, or in its header."""
        asked = (self.data or {}).get("retry_after", self.asked)
        if not isinstance(asked, (int, float)) or not asked >= 0:
            return None
        return float(min(asked, _LONGEST_ASKED))

    def error(self) -> ApiError:
        return ApiError(self.call, self.words, self.status)


def _message(data: Mapping[str, Any] | None) -> str:
    for name in ("message", "error", "detail"):
        said = (data or {}).get(name)
        if said:
            return said if isinstance(said, str) else json.dumps(said)
    return ""


def _plain(text: str) -> str:
    return " ".join(re.sub(r"<(style|script).*?</\1>|<[^>]*>", " ", text, flags=re.S).split())


class Api:
    """Baseten over one `httpx.Client`, for use by several threads at once. Every method raises ApiError."""

    def __init__(self, http: httpx.Client, clock: Clock, *, secret: str = "", backoff: Backoff | None = None) -> None:
        self._http, self.clock, self._secret = http, clock, secret
        self.backoff = backoff or Backoff()
        self._limit = RateLimit(clock)
        self._attempts = _ATTEMPTS
        self._within: float | None = None

    def hasty(self, attempts: int, within: float) -> "Api":
        """The same, trying at most so often, and waiting at most so many seconds for an answer."""
        other = copy(self)
        longest = self._http.timeout.read
        other._attempts, other._within = attempts, within if longest is None else min(within, longest)
        return other

    def __repr__(self) -> str:
        return f"Api({self.base_url})"

    @property
    def base_url(self) -> str:
        return str(self._http.base_url).rstrip("/")

    def close(self) -> None:
        self._http.close()

    def projects(self) -> list[dict[str, Any]]:
        """All training projects of the organisation: one call, without pages."""
        return _rows(self._repeat("GET", "/v1/training_projects"), "training_projects", "id", "name")

    def teams(self) -> list[dict[str, Any]]:
        return _rows(self._repeat("GET", "/v1/teams"), "teams", "id", "name")

    def prices(self) -> list[dict[str, Any]]:
        """Each instance type with its price in USD per minute."""
        answer = self._repeat("GET", "/v1/instance_type_prices", attempts=_FEW_ATTEMPTS)
        return _rows(answer, "instance_types")

    def capacity(self) -> Mapping[str, Any]:
        """Limits and use of GPUs by type, of the organisation and of its teams."""
        return self._repeat("GET", "/v1/training/capacity", attempts=_FEW_ATTEMPTS).data or {}

    def secrets(self, team_id: str | None = None) -> list[dict[str, Any]]:
        """Secrets by name, never their values: of one team, or of every team that the key belongs to."""
        path, ids = ("/v1/teams/{}/secrets", (team_id,)) if team_id else ("/v1/secrets", ())
        return _rows(self._repeat("GET", path, *ids, attempts=_FEW_ATTEMPTS), "secrets")

    def upsert_project(self, name: str, team_id: str | None = None) -> dict[str, Any]:
        """Make a project, or get the one of that name; in the organisation's default team without `team_id`."""
        path = "/v1/teams/{}/training_projects" if team_id else "/v1/training_projects"
        ids = (team_id,) if team_id else ()
        answer = self._repeat("POST", path, *ids, body={"training_project": {"name": name}})
        return _row(answer, "training_project", "id")

    def search(self, **filters: Any) -> list[dict[str, Any]]:
        """Jobs by `project_id` or `job_id`, oldest first: one call, without pages."""
        body = {**filters, "order_by": [{"field": "created_at", "order": "asc"}]}
        return _rows(self._repeat("POST", "/v1/training_jobs/search", body=body), "training_jobs")

    def search_of(self, project_id: str) -> list[dict[str, Any]]:
        """All jobs of a project, oldest first."""
        return self.search(project_id=project_id)

    def jobs(self, project_id: str) -> list[dict[str, Any]]:
        """The project's own list of its jobs: a second witness beside the search."""
        return _rows(self._repeat("GET", "/v1/training_projects/{}/jobs", project_id), "training_jobs")

    def stop(self, project_id: str, job_id: str) -> dict[str, Any]:
        answer = self._repeat("POST", "/v1/training_projects/{}/jobs/{}/stop", project_id, job_id, body={})
        return _row(answer, "training_job")

    def update(self, project_id: str, job_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Change priority or availability of a job that is still PENDING; else the API answers 400."""
        answer = self._repeat("PATCH", "/v1/training_projects/{}/jobs/{}", project_id, job_id, body=changes)
        return _row(answer, "training_job")

    def create_once(self, project_id: str, body: Mapping[str, Any]) -> Answer:
        """Send one create, never repeated: raises NotSent or Broken where no whole answer came."""
        return self._exchange("POST", "/v1/training_projects/{}/jobs", project_id, body=body)

    def _repeat(
        self, method: str, path: str, *ids: str, body: Mapping[str, Any] | None = None, attempts: int = _ATTEMPTS
    ) -> Answer:
        attempts = min(attempts, self._attempts)
        for attempt in range(attempts):
            last, asked = attempt == attempts - 1, None
            try:
                answer = self._exchange(method, path, *ids, body=body)
            except NotSent:
                if last or attempt >= 2:
                    raise
            except Broken:
                if last:
                    raise
            else:
                if answer.ok:
                    return answer
                if last or not (answer.error().passing or answer.status < 300):
                    raise answer.error()
                asked = answer.retry_after
            self.clock.sleep(self.backoff.wait(attempt, asked))
        raise AssertionError("unreachable")

    def _exchange(self, method: str, path: str, *ids: str, body: Mapping[str, Any] | None = None) -> Answer:
        url = path.format(*(quote(part, safe="") for part in ids))
        call = f"{method} {url}"
        self._limit.wait(f"{method} {path}")
        try:
            response, raw = self._answered(method, url, body)
        except _NEVER_SENT as error:
            raise NotSent(call, self._safe(_reason(error, f"could not connect to {self.base_url}"))) from None
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
            raise Broken(call, self._safe(_reason(error, "the connection broke"))) from None
        good = response.is_success
        text = "" if good else self._safe(raw[:_TOLD].decode("utf-8", "replace"))
        header = response.headers.get("Retry-After", "")
        asked = float(header) if re.fullmatch("[0-9]{1,6}", header) else None
        return Answer(call, response.status_code, self._object(raw, good), text, asked)

    def _answered(self, method: str, url: str, body: Mapping[str, Any] | None) -> tuple[httpx.Response, bytes]:
        """A whole answer; one that drips in for ever is broken off, for httpx bounds only each of its parts."""
        timeout = httpx.USE_CLIENT_DEFAULT if self._within is None else httpx.Timeout(self._within)
        longest = self._within or self._http.timeout.read
        end = None if longest is None else self.clock.now() + 2 * longest
        with self._http.stream(method, url, json=body, timeout=timeout) as response:
            parts = []
            for part in response.iter_bytes():
                parts.append(part)
                if end is not None and self.clock.now() > end:
                    raise httpx.ReadTimeout("the answer came too slowly")
            return response, b"".join(parts)

    def _object(self, raw: bytes, good: bool) -> Mapping[str, Any] | None:
        try:
            data = json.loads(raw)
            if not isinstance(data, dict):
                return None
            safe: dict[str, Any] = data if good else json.loads(self._safe(json.dumps(data, ensure_ascii=False)))
        except (ValueError, RecursionError):
            return None
        return safe

    def _safe(self, text: str) -> str:
        """A server may echo what it was sent; the key is taken out before anything is kept."""
        return text.replace(self._secret, "[key]") if len(self._secret) >= SHORTEST_KEY else text


def _reason(error: Exception, what: str) -> str:
    words = str(error) or ("no answer in time" if isinstance(error, httpx.TimeoutException) else "")
    return one_line(f"{what}: {words}" if words else what, 300)


def _rows(answer: Answer, name: str, *needed: str) -> list[dict[str, Any]]:
    rows = (answer.data or {}).get(name)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ApiError(answer.call, f"the answer holds no list '{name}'", answer.status)
    for row in rows:
        _check(answer, row, name, needed)
    return rows


def _row(answer: Answer, name: str, *needed: str) -> dict[str, Any]:
    row = (answer.data or {}).get(name)
    if not isinstance(row, dict):
        raise ApiError(answer.call, f"the answer holds no '{name}'", answer.status)
    _check(answer, row, name, needed)
    return row


def _check(answer: Answer, row: Mapping[str, Any], name: str, needed: Sequence[str]) -> None:
    for field in needed:
        if not isinstance(row.get(field), str) or not row[field]:
            raise ApiError(answer.call, f"'{name}' of the answer lacks '{field}'", answer.status)
