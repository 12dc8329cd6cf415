"""The pipelines in the README: whole, by the schemas of their hosts, and their scripts run."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from junitparser import JUnitXml

from tests.runner import BAD, GOOD, ROOT, Runner, cloned, evaluated, git, workspace

__all__ = ["cloned", "workspace"]

README = (ROOT / "README.md").read_text()
BLOCKS = {
    "github workflow": ("vendor.github-workflows", ()),
    "gitlab pipeline": ("vendor.gitlab-ci", ("--data-transform", "gitlab-ci")),
}


def block(name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n```yaml\n(.*?)```", README, re.DOTALL)
    assert found, f"README.md has no {name}"
    return found[1]


def workflow() -> Any:
    return yaml.safe_load(block("github workflow"))


def pipeline() -> Any:
    return yaml.safe_load(block("gitlab pipeline"))


@pytest.mark.parametrize("name", BLOCKS)
def test_it_is_valid_by_its_hosts_schema(name: str, tmp_path: Path) -> None:
    schema, more = BLOCKS[name]
    file = tmp_path / "pipeline.yml"
    file.write_text(block(name))
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *more, str(file)]
    subprocess.run(command, check=True, capture_output=True)


def test_a_waiting_apply_is_never_cancelled() -> None:
    jobs = workflow()["jobs"]
    group = jobs["apply"]["concurrency"]
    assert group == {"group": "baseten-jobs-production", "cancel-in-progress": False, "queue": "max"}
    assert "github.ref" not in group["group"]
    assert "concurrency" not in jobs["plan"]
    assert pipeline()["apply"]["resource_group"] == "baseten-jobs-production"


def test_the_plan_may_comment_and_nothing_more() -> None:
    assert workflow()["permissions"] == {"contents": "read", "pull-requests": "write"}


def test_the_whole_history_is_there() -> None:
    for job in workflow()["jobs"].values():
        (checkout,) = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
        assert checkout["with"] == {"fetch-depth": 0}
    assert pipeline()["variables"]["GIT_DEPTH"] == "0"


def test_the_action_is_ours_and_has_these_inputs() -> None:
    (step,) = [s for s in workflow()["jobs"]["plan"]["steps"] if "baseten-jobs" in s.get("uses", "")]
    path = step["uses"].partition("@")[0].split("/", 2)[2]
    assert step["with"].keys() <= yaml.safe_load((ROOT / path / "action.yml").read_text())["inputs"].keys()


def github_scripts() -> list[str]:
    return [step["run"] for job in workflow()["jobs"].values() for step in job["steps"] if "run" in step]


def gitlab_scripts() -> list[str]:
    return ["\n".join(pipeline()[job]["script"]) for job in ("validate", "plan", "apply")]


def test_every_script_is_bash() -> None:
    for script in [*github_scripts(), *gitlab_scripts()]:
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


@pytest.fixture
def machine(cloned: Path, tmp_path: Path) -> Runner:
    """Where a script finds our command, which plans and applies against the embedded API."""
    runner = Runner(cloned, tmp_path / "runner")
    tool = runner.temp / "bin" / "baseten-jobs"
    tool.write_text(
        '#!/bin/sh\ncase $1 in plan | apply) set -- "$@" --local ;; esac\n'
        f"exec '{sys.executable}' -m baseten_jobs \"$@\"\n"
    )
    tool.chmod(0o755)
    return runner


def overtake(cloned: Path) -> None:
    """Somebody has changed a manifest on the branch since."""
    (cloned / "specs" / "sft.yaml").write_text(GOOD.replace("node_count: 2", "node_count: 4"))
    git(cloned, "commit", "--quiet", "--all", "--message", "Newer")
    git(cloned, "push", "--quiet", "origin", "main")
    git(cloned, "checkout", "--quiet", "HEAD~1")


def test_the_workflow_validates_and_applies_at_the_tip_alone(machine: Runner) -> None:
    install, validate, apply = github_scripts()
    assert install == "pip install baseten-jobs"
    assert machine.bash(validate).returncode == 0
    given = {"BEFORE": "0" * 40, "CREATE": ""}
    assert "Applied: 1 submitted." in machine.bash(apply, given).stdout
    overtake(machine.workspace)
    ran = machine.bash(apply, given)
    assert (ran.returncode, "Plan:" in ran.stdout) == (0, False)
    assert re.match(
        r"not applied: main is at [0-9a-f]{7} by now, and this is [0-9a-f]{7}; its own run applies ", ran.stdout
    )


def test_the_workflow_is_red_where_a_manifest_is_wrong(machine: Runner) -> None:
    (machine.workspace / "specs" / "sft.yaml").write_text(BAD)
    ran = machine.bash(github_scripts()[1])
    assert ran.returncode == 1
    assert ran.stdout.startswith("::error file=specs/sft.yaml,line=6,")


def test_gitlab_gets_a_report_of_what_is_wrong(machine: Runner) -> None:
    job, xml = pipeline()["validate"], machine.workspace / "validate.xml"
    assert job["artifacts"]["reports"] == {"junit": xml.name}
    for text, code in ((GOOD, 0), (BAD, 1)):
        (machine.workspace / "specs" / "sft.yaml").write_text(text)
        assert machine.bash(gitlab_scripts()[0]).returncode == code
        assert JUnitXml.fromfile(str(xml)).failures == code


@pytest.mark.parametrize(("key", "told"), [("", '"training_job"'), ("k", "Plan: 1 to submit")], ids=["fork", "own"])
def test_gitlab_plans_with_a_key_and_renders_without(machine: Runner, key: str, told: str) -> None:
    ran = machine.bash(gitlab_scripts()[1], {"BASETEN_API_KEY": key, "CI_MERGE_REQUEST_DIFF_BASE_SHA": ""})
    assert (ran.returncode, told in ran.stdout) == (0, True)


@pytest.mark.parametrize("shell", ["-e", "-eo pipefail"])
@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_where_the_tip_is_not_known_nothing_is_applied_and_it_is_red(machine: Runner, host: str, shell: str) -> None:
    git(machine.workspace, "remote", "set-url", "origin", str(machine.temp / "nowhere"))
    script = {"github": github_scripts, "gitlab": gitlab_scripts}[host]()[2]
    given = {"CI_DEFAULT_BRANCH": "main", "CI_COMMIT_BEFORE_SHA": "", "BEFORE": "", "CREATE": ""}
    ran = machine.bash(script, given, shell)
    assert ran.returncode != 0
    assert "by now" not in ran.stdout
    assert "Plan:" not in ran.stdout


def test_gitlab_applies_at_the_tip_alone(machine: Runner) -> None:
    told = {"CI_DEFAULT_BRANCH": "main", "CI_COMMIT_BEFORE_SHA": "0" * 40, "CREATE": ""}
    assert "Applied: 1 submitted." in machine.bash(gitlab_scripts()[2], told).stdout
    overtake(machine.workspace)
    ran = machine.bash(gitlab_scripts()[2], told)
    assert (ran.returncode, "Plan:" in ran.stdout) == (0, False)


@pytest.mark.parametrize("create", ["nobody", "*", "a b", "$(touch x)", "'; touch x; '", "--help"])
@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_what_is_to_be_created_is_one_name_and_no_script(machine: Runner, host: str, create: str) -> None:
    script = {"github": github_scripts, "gitlab": gitlab_scripts}[host]()[2]
    given = {"CI_DEFAULT_BRANCH": "main", "CI_COMMIT_BEFORE_SHA": "", "BEFORE": "", "CREATE": create}
    ran = machine.bash(script, given)
    told = "Applied: 1 submitted." if create == "*" else f"no manifest has the name '{create}'"
    assert (ran.returncode, told in ran.stdout) == (0 if create == "*" else 1, True), ran.stdout
    assert not (machine.workspace / "x").exists()


def test_no_expression_is_pasted_into_a_script() -> None:
    assert not any("${{" in script for script in github_scripts())


def test_a_run_that_somebody_starts_applies_on_main_alone() -> None:
    triggers = workflow()[True]  # YAML's own `on`
    assert triggers["workflow_dispatch"]["inputs"].keys() == {"create"}
    condition = workflow()["jobs"]["apply"]["if"]
    assert {
        (event, ref): bool(evaluated(condition, {"github": {"event_name": event, "ref": f"refs/heads/{ref}"}}))
        for event in ("push", "workflow_dispatch", "pull_request") for ref in ("main", "topic")
    } == {
        ("push", "main"): True, ("push", "topic"): False, ("workflow_dispatch", "main"): True,
        ("workflow_dispatch", "topic"): False, ("pull_request", "main"): False, ("pull_request", "topic"): False,
    }  # fmt: skip
