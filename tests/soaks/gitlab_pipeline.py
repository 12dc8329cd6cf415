"""The GitLab pipeline that `init` prints, run whole by gitlab-ci-local against the embedded API.

    npm install gitlab-ci-local@4.56
    python -m tests.soaks.gitlab_pipeline [PATH OF gitlab-ci-local]

Each run is a clone of its own at one commit, as a runner has it, and a virtual environment of its own, into which the
pipeline installs this repository's commit by the line that it prints: git takes the tag from here in place of GitHub.
Only `image` is left out, since nothing here runs containers. What the tool needs comes from the package index.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from baseten_jobs.cli.commands.init import pipeline_text
from baseten_jobs.distribution import OURS, PLACEHOLDER
from baseten_jobs.emulator.server import serving
from baseten_jobs.emulator.settings import Durations, Settings
from tests.support.repository import git

ROOT = Path(__file__).parents[2]
NEEDS = {
    "gitlab-ci-local": "npm install gitlab-ci-local@4.56, and its path as the argument",
    "rsync": "gitlab-ci-local copies with it",
}
KEY = "a-key-of-the-project"
MANIFEST = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata: {name: sft, project: Demo}
spec:
  image: {base_image: "python:3.13-slim"}
  compute: {accelerator: "H100:8", node_count: 1}
  runtime:
    start_commands:
      - torchrun --nnodes $BT_GROUP_SIZE --node-rank $BT_NODE_RANK --master-addr $BT_LEADER_ADDR train.py
  workspace: .
  enable_baseten_workdir: true
"""


@dataclass(frozen=True)
class Ran:
    """One pipeline: the jobs that ran, whether it was red, all that it said, and how many jobs the API got by then."""

    jobs: tuple[str, ...]
    red: bool
    said: str
    submitted: int


@dataclass
class Desk:
    """A project at a GitLab of its own: its repository, a clone to work in, and the embedded API."""

    folder: Path
    tool: str
    url: str

    def __post_init__(self) -> None:
        self.work, self.home = self.folder / "work", self.folder / "home"
        self.home.mkdir()
        self._publish()
        git(self.folder, "init", "--quiet", "--bare", "--initial-branch=main", "origin.git")
        git(self.folder, "clone", "--quiet", "origin.git", "work")
        git(self.work, "checkout", "--quiet", "-b", "main")
        self.write("specs/sft.yaml", MANIFEST)
        self.write("specs/train.py", "print('train')\n")
        self.write(".gitlab-ci.yml", pipeline_text("gitlab").replace(PLACEHOLDER, "acme"))
        (self.folder / "pipeline.yml").write_text(
            re.sub(r"^ +image: .*\n", "", self.read(".gitlab-ci.yml"), flags=re.M)
        )
        self.commit("main")

    def _publish(self) -> None:
        """This repository under the address that the pipeline installs from, with the tag of this version at HEAD."""
        released = self.folder / "tool.git"
        git(self.folder, "clone", "--quiet", "--bare", str(ROOT), str(released))
        git(released, "tag", "--force", f"v{OURS.version}")
        address = OURS.repository.replace(PLACEHOLDER, "acme")
        (self.home / ".gitconfig").write_text(
            f'[url "file://{released}"]\n  insteadOf = {address}\n[protocol "file"]\n  allow = always\n'
        )

    def write(self, path: str, text: str) -> None:
        file = self.work / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)

    def read(self, path: str) -> str:
        return (self.work / path).read_text()

    def nodes(self, count: int) -> None:
        self.write("specs/sft.yaml", re.sub(r"node_count: \d+", f"node_count: {count}", MANIFEST))

    def commit(self, branch: str) -> str:
        """Commit all, push it as a branch, and give the commit."""
        git(self.work, "add", "--all")
        git(self.work, "commit", "--quiet", "--message", "A change")
        git(self.work, "push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{branch}")
        return git(self.work, "rev-parse", "HEAD")

    def run(self, commit: str, source: str, **variables: str) -> Ran:
        """The pipeline of a commit, for `push`, `schedule` or `merge_request_event`."""
        place = Path(tempfile.mkdtemp(dir=self.folder, prefix="run-"))
        clone, machine = place / "clone", place / "machine"
        git(self.folder, "clone", "--quiet", "--no-local", "origin.git", str(clone))
        git(clone, "checkout", "--quiet", "--detach", commit)
        venv.create(machine, with_pip=True)
        given = {
            "CI_PIPELINE_SOURCE": source, "CI_DEFAULT_BRANCH": "main", "CI_COMMIT_SHA": commit,
            "CI_PROJECT_URL": "https://gitlab.example.com/acme/training", "BASETEN_BASE_URL": self.url,
            "PATH": f"{machine / 'bin'}:{os.environ['PATH']}", "HOME": str(self.home), **variables,
        }  # fmt: skip
        if source != "merge_request_event":
            given["CI_COMMIT_BRANCH"] = "main"
        command = [self.tool, "--file", "../../pipeline.yml", "--state-dir", "../state", "--concurrency", "1"]
        command += [word for name, value in given.items() for word in ("--variable", f"{name}={value}")]
        command += [] if "CI_COMMIT_BRANCH" in given else ["--unset-variable", "CI_COMMIT_BRANCH"]
        ran = subprocess.run(
            command, cwd=clone, env=_bare({"HOME": str(self.home), "PATH": given["PATH"]}), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        said = re.sub(r"\x1b\[[0-9;]*m", "", ran.stdout)
        jobs = tuple(dict.fromkeys(re.findall(r"^(\w+) +starting shell", said, re.MULTILINE)))
        shutil.rmtree(place)
        return Ran(jobs, ran.returncode != 0, said, len(self.submitted()))

    def submitted(self) -> list[Mapping[str, str]]:
        return self._ask("GET", "/_emulator/jobs")["training_jobs"]

    def stop_by_hand(self) -> None:
        for job in self.submitted():
            self._ask("POST", f"/_emulator/jobs/{job['id']}", {"status": "TRAINING_JOB_STOPPED"})

    def _ask(self, method: str, path: str, body: object = None) -> dict[str, list[Mapping[str, str]]]:
        headers = {"Authorization": f"Api-Key {KEY}"}
        answer = httpx.request(method, self.url + path, json=body, headers=headers, timeout=30, trust_env=False)
        found: dict[str, list[Mapping[str, str]]] = answer.raise_for_status().json()
        return found


def _bare(given: Mapping[str, str]) -> dict[str, str]:
    """The environment without what would tell this tool, or git, where it is."""
    ours = ("BASETEN_", "GIT_", "GITHUB_", "CI", "PYTHON", "VIRTUAL_ENV")
    return {**{name: value for name, value in os.environ.items() if not name.startswith(ours)}, **given}


@dataclass(frozen=True)
class Claim:
    """What a run is to be: its jobs, red or not, words that it says or never says, and the jobs submitted by then."""

    title: str
    run: Callable[[Desk], Ran]
    jobs: tuple[str, ...]
    submitted: int
    says: str
    not_says: str = "Traceback"
    red: bool = False

    def broken(self, ran: Ran) -> list[str]:
        wrong = [] if set(ran.jobs) == set(self.jobs) else [f"ran {ran.jobs}"]
        wrong += [] if ran.red == self.red else ["red" if ran.red else "green"]
        wrong += [] if re.search(self.says, ran.said) else [f"does not say {self.says}"]
        wrong += [f"says {self.not_says}"] if re.search(self.not_says, ran.said) else []
        return wrong + ([] if ran.submitted == self.submitted else [f"{ran.submitted} submitted"])


def _request(nodes: int, **variables: str) -> Callable[[Desk], Ran]:
    """A merge request's pipeline."""

    def run(desk: Desk) -> Ran:
        base = git(desk.work, "rev-parse", "origin/main")
        desk.nodes(nodes)
        commit = desk.commit("topic")
        git(desk.work, "reset", "--quiet", "--hard", base)
        told = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": base, **variables}
        return desk.run(commit, "merge_request_event", **told)

    return run


def _merge(nodes: int) -> Callable[[Desk], Ran]:
    def run(desk: Desk) -> Ran:
        before = git(desk.work, "rev-parse", "origin/main")
        desk.nodes(nodes)
        desk.write("specs/train.py", f"print('train on {nodes}')\n")
        return desk.run(desk.commit("main"), "push", CI_COMMIT_BEFORE_SHA=before, BASETEN_API_KEY=KEY)

    return run


def _overtaken(desk: Desk) -> Ran:
    """The pipeline of a commit that runs late: a newer one is on the branch."""
    before = git(desk.work, "rev-parse", "origin/main")
    desk.nodes(5)
    late = desk.commit("main")
    desk.nodes(6)
    desk.commit("main")
    return desk.run(late, "push", CI_COMMIT_BEFORE_SHA=before, BASETEN_API_KEY=KEY)


def _again(source: str) -> Callable[[Desk], Ran]:
    def run(desk: Desk) -> Ran:
        tip = git(desk.work, "rev-parse", "origin/main")
        before = git(desk.work, "rev-parse", "origin/main~1")
        return desk.run(tip, source, CI_COMMIT_BEFORE_SHA=before, BASETEN_API_KEY=KEY)

    return run


def _stopped(desk: Desk) -> Ran:
    desk.stop_by_hand()
    return _again("schedule")(desk)


REVIEW, APPLY, KEEP = ("validate", "plan"), ("apply",), ("keep",)
CLAIMS = (
    Claim("a merge request of a branch is planned", _request(2, BASETEN_API_KEY=KEY), REVIEW, 0, "Plan: 1 to submit"),
    Claim("one of a fork, without a key, is rendered", _request(2), REVIEW, 0, '"node_count": 2', "Plan: "),
    Claim("one that is wrong is red", _request(0, BASETEN_API_KEY=KEY), REVIEW, 0, "less than the minimum", red=True),
    Claim("a merge uploads code and submits", _merge(2), APPLY, 1, r"Applied: 1 submitted"),
    Claim("the same pipeline again submits nothing", _again("push"), APPLY, 1, "Nothing to submit", "Applied: "),
    Claim("an overtaken pipeline applies nothing", _overtaken, APPLY, 1, "not applied: main is at .* by now", "Plan: "),
    Claim("the newer one's own submits", _again("push"), APPLY, 2, "Applied: 1 submitted"),
    Claim("the schedule keeps what is there", _again("schedule"), KEEP, 2, "Nothing to submit", "Applied: 1"),
    Claim("it is red where somebody is needed", _stopped, KEEP, 2, r"\d jobs? needs? a person", "Applied: ", red=True),
)


def run(tool: str) -> list[str]:
    """What was not as it must be, after a line on each run."""
    wrong = []
    with (
        tempfile.TemporaryDirectory(prefix="gitlab-") as folder,
        serving(Settings(database=Path(folder) / "api.db", api_key=KEY, durations=Durations(running=86400.0))) as url,
    ):
        desk = Desk(Path(folder), tool, url)
        for claim in CLAIMS:
            ran = claim.run(desk)
            said = re.search(claim.says, ran.said)
            colour = "red" if ran.red else "green"
            told = f"{colour:5} {ran.submitted} submitted  {said[0] if said else ''}"
            print(f"{claim.title:44} {' '.join(ran.jobs):14} {told}")
            if broken := claim.broken(ran):
                print(ran.said, flush=True)
                wrong.append(f"{claim.title}: {'; '.join(broken)}")
    return wrong


def main(words: list[str]) -> None:
    tool = shutil.which(words[0] if words else "gitlab-ci-local")
    found = {"gitlab-ci-local": tool, "rsync": shutil.which("rsync")}
    if tool is None or None in found.values():
        print("".join(f"skipped: {each} is not here: {NEEDS[each]}\n" for each in found if not found[each]), end="")
        return
    if wrong := run(str(Path(tool).absolute())):
        sys.exit("\n".join(["", *wrong]))


if __name__ == "__main__":
    main(sys.argv[1:])
