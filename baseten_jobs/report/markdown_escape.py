"""Text from outside -> Markdown that only shows it: no markup, no mention, no link and no HTML comes of it."""

import re

from baseten_jobs.phrases import one_line

_ACTIVE = re.compile(
    r"[&<>\\`*\[\]|~$#@]|(?<![^\W_])_|_(?![^\W_])|:(?=/|[\w+-]+:)|(?<=www)\.|(?<=\bgh)-(?=\d)", re.IGNORECASE
)
"""What Markdown, its dialects or hosts react to; `_` at the edge of a word too, addresses, `:tada:`, `$x$`, `GH-1`."""

_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[A-Za-z0-9.~_%-]*)*")
_CODE = re.compile(r"`([^`]+)`")


def prose(text: str, limit: int = 300) -> str:
    """A text in one line; words between backticks become code."""
    pieces = _CODE.split(one_line(text, limit))
    return "".join(code(piece) if i % 2 else _inert(piece) for i, piece in enumerate(pieces))


def code(text: str, limit: int = 200) -> str:
    """One line of code. An element instead of backticks: entities hold in it, and in a table's cell."""
    return f"<code>{in_code(text, limit)}</code>"


def linked(text: str, url: str) -> str:
    """One line of code, with a link where the address is one of which no markup can come."""
    return f"[{code(text)}]({url})" if _ADDRESS.fullmatch(url) else code(text)


def in_code(text: str, limit: int = 200) -> str:
    """Text to stand inside of `code`; the comment keeps an address from becoming a link."""
    return _escaped(one_line(text, limit)).replace("&#64;", "&#64;<!-- -->")


def in_comment(text: str) -> str:
    """A text to stand inside an HTML comment: one line, without `--` and `>`, which would end the comment."""
    kept = "".join(c if c.isalnum() or c in "-._/:, " else f"%{ord(c):02X}" for c in text[:200])
    return kept.replace("--", "-%2D").strip("- ")


def _inert(text: str) -> str:
    """Text escaped, with zero-width spaces, as GitHub makes links of `@name`, `#1`, `GH-1` after Markdown was read."""
    return re.sub(r"&#(35|45|64);", r"&#\1;&#8203;", _escaped(text))


def _escaped(text: str) -> str:
    return _ACTIVE.sub(lambda found: f"&#{ord(found[0])};", text)
