"""The API's address -> that of the dashboard, and of a job's page there."""

import re
from urllib.parse import quote, urlsplit

_OWN = re.compile(r"(?:[a-z0-9-]+\.)*baseten\.co")
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~/-]*)?")


def dashboard_of(base_url: str, told: str = "") -> str:
    """Return the dashboard of an API: the one that is `told`, else the `app.` beside an `api.` of Baseten's own.

    Empty for another host, such as a gateway, and for what is told that is no plain address.
    """
    if told:
        return told.rstrip("/") if _ADDRESS.fullmatch(told) else ""
    try:
        host = urlsplit(base_url).hostname or ""
    except ValueError:
        return ""
    first, _, rest = host.partition(".")
    rest = rest.replace("mc-dev.", "dev.")
    return f"https://app.{rest}" if first == "api" and _OWN.fullmatch(rest) else ""


def page_of(dashboard: str, project_id: str, job_id: str) -> str:
    """Return the address of a job's page, as truss prints it (`cli/train/core.py`); empty without a dashboard."""
    if not (dashboard and project_id and job_id):
        return ""
    return f"{dashboard}/training/{_word(project_id)}/logs/{_word(job_id)}"


def _word(text: str) -> str:
    """An id that leads nowhere else, whatever it holds."""
    return quote(text.encode("utf-8", "replace"), safe="").replace(".", "%2E")
