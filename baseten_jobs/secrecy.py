"""Names and values of environment variables -> whether they look like a secret."""

import re

_WORDS = frozenset(
    {"TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "PWD", "CREDENTIAL", "CREDENTIALS", "APIKEY", "KEY"}
)
_NOT_THE_SECRET_ITSELF = frozenset(
    {"FILE", "PATH", "DIR", "NAME", "ID", "IDS", "TYPE", "LENGTH", "LEN", "COUNT", "LIMIT", "SIZE", "MAX", "NUM"}
)
_SPECIAL = frozenset({"PAD", "EOS", "BOS", "UNK", "SEP", "CLS", "MASK", "IMAGE", "STOP"})
_VALUE = re.compile(
    r"(hf_[A-Za-z0-9]{20,}|sk-[A-Za-z0-9_-]{20,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}"
    r"|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|AIza[\w-]{35}"
    r"|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*|-----BEGIN [A-Z ]*PRIVATE KEY-----|[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s@]+@)"
)


def names_a_secret(variable: str) -> bool:
    """`HF_TOKEN` and `DB_PASSWORD` do; `MAX_TOKENS`, `TOKENIZERS_PARALLELISM` and `KEY_FILE` do not."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", variable).upper().replace("-", "_").split("_")
    if not words or words[-1] in _NOT_THE_SECRET_ITSELF or words[0] in _NOT_THE_SECRET_ITSELF | _SPECIAL:
        return False
    return not _WORDS.isdisjoint(words)


def is_a_secret(value: str) -> bool:
    """Whether a value has the form of a well-known kind of token, key or password."""
    return _VALUE.search(value) is not None


def looks_secret(variable: str, value: str) -> bool:
    """Whether this variable seems to carry a secret as a literal value."""
    if is_a_secret(value):
        return True
    plain = value.strip().lower()
    literal = bool(plain) and not plain.startswith("$") and plain not in ("true", "false")
    return literal and not plain.isdigit() and names_a_secret(variable)
