"""Repositories that try to have a command run: every seed makes another one, and a canary tells.

`python -m tests.attacks.repositories --seeds 400` is the long run.
"""

import argparse
import json
import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.support.folders import kept_folder
from tests.support.repository import git

SECRETS = {
    "BASETEN_API_KEY": "the-key-of-the-api", "BASETEN_OTHER": "the-key-of-the-api", "GITHUB_TOKEN": "the-key-of-github",
    "HF_TOKEN": "the-key-of-the-hub", "AWS_SECRET_ACCESS_KEY": "the-key-of-aws", "GIT_SSH_COMMAND": "the-key-of-ssh",
}  # fmt: skip

MANIFEST = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata: {{name: {name}, project: Demo}}
spec:
  workspace: {{root: {root}}}
  image: {{base_image: "i:1"}}
  compute: {{accelerator: "H100:8"}}
  runtime: {{start_commands: [{command}]}}
policy: {{on_change: stop}}
"""

COMMANDS = (
    ("validate",), ("plan", "--local"), ("plan", "--local", "--prune"), ("plan", "--local", "-o", "json"),
    ("apply", "--local", "--yes"), ("explain", "kind"), ("doctor", "--local"),
)  # fmt: skip

SETTINGS = (
    "core.fsmonitor", "core.sshCommand", "core.gitProxy", "core.pager", "core.editor", "core.askPass",
    "core.alternateRefsCommand", "diff.external", "diff.evil.textconv", "diff.evil.command", "filter.evil.clean",
    "filter.evil.smudge", "filter.evil.process", "filter.e=vil.clean", "gpg.program", "gpg.ssh.program",
    "credential.helper", "alias.log", "alias.rev-parse", "pager.log", "pager.ls-files", "remote.o.uploadpack",
    "merge.evil.driver", "sequence.editor", "uploadpack.packObjectsHook", "trailer.evil.cmd", "man.evil.cmd",
    "browser.evil.cmd", "difftool.evil.cmd", "interactive.diffFilter", "sendemail.sendmailcmd", "init.templateDir",
)  # fmt: skip
"""Settings of git that name a command, or a folder of some."""


@dataclass(frozen=True)
class Canary:
    """A program that leaves a mark, with the environment that it had, whenever somebody starts it."""

    folder: Path

    @property
    def program(self) -> Path:
        return self.folder / "canary"

    def named(self, name: str) -> Path:
        """The same program under another name, which its mark tells."""
        path = self.folder / name
        path.symlink_to(self.program)
        return path

    @property
    def marks(self) -> list[str]:
        return [path.read_text(errors="replace") for path in sorted(self.folder.glob("mark*"))]

    def hatch(self) -> "Canary":
        self.folder.mkdir(parents=True)
        executable(self.program, f'#!/bin/sh\n{{ echo "$0 $@"; env; }} > {self.folder}/mark.$$\nexit 1\n')
        return self


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def manifest(path: Path, name: str, command: str = "train", root: str = ".") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(MANIFEST.format(name=name, command=command, root=root))


def reviewed(folder: Path) -> Path:
    """The repository that a pull request goes to: two manifests, with code, and some history."""
    shutil.copytree(_reviewed(), folder)
    return folder


@cache
def _reviewed() -> Path:
    """Made once, and copied."""
    folder = kept_folder()
    git(folder, "init", "-q", "-b", "main")
    for number in range(3):
        manifest(folder / "specs" / "good.yaml", "good", f"train {number}")
        manifest(folder / "specs" / "other" / "other.yaml", "other", root="..")
        (folder / "specs" / "train.py").write_text(f"print({number})\n")
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", f"change {number}")
    return folder


def bare(folder: Path, canary: Canary, aside: Path) -> None:
    """Plain files that git takes for a repository, whose missing blob is to be fetched by a command."""
    aside.mkdir()
    git(aside, "init", "-q", "-b", "main")
    manifest(aside / "job.yaml", "planted")
    git(aside, "add", "-A")
    git(aside, "commit", "-qm", "x")
    gone = git(aside, "rev-parse", "HEAD:job.yaml")
    manifest(aside / "job.yaml", "planted", "other")
    git(aside, "commit", "-qam", "y")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("HEAD", "objects", "refs"):
        copy = shutil.copytree if (aside / ".git" / name).is_dir() else shutil.copy
        copy(aside / ".git" / name, folder / name)
    (folder / "objects" / gone[:2] / gone[2:]).unlink()
    (folder / "refs" / "heads" / "keep").write_text(git(aside, "rev-parse", "HEAD") + "\n")
    shutil.copy(aside / "job.yaml", folder / "job.yaml")
    (folder / "config").write_text(
        "[core]\n\trepositoryformatversion = 1\n\tbare = false\n\tworktree = .\n"
        f"\tsshCommand = {canary.program}\n\tfsmonitor = {canary.program}\n"
        '[extensions]\n\tpartialClone = o\n[remote "o"]\n\tpromisor = true\n\turl = ssh://localhost/x\n'
    )


# What a seed may do to a checkout


def _planted(folder: Path, canary: Canary, dice: random.Random) -> None:
    place = dice.choice(["specs", "specs/0evil", "specs/other", "", "specs/.git.git", "specs/a/b"])
    bare(folder / place, canary, canary.folder / f"aside{dice.random()}")


def _settings(folder: Path, canary: Canary, dice: random.Random) -> None:
    for name in dice.sample(SETTINGS, dice.randint(1, 12)):
        git(folder, "config", name, str(canary.program))
    if dice.random() < 0.5:
        git(folder, "config", "log.showSignature", "true")
        git(folder, "config", "filter.evil.required", "true")


def _hooks(folder: Path, canary: Canary, dice: random.Random) -> None:
    hooks = folder / dice.choice([".git/hooks", "hooks"])
    for name in ("post-index-change", "post-checkout", "pre-commit", "reference-transaction", "fsmonitor-watchman"):
        executable(hooks / name, canary.program.read_text())
    if hooks.parent == folder:
        git(folder, "config", "core.hooksPath", str(hooks))


def _attributes(folder: Path, canary: Canary, dice: random.Random) -> None:
    words = dice.sample(["filter=evil", "filter=e=vil", "diff=evil", "merge=evil", "text", "ident"], 2)
    place = dice.choice([".gitattributes", "specs/.gitattributes", ".git/info/attributes"])
    (folder / place).parent.mkdir(exist_ok=True)
    (folder / place).write_text(f"* {' '.join(words)}\n*.yaml {dice.choice(words)}\n")


def _modules(folder: Path, canary: Canary, dice: random.Random) -> None:
    (folder / ".gitmodules").write_text(
        f'[submodule "m"]\n\tpath = m\n\turl = ext::{canary.program}\n\tupdate = !{canary.program}\n'
    )
    git(folder, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},m")
    (folder / "m").mkdir(exist_ok=True)


def _packed(folder: Path, canary: Canary, dice: random.Random) -> None:
    git(folder, "repack", "-adq")
    if dice.random() < 0.5:
        git(folder, "config", "core.repositoryFormatVersion", "1")
        git(folder, "config", "extensions.partialClone", "o")
        git(folder, "config", "remote.o.promisor", "true")
        git(folder, "config", "remote.o.url", dice.choice([f"ext::{canary.program}", "ssh://localhost/x"]))
        for pack in (folder / ".git" / "objects" / "pack").glob("*.pack"):
            pack.with_suffix(".promisor").touch()


def _broken(folder: Path, canary: Canary, dice: random.Random) -> None:
    loose = sorted((folder / ".git" / "objects").glob("??/*"))
    for path in dice.sample(loose, min(3, len(loose))):
        path.chmod(0o600)
        path.unlink() if dice.random() < 0.7 else path.write_bytes(b"")


def _programs(folder: Path, canary: Canary, dice: random.Random) -> None:
    for name in ("git", "sh", "ssh", "git-remote-ext", "git-log", "less", "python3", "env"):
        executable(folder / name, canary.program.read_text())
        executable(folder / "specs" / name, canary.program.read_text())


def _edited(folder: Path, canary: Canary, dice: random.Random) -> None:
    manifest(folder / "specs" / "good.yaml", "good", f"train {dice.random()}")
    for path in folder.rglob("*.py"):
        path.write_text("print('edited')\n")


MUTATIONS: Sequence[Callable[[Path, Canary, random.Random], None]] = (
    _planted, _settings, _hooks, _attributes, _modules, _packed, _broken, _programs, _edited,
)  # fmt: skip


def environment(home: Path) -> Mapping[str, str]:
    """What the attacked user has: secrets, a PATH that begins where they stand, and a home of their own."""
    path = os.pathsep.join([".", "", os.environ["PATH"]])
    return {
        **SECRETS, "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "PATH": path,
        "XDG_CACHE_HOME": str(home / "cache"), "PYTHONPATH": str(Path(__file__).parents[2]),
    }  # fmt: skip


Called = Callable[[Path, Sequence[str], Mapping[str, str]], tuple[int, str]]


def attack(folder: Path, seed: int, call: Called) -> list[str]:
    """What went wrong where one seed's repository meets a command; empty when all is well."""
    dice = random.Random(seed)
    canary = Canary(folder / "cage").hatch()
    checkout, home = reviewed(folder / "checkout"), folder / "home"
    home.mkdir()
    chosen = dice.sample(MUTATIONS, dice.randint(1, 5))
    for mutate in chosen:
        try:
            mutate(checkout, canary, dice)
        except subprocess.CalledProcessError:
            continue  # git itself refuses what came before
        if dice.random() < 0.3 and _programs not in chosen:
            subprocess.run(("git", "-C", checkout, "add", "-A"), capture_output=True, check=False)
    for mark in canary.folder.glob("mark*"):
        mark.unlink()  # of the git that prepared all this
    command = dice.choice(COMMANDS)
    code, told = call(checkout / dice.choice(["", "specs"]), command, environment(home))
    names = ", ".join(mutate.__name__ for mutate in chosen)
    faults = [f"seed {seed} ({names}; {' '.join(command)}): a command ran: {mark[:200]}" for mark in canary.marks]
    if code not in range(10) or "Traceback" in told:
        faults.append(f"seed {seed} ({names}; {' '.join(command)}): exit {code}: {told[-2000:]}")
    return faults + [f"seed {seed}: {value} was told" for value in SECRETS.values() if value in told]


def in_a_process(folder: Path, command: Sequence[str], variables: Mapping[str, str]) -> tuple[int, str]:
    try:
        ran = subprocess.run(
            (sys.executable, "-P", "-m", "baseten_jobs", *command), cwd=folder, env=dict(variables),
            capture_output=True, text=True, errors="replace", timeout=60, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return -1, "no end within 60 s"
    return ran.returncode, ran.stdout + ran.stderr


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=400)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    faults: list[str] = []
    for seed in range(given.first, given.first + given.seeds):
        with tempfile.TemporaryDirectory() as name:
            faults += attack(Path(name).resolve(), seed, in_a_process)
    print(json.dumps({"seeds": given.seeds, "faults": faults}, indent=2))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
