"""README.md and the pages of .github/docs behind it -> their texts, and the marked blocks in them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / ".github" / "docs").glob("*.md")))
}
README = PAGES["README.md"]
EVERY_PAGE = "\n".join(PAGES.values())


def block(marker: str, language: str = "yaml") -> str:
    """The one block of code behind `<!-- MARKER -->`, on whichever page it stands."""
    found = re.findall(rf"<!-- {re.escape(marker)} -->\n```{language}\n(.*?)```", EVERY_PAGE, re.DOTALL)
    assert len(found) == 1, f"{len(found)} blocks of {language} are marked {marker!r}"
    return str(found[0])
