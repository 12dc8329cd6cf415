"""Checks over readings, and how their findings are told: nothing is read here."""

import json
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.cli.commands.init import pipeline_text
from baseten_jobs.distribution import PLACEHOLDER
from baseten_jobs.doctor.checks import CHECKS, findings
from baseten_jobs.doctor.findings import Level
from baseten_jobs.doctor.pipelines import pipeline_of
from baseten_jobs.doctor.readings import (
    Account,
    Calls,
    Manifests,
    Projects,
    Readings,
    Secrets,
    Team,
    Tool,
    Unread,
)
from baseten_jobs.git.facts import NotInGit, Setup
from baseten_jobs.manifest.document import load
from baseten_jobs.phrases import columns
from baseten_jobs.planning.capacity import GpuCapacity
from baseten_jobs.planning.plan import Plan
from baseten_jobs.report import formats
from baseten_jobs.report.style import Look
from tests.support.golden import Golden

GOLDEN = Path(__file__).parent / "golden"

ACCOUNT = Account(
    "https://api.baseten.co", False, {"email": "ada@example.com", "workspace_name": "Acme"}, (Team("Research", True),),
    Projects(), Secrets(), 12, GpuCapacity(), 3, 0.4, Calls(100),
)  # fmt: skip
GITHUB = pipeline_text("github").replace(PLACEHOLDER, "acme")
WELL = Readings(
    ACCOUNT,
    Manifests(("specs",), 3),
    Setup("/work", origin="git@github.com:acme/training.git", remotes=("origin",), version="2.47.0"),
    Tool("0.1.0", "3.13.0", "bcd", (), ("specs",)),
    (pipeline_of("training.yml", "github", load("training.yml", GITHUB).documents[0].data, GITHUB),),
    Plan(),
)
DOWN = Unread("GET /v1/teams: 503 Service Unavailable", 503)
ILL = replace(
    WELL,
    account=replace(ACCOUNT, teams=DOWN, projects=DOWN, ahead=1200.0, machines=Unread("GET /v1/x: 500", 500)),
    git=replace(WELL.git, shallow=True, origin="", remotes=(), crlf=True),
    tool=replace(WELL.tool, owner=""),
    pipelines=(),
    plan=DOWN,
)


def levels(readings: Readings) -> dict[str, Level]:
    return {each.check: each.level for each in findings(readings)}


def test_all_is_well_where_nothing_is_wrong() -> None:
    assert set(levels(WELL).values()) == {Level.OK}
    assert list(levels(WELL)) == [check.id for check in CHECKS]


@pytest.mark.parametrize("width", [0, 80, 200])
@pytest.mark.parametrize("name", ["well", "ill"])
def test_findings_are_told(name: str, width: int, golden: Golden) -> None:
    told = formats.FINDINGS["text"](findings(WELL if name == "well" else ILL), Look(width=width))
    golden.text(GOLDEN / f"{name}.{width}", told)
    commands = ("→", "https://")
    assert not width or all(columns(line) <= width for line in told.splitlines() if commands[0] not in line)


def test_findings_are_one_document() -> None:
    told = json.loads(formats.FINDINGS["json"](findings(ILL)))
    assert told["format_version"] == "1.0"
    assert told["summary"] == {level.value: sum(each.level is level for each in findings(ILL)) for level in Level}
    assert {"check", "level", "told", "means", "remedy", "read"} == set(told["findings"][0])


PARTS = ("user", "teams", "projects", "secrets", "machines", "capacity", "billed", "ahead", "calls")


@given(st.sets(st.sampled_from(PARTS)), st.sampled_from([None, 200, 401, 403, 404, 429, 500]), st.booleans())
def test_what_cannot_be_read_hides_no_other(missing: set[str], status: int | None, no_plan: bool) -> None:
    why = Unread("no", status)
    changes: dict[str, Any] = dict.fromkeys(missing, why)
    found = findings(replace(WELL, account=replace(ACCOUNT, **changes), plan=why if no_plan else WELL.plan))
    assert {each.check for each in found} == {check.id for check in CHECKS}
    open_ones = {check.id for check in CHECKS if check.needs in missing or (check.needs == "plan" and no_plan)}
    assert {each.check for each in found if each.unread} == open_ones
    told = formats.FINDINGS["text"](found)
    assert all(name in told for name in open_ones)


def test_each_finding_that_is_not_well_says_what_it_means_and_what_mends_it() -> None:
    found = [each for each in findings(ILL) if each.level is not Level.OK]
    assert all(each.means for each in found)
    assert all(each.remedy for each in found if not each.unread)


def test_text_of_others_moves_no_terminal_and_obeys_no_runner() -> None:
    evil = "\x1b[31m\n::error::x\u202e"
    account = replace(ACCOUNT, user={"email": evil, "workspace_name": evil}, teams=(Team(evil),), base_url=evil)
    git = NotInGit(evil)
    told = formats.FINDINGS["text"](findings(replace(WELL, account=account, git=git, plan=Unread(evil))))
    assert not any(character in told for character in "\x1b\u202e")
    assert not any(line.startswith("::") for line in told.splitlines())


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), max_size=30))
def test_a_command_that_mends_a_pipeline_does_just_that(where: str) -> None:
    """Whatever a stranger wrote in the place of the action's repository: sed runs nothing of it."""
    text = GITHUB.replace("acme/baseten-jobs/.github/actions/baseten-jobs@v0.1.0", "WHERE/baseten-jobs@main")
    data = json.loads(json.dumps(load("training.yml", text).documents[0].data).replace("WHERE", "x"))
    named = f"{where}/baseten-jobs@main"
    for job in data["jobs"].values():
        job["steps"][1]["uses"] = named
    readings = replace(WELL, pipelines=(pipeline_of("training.yml", "github", data, ""),))
    found = [each for each in findings(readings) if each.check == "pipeline-version"]
    if "@" in where:
        return
    program, *options, script, path = shlex.split(found[0].remedy)
    assert (program, options, path) == ("sed", ["-E", "-i.bak"], "training.yml")
    ran = subprocess.run(
        ["sed", "-E", *(["--sandbox"] if sys.platform == "linux" else []), script],
        input=f"  - uses: {named} # why\n",
        capture_output=True,
        text=True,
        env={"LC_ALL": "C.UTF-8"},
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == f"  - uses: {where}/baseten-jobs@v0.1.0 # why\n"
