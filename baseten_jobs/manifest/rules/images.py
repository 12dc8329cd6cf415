"""The text of an image -> why no registry can have an image of that name, and what was probably meant."""

import re
from functools import lru_cache

from baseten_jobs.secrecy import quoted

_UNFILLED = re.compile(
    r"\$\{[^}]*\}?|\$\([^)]*\)?|\$[A-Za-z_]\w*|\{\{.*?\}\}|\{[A-Za-z_][^{}]*\}|<[A-Za-z_][^<>]*>", re.ASCII
)
"""What a shell, or a template, would have filled in."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_HUB = re.compile(r"(?:hub\.docker\.com|registry\.hub\.docker\.com)/(?:r|_|repository/docker)/")
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?")
_PART = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}
_SHOWS = "`docker images --digests` shows it whole"
Wrong = tuple[str, str]
"""The end of a sentence about the image, and a hint, which may be empty."""


def unfilled(text: str) -> str:
    """Returns the first part of a text that stands for a value, and that nothing fills in; "" if there is none."""
    found = _UNFILLED.search(text)
    return found.group() if found else ""


@lru_cache(maxsize=1024)
def wrong_image(image: str) -> Wrong | None:
    """Returns what is wrong with a reference such as `registry.example/team/image:tag@sha256:...`; None if nothing.

    The form is that of https://pkg.go.dev/github.com/distribution/reference.
    """
    if part := unfilled(image):
        return f"holds {quoted(part, 40)}, which nothing fills in", "write the value, or give it by `--set`"
    if scheme := _SCHEME.match(image):
        return "has a scheme, and is no address", _meant(_HUB.sub("", image[scheme.end() :]))
    name, at, digest = image.partition("@")
    host, path, tags = _split(name)
    if at and (wrong := _wrong_digest(digest)):
        return wrong
    if len(tags) > 1:
        return f"has {len(tags)} tags", _meant(f"{host}{path}:{tags[-1]}")
    if any(character.isupper() for character in path):
        return "has capital letters, and only its tag may", _meant(
            image.replace(f"{host}{path}", host + path.lower(), 1)
        )
    if tags and not _TAG.fullmatch(tags[0]):
        told = (
            "ends in a ':' without a tag" if not tags[0] else f"has the tag {quoted(tags[0], 40)}, which none can have"
        )
        return told, "a tag is made of letters, digits, '_', '.' and '-'" if tags[0] else _meant(name.rstrip(":"))
    if not path or not all(map(_PART.fullmatch, path.split("/"))) or (host and not _HOST.fullmatch(host[:-1])):
        return "is not the name of an image", "such as pytorch/pytorch:2.7.0-cuda12.8-cudnn9-runtime"
    return None


def _split(name: str) -> tuple[str, str, list[str]]:
    """Returns the registry with its slash, or "", the path of the image, and what stands behind each further colon."""
    first, slash, rest = name.partition("/")
    is_host = bool(slash) and (first == "localhost" or any(mark in first for mark in ".:["))
    host, path = (f"{first}/", rest) if is_host else ("", name)
    path, *tags = path.split(":")
    return host, path, tags


def _wrong_digest(digest: str) -> Wrong | None:
    algorithm, _, digits = digest.partition(":")
    length = _DIGITS.get(algorithm)
    if length is None:
        return (
            "has a digest that is none",
            "a digest is 'sha256:' and 64 hex digits, as `docker images --digests` shows",
        )
    if not re.fullmatch("[0-9a-f]*", digits):
        meant = re.fullmatch("[0-9a-fA-F]*", digits)
        return (
            "has a digest with other than hex digits",
            "they are 0 to 9 and a to f" if not meant else "in small letters",
        )
    if len(digits) != length:
        told = f"has a digest of {len(digits)} hex digits, and {algorithm} has {length}"
        return told, _SHOWS
    return None


def _meant(image: str) -> str:
    return f"did you mean {quoted(image, 80)}?" if image and wrong_image(image) is None else ""
