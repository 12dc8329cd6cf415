"""Where weights come from -> what is wrong with it."""

import re

from baseten_jobs.phrases import nearest

_CLOUD = ("s3", "gs", "r2", "azure", "cw")
_SCHEMES = ("hf", *_CLOUD, "https")


def wrong_source(source: str) -> tuple[str, str] | None:
    """What is wrong with a source, and a hint; nothing where it can be one."""
    scheme, separator, rest = source.partition("://")
    if not separator or scheme not in _SCHEMES:
        guess = {"huggingface": "hf", "gcs": "gs", "http": "https"}.get(scheme.lower()) or nearest(scheme, _SCHEMES)
        hint = (
            f"did you mean '{guess}://'?"
            if separator and guess
            else "it begins with " + ", ".join(f"{one}://" for one in _SCHEMES)
        )
        return ("has no scheme" if not separator else "has a scheme that is not known"), hint
    if re.search(r"\s", rest):
        return "holds a blank", ""
    if scheme == "hf":
        repository, at, revision = rest.partition("@")
        if not re.fullmatch(r"[^/]+/[^/]+", repository):
            return "does not name owner/repo", "such as hf://Qwen/Qwen3-8B@8f3c1d0"
        if at and not revision:
            return "has an empty revision", ""
        return ("has two revisions", "only one '@' can stand here") if "@" in revision else None
    if not rest.split("/")[0]:
        return ("names no host" if scheme == "https" else "names no bucket"), ""
    if scheme in _CLOUD and "@" in rest:
        return "can't hold '@'", "only hf:// sources have a revision"
    return None
