"""A call -> its answer; what may be repeated is, where that may help."""

from collections.abc import Mapping
from copy import copy
from types import MappingProxyType
from typing import Any, Self
from urllib.parse import quote

import httpx

from baseten_jobs.phrases import one_line
from baseten_jobs.provider.api.answer import Answer, answer_of
from baseten_jobs.provider.api.body import TooLarge
from baseten_jobs.provider.api.errors import ApiError, Broken, NotSent, UnreadableAnswer
from baseten_jobs.provider.api.exchange import MIB, Channel, ExchangeLimits, Open
from baseten_jobs.provider.api.pacing import Backoff, Clock, RateLimit, ServerClock, Waits, nth
from baseten_jobs.provider.dashboard import page_of
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

_AGAIN = 3
"""Times what one exchange may take: a call that broke off after that is not repeated."""

_LEAST = 1.0
"""Seconds that every attempt has, however late it is."""

_SMALL, _LARGE, _LARGEST = 1 * MIB, 16 * MIB, 128 * MIB
_MOST: Mapping[str, int] = MappingProxyType(
    {
        "POST /v1/training_jobs/search": _LARGEST,
        "GET /v1/training_projects/{}/jobs": _LARGEST,
        "GET /v1/training_projects/{}/jobs/{}/logs": _LARGEST,
        "GET /v1/training_projects/{}/jobs/{}": _SMALL,
        "POST /v1/training_projects/{}/jobs": _SMALL,
        "POST /v1/training_projects/{}/jobs/{}/stop": _SMALL,
        "PATCH /v1/training_projects/{}/jobs/{}": _SMALL,
        "POST /v1/training_projects": _SMALL,
        "POST /v1/teams/{}/training_projects": _SMALL,
        "GET /v1/blobs/credentials/train": _SMALL,
    }
)
"""Bytes, unpacked, of an answer at most: 60,000 jobs take 128 MiB. What is not here may have 16 MiB."""


class Caller:
    """A server over one `httpx.Client`, for use by several threads at once."""

    def __init__(
        self,
        http: httpx.Client,
        clock: Clock,
        *,
        secret: str = "",
        backoff: Backoff | None = None,
        embedded: bool = False,
        reopen: Open | None = None,
        keyless: Open | None = None,
        proxied: str = "",
        insecure_http: bool = False,
        dashboard: str = "",
    ) -> None:
        self._line = Channel(http, clock.now, reopen)
        self.clock, self._secret, self.embedded = clock, secret, embedded
        self._proxied, self.insecure_http, self._keyless = proxied, insecure_http, keyless or httpx.Client
        self._dashboard = dashboard
        self.backoff = backoff or Backoff()
        self.rate_limit, self.waits = RateLimit(clock), Waits(clock)
        self.server_clock = ServerClock(clock)
        self._attempts = _ATTEMPTS
        self._within: float | None = None
        self._until = float("inf")

    def hasty(self, attempts: int, within: float, until: float = float("inf")) -> Self:
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

    def page_of(self, project_id: str, job_id: str) -> str:
        """The address of a job's page on the dashboard; empty where none is known."""
        return page_of(self._dashboard, project_id, job_id)

    def close(self) -> None:
        self._line.close()

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
            except UnreadableAnswer:
                raise
            except Broken as broken:
                error, again = broken, self.clock.now() < began + _AGAIN * (self._limits().whole or float("inf"))
            else:
                if answer.ok:
                    return answer
                error, asked = answer.error(), answer.retry_after
                again = error.passing or answer.status < 300
            wait = self.backoff.wait(attempt, asked)
            if not again or attempt == attempts - 1 or self.clock.now() + wait >= self._until:
                break
            self.waits.sleep(wait, str(error), nth(attempt + 2, attempts))
        raise error

    def _exchange(self, method: str, path: str, *ids: str, body: Mapping[str, Any] | None = None) -> Answer:
        url = path.format(*(quote(part, safe="") for part in ids))
        call, endpoint = f"{method} {url}", f"{method} {path.partition('?')[0]}"
        self.rate_limit.wait(endpoint)
        began = self.clock.wall()
        try:
            reply = self._line.exchange(method, url, body, self._limits(_MOST.get(endpoint, _LARGE)))
            answer = answer_of(call, reply, self._secret, self.clock.wall())
        except _NEVER_SENT as error:
            raise NotSent(call, self._reason(error, self._could_not_connect)) from None
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
            raise Broken(call, self._reason(error, "the connection broke")) from None
        except TooLarge as error:
            raise UnreadableAnswer(call, str(error), 200) from None
        except MemoryError:
            raise UnreadableAnswer(call, "the answer is larger than the memory that is left", 200) from None
        except RecursionError:
            raise UnreadableAnswer(call, "the answer is nested too deeply", 200) from None
        if answer.sent is not None:
            self.server_clock.hear(answer.sent, began)
        self.rate_limit.refused += answer.status == 429
        return answer

    @property
    def _could_not_connect(self) -> str:
        way = f" through the proxy that {self._proxied} names" if self._proxied else ""
        return f"could not connect to {self.base_url}{way}"

    def _limits(self, most: int = 0) -> ExchangeLimits:
        """The embedded API is this very process, and not waited for."""
        timeout = self._http.timeout
        if self._within is not None:
            within = min(self._within, max(_LEAST, self._until - self.clock.now()))
            return ExchangeLimits(within, None if self.embedded else within, most)
        if self.embedded or timeout.read is None:
            return ExchangeLimits(None, None, most)
        return ExchangeLimits(None, timeout.read + max(timeout.read, timeout.connect or 0.0), most)

    def _reason(self, error: Exception, what: str) -> str:
        """In words, without the key, which a server may echo: that is taken out before anything is cut."""
        words = str(error) or ("no answer in time" if isinstance(error, httpx.TimeoutException) else "")
        return one_line(without_key(f"{what}: {words}" if words else what, self._secret), 300)
