"""Names and values of environment variables -> whether they look like a secret."""

import json
import re
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from baseten_jobs.phrases import one_line

MASK = "***"
"""Stands for a value that is not shown."""


class Values(Enum):
    """Which values a report shows: all; those that do not look like a secret; or, of environment variables, none."""

    ALL = "all"
    PLAIN = "plain"
    NONE = "none"


# Patterns that few manifests need are compiled when they are used: together they take longer than a manifest.
_ENDS_OF_WORDS = (
    "TOKEN", "SECRET", "SECRETS", "PASSWORD", "PASSWORDS", "PASSWD", "PASSPHRASE", "CREDENTIAL", "CREDENTIALS",
    "AUTHORIZATION", "APIKEY", "ACCESSKEY", "SECRETKEY", "PRIVATEKEY",
)  # fmt: skip
_WHOLE_WORDS = ("KEY", "PWD", "COOKIE", "BEARER")
_LAST_WORDS = ("PASS", "PAT", "JWT")
"""What names a secret in the words of a variable's name: the end of a word, a whole word, the last of several words.

The names that are looked for in files are derived from these.
"""

_SECRET_WORD = rf".*({'|'.join(_ENDS_OF_WORDS)})|{'|'.join(_WHOLE_WORDS)}"

_COUNTED = frozenset({"MAX", "MIN", "NUM", "COUNT", "N", "USE", "NO", "IS", "HAS"})
_ABOUT_IT = (
    "FILE|PATH|DIR|FOLDER|NAME|IDS?|TYPE|FORMAT|KIND|MODE|VERSION|ALGORITHM|REF|ARN|URL|URI|ENDPOINT|HOST|PORT|REGION"
    "|LENGTH|LEN|COUNT|LIMIT|SIZE|BUDGET|RATE|RATIO|PROB|DROPOUT|INDEX|BATCH|TTL|EXPIRY|TIMEOUT|PREFIX|SUFFIX|COLUMN"
    "|FIELD|ENABLED|MAX|NUM"
)
"""Last words of names of variables that hold something about a secret, such as its file, and not the secret."""

_OF_TEXTS_AND_TABLES = (
    "(PAD|EOS|BOS|UNK|SEP|CLS|MASK|IMAGE|VIDEO|AUDIO|STOP|START|END|SPECIAL) TOKEN"
    "|(SORT|PARTITION|PRIMARY|FOREIGN|PUBLIC|ROW|COLUMN|LABEL|TEXT|IMAGE|PROMPT|INPUT|OUTPUT|TARGET|FEATURE|INDEX"
    "|CACHE|DATA|DATASET|OBJECT|S3|MAP|QUESTION|ANSWER|RESPONSE|METRIC|GROUP) KEY"
)


class _Form(NamedTuple):
    """A kind of secret: `pattern` matches it; every repetition is bounded, so that matching takes linear time.

    Each such secret contains one of `traces` or matches `quick`: a long text is searched for these first.
    """

    pattern: str
    traces: tuple[str, ...] = ()
    quick: str = ""


_KEYS = (
    _Form(r"hf_[A-Za-z0-9]{20}", quick=r"hf_[A-Za-z0-9]{20}"),
    _Form(r"sk-(?=[a-z_-]{0,40}[A-Z0-9])[A-Za-z0-9_-]{20}", ("sk-",)),
    _Form(r"[sr]k_live_[A-Za-z0-9]{16}", ("k_live_",)),
    _Form(r"gh[pousr]_[A-Za-z0-9]{20}", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")),
    _Form(r"github_pat_\w{20}", ("github_pat_",)),
    _Form(r"glpat-[\w-]{20}", ("glpat-",)),
    _Form(r"xox[abprs]-[\w-]{10}", ("xox",)),
    _Form(r"nvapi-[\w-]{20}", ("nvapi-",)),
    _Form(r"npm_[A-Za-z0-9]{36}", ("npm_",)),
    _Form(r"pypi-[\w-]{40}", ("pypi-",)),
    _Form(r"dckr_pat_[\w-]{20}", ("dckr_pat_",)),
    _Form(r"hv[sb]\.[\w-]{24}", ("hvs.", "hvb.")),
    _Form(r"atlasv1\.[\w-]{20}", ("atlasv1.",)),
    _Form(r"A[KS]IA[0-9A-Z]{16}(?![A-Za-z0-9])", ("AKIA", "ASIA")),
    _Form(r"AIza[\w-]{35}", ("AIza",)),
    _Form(r"eyJ[\w-]{10,160}\.[\w-]{10}", ("eyJ",)),
    _Form(r"[A-Za-z0-9]{8}\.[A-Za-z0-9]{32}(?![A-Za-z0-9])", quick=r"\.[A-Za-z0-9]{32}"),
)
"""Keys of well-known services, which no letter or digit precedes. Baseten's is the last."""

_LOGIN = r"://[^/\s:@$]{1,200}:(?![$<{*])[^/\s@]{1,200}@"

_BLOCKS = (
    _Form(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----", ("-----BEGIN",)),
    _Form(r"AGE-SECRET-KEY-1", ("AGE-SECRET-KEY-1",)),
    _Form(_LOGIN, quick=_LOGIN),
)
"""Secrets that anything may precede: private keys, and passwords in URLs."""

_ENTRIES = (
    _Form(
        r"(?ai:secret_?access_?key)[\"']?\s{0,4}[:=]\s{0,4}[\"']?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])",
        ("access_key", "accesskey"),
    ),
    _Form(r":_(?:authToken|auth|password)\s{0,4}=\s{0,4}(?!\$)[^\s$]{8}", (":_auth", ":_password")),
    _Form(
        r"[\"'](?:auth|identitytoken)[\"']\s{0,4}:\s{0,4}[\"'][A-Za-z0-9+/]{12}", ('auth"', "auth'", "identitytoken")
    ),
    _Form(r"client-key-data[\"']?\s{0,4}:\s{0,4}[\"']?[A-Za-z0-9+/]{40}", ("client-key-data",)),
    _Form(
        r"[\"']type[\"']\s{0,4}:\s{0,4}[\"'](?:service_account|authorized_user|external_account(?:_authorized_user)?"
        r"|impersonated_service_account|gdch_service_account)[\"']",
        ("_account", "authorized_user"),
    ),
    _Form(
        r"(?<!\w)machine[ \t]{1,4}[\w.:-]{1,99}[ \t]{1,4}login[ \t]{1,4}\S{1,99}[ \t]{1,4}password[ \t]{1,4}[^\s$]",
        ("machine ", "machine\t"),
    ),
)
"""Secrets as the files of tools hold them: AWS, npm, Docker, Kubernetes, Google, netrc.

Their traces are in lower case, and stand in many texts that hold no secret.
"""


def _any_of(forms: Iterable[_Form]) -> str:
    return "|".join(form.pattern for form in forms)


_KEPT = _any_of(_ENTRIES)
_VALUE = rf"(?<![A-Za-z0-9])(?:{_any_of(_KEYS)})|{_any_of(_BLOCKS)}|{_KEPT}"
_TRACES = tuple(trace for form in (*_KEYS, *_BLOCKS) for trace in form.traces)
_RARE = tuple(re.compile(form.quick) for form in (*_KEYS, *_BLOCKS) if form.quick)
_TRACES_OF_KEPT = tuple(trace for form in _ENTRIES for trace in form.traces)

_PLAIN_VALUE = (
    r"(?i)|true|false|yes|no|on|off|none|null|auto|default|[0-9.e+-]{1,5}"
    r"|<[^<>]*>|\[[^]]*\]|(~|\.{0,2})(/[\w.@-]+)+/?"
)
"""Literal values that are no secret: empty, switches, small numbers, special tokens, paths of files."""


_ASSIGNED = re.compile(
    r"([A-Za-z_][\w.-]{0,60})[\"']?\s{0,4}[:=]\s{0,4}[\"']?"
    r"(?=(?:[A-Za-z+/_=~-]{0,40}\d){3})[A-Za-z0-9+/_=~-]{16,200}+(?![.(\[])"
)
"""A name that is given a text of 16 characters or more with at least three digits, and not a call or an attribute."""

_LONG_VALUE = re.compile(r"[:=]\s{0,4}[\"']?[\w+/=~-]{16}")
_WORDS = (*_ENDS_OF_WORDS, *_WHOLE_WORDS)
_STEMS = tuple(word for word in _WORDS if not any(other != word and other in word for other in _WORDS))
_MAYBE_ASSIGNED = (
    rf"(?:(?:{'|'.join(_STEMS)})[^\s\"':=]{{0,60}}+|(?:{'|'.join(_LAST_WORDS)})[^\s\"':=A-Z0-9]{{0,60}}+)"
    r"[\"']?\s{0,4}[:=]\s{0,4}[\"']?[\w+/=~-]{16}"
)
"""Matches the upper-case form of any text in which a long value is given to a variable whose name names a secret."""


@lru_cache(maxsize=1024)
def names_a_secret(variable: str) -> bool:
    """True if a variable of this name probably holds a secret.

    `HF_TOKEN` and `DB_PASSWORD` do; `MAX_TOKENS`, `TOKENIZERS_PARALLELISM` and `KEY_FILE` do not.
    """
    spread = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", variable[:200]).upper()
    words = [word for word in re.split(r"[^A-Z0-9]+", spread) if word]
    if not words or re.fullmatch(_ABOUT_IT, words[-1]) or words[0] in _COUNTED or words == ["PWD"]:
        return False
    if len(words) > 1 and words[-1] in _LAST_WORDS:
        return True
    return any(
        re.fullmatch(_SECRET_WORD, word) and not re.fullmatch(_OF_TEXTS_AND_TABLES, f"{before} {word}")
        for before, word in zip(["", *words], words, strict=False)
    )


def is_a_secret(value: str) -> bool:
    """True if the value contains a token, key or password of a well-known form."""
    return may_hold_a_secret(value) and re.search(_VALUE, value) is not None


def may_hold_a_secret(text: str) -> bool:
    """True if the text may contain a secret of a well-known form; False is certain. Far faster than `is_a_secret`."""
    if any(trace in text for trace in _TRACES) or any(rare.search(text) for rare in _RARE):
        return True
    lowered = text.lower()
    return any(trace in lowered for trace in _TRACES_OF_KEPT) and re.search(_KEPT, text) is not None


def lines_with_secrets(text: str, limit: int) -> list[int]:
    """Return the numbers, from 1, of the first `limit` lines that contain a secret or assign a variable named so."""
    assigned = _LONG_VALUE.search(text) is not None and re.search(_MAYBE_ASSIGNED, text.upper()) is not None
    if not assigned and not may_hold_a_secret(text):
        return []
    found: list[int] = []
    for number, line in enumerate(text.split("\n"), 1):
        if is_a_secret(line) or (assigned and _assigns_a_secret(line)):
            found.append(number)
            if len(found) == limit:
                break
    return found


def _assigns_a_secret(line: str) -> bool:
    """True if the line assigns a value of the length and digits of a key to a variable whose name names a secret."""
    if not re.search(_MAYBE_ASSIGNED, line.upper()):
        return False
    return any(names_a_secret(match[1]) for match in _ASSIGNED.finditer(line[:4000]))


def looks_secret(variable: str, value: str) -> bool:
    """True if the variable seems to hold a secret as a literal value, and not a reference to one such as `$TOKEN`."""
    if is_a_secret(value):
        return True
    if not names_a_secret(variable):
        return False
    return not re.fullmatch(_PLAIN_VALUE, value.strip()[:200]) and not re.search(r"\$\w|\$[({]|\{\{", value)


def quoted(value: str, limit: int = 60) -> str:
    """Return a value as messages show it: quoted, on one line, cut to `limit`; or only words if it may be a secret."""
    return "a value that looks like a secret" if is_a_secret(value) else f"'{one_line(value, limit)}'"


_WHOLE_VALUE = rf"(?s)(?:{_VALUE})(?:(?<=PRIVATE KEY-----).*|[^\s'\"]*)"


_SHORTEST_KEY = 6
"""Characters of the shortest value that is masked: shorter ones may be words of a message, and no key is as short."""


_CUT = ("…", "\\u2026", "&#8230;")
"""The mark at the end of a cut text: as it is, in JSON, and in HTML."""


_PLAINLY = 20
"""Characters from which the beginning of a key is masked even if no mark shows that it was cut: no chance match."""


def without_key(text: str, key: str) -> str:
    """Return the text with the API's key masked: as it is, as JSON escapes it, and its beginning where text was cut."""
    if len(key) < _SHORTEST_KEY:
        return text
    for spelled in dict.fromkeys((key, json.dumps(key)[1:-1])):
        text = text.replace(spelled, "[key]")
        if spelled[:_SHORTEST_KEY] not in text:
            continue
        for end in range(len(spelled) - 1, _SHORTEST_KEY - 1, -1):
            for mark in ("",) if end >= _PLAINLY else _CUT:
                text = text.replace(spelled[:end] + mark, f"[key]{mark}")
    return text


def without_values(text: str, values: Iterable[str], mask: str) -> str:
    """Return the text with these values masked: as they are, as messages escape them, and cut at the text's end.

    Values shorter than six characters stay, since they may be words of the message.
    """
    spelled = {way for v in values for way in (v, json.dumps(v)[1:-1], one_line(v, len(v) + 1))}
    for value in sorted((way for way in spelled if len(way) >= _SHORTEST_KEY), key=lambda way: (-len(way), way)):
        text = text.replace(value, mask)
        cut = next((n for n in range(len(value) - 1, _SHORTEST_KEY - 1, -1) if text.endswith(f"{value[:n]}…")), 0)
        text = f"{text[: -cut - 1]}{mask}…" if cut else text
    return text


def hidden(text: str, mask: str) -> str:
    """Return the text with every secret of a well-known form masked, up to the next space or quote."""
    return re.sub(_WHOLE_VALUE, mask, text) if may_hold_a_secret(text) else text
