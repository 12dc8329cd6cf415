"""What the tool really prints, in a small team's repository -> the pictures of the README, in .github/images/.

`python -m tests.pictures` draws those that are stale, `--all` each. It needs rich, and Chromium for those that a
browser shows. What each was drawn from is kept in .github/images/sources.json, for a test to compare.
"""

import argparse
import hashlib
import inspect
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from tests.support import browser_picture, flow_picture
from tests.support.team import PULL_REQUEST, Team, team

IMAGES = Path(__file__).parents[1] / ".github" / "images"
INDEX = IMAGES / "sources.json"
THEMES = ("light", "dark")


@dataclass(frozen=True)
class Picture:
    """`source` is all that the picture shows, `by` the module that draws it, `draw` what does so."""

    name: str
    source: str
    by: ModuleType | None
    draw: Callable[[], bytes]

    @property
    def drawn_from(self) -> str:
        """A hash of what is shown, and of how."""
        how = inspect.getsource(self.by) if self.by else ""
        return hashlib.sha256(f"{self.source}\n{how}".encode()).hexdigest()


def _digest(name: str) -> str:
    path = IMAGES / name
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def album() -> Iterator[Picture]:
    """All pictures, from what the commands print now."""
    for theme in THEMES:
        yield Picture(f"flow-{theme}.svg", "", flow_picture, lambda theme=theme: flow_picture.picture(theme).encode())
    with team() as told:
        yield from _terminal(told, "status", "status --watch")
        yield _runs(told)
        told.commit(PULL_REQUEST, "Grace", "Halve the rate, clip gradients")
        yield from _terminal(told, "plan", "plan")
        yield from _comment(told)


def _terminal(told: Team, name: str, arguments: str) -> Iterator[Picture]:
    from tests.support import terminal_picture

    command, width = f"baseten-jobs {arguments}", 100
    printed = told.said(*arguments.split(), width=width, watched="--watch" in arguments)
    for theme in THEMES:
        yield Picture(
            f"{name}-{theme}.svg", f"{width} {command}\n{printed}", terminal_picture,
            lambda theme=theme: terminal_picture.picture(command, printed, theme, width).encode(),
        )  # fmt: skip


def _runs(told: Team) -> Picture:
    page = told.said("runs", "-o", "html")
    return Picture("runs.png", page, browser_picture, lambda: browser_picture.picture(page, 1200, 1330, 1.5))


def _comment(told: Team) -> Iterator[Picture]:
    from tests.support import github_page

    comment = told.said("plan", "-o", "markdown")
    for theme in THEMES:
        page = github_page.github_page(comment, theme)
        yield Picture(
            f"comment-{theme}.png", page, browser_picture, lambda page=page: browser_picture.picture(page, 900, 520)
        )


def stale(pictures: list[Picture]) -> list[Picture]:
    """Those that show something else by now, or were changed by hand."""
    index = json.loads(INDEX.read_text()) if INDEX.exists() else {}
    return [
        each for each in pictures
        if index.get(each.name) != {"drawn_from": each.drawn_from, "picture": _digest(each.name)}
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="draw those that are fresh, too")
    chosen = parser.parse_args()
    pictures = list(album())
    IMAGES.mkdir(exist_ok=True)
    for each in pictures if chosen.all else stale(pictures):
        (IMAGES / each.name).write_bytes(each.draw())
        sys.stdout.write(f"{each.name}\n")
    kept = {each.name: {"drawn_from": each.drawn_from, "picture": _digest(each.name)} for each in pictures}
    INDEX.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
