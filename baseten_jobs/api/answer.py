"""A whole HTTP answer, and the server's own words in it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from baseten_jobs.api.errors import ApiError
from baseten_jobs.diagnostics import one_line

LONGEST_ASKED = 60.0
"""Seconds that a server is waited for at most, however long it asks for."""


_HALVES = (b"\\ud", b"\\uD", b"\xed")
"""Each half of a surrogate pair, escaped or not, begins so; little else does."""


def decoded(raw: bytes) -> Any:
    """What JSON says, `?` in the place of a lone half of a surrogate pair, which no terminal, file or URL can hold.

    Raises ValueError and RecursionError.
    """
    data = json.loads(raw)
    if not any(half in raw for half in _HALVES):
        return data
    return json.loads(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"))


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer; `data` is None where the body is not a JSON object.

    `sent` is when the request was sent, in epoch seconds by the server's own clock; None where it tells no date.
    """

    call: str
    status: int
    data: Mapping[str, Any] | None
    text: str
    asked: float | None = None
    sent: float | None = None

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
        return float(min(asked, LONGEST_ASKED))

    def error(self) -> ApiError:
        return ApiError(self.call, self.words, self.status)

    def rows(self, name: str, *needed: str) -> list[dict[str, Any]]:
        """The list of this name, each row with text in the needed fields; raises ApiError."""
        rows = (self.data or {}).get(name)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ApiError(self.call, f"the answer holds no list '{name}'", self.status)
        for row in rows:
            self._check(row, name, needed)
        return rows

    def row(self, name: str, *needed: str) -> dict[str, Any]:
        """The object of this name, with text in the needed fields; raises ApiError."""
        row = (self.data or {}).get(name)
        if not isinstance(row, dict):
            raise ApiError(self.call, f"the answer holds no '{name}'", self.status)
        self._check(row, name, needed)
        return row

    def _check(self, row: Mapping[str, Any], name: str, needed: Sequence[str]) -> None:
        for field in needed:
            if not isinstance(row.get(field), str) or not row[field]:
                raise ApiError(self.call, f"'{name}' of the answer lacks '{field}'", self.status)


def _message(data: Mapping[str, Any] | None) -> str:
    for name in ("message", "error", "detail"):
        said = (data or {}).get(name)
        if said:
            return said if isinstance(said, str) else json.dumps(said)
    return ""


def _plain(text: str) -> str:
    return " ".join(re.sub(r"<(style|script).*?</\1>|<[^>]*>", " ", text, flags=re.S).split())
