"""The pipelines in .github/docs/ci.md: whole, by the schemas of their hosts, and their scripts run."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from junitparser import JUnitXml

from baseten_jobs import __version__
from baseten_jobs.cli.main import run
from tests.support import warm
from tests.support.pages import block
from tests.support.runner import BAD, GOOD, ROOT, Runner, cloned, evaluated, git, workspace

pytestmark = pytest.mark.slow

__all__ = ["cloned", "workspace"]

BLOCKS = {
    "github workflow": ("vendor.github-workflows", ()),
    "gitlab pipeline": ("vendor.gitlab-ci", ("--data-transform", "gitlab-ci")),
}


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
    for name in ("apply", "keep"):
        group = {"group": "baseten-jobs-production", "cancel-in-progress": False, "queue": "max"}
        assert jobs[name]["concurrency"] == group
        assert jobs[name]["environment"]["name"] == "baseten"
        assert pipeline()[name]["resource_group"] == "baseten-jobs-production"
    assert jobs["plan"]["concurrency"]["group"].startswith("baseten-jobs-plan-${{ github.event.pull_request.number")


def test_the_plan_may_comment_what_is_scheduled_may_write_issues_and_nothing_else_may() -> None:
    assert workflow()["permissions"] == {}
    assert {name: job["permissions"] for name, job in workflow()["jobs"].items()} == {
        "plan": {"contents": "read", "pull-requests": "write"},
        "apply": {"contents": "read"},
        "keep": {"contents": "read", "issues": "write"},
    }


def test_the_whole_history_is_there_and_no_credentials() -> None:
    for job in workflow()["jobs"].values():
        (checkout,) = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
        assert checkout["with"] == {"fetch-depth": 0, "persist-credentials": False}
    assert pipeline()["variables"]["GIT_DEPTH"] == "0"


def test_each_job_is_the_action_of_this_version_with_inputs_that_it_has() -> None:
    for name in workflow()["jobs"]:
        action, _, version = step(name)["uses"].partition("@")
        assert version == f"v{__version__}"
        path = action.split("/", 2)[2]
        assert step(name)["with"].keys() <= yaml.safe_load((ROOT / path / "action.yml").read_text())["inputs"].keys()


def step(job: str) -> Any:
    """The step of a job that is our action."""
    (found,) = [each for each in workflow()["jobs"][job]["steps"] if "/baseten-jobs/" in each["uses"]]
    return found


def inputs(job: str, create: str = "") -> dict[str, str]:
    """What the workflow gives to the action, but for `--local`, which needs no provider."""
    context = {"secrets": {"BASETEN_API_KEY": "key"}, "inputs": {"create": create}}
    expression = re.compile(r"\$\{\{(.*?)\}\}")
    given = {
        name: expression.sub(lambda found: evaluated(found[1], context), value)
        for name, value in step(job)["with"].items()
    }
    return {**given, "args": "--local"}


def pushed(machine: Runner) -> Runner:
    environment = {"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main"}
    event = {"repository": {"default_branch": "main"}, "before": "0" * 40}
    return Runner(machine.workspace, machine.temp, event, environment)


def gitlab_scripts() -> list[str]:
    return ["\n".join(pipeline()[job]["script"]) for job in ("validate", "plan", "apply", "keep")]


def test_every_script_is_bash() -> None:
    for script in gitlab_scripts():
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


@pytest.fixture
def machine(cloned: Path, tmp_path: Path) -> Runner:
    """Where a script finds our command, which plans and applies against the embedded API."""
    runner = Runner(cloned, tmp_path / "runner")
    runner.tool("bin/baseten-jobs", *warm.command())
    tool = runner.temp / "bin" / "baseten-jobs"
    head, _, rest = tool.read_text().partition("\n")
    tool.write_text(f'{head}\ncase $1 in plan | apply | report) set -- "$@" --local ;; esac\n{rest}')
    return runner


def overtake(cloned: Path) -> None:
    """Somebody has changed a manifest on the branch since."""
    (cloned / "specs" / "sft.yaml").write_text(GOOD.replace("node_count: 2", "node_count: 4"))
    git(cloned, "commit", "--quiet", "--all", "--message", "Newer")
    git(cloned, "push", "--quiet", "origin", "main")
    git(cloned, "checkout", "--quiet", "HEAD~1")


def test_the_workflow_validates_and_applies_at_the_tip_alone(machine: Runner) -> None:
    ran = pushed(machine).run(**inputs("apply"))
    assert (ran.code, "### Applied: 1 submitted." in ran.summary) == (0, True), ran.log
    overtake(machine.workspace)
    ran = pushed(machine).run(**inputs("apply"))
    assert (ran.code, "Plan:" in ran.log) == (0, False)
    told = r"not applied: main is at [0-9a-f]{7} by now, and this is [0-9a-f]{7}; its own run applies "
    assert re.search(f"^{told}", ran.log, re.MULTILINE)


def test_the_workflow_is_red_where_a_manifest_is_wrong(machine: Runner) -> None:
    (machine.workspace / "specs" / "sft.yaml").write_text(BAD)
    ran = pushed(machine).run(**inputs("apply"))
    assert ran.code == 1
    assert ran.log.startswith("::error file=specs/sft.yaml,line=6,")


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
def test_where_the_tip_is_not_known_nothing_is_applied_and_it_is_red(machine: Runner, shell: str) -> None:
    git(machine.workspace, "remote", "set-url", "origin", str(machine.temp / "nowhere"))
    given = {"CI_DEFAULT_BRANCH": "main", "CI_COMMIT_BEFORE_SHA": "", "CREATE": ""}
    by_script = machine.bash(gitlab_scripts()[2], given, shell)
    by_action = pushed(machine).run(**inputs("apply"))
    for code, told in ((by_script.returncode, by_script.stdout), (by_action.code, by_action.log)):
        assert (code != 0, "by now" in told, "Plan:" in told) == (True, False, False)


def test_gitlab_applies_at_the_tip_alone(machine: Runner) -> None:
    told = {"CI_DEFAULT_BRANCH": "main", "CI_COMMIT_BEFORE_SHA": "0" * 40, "CREATE": ""}
    assert "Applied: 1 submitted." in machine.bash(gitlab_scripts()[2], told).stdout
    overtake(machine.workspace)
    ran = machine.bash(gitlab_scripts()[2], told)
    assert (ran.returncode, "Plan:" in ran.stdout) == (0, False)


@pytest.mark.parametrize("create", ["nobody", "*", "a b", "$(touch x)", "'; touch x; '", "--help"])
def test_what_is_to_be_created_is_one_name_and_no_script(machine: Runner, create: str) -> None:
    given = {"CI_DEFAULT_BRANCH": "main", "CI_COMMIT_BEFORE_SHA": "", "CREATE": create}
    ran = machine.bash(gitlab_scripts()[2], given)
    told = "Applied: 1 submitted." if create == "*" else f"no manifest has the name '{create}'"
    assert (ran.returncode, told in ran.stdout) == (0 if create == "*" else 1, True), ran.stdout
    assert not (machine.workspace / "x").exists()


@pytest.mark.parametrize("create", ["nobody", "*"])
def test_the_workflow_creates_what_somebody_asks_for(machine: Runner, create: str) -> None:
    ran = pushed(machine).run(**inputs("apply", create))
    assert ran.code == (0 if create == "*" else 1)
    assert ("no manifest has the name 'nobody'" in ran.log) == (create == "nobody")


def test_no_script_is_in_the_workflow() -> None:
    assert not any("run" in each for job in workflow()["jobs"].values() for each in job["steps"])


def test_a_run_that_somebody_starts_applies_on_main_alone() -> None:
    triggers = workflow()[True]  # YAML's own `on`
    assert triggers["workflow_dispatch"]["inputs"].keys() == {"create"}
    assert started("apply") == {("push", "main"), ("workflow_dispatch", "main")}


def test_what_is_scheduled_runs_on_main_alone_and_in_the_place_of_the_apply() -> None:
    assert [each.keys() for each in workflow()[True]["schedule"]] == [{"cron"}]
    assert started("keep") == {("schedule", "main")}
    rules = {name: [rule["if"] for rule in pipeline()[name]["rules"]] for name in ("apply", "keep")}
    assert rules == {
        "apply": ['$CI_PIPELINE_SOURCE != "schedule" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH'],
        "keep": ['$CI_PIPELINE_SOURCE == "schedule" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH'],
    }


def started(job: str) -> set[tuple[str, str]]:
    """The events and branches by which a job of the workflow is started."""
    condition = workflow()["jobs"][job]["if"]
    return {
        (event, branch)
        for event in ("push", "workflow_dispatch", "pull_request", "schedule")
        for branch in ("main", "topic")
        if evaluated(condition, {"github": {"event_name": event, "ref": f"refs/heads/{branch}"}})
    }


def test_the_scheduled_workflow_keeps_what_was_agreed_to_and_an_issue(machine: Runner) -> None:
    environment = {"GITHUB_EVENT_NAME": "schedule", "GITHUB_REF": "refs/heads/main"}
    runner = Runner(machine.workspace, machine.temp, {"repository": {"default_branch": "main"}}, environment)
    ran = runner.run(**inputs("keep"))
    assert (ran.code, ran.outputs["mode"], runner.kept()) == (0, {"mode": "schedule"}, []), ran.log
    assert "### Applied: 1 submitted." in ran.summary
    assert run(["stop", "sft", "--local", "--yes"]) == 0
    assert runner.run(**inputs("keep")).code == 0
    assert [issue["state"] for issue in runner.kept()] == ["OPEN"]


@pytest.mark.parametrize("shell", ["-e", "-eo pipefail"])
def test_gitlabs_schedule_applies_and_is_red_where_somebody_is_needed(machine: Runner, shell: str) -> None:
    told = machine.bash(gitlab_scripts()[3], {"CI_DEFAULT_BRANCH": "main"}, shell)
    assert (told.returncode, "Applied: 1 submitted." in told.stdout) == (0, True), told.stdout
    assert "### Nothing needs a person" in told.stdout
    assert run(["stop", "sft", "--local", "--yes"]) == 0
    told = machine.bash(gitlab_scripts()[3], {"CI_DEFAULT_BRANCH": "main"}, shell)
    assert (told.returncode, "### 1 job needs a person" in told.stdout) == (1, True), told.stdout
    overtake(machine.workspace)
    told = machine.bash(gitlab_scripts()[3], {"CI_DEFAULT_BRANCH": "main"}, shell)
    assert (told.returncode, "Plan:" in told.stdout, "###" in told.stdout) == (0, False, False), told.stdout
