"""README.md and its pages hang together: each link leads to what is there, and each page is led to."""

import re
from pathlib import PurePosixPath

import pytest

from tests.support.pages import PAGES, ROOT


def prose(text: str) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(text: str) -> set[str]:
    """What GitHub makes of each heading: lower case, hyphens for blanks, and no punctuation."""
    headings = re.findall(r"^#+ (.*)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def targets(page: str) -> list[tuple[str, str]]:
    """Path from the root, and anchor, of each link of a page to what is here."""
    links = re.findall(r"(?:\]\(|(?:href|src|srcset)=\")([^)\s\"]+)", prose(PAGES[page]))
    found = []
    for link in links:
        if "://" not in link:
            path, _, anchor = link.partition("#")
            resolved = (ROOT / PurePosixPath(page).parent / path).resolve() if path else ROOT / page
            found.append((resolved.relative_to(ROOT).as_posix(), anchor))
    return found


@pytest.mark.parametrize("page", PAGES)
def test_each_link_leads_to_what_is_there(page: str) -> None:
    gone = [path for path, _ in targets(page) if not (ROOT / path).exists()]
    assert gone == []
    assert [(path, anchor) for path, anchor in targets(page) if anchor and anchor not in anchors(PAGES[path])] == []


def test_each_page_is_led_to_from_the_readme() -> None:
    reached, waiting = set[str](), ["README.md"]
    while waiting:
        page = waiting.pop()
        if page in PAGES and page not in reached:
            reached.add(page)
            waiting += [path for path, _ in targets(page)]
    assert reached == PAGES.keys()


@pytest.mark.parametrize("page", PAGES)
def test_each_page_has_one_title_and_says_more(page: str) -> None:
    assert len(re.findall(r"^# ", prose(PAGES[page]), re.MULTILINE)) == 1
    assert len(PAGES[page].split()) > 50
