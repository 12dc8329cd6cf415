"""The code's own promises: lint, format and types are clean."""

import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy", "--strict"]],
    ids=["ruff check", "ruff format", "mypy"],
)
def test_the_code_is_clean(arguments: list[str]) -> None:
    ran = subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_requirement_has_a_lowest_version_that_can_be_tried() -> None:
    ran = subprocess.run([sys.executable, ROOT / ".ci" / "lowest.py"], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    lowest = {line.partition("==")[0] for line in ran.stdout.splitlines()}
    assert lowest == {re.split(r"[\[>]", name)[0] for name in wanted} - {project["name"]} | {"hatchling"}


def test_the_readme_promises_the_pythons_that_are_tried() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    minors = [int(found[1]) for each in project["classifiers"] if (found := re.search(r":: 3\.(\d+)$", each))]
    assert minors == list(range(minors[0], minors[-1] + 1))
    assert project["requires-python"] == f">=3.{minors[0]}"
    assert f"It runs on Python 3.{minors[0]} to 3.{minors[-1]}." in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_top_level_holds_what_the_layout_names_and_hidden_folders() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    top = {path.partition("/")[0] for path in tracked.split("\0") if path and not path.startswith(".")}
    assert top == {"pyproject.toml", "README.md", "LICENSE", "baseten_jobs", "schemas", "specs", "tests"}
