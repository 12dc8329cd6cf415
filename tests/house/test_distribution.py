"""Where the tool lives and which version is installed: one constant, with which all that we publish agrees."""

import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from baseten_jobs.cli.commands import init
from baseten_jobs.cli.main import run
from baseten_jobs.distribution import NAME, OURS, PLACEHOLDER, Distribution
from tests.support.golden import Golden
from tests.support.runner import ROOT

LOGIN = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*(_[A-Za-z0-9]{3,8})?")
"""A login of GitHub; the last part is that of an enterprise's users."""

PAGES = (ROOT / "README.md", *sorted((ROOT / ".github").rglob("*.md")), *sorted((ROOT / ".github").rglob("*.yml")))
RELEASED = Distribution("acme", on_index=True, version="1.2.3")

_OWNER = re.compile(rf"(github\.com/|uses: )[^/\s]+(?=/{NAME}\b(?!/(?:issues|pull)))")
_ACTION = re.compile(rf"(?<=/{NAME}/\.github/actions/{NAME}@)v\d+\.\d+\.\d+")
_EXPLAINED = re.compile(r"\S+(?=: where this repository lives)")
_REVISION = re.compile(rf"(repos?: https://github\.com/[^/\s]+/{NAME}\s+rev: )v\d+\.\d+\.\d+")
_REQUIREMENT = re.compile(
    rf"\"?\b{NAME}(?:\[(?P<extra>[a-z]+)\])?(?: @ git\+https://github\.com/[^/\s]+/{NAME}@v\d+\.\d+\.\d+|==\d+\.\d+\.\d+)\"?"
)


def agreed(text: str, ours: Distribution = OURS) -> str:
    """The text with each line that installs, links or names the tool as a distribution would have it."""
    text = _REQUIREMENT.sub(lambda found: ours.requirement(found["extra"] or ""), text)
    text = _OWNER.sub(lambda found: found[1] + ours.owner, text)
    text = _EXPLAINED.sub(ours.owner, text)
    text = _ACTION.sub(f"v{ours.version}", text)
    return _REVISION.sub(lambda found: f"{found[1]}v{ours.version}", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_we_publish_says_what_the_constant_says(page: Path, golden: Golden) -> None:
    golden.text(page, agreed(page.read_text()))


@pytest.mark.parametrize("ours", [OURS, RELEASED, replace(RELEASED, on_index=False)], ids=str)
@pytest.mark.parametrize("host", init.PIPELINES)
def test_the_pipelines_follow_the_constant(host: str, ours: Distribution, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = init.pipeline_text(host)
    monkeypatch.setattr(init, "OURS", ours)
    assert init.pipeline_text(host) == agreed(printed, ours)
    assert (ours.action if host == "github" else ours.requirement()) in init.pipeline_text(host)
    assert not re.search(r"__[A-Z]+__", printed)


def test_what_is_installed_has_one_version_and_comes_from_the_index_only_when_it_is_ours_there() -> None:
    from_tag = 'pip install "baseten-jobs[local] @ git+https://github.com/acme/baseten-jobs@v1.2.3"'
    assert replace(RELEASED, on_index=False).install("local") == from_tag
    assert RELEASED.install() == 'pip install "baseten-jobs==1.2.3"'
    assert RELEASED.upgrade == 'pip install --upgrade "baseten-jobs"'
    assert not OURS.on_index or OURS.home, "a release prints an address that leads somewhere"


def test_nobody_can_be_the_owner_that_stands_for_another() -> None:
    assert not LOGIN.fullmatch(PLACEHOLDER)
    assert OURS.owner == PLACEHOLDER or LOGIN.fullmatch(OURS.owner)


@pytest.mark.parametrize("owner", [PLACEHOLDER, "acme"])
@pytest.mark.parametrize("host", init.PIPELINES)
def test_init_asks_for_the_owner_where_nobody_knows_it(
    host: str, owner: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(init, "OURS", replace(OURS, owner=owner))
    assert run(["init", "--ci", host]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "BASETEN_API_KEY as" in line]
    assert (PLACEHOLDER in line) == (owner == PLACEHOLDER)


def test_links_lead_to_the_repository_or_are_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(project.get("urls", {}).values()) == ({OURS.home} if OURS.home else set())
    run(["validate", "-o", "sarif", str(tmp_path)])
    driver = json.loads(capsys.readouterr().out)["runs"][0]["tool"]["driver"]
    assert driver.get("informationUri", "") == OURS.home
