"""Names and values of environment variables -> whether they look like a secret."""

import json
import re
from collections.abc import Iterable
from functools import lru_cache

from baseten_jobs.phrases import one_line

# Patterns that few manifests need are compiled when they are used: together they take longer than a manifest.
_SECRET_WORD = (
    r".*(TOKEN|SECRET|SECRETS|PASSWORD|PASSWORDS|PASSWD|PASSPHRASE|CREDENTIAL|CREDENTIALS|AUTHORIZATION"
    r"|(API|ACCESS|SECRET|PRIVATE)KEY)|KEY|PWD|COOKIE|BEARER"
)
_LAST_WORD = frozenset({"PASS", "PAT", "JWT"})
"""Words that tell of a secret only as the last of several."""

_COUNTED = frozenset({"MAX", "MIN", "NUM", "COUNT", "N", "USE", "NO", "IS", "HAS"})
_ABOUT_IT = (
    "FILE|PATH|DIR|FOLDER|NAME|IDS?|TYPE|FORMAT|KIND|MODE|VERSION|ALGORITHM|REF|ARN|URL|URI|ENDPOINT|HOST|PORT|REGION"
    "|LENGTH|LEN|COUNT|LIMIT|SIZE|BUDGET|RATE|RATIO|PROB|DROPOUT|INDEX|BATCH|TTL|EXPIRY|TIMEOUT|PREFIX|SUFFIX|COLUMN"
    "|FIELD|ENABLED|MAX|NUM"
)
"""As the last word: the variable holds something about a secret, and not the secret."""

_OF_TEXTS_AND_TABLES = (
    "(PAD|EOS|BOS|UNK|SEP|CLS|MASK|IMAGE|VIDEO|AUDIO|STOP|START|END|SPECIAL) TOKEN"
    "|(SORT|PARTITION|PRIMARY|FOREIGN|PUBLIC|ROW|COLUMN|LABEL|TEXT|IMAGE|PROMPT|INPUT|OUTPUT|TARGET|FEATURE|INDEX"
    "|CACHE|DATA|DATASET|OBJECT|S3|MAP|QUESTION|ANSWER|RESPONSE|METRIC|GROUP) KEY"
)

_LOGIN = r"://[^/\s:@$]{1,200}:(?![$<{*])[^/\s@]{1,200}@"

_KEPT = (
    r"(?ai:secret_?access_?key)[\"']?\s{0,4}[:=]\s{0,4}[\"']?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])"
    r"|:_(authToken|auth|password)\s{0,4}=\s{0,4}(?!\$)[^\s$]{8}"
    r"|[\"'](auth|identitytoken)[\"']\s{0,4}:\s{0,4}[\"'][A-Za-z0-9+/]{12}"
    r"|client-key-data[\"']?\s{0,4}:\s{0,4}[\"']?[A-Za-z0-9+/]{40}"
    r"|[\"']type[\"']\s{0,4}:\s{0,4}[\"'](service_account|authorized_user|external_account(_authorized_user)?"
    r"|impersonated_service_account|gdch_service_account)[\"']"
    r"|(?<!\w)machine[ \t]{1,4}[\w.:-]{1,99}[ \t]{1,4}login[ \t]{1,4}\S{1,99}[ \t]{1,4}password[ \t]{1,4}[^\s$]"
)
"""How the files of tools spell what is secret in them: AWS, npm, Docker, Kubernetes, Google, netrc."""

_VALUE = (
    r"(?<![A-Za-z0-9])(hf_[A-Za-z0-9]{20}|sk-(?=[a-z_-]{0,40}[A-Z0-9])[A-Za-z0-9_-]{20}|[sr]k_live_[A-Za-z0-9]{16}"
    r"|gh[pousr]_[A-Za-z0-9]{20}|github_pat_\w{20}|glpat-[\w-]{20}|xox[abprs]-[\w-]{10}|nvapi-[\w-]{20}"
    r"|npm_[A-Za-z0-9]{36}|pypi-[\w-]{40}|dckr_pat_[\w-]{20}|hv[sb]\.[\w-]{24}|atlasv1\.[\w-]{20}|A[KS]IA[0-9A-Z]{16}(?![A-Za-z0-9])|AIza[\w-]{35}"
    r"|eyJ[\w-]{10,160}\.[\w-]{10}|[A-Za-z0-9]{8}\.[A-Za-z0-9]{32}(?![A-Za-z0-9]))"
    rf"|-----BEGIN [A-Z ]{{0,40}}PRIVATE KEY-----|AGE-SECRET-KEY-1|{_LOGIN}|{_KEPT}"
)
"""Bounded everywhere, so that no text takes long."""

_TRACES = (
    "sk-", "k_live_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "nvapi-", "npm_", "pypi-",
    "dckr_pat_", "hvs.", "hvb.", "atlasv1.", "AKIA", "ASIA", "AIza", "eyJ", "-----BEGIN", "AGE-SECRET-KEY-1",
)  # fmt: skip
_RARE = tuple(map(re.compile, (r"hf_[A-Za-z0-9]{20}", r"\.[A-Za-z0-9]{32}", _LOGIN)))
_TRACES_OF_KEPT = (
    "access_key", "accesskey", ":_auth", ":_password", "auth\"", "auth'", "identitytoken", "client-key-data",
    "_account", "authorized_user", "machine ", "machine\t",
)  # fmt: skip
"""Each secret holds one of these traces, in lower case those of `_KEPT`, or matches one of these patterns."""

_PLAIN_VALUE = (
    r"(?i)|true|false|yes|no|on|off|none|null|auto|default|[0-9.e+-]{1,5}"
    r"|<[^<>]*>|\[[^]]*\]|(~|\.{0,2})(/[\w.@-]+)+/?"
)
"""Nothing, switches, small numbers, special tokens, paths of files."""


_ASSIGNED = re.compile(
    r"([A-Za-z_][\w.-]{0,60})[\"']?\s{0,4}[:=]\s{0,4}[\"']?"
    r"(?=(?:[A-Za-z+/_=~-]{0,40}\d){3})[A-Za-z0-9+/_=~-]{16,200}+(?![.(\[])"
)
"""A name, and a text of at least three digits that is no call and no part of something in a program."""

_LONG_VALUE = re.compile(r"[:=]\s{0,4}[\"']?[\w+/=~-]{16}")
_MAYBE_ASSIGNED = re.compile(
    r"(?i)(?:token|secret|passw|passphrase|credential|key)[\w-]{0,20}[\"']?\s{0,4}[:=]\s{0,4}[\"']?[\w+/=~-]{16}"
)


@lru_cache(maxsize=1024)
def names_a_secret(variable: str) -> bool:
    """`HF_TOKEN` and `DB_PASSWORD` do; `MAX_TOKENS`, `TOKENIZERS_PARALLELISM` and `KEY_FILE` do not."""
    spread = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", variable[:200]).upper()
    words = [word for word in re.split(r"[^A-Z0-9]+", spread) if word]
    if not words or re.fullmatch(_ABOUT_IT, words[-1]) or words[0] in _COUNTED or words == ["PWD"]:
        return False
    if len(words) > 1 and words[-1] in _LAST_WORD:
        return True
    return any(
        re.fullmatch(_SECRET_WORD, word) and not re.fullmatch(_OF_TEXTS_AND_TABLES, f"{before} {word}")
        for before, word in zip(["", *words], words, strict=False)
    )


def is_a_secret(value: str) -> bool:
    """Whether a value holds something of the form of a well-known kind of token, key or password."""
    return may_hold_a_secret(value) and re.search(_VALUE, value) is not None


def may_hold_a_secret(text: str) -> bool:
    """Whether text, perhaps many values on lines of their own, is worth the closer look, which takes far longer."""
    if any(trace in text for trace in _TRACES) or any(rare.search(text) for rare in _RARE):
        return True
    lowered = text.lower()
    return any(trace in lowered for trace in _TRACES_OF_KEPT) and re.search(_KEPT, text) is not None


def lines_with_secrets(text: str, limit: int) -> list[int]:
    """The first lines of a file, from 1, that hold a secret, or give one to what is called so."""
    assigned = _LONG_VALUE.search(text) is not None and _MAYBE_ASSIGNED.search(text) is not None
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
    """Whether a line gives a variable that names a secret a text as long and odd as keys are."""
    if not _MAYBE_ASSIGNED.search(line):
        return False
    return any(names_a_secret(match[1]) for match in _ASSIGNED.finditer(line[:4000]))


def looks_secret(variable: str, value: str) -> bool:
    """Whether this variable seems to carry a secret as a literal value."""
    if is_a_secret(value):
        return True
    if not names_a_secret(variable):
        return False
    return not re.fullmatch(_PLAIN_VALUE, value.strip()[:200]) and not re.search(r"\$\w|\$[({]|\{\{", value)


def quoted(value: str, limit: int = 60) -> str:
    """A value as a message shows it: quoted, on one line, cut; one that may be a secret is not shown."""
    return "a value that looks like a secret" if is_a_secret(value) else f"'{one_line(value, limit)}'"


_WHOLE_VALUE = rf"(?s)(?:{_VALUE})(?:(?<=PRIVATE KEY-----).*|[^\s'\"]*)"


_SHORTEST_KEY = 6
"""Baseten's keys are far longer; a shorter word stands in every other message."""


_CUT = ("…", "\\u2026", "&#8230;")
"""How a text ends that was shortened, as it is and as JSON and HTML spell it."""


_PLAINLY = 20
"""So many characters of a key stand in no message by chance, even where none shows that it was cut."""


def without_key(text: str, key: str) -> str:
    """Text in which the API's key is not shown, nor as JSON spells it, nor the part that is left where text is cut."""
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
    """Text in which none of these values is shown, as it is or as a message spells it, nor where the text is cut.

    Values as short as a word of a message stay.
    """
    spelled = {way for v in values for way in (v, json.dumps(v)[1:-1], one_line(v, len(v) + 1))}
    for value in sorted((way for way in spelled if len(way) >= _SHORTEST_KEY), key=lambda way: (-len(way), way)):
        text = text.replace(value, mask)
        cut = next((n for n in range(len(value) - 1, _SHORTEST_KEY - 1, -1) if text.endswith(f"{value[:n]}…")), 0)
        text = f"{text[: -cut - 1]}{mask}…" if cut else text
    return text


def hidden(text: str, mask: str) -> str:
    """Text in which whatever has the form of a well-known secret is masked, to its end."""
    return re.sub(_WHOLE_VALUE, mask, text)
