"""Where the page of a job is: on the dashboard beside Baseten's API, or on the one that is told."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.provider.dashboard import dashboard_of, page_of


@pytest.mark.parametrize(
    ("base_url", "told", "expected"),
    [
        ("https://api.baseten.co", "", "https://app.baseten.co"),
        ("https://api.baseten.co/", "", "https://app.baseten.co"),
        ("https://api.staging.baseten.co", "", "https://app.staging.baseten.co"),
        ("https://api.mc-dev.baseten.co", "", "https://app.dev.baseten.co"),
        ("https://api.acme.com", "", ""),
        ("https://api.baseten.co.acme.com", "", ""),
        ("https://api.evilbaseten.co", "", ""),
        ("http://127.0.0.1:8787", "", ""),
        ("http://[", "", ""),
        ("http://127.0.0.1:8787", "https://app.acme.com/", "https://app.acme.com"),
        ("https://api.baseten.co", "https://a.co/x) [y](z", ""),
        ("https://api.baseten.co", "javascript:alert(1)", ""),
    ],
)
def test_the_dashboard_stands_beside_the_api_or_is_told(base_url: str, told: str, expected: str) -> None:
    assert dashboard_of(base_url, told) == expected


@given(st.text(min_size=1), st.text(min_size=1))
def test_whatever_ids_hold_the_page_stays_on_the_dashboard(project_id: str, job_id: str) -> None:
    page = page_of("https://app.baseten.co", project_id, job_id)
    assert page.isascii()
    assert page.isprintable()
    assert not set(page) & set(" ()[]<>\"'`|\\")
    parts = urlsplit(page)
    assert (parts.netloc, parts.query, parts.fragment) == ("app.baseten.co", "", "")
    assert [len(parts.path.split("/")), ".." in parts.path] == [5, False]


@pytest.mark.parametrize("ids", [("", "j"), ("p", "")])
def test_without_an_id_there_is_no_page(ids: tuple[str, str]) -> None:
    assert page_of("https://app.baseten.co", *ids) == page_of("", "p", "j") == ""
