"""The chores of `.ci/run`: what each of them runs, in which environment, and who calls them."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TOOLS = ("pip", "ruff", "mypy", "pytest", "python", "baseten-jobs", "shellcheck")

PYTHON3 = """\
#!/bin/sh
[ "$*" = "-m venv .venv" ] || exit 9
echo "python3 $*" >> calls
mkdir -p .venv/bin
for tool in {tools}; do
  printf '#!/bin/sh\\necho "%s $*" >> calls\\n' "$tool" > ".venv/bin/$tool"
  chmod +x ".venv/bin/$tool"
done
"""
"""In place of Python: makes an environment whose tools only note that they were called."""

MADE = ["python3 -m venv .venv", "pip install --quiet -e .[test]"]


class Checkout:
    """A checkout with nothing but the chores, on a machine with nothing but our Python."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / ".ci").mkdir()
        shutil.copy(ROOT / ".ci" / "run", folder / ".ci" / "run")
        shutil.copy(ROOT / "pyproject.toml", folder)
        (folder / "bin").mkdir()
        (folder / "bin" / "python3").write_text(PYTHON3.format(tools=" ".join(TOOLS)))
        (folder / "bin" / "python3").chmod(0o755)

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        (self.folder / "calls").unlink(missing_ok=True)
        given = {**os.environ, "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", **environment}
        if "VIRTUAL_ENV" not in environment:
            given.pop("VIRTUAL_ENV", None)
        command = ["bash", str(self.folder / ".ci" / "run"), *words]
        return subprocess.run(command, cwd=self.folder.parent, env=given, capture_output=True, text=True)

    def calls(self, *words: str, **environment: str) -> list[str]:
        """What a chore that ends well has called."""
        ran = self.run(*words, **environment)
        assert ran.returncode == 0, ran.stderr
        return (self.folder / "calls").read_text().splitlines()


ALL = "pytest -n 3 --dist worksteal -m slow or not slow"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    (tmp_path / "checkout").mkdir()
    return Checkout(tmp_path / "checkout")


@pytest.mark.parametrize(
    ("words", "called"),
    [
        ("lint", ["ruff check .", "ruff format --check .", "shellcheck .ci/run .github/actions/baseten-jobs/steps.sh"]),
        ("types", ["mypy "]),
        ("tests", [ALL]),
        ("tests tests/job -k digest", [f"{ALL} tests/job -k digest"]),
        ("golden", ["pytest -n 3 -m slow or not slow --golden"]),
        ("validate", ["baseten-jobs validate specs"]),
        ("validate --only-ours -- specs/x.yaml", ["baseten-jobs validate --only-ours -- specs/x.yaml"]),
        ("bench start", ["python -m tests.bench.speed start"]),
    ],
)
def test_a_chore_is_a_command_in_an_environment_that_it_makes(
    words: str, called: list[str], checkout: Checkout
) -> None:
    assert checkout.calls(*words.split()) == [*MADE, *called]


def test_an_environment_is_kept_until_pyproject_is_another(checkout: Checkout) -> None:
    assert checkout.calls("types") == [*MADE, "mypy "]
    assert checkout.calls("types") == ["mypy "]
    (checkout.folder / "pyproject.toml").write_text("[project]\n")
    assert checkout.calls("types") == [*MADE, "mypy "]


def test_an_active_environment_of_another_checkout_is_left_alone(checkout: Checkout) -> None:
    (checkout.folder / "baseten_jobs").mkdir()
    assert checkout.calls("types", VIRTUAL_ENV=sys.prefix) == [*MADE, "mypy "]


def test_a_chore_fails_as_its_command_does(checkout: Checkout) -> None:
    checkout.calls("types")
    (checkout.folder / ".venv" / "bin" / "ruff").write_text("#!/bin/sh\necho ruff $* >> calls; exit 3\n")
    assert checkout.run("lint").returncode == 3
    assert (checkout.folder / "calls").read_text() == "ruff check .\n"


@pytest.mark.parametrize("words", ["tidy", "lint specs", "lowest 3.11", "build dist", "release v1", "--golden"])
def test_another_word_is_wrong_usage(words: str, checkout: Checkout) -> None:
    ran = checkout.run(*words.split())
    assert (ran.returncode, ran.stdout) == (64, "")
    assert "Usage: .ci/run [CHORE [ARGUMENT]...]" in ran.stderr
    assert not (checkout.folder / "calls").exists()


def _chores() -> set[str]:
    shown = subprocess.run([ROOT / ".ci" / "run", "--help"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^  ([a-z]+) ", shown, re.M))


def test_the_chores_are_these() -> None:
    assert _chores() == {
        "lint",
        "types",
        "tests",
        "golden",
        "validate",
        "bench",
        "readme",
        "lowest",
        "build",
        "wheel",
        "release",
    }


# Who calls them


def _workflow(name: str) -> Any:
    return yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text())


def _runs(job: Mapping[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def test_ci_calls_chores_and_repeats_none_of_their_commands() -> None:
    runs = {name: _runs(job) for name, job in _workflow("ci")["jobs"].items()}
    assert runs == {
        "form": [".ci/run lint", ".ci/run types", ".ci/run validate"],
        "readme": [".ci/run readme"],
        "lowest": [".ci/run lowest"],
    }
    assert _runs(_workflow("weekly")["jobs"]["tests"]) == [
        ".ci/run readme", ".ci/run tests --hypothesis-profile thorough"
    ]  # fmt: skip


def test_ci_tries_every_python_and_system_that_the_readme_promises() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pythons = [found[1] for each in project["classifiers"] if (found := re.search(r":: (3\.\d+)$", each))]
    systems = ["ubuntu-latest", "macos-latest"]
    jobs = _workflow("ci")["jobs"]
    assert jobs["readme"]["strategy"] == {"fail-fast": False, "matrix": {"os": systems, "python": pythons}}
    assert jobs["lowest"]["strategy"] == {"fail-fast": False, "matrix": {"os": systems}}
    set_up = [step["with"]["python-version"] for job in jobs.values() for step in job["steps"] if "python" in str(step)]
    assert set_up == [pythons[0], "${{ matrix.python }}", pythons[0]]


def test_ci_runs_on_pushes_and_pull_requests_and_weekly_and_only_reads() -> None:
    ci = _workflow("ci")
    assert ci[True].keys() == {"push", "pull_request", "schedule", "workflow_dispatch"}  # YAML's own `on`
    assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", ci[True]["schedule"][0]["cron"])
    assert ci["permissions"] == {}
    assert all(job["permissions"] == {"contents": "read"} for job in ci["jobs"].values())


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("vendor.github-workflows", ".github/workflows/ci.yml"),
        ("vendor.github-workflows", ".github/workflows/weekly.yml"),
        ("vendor.dependabot", ".github/dependabot.yml"),
    ],
)
def test_what_github_reads_is_valid_by_its_own_schema(schema: str, file: str) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, file]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_our_own_hooks_are_chores_and_fetch_nothing() -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-config", ".pre-commit-config.yaml"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout + ran.stderr) == (0, "")
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    hooks = {hook["id"]: hook for hook in repository["hooks"]}
    assert {name: hook["entry"] for name, hook in hooks.items()} == {
        "lint": ".ci/run lint", "types": ".ci/run types", "baseten-jobs-validate": ".ci/run validate",
    }  # fmt: skip
    assert {hook["language"] for hook in hooks.values()} == {"system"}
    assert not any(hook.get("pass_filenames", True) for name, hook in hooks.items() if name in ("lint", "types"))


def test_our_own_hook_for_manifests_is_the_one_that_users_have() -> None:
    (theirs,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    (ours,) = [hook for hook in repository["hooks"] if hook["id"] == theirs["id"]]
    same = ("id", "name", "args", "types", "require_serial")
    assert {key: ours[key] for key in same} == {key: theirs[key] for key in same}
    assert theirs["entry"] == "baseten-jobs validate"  # which `.ci/run validate` is, with its arguments
