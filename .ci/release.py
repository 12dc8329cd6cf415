"""A tag -> what a release of it needs to know, or why there can be none.

python3 .ci/release.py check TAG     version, prerelease, on_index and moving, a line each, for a job's outputs
python3 .ci/release.py notes TAG     the text of this version in .github/CHANGELOG.md
python3 .ci/release.py built TAG FOLDER    nothing, if a folder holds the sdist and the wheel of the version alone
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from baseten_jobs.distribution import NAME, OURS, PLACEHOLDER, Distribution  # noqa: E402

CHANGELOG = ROOT / ".github" / "CHANGELOG.md"
_TAG = re.compile(r"v(\d+)\.(\d+)\.(\d+)(?:(a|b|rc)(\d+))?", re.ASCII)


@dataclass(frozen=True, order=True)
class Release:
    """A version in the order of releases, of which one before another's release comes before it."""

    numbers: tuple[int, ...]
    final: bool
    stage: str = ""
    count: int = 0

    @property
    def moving(self) -> str:
        """The tag that follows the newest release of its line: the major version's, before 1.0 the minor one's."""
        major, minor, _ = self.numbers
        return f"v{major}" if major else f"v0.{minor}"


def release_of(tag: str) -> Release | None:
    found = _TAG.fullmatch(tag)
    if not found:
        return None
    return Release(tuple(map(int, found.groups()[:3])), not found[4], found[4] or "", int(found[5] or 0))


def moved_by(tag: str, tags: Iterable[str]) -> str:
    """The tag that is to be moved to this one: none for what comes before a release, or is older than another."""
    own = release_of(tag)
    if own is None or not own.final:
        return ""
    others = (other for each in tags if (other := release_of(each)) and other.final and other.moving == own.moving)
    return "" if any(other > own for other in others) else own.moving


def notes_of(changelog: str, version: str) -> str:
    """What stands under the heading of a version; empty where there is none."""
    found = re.search(rf"^## {re.escape(version)}\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def hindrances(tag: str, ours: Distribution, changelog: str, repository: str) -> Iterator[str]:
    """Why this tag can't be released from `repository`, which is OWNER/NAME, or empty where nobody knows."""
    if release_of(tag) is None:
        yield f"'{tag}' is not of the form v1.2.3, or v1.2.3rc1"
    elif tag != f"v{ours.version}":
        yield f"the tag is {tag}, and the version in baseten_jobs/__init__.py is {ours.version}"
    if ours.owner == PLACEHOLDER:
        yield f"baseten_jobs/distribution.py says {PLACEHOLDER} in the place of the repository's owner"
    elif repository and repository != f"{ours.owner}/{NAME}":
        yield f"baseten_jobs/distribution.py says {ours.owner}/{NAME}, and this is {repository}"
    if not notes_of(changelog, ours.version):
        yield f".github/CHANGELOG.md says nothing under '## {ours.version}'"


def stray(version: str, names: Iterable[str]) -> set[str]:
    """Files that are missing from a folder of built ones, or are too many."""
    return {f"baseten_jobs-{version}.tar.gz", f"baseten_jobs-{version}-py3-none-any.whl"} ^ set(names)


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)


def _check(tag: str) -> list[str]:
    found = list(hindrances(tag, OURS, CHANGELOG.read_text("utf-8"), os.environ.get("GITHUB_REPOSITORY", "")))
    branch = f"origin/{os.environ.get('DEFAULT_BRANCH') or 'main'}"
    if _git("merge-base", "--is-ancestor", "HEAD", branch).returncode:
        found.append(f"this commit is not in {branch}")
    if found:
        sys.exit("\n".join(found))
    prerelease = not release_of(tag).final  # type: ignore[union-attr]
    moving = moved_by(tag, _git("tag", "--list").stdout.split())
    told = {"version": OURS.version, "prerelease": prerelease, "on_index": OURS.on_index, "moving": moving}
    return [f"{name}={str(value).lower()}" for name, value in told.items()]


def main(words: list[str]) -> None:
    match words:
        case ["check", tag]:
            print("\n".join(_check(tag)))
        case ["notes", tag]:
            print(notes_of(CHANGELOG.read_text("utf-8"), tag.removeprefix("v")))
        case ["built", tag, folder]:
            if wrong := stray(tag.removeprefix("v"), os.listdir(folder)):
                sys.exit(f"missing or too many in {folder}: {', '.join(sorted(wrong))}")
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
