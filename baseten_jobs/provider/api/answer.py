"""A whole HTTP answer, and the server's own words in it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from baseten_jobs.phrases import one_line
from baseten_jobs.provider.api.body import TooLarge
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.api.exchange import TARGET, Reply
from baseten_jobs.secrecy import without_key

_LONGEST_ASKED = 60.0
"""Seconds that a server is waited for at most, however long it asks for."""


_HALVES = (b"\\ud", b"\\uD", b"\xed")
"""Each half of a surrogate pair, escaped or not, begins so; little else does."""


_HOLDERS = 2_000_000
"""Lists and objects; an empty one takes two bytes in JSON and sixty in memory. 60,000 jobs have 300,000."""


def decoded(raw: bytes) -> Any:
    """Return the value of a JSON text, with `?` for each lone surrogate, which no terminal, file or URL can hold.

    Raises ValueError, RecursionError, and TooLarge for more lists and objects than any answer has.
    """
    if raw.count(b"[") + raw.count(b"{") > _HOLDERS:
        raise TooLarge(f"the answer holds more than {_HOLDERS} lists and objects")
    data = json.loads(raw)
    if not any(half in raw for half in _HALVES):
        return data
    return json.loads(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"))


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer; `data` is None where the body is not a JSON object.

    `asked` is the seconds that a header asks to wait, `target` where one redirects to.
    `sent` is when the request was sent, in epoch seconds by the server's own clock; None where it tells no date.
    """

    call: str
    status: int
    data: Mapping[str, Any] | None
    text: str
    asked: float | None = None
    sent: float | None = None
    target: str = ""

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
        if self.target:
            name += (
                f" to '{one_line(self.target, 200)}', which is not followed; BASETEN_BASE_URL must name the API itself"
            )
            said = ""
        return one_line(f"{name}: {said}" if said else name, 300)

    @property
    def retry_after(self) -> float | None:
        """The seconds that the server asks to wait, in body or header, at most 60; None if it does not ask."""
        told = (self.data or {}).get("retry_after")
        given = isinstance(told, (int, float)) and not isinstance(told, bool) and told >= 0
        asked = told if given else self.asked
        return None if asked is None else float(min(asked, _LONGEST_ASKED))

    def error(self) -> ApiError:
        return ApiError(self.call, self.words, self.status)

    def rows(self, name: str, *needed: str) -> list[dict[str, Any]]:
        """Return the list of this name; raises ApiError if it is no list of objects with text in the needed fields."""
        rows = (self.data or {}).get(name)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ApiError(self.call, f"the answer holds no list '{name}'", self.status)
        for row in rows:
            self._check(row, name, needed)
        return rows

    def row(self, name: str, *needed: str) -> dict[str, Any]:
        """Return the object of this name; raises ApiError if it is none with text in the needed fields."""
        row = (self.data or {}).get(name)
        if not isinstance(row, dict):
            raise ApiError(self.call, f"the answer holds no '{name}'", self.status)
        self._check(row, name, needed)
        return row

    def _check(self, row: Mapping[str, Any], name: str, needed: Sequence[str]) -> None:
        for field in needed:
            if not isinstance(row.get(field), str) or not row[field]:
                raise ApiError(self.call, f"'{name}' of the answer lacks '{field}'", self.status)


def answer_of(call: str, reply: Reply, secret: str, now: float) -> Answer:
    """A reply as it is kept: without the key, which a server may echo, in what it says for people to read.

    `now` is the time in epoch seconds, for a server that tells no date. Raises TooLarge, RecursionError, MemoryError.
    """
    headers, status, good = reply.response.headers, reply.response.status_code, reply.response.is_success
    try:
        data = decoded(reply.raw)
        if not isinstance(data, dict):
            data = None
        elif not good:
            data = json.loads(without_key(json.dumps(data, ensure_ascii=False), secret))
        elif secret:
            _clear(data, secret)
    except ValueError:
        data = None
    except RecursionError:
        if good:
            raise
        data = None
    text = "" if good else without_key(reply.raw.decode("utf-8", "replace"), secret)
    if reply.cut:
        text = text[: -2 * len(secret) or None]  # the key may have been cut
    date = _moment(headers.get("Date", ""))
    asked = _asked(headers.get("Retry-After", ""), now if date is None else date)
    target = without_key(reply.response.extensions.get(TARGET, ""), secret) if 300 <= status < 400 else ""
    return Answer(call, status, data, text, asked, None if date is None else date - reply.took, target)


def _clear(data: Mapping[str, Any], secret: str) -> None:
    """Take the key out of what rows say in words. Names and ids stay as they are: decisions depend on them."""
    for value in data.values():
        for row in value if isinstance(value, list) else (value,):
            for name in ("message", "error_message") if isinstance(row, dict) else ():
                if isinstance(row.get(name), str):
                    row[name] = without_key(row[name], secret)


def _asked(header: str, now: float) -> float | None:
    """`Retry-After` in seconds from `now`: a number, or a date (RFC 9110, 10.2.3); None where it is neither."""
    if re.fullmatch(r"[0-9]+", header.strip()):
        return float(header)
    moment = _moment(header)
    return None if moment is None else max(0.0, moment - now)


def _moment(header: str) -> float | None:
    """An HTTP date in epoch seconds, in any of its three forms (RFC 9110, 5.6.7); None where it is none."""
    try:
        date = parsedate_to_datetime(header)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _message(data: Mapping[str, Any] | None) -> str:
    for name in ("message", "error", "detail"):
        said = (data or {}).get(name)
        if said:
            return said if isinstance(said, str) else _as_json(said)
    return ""


def _as_json(said: Any) -> str:
    try:
        return json.dumps(said)
    except RecursionError:
        return ""


def _plain(text: str) -> str:
    return " ".join(re.sub(r"<(style|script).*?</\1>|<[^>]*>", " ", text, flags=re.S).split())
