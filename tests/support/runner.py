"""A small runner of GitHub Actions: enough of its expressions and files to carry out our composite action for real."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import warm
from tests.support.folders import kept_folder
from tests.support.repository import QUICK

ROOT = Path(__file__).parents[2]
ACTION = ROOT / ".github" / "actions" / "baseten-jobs" / "action.yml"

GOOD = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata: {name: sft, project: Demo}
spec:
  image: {base_image: "i:1"}
  compute: {accelerator: "H100:8", node_count: 2}
  runtime: {start_commands: [train], environment_variables: {MODE: sesame}}
"""
BAD = GOOD.replace("node_count: 2", "node_count: 0")

_TOKEN = re.compile(r"'(?P<text>[^']*)'|(?P<operator>==|!=|&&|\|\||!|\(|\))|(?P<name>[\w.-]+)|\s+")
_OPERATORS = {"&&": " and ", "||": " or ", "!": " not "}

GH = '''\
"""In place of GitHub's client: keeps comments and issues in files, and knows the calls that the action makes."""
import json, os, sys
arguments = sys.argv[1:]
if os.environ.get("GH_FAILS") or not os.environ["GH_TOKEN"]:
    sys.exit("gh: Resource not accessible by integration (HTTP 403)")
assert arguments[0] == "api", arguments
given = dict(a.split("=", 1) for flag, a in zip(arguments, arguments[1:]) if flag in ("-f", "-F"))
body = open(given["body"][1:]).read() if "body" in given else None
if body is not None and len(body) > 65536:
    sys.exit("gh: Validation Failed: body is too long (maximum is 65536 characters) (HTTP 422)")
path = next((a for a in arguments if a.startswith("repos/acme/training/issues")), None)
of_issues = not path.endswith("/comments") if path else "issues(" in given["query"]
store = os.environ["GH_ISSUES" if of_issues else "GH_COMMENTS"]
kept = json.load(open(store))

def create(title, body):
    kept.append({"number": len(kept) + 11, "title": title, "body": body, "mine": True, "state": "OPEN", "edits": 0})

def found(known, key):
    if given.get("query"):
        assert (given["owner"], given["name"]) == ("acme", "training"), given
        jq = arguments[arguments.index("--jq") + 1]
        assert "viewerDidAuthor" in jq and "startswith(env.MARKER)" in jq, jq
    ours = [each for each in known if each["mine"] and each["body"].startswith(os.environ["MARKER"])]
    print("\\n".join(str(each[key]) for each in ours))

if of_issues and path is None:
    assert given["state"] in ("OPEN", "CLOSED")
    found([each for each in reversed(kept) if each["state"] == given["state"]], "number")
elif of_issues and path == "repos/acme/training/issues":
    beside = os.environ.get("GH_BESIDE")
    for who in {"before": ("other", "own"), "after": ("own", "other")}.get(beside, ("own",)):
        create(given["title"], body if who == "own" else body + "of another run")
elif of_issues:
    assert arguments[arguments.index("--method") + 1] == "PATCH"
    issue = next(each for each in kept if each["number"] == int(path.rpartition("/")[2]))
    assert issue["mine"], "only our own are edited"
    issue["edits"] += 1
    issue["body"] = issue["body"] if body is None else body
    issue["state"] = given.get("state", issue["state"]).upper()
    issue["reason"] = given.get("state_reason")
elif arguments[1] != "graphql":
    assert path == "repos/acme/training/issues/7/comments", path
    kept.append({"id": f"C{len(kept)}", "body": body, "mine": True})
elif given["query"].startswith("mutation"):
    next(c for c in kept if c["id"] == given["id"])["body"] = body
else:
    assert given["number"] == "7", given
    found(kept, "id")
json.dump(kept, open(store, "w"))
'''


@dataclass
class Ran:
    """What became of a job: the first exit code that is not 0, all output, and each step's outputs."""

    code: int
    log: str
    outputs: Mapping[str, Mapping[str, str]]
    summary: str


@dataclass
class Runner:
    """One machine: the folder it works in, what an event says, the comments of the pull request, and all issues."""

    workspace: Path
    temp: Path
    event: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    python: str = ""
    """Where it stands the installation runs too, with this Python in the place of that of `setup-python`."""

    def __post_init__(self) -> None:
        (self.temp / "baseten-jobs" / "bin").mkdir(parents=True, exist_ok=True)
        self.comments, self.issues = self.temp / "comments.json", self.temp / "issues.json"
        for store in (self.comments, self.issues):
            if not store.exists():
                store.write_text("[]")
        self.tool("baseten-jobs/bin/baseten-jobs", *warm.command())
        (self.temp / "gh.py").write_text(GH)
        self.tool("bin/gh", sys.executable, "-I", "-S", str(self.temp / "gh.py"))

    def tool(self, path: str, *command: str) -> None:
        """A command that is another, with its first arguments."""
        file = self.temp / path
        file.parent.mkdir(exist_ok=True)
        quoted = " ".join(f"'{each}'" for each in command)
        file.write_text(f'#!/bin/sh\nexec {quoted} "$@"\n')
        file.chmod(file.stat().st_mode | stat.S_IXUSR)

    def hear(self) -> None:
        """Note what our command is called with, for `heard`."""
        tool = self.temp / "baseten-jobs" / "bin" / "baseten-jobs"
        head, _, rest = tool.read_text().partition("\n")
        noted = f"printf '%s\\n' \"$@\" >'{self.temp}/heard-'\"$1\"\nprintf '%s\\037' \"$@\" >>'{self.temp}/calls'"
        tool.write_text(f"{head}\n{noted}\nprintf '\\n' >>'{self.temp}/calls'\n{rest}")

    def heard(self, command: str) -> list[str]:
        """The arguments of the last call of a command."""
        return (self.temp / f"heard-{command}").read_text().splitlines()[1:]

    def calls(self) -> list[list[str]]:
        """All commands that were heard, in their order, with their arguments."""
        return [line.split("\037")[:-1] for line in (self.temp / "calls").read_text().split("\n")[:-1]]

    def kept(self) -> list[dict[str, Any]]:
        """The issues of the repository, whoever wrote them."""
        found: list[dict[str, Any]] = json.loads(self.issues.read_text())
        return found

    def posted(self) -> list[str]:
        return [comment["body"] for comment in json.loads(self.comments.read_text())]

    def bash(
        self, script: str, environment: Mapping[str, str] | None = None, shell: str = "-eo pipefail"
    ) -> subprocess.CompletedProcess[str]:
        """A step's script, as a runner starts it; a variable that nobody set is an error.

        Where a step does not name bash as its shell, it is `bash -e`, and a pipe fails only with its last command.
        """
        base = {
            "PATH": f"{self.temp / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.temp),
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_ACTION_PATH": str(ACTION.parent),
            "GITHUB_REPOSITORY": "acme/training",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_RUN_ID": "42",
            "GITHUB_OUTPUT": str(self.temp / "output"),
            "GITHUB_STEP_SUMMARY": str(self.temp / "summary.md"),
            "GH_COMMENTS": str(self.comments),
            "GH_ISSUES": str(self.issues),
            "SHELLOPTS": "nounset",
        }
        return subprocess.run(
            ["bash", "--noprofile", "--norc", *shell.split(), "-c", script],
            cwd=self.workspace, env={**base, **self.environment, **(environment or {})}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def run(self, **inputs: str) -> Ran:
        """The whole action, but for the installation of Python, and where no `python` is given, of the tool."""
        action = _action()
        defaults = {name: str(each.get("default", "")) for name, each in action["inputs"].items()}
        assert inputs.keys() <= defaults.keys()
        context: dict[str, Any] = {
            "inputs": {**defaults, "github-token": "token", **inputs}, "github": {"event": self.event},
            "steps": {"python": {"outputs": {"python-path": self.python}}},
        }  # fmt: skip
        code, log = 0, ""
        output, summary = self.temp / "output", self.temp / "summary.md"
        summary.write_text("")
        for step in action["runs"]["steps"]:
            if "run" not in step or (step["name"] == "Install" and not self.python):
                continue
            context["failed"] = bool(code)
            condition = str(step.get("if", ""))
            always = "cancelled()" in condition or "success()" in condition
            wanted = bool(evaluated(condition, context)) if condition else True
            if not wanted or (code and not always):
                if "id" in step:
                    context["steps"][step["id"]] = {"outputs": {}, "outcome": "skipped"}
                continue
            output.write_text("")
            environment = {
                name: re.sub(r"\$\{\{(.*?)\}\}", lambda found: str(evaluated(str(found[1]), context) or ""), value)
                for name, value in step.get("env", {}).items()
            }
            ran = self.bash(step["run"], environment)
            code, log = code or ran.returncode, log + ran.stdout
            if "id" in step:
                outcome = "failure" if ran.returncode else "success"
                context["steps"][step["id"]] = {"outputs": outputs_in(output.read_text()), "outcome": outcome}
        told = {name: step["outputs"] for name, step in context["steps"].items()}
        return Ran(code, log, told, summary.read_text())


@cache
def _action() -> Any:
    return yaml.safe_load(ACTION.read_text())


def evaluated(expression: str, context: Mapping[str, Any]) -> Any:
    """An expression of GitHub Actions, of the few kinds that the action has."""
    python = ""
    for token in _TOKEN.finditer(expression):
        if token["operator"]:
            python += _OPERATORS.get(token["operator"], token["operator"])
        elif token["name"] == "cancelled":
            python += "bool"
        elif token["name"] == "success":
            python += "int" if context.get("failed") else "(lambda: True)"
        elif token["name"]:
            python += repr(_looked_up(token["name"], context))
        elif token["text"] is not None:
            python += repr(token["text"])
    return eval(python)


def _looked_up(name: str, context: Mapping[str, Any]) -> Any:
    value: Any = context
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def outputs_in(text: str) -> dict[str, str]:
    """`name=value` and `name<<end`, as the runner reads them."""
    found, lines = {}, iter(text.splitlines())
    for line in lines:
        name, delimiter, rest = line.partition("<<")
        if not delimiter:
            name, _, found_value = line.partition("=")
            found[name] = found_value
            continue
        value = []
        while (each := next(lines)) != rest:
            value.append(each)
        found[name] = "\n".join(value)
    return found


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "workspace"
    (folder / "specs").mkdir(parents=True)
    (folder / "specs" / "sft.yaml").write_text(GOOD)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def cloned(workspace: Path, tmp_path: Path) -> Path:
    """The workspace as a clone of a repository whose main branch it is."""
    made = _pushed()
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    config = workspace / ".git" / "config"
    config.write_text(config.read_text().replace(str(made), str(tmp_path)))
    return workspace


@cache
def _pushed() -> Path:
    """A folder with a workspace, and the repository that it was pushed to: made once, and copied."""
    folder = kept_folder()
    workspace = folder / "workspace"
    (workspace / "specs").mkdir(parents=True)
    (workspace / "specs" / "sft.yaml").write_text(GOOD)
    (workspace / ".gitignore").write_text(".baseten-jobs/\n")
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", "origin.git")
    git(workspace, "init", "--quiet", "--initial-branch=main")
    git(workspace, "remote", "add", "origin", str(folder / "origin.git"))
    commit(workspace)
    git(workspace, "push", "--quiet", "origin", "main")
    return folder


def git(folder: Path, *arguments: str, **environment: str) -> None:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    given = {**QUICK, **os.environ, **environment}
    subprocess.run(["git", *identity, *arguments], cwd=folder, env=given, check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "A commit")


def overtake(folder: Path, path: str = "specs/newer.yaml") -> None:
    """A commit with one more file is pushed, and left again."""
    (folder / path).write_text(GOOD.replace("sft", "newer"))
    commit(folder)
    git(folder, "push", "--quiet", "origin", "main")
    git(folder, "checkout", "--quiet", "HEAD~1")
