"""`--if-tip`: real clones of real remotes, asked whether this commit is what the branch has by now."""

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from baseten_jobs.git.remote import remote_of
from baseten_jobs.git.repository import GitError, open_repository
from baseten_jobs.planning.history.branch_tip import is_branch, look
from tests.support.commands import Cli, called, nothing_set
from tests.support.git_server import GitServer, git_serving
from tests.support.repository import git
from tests.support.runner import outputs_in

__all__ = ["called", "nothing_set"]

Files = Mapping[str, str | None]


def manifest(name: str, more: str = "") -> str:
    return (
        f"apiVersion: baseten-jobs/v1\nkind: TrainingJob\nmetadata: {{name: {name}, project: Demo}}\n"
        f"spec:\n  image: {{base_image: 'i:1'}}\n  runtime: {{start_commands: [train {name}]}}\n{more}"
    )


CODED = "  workspace: {root: ../code, external: [../common]}\n  enable_baseten_workdir: true\n"
NONE: Files = {}
START: Files = {
    "README.md": "read me\n",
    "specs/plain.yaml": manifest("plain"),
    "specs/coded.yaml": manifest("coded", CODED),
    "code/train.py": "train()\n",
    "common/io.py": "io()\n",
    "shared/linked.yaml": manifest("linked"),
    "elsewhere/other.yaml": manifest("other"),
    ".gitignore": ".baseten-jobs/\n",
}


class Remote:
    """A bare repository, the clone that a command runs in, and another from which commits come.

    That one keeps its objects in the bare repository: what it commits is there once a reference names it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.bare, self.here, self.there = folder, folder / "o.git", folder / "here", folder / "there"

    def begin(self) -> None:
        git(self.folder, "init", "-q", "--bare", "-b", "main", "o.git")
        git(self.bare, "config", "uploadpack.allowFilter", "true")
        git(self.folder, "init", "-q", "-b", "main", "there")
        git(self.there, "remote", "add", "origin", "../o.git")
        shutil.rmtree(self.there / ".git" / "objects")
        (self.there / ".git" / "objects").symlink_to("../../o.git/objects")
        (self.there / "specs").mkdir()
        (self.there / "specs" / "linked.yaml").symlink_to("../shared/linked.yaml")
        self.push(START)
        git(self.folder, "clone", "-q", "o.git", "here")
        git(self.here, "remote", "set-url", "origin", "../o.git")
        for repository in (self.bare, self.here):
            git(repository, "repack", "-adq")
            git(repository, "prune-packed", "-q")  # few files are copied for each test

    def push(self, files: Files = NONE, *references: str, date: str = "") -> str:
        """A commit that writes, or takes away, these files; pushed to main, or to these references."""
        for name, text in files.items():
            path = self.there / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True) if text is None else path.write_text(text)
        git(self.there, "add", "-A")
        dated = {"GIT_COMMITTER_DATE": date} if date else {}
        git(self.there, "commit", "-q", "--allow-empty", "-m", "change", **dated)
        head = git(self.there, "rev-parse", "HEAD")
        for each in references or ("refs/heads/main",):
            git(self.bare, "update-ref", each, head)
        return head


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Remote(tmp_path_factory.mktemp("remote"))
    made.begin()
    return made.folder


@pytest.fixture
def remote(begun: Path, tmp_path: Path, nothing_set: None, monkeypatch: pytest.MonkeyPatch) -> Remote:
    for name in [name for name in os.environ if name.startswith("GIT_") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("HOME", str(tmp_path))
    shutil.copytree(begun, tmp_path, symlinks=True, dirs_exist_ok=True)
    made = Remote(tmp_path)
    monkeypatch.chdir(made.here)
    return made


def apply(called: Cli, *arguments: str) -> Any:
    return called("apply", "--local", "--yes", "--if-tip", "main", *arguments)


def sent() -> bool:
    return Path(".baseten-jobs", "emulator.db").exists()


# What the branch has by now


def test_the_tip_is_applied(remote: Remote, called: Cli) -> None:
    ran = apply(called)
    assert (ran.code, "Applied: 3 submitted." in ran.out) == (0, True), ran.err


def test_a_commit_that_was_overtaken_is_skipped_with_a_sentence(remote: Remote, called: Cli) -> None:
    head = git(remote.here, "rev-parse", "HEAD")
    tip = remote.push({"specs/plain.yaml": manifest("plain", "  priority: 3\n"), "specs/new.yaml": manifest("new")})
    ran = apply(called)
    assert (ran.code, ran.out, sent()) == (0, "", False)
    assert ran.err == (
        f"not applied: main is at {tip[:7]} by now, and this is {head[:7]}; its own run applies "
        "(differing: specs/new.yaml, specs/plain.yaml)\n"
    )


def test_more_than_a_few_differing_paths_are_counted(remote: Remote, called: Cli) -> None:
    remote.push({f"specs/{i}.yaml": manifest(f"m{i}") for i in range(9)})
    assert "(differing: specs/0.yaml, specs/1.yaml, specs/2.yaml and 6 more)\n" in apply(called).err


GOES_ON: Mapping[str, Files] = {
    "a commit without a change": {},
    "a file of nobody": {"README.md": "read me again\n", "docs/a.md": "a\n"},
    "a manifest that is in no PATH": {"elsewhere/other.yaml": manifest("other", "  priority: 3\n")},
    "a folder whose name only begins alike": {"specs2/x.yaml": manifest("x"), "code2/x.py": "x\n"},
    "a pipeline": {".github/workflows/a.yaml": "on: push\n"},
}
SKIPPED: Mapping[str, tuple[Files, str]] = {
    "a manifest": ({"specs/plain.yaml": manifest("plain", "  priority: 3\n")}, "specs/plain.yaml"),
    "a new manifest": ({"specs/deep/er/x.yaml": manifest("x")}, "specs/deep/er/x.yaml"),
    "a manifest that is gone": ({"specs/plain.yaml": None}, "specs/plain.yaml"),
    "a comment": ({"specs/plain.yaml": manifest("plain") + "# why\n"}, "specs/plain.yaml"),
    "another file below PATH": ({"specs/notes.txt": "a\n"}, "specs/notes.txt"),
    "a name of odd characters": ({"specs/a\nbö'\".yaml": manifest("x")}, "specs/a\\nbö'\".yaml"),
    "the file that a linked manifest is": ({"shared/linked.yaml": manifest("linked") + "#\n"}, "shared/linked.yaml"),
    "code": ({"code/train.py": "train(2)\n"}, "code/train.py"),
    "code that is new": ({"code/deep/more.py": "a\n"}, "code/deep/more.py"),
    "code from elsewhere": ({"common/io.py": "io(2)\n"}, "common/io.py"),
    "how files are checked out": ({".gitattributes": "*.py eol=crlf\n"}, ".gitattributes"),
    "defaults": ({"d.yml": "apiVersion: baseten-jobs/v1\nkind: TrainingJobDefaults\n"}, "d.yml"),
    "a policy": ({"deep/p.yaml": "kind: Policy\napiVersion: baseten-jobs/v1\n"}, "deep/p.yaml"),
    "a workspace's folder that is a file": ({"code/train.py": None, "code": "a\n"}, "code, code/train.py"),
}  # fmt: skip


@pytest.mark.parametrize("files", GOES_ON.values(), ids=GOES_ON)
def test_a_newer_commit_that_would_apply_the_same_swallows_nothing(files: Files, remote: Remote, called: Cli) -> None:
    remote.push(files)
    ran = apply(called)
    assert (ran.code, "Applied: 3 submitted." in ran.out) == (0, True), ran.err


@pytest.mark.parametrize(("files", "differing"), SKIPPED.values(), ids=SKIPPED)
def test_a_newer_commit_that_would_apply_something_else_skips_this_one(
    files: Files, differing: str, remote: Remote, called: Cli
) -> None:
    if "code" in files:
        (remote.there / "code" / "train.py").unlink()
        (remote.there / "code").rmdir()
        files = {"code": files["code"]}
    remote.push(files)
    ran = apply(called)
    assert (ran.code, sent()) == (0, False)
    assert ran.err.endswith(f"(differing: {differing})\n")


def test_a_bit_of_a_file_counts(remote: Remote, called: Cli) -> None:
    (remote.there / "code" / "train.py").chmod(0o755)
    remote.push()
    assert "(differing: code/train.py)" in apply(called).err


def test_a_submodule_in_code_counts_whatever_it_says_of_itself(remote: Remote, called: Cli) -> None:
    modules = '[submodule "s"]\n\tpath = code/s\n\turl = ../s.git\n\tignore = all\n'
    remote.push({".gitmodules": modules})
    git(remote.here, "pull", "-q")
    git(remote.there, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},code/s")
    git(remote.there, "commit", "-qm", "sub")
    git(remote.there, "push", "-q", "origin", "HEAD:main")
    assert "(differing: code/s)" in apply(called).err


def test_a_path_is_no_pattern(remote: Remote, called: Cli) -> None:
    remote.push({"spec[s]/x.yaml": manifest("x"), ":(top)/x.yaml": manifest("y")})
    git(remote.here, "pull", "-q")
    remote.push({"specs/new.yaml": manifest("new")})
    for path in ("spec[s]", "./:(top)"):
        assert apply(called, path).code == 0
    assert apply(called, "specs").err.endswith("(differing: specs/new.yaml)\n")


def test_paths_are_compared_from_wherever_the_command_runs(
    remote: Remote, called: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.push({"specs/new.yaml": manifest("new")})
    monkeypatch.chdir(remote.folder)
    assert "(differing: specs/new.yaml)" in apply(called, "here/specs").err
    monkeypatch.chdir(remote.here / "code")
    assert "(differing: specs/new.yaml)" in apply(called, "../specs").err
    (remote.folder / "link").symlink_to(remote.here)
    assert "(differing: specs/new.yaml)" in apply(called, str(remote.folder / "link" / "specs")).err
    monkeypatch.chdir(remote.here)
    assert "Applied: 1 submitted." in apply(called, "specs/plain.yaml").out


def test_a_link_on_the_way_counts_as_what_it_leads_to(remote: Remote, called: Cli) -> None:
    (remote.there / "current").symlink_to("specs")
    remote.push()
    git(remote.here, "pull", "-q")
    (remote.there / "current").unlink()
    (remote.there / "current").symlink_to("elsewhere")
    remote.push()
    assert "(differing: current)" in apply(called, "current").err
    assert "Applied: 3 submitted." in apply(called, "specs").out


def test_what_is_not_in_the_repository_is_only_applied_at_the_tip(remote: Remote, called: Cli) -> None:
    (remote.folder / "data").mkdir()
    (remote.folder / "data" / "a.txt").touch()
    outside = manifest("outside", "  workspace: {root: ../../data, outside: true}\n")
    remote.push({"far/x.yaml": outside})
    git(remote.here, "pull", "-q")
    assert "Applied: 1 submitted." in apply(called, "far", "--allow-outside", "../data").out
    remote.push({"README.md": "newer\n"})
    assert (
        "(differing: ../data, which is not in this repository)"
        in apply(called, "far", "--allow-outside", "../data").err
    )
    standard = called("apply", "--local", "--yes", "--if-tip", "main", "-", given=manifest("stdin"))
    assert (standard.code, "(differing: <stdin>, which" in standard.err) == (0, True)


def test_what_is_not_committed_plays_no_part(remote: Remote, called: Cli) -> None:
    remote.push({"README.md": "newer\n"})
    (remote.here / "specs" / "plain.yaml").write_text(manifest("plain", "  priority: 3\n"))
    (remote.here / "specs" / "new.yaml").write_text(manifest("new"))
    assert "Applied: 4 submitted." in apply(called).out


def test_a_commit_that_is_ahead_or_beside_is_skipped_as_well(remote: Remote, called: Cli) -> None:
    git(remote.here, "commit", "-q", "--allow-empty", "-m", "nothing new")
    assert "Applied: 3 submitted." in apply(called).out
    (remote.here / "specs" / "mine.yaml").write_text(manifest("mine"))
    git(remote.here, "add", "-A")
    git(remote.here, "commit", "-qm", "mine")
    assert "(differing: specs/mine.yaml)" in apply(called).err


def test_a_folder_whose_last_manifest_came_back_is_not_pruned(remote: Remote, called: Cli) -> None:
    assert apply(called).code == 0
    names = ("plain", "coded", "linked")
    gone: dict[str, str | None] = {f"specs/{name}.yaml": None for name in names}
    remote.push(gone)
    git(remote.here, "pull", "-q")
    remote.push({"specs/plain.yaml": manifest("plain")})
    ran = apply(called, "--prune")
    assert (ran.code, ran.err.splitlines()[-1].endswith("(differing: specs/plain.yaml)")) == (0, True)


def test_nothing_is_pruned_that_a_newer_commit_has_in_another_folder(remote: Remote, called: Cli) -> None:
    assert apply(called).code == 0
    remote.push({"specs/plain.yaml": None}, date="2090-01-01T00:00:00Z")
    git(remote.here, "pull", "-q")
    remote.push({"elsewhere/plain.yaml": manifest("plain")})
    assert called("plan", "--local", "--prune", "-o", "json").json["summary"]["stop"] == 1
    assert called("plan", "--local", "--prune", "--if-tip", "main", "-o", "json").json["summary"]["stop"] == 0


# Which branch


@pytest.mark.parametrize(
    "reference", ["refs/heads/refs/heads/main", "refs/tags/refs/heads/main", "refs/x/refs/heads/main"]
)
def test_a_reference_whose_name_ends_alike_is_not_the_branch(reference: str, remote: Remote, called: Cli) -> None:
    head = git(remote.here, "rev-parse", "HEAD")
    remote.push({"specs/new.yaml": manifest("new")})
    git(remote.bare, "update-ref", reference, head)
    assert "(differing: specs/new.yaml)" in apply(called).err
    git(remote.bare, "update-ref", "-d", "refs/heads/main")
    ran = apply(called)
    assert (ran.code, sent()) == (1, False)
    assert "the remote 'origin' has no branch 'main'" in ran.err


def test_another_branch_may_be_meant(remote: Remote, called: Cli) -> None:
    remote.push({"specs/new.yaml": manifest("new")}, "refs/heads/release/1.0")
    assert "Applied: 3" in apply(called).out
    ran = called("apply", "--local", "--yes", "--if-tip", "release/1.0")
    assert "not applied: release/1.0 is at " in ran.err


def test_a_whole_reference_is_no_branch_and_the_branch_is_named(remote: Remote, called: Cli) -> None:
    ran = called("plan", "--local", "--if-tip", "refs/heads/main")
    assert (ran.code, "no branch 'refs/heads/main'; did you mean 'main'?" in ran.err) == (1, True)


NAMES = [
    "main", "a/b", "release-1.0", "ü", "a@b", "@a", "a.b", "{x}", "refs/heads/main", "-x", "", "a b", "a..b", "a~1",
    "a^", "a:b", "a?", "a*", "a[b", "a\\b", "/a", "a/", "a//b", "a.", ".a", "a/.b", "a.lock", "a.lock/b", "a@{1}",
    "a\tb", "a\nb", "a\x7f", "@",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_git_refuses_is_wrong_usage(name: str, remote: Remote, called: Cli) -> None:
    asked = subprocess.run(["git", "check-ref-format", f"refs/heads/{name}"], capture_output=True)
    assert is_branch(name) == (asked.returncode == 0 and name != "-x")
    ran = called("plan", "--local", f"--if-tip={name}")
    assert ran.code == (0 if name == "main" else 1 if is_branch(name) else 64)


# The remote


def test_the_only_remote_is_asked_whatever_its_name(remote: Remote, called: Cli) -> None:
    git(remote.here, "remote", "rename", "origin", "up.stream")
    assert apply(called).code == 0
    remote.push({"specs/new.yaml": manifest("new")})
    assert "not applied" in apply(called).err


def without_remote(remote: Remote) -> None:
    git(remote.here, "remote", "remove", "origin")


def with_two_remotes(remote: Remote) -> None:
    git(remote.here, "remote", "rename", "origin", "b")
    git(remote.here, "remote", "add", "a", str(remote.bare))


def with_no_answer(remote: Remote) -> None:
    git(remote.here, "remote", "set-url", "origin", str(remote.folder / "nowhere"))


def with_a_command_for_a_remote(remote: Remote) -> None:
    git(remote.here, "remote", "set-url", "origin", f"ext::touch {remote.folder}/ran")


def with_a_remote_that_is_a_folder(remote: Remote) -> None:
    """One without a URL, of the name of a repository in the checkout."""
    git(remote.here, "config", "--unset", "remote.origin.url")
    git(remote.here, "clone", "-q", "--bare", ".", "origin")


def unborn(remote: Remote) -> None:
    git(remote.here, "checkout", "-q", "--orphan", "new")


def gone_commit(remote: Remote) -> None:
    """The remote names a commit that it does not have."""
    (remote.bare / "refs" / "heads" / "main").write_text("1" * 40 + "\n")
    (remote.bare / "packed-refs").unlink(missing_ok=True)


REFUSED: Mapping[str, tuple[Callable[[Remote], object], str]] = {
    "no remote": (without_remote, "this repository has no remote"),
    "several remotes": (with_two_remotes, "of the remotes 'a', 'b' none is called 'origin'"),
    "no answer": (with_no_answer, "nowhere' does not appear to be a git repository"),
    "a command": (with_a_command_for_a_remote, "transport 'ext' not allowed"),
    "a folder": (with_a_remote_that_is_a_folder, "this repository has no remote"),
    "no commit": (unborn, "the repository has no commit yet"),
    "a commit that nobody has": (gone_commit, ""),
}


@pytest.mark.parametrize(("spoil", "told"), REFUSED.values(), ids=REFUSED)
def test_where_the_tip_can_not_be_told_nothing_is_sent(
    spoil: Callable[[Remote], object], told: str, remote: Remote, called: Cli
) -> None:
    spoil(remote)
    ran = apply(called, "-o", "json")
    assert (ran.code, sent(), (remote.folder / "ran").exists()) == (1, False, False)
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("error: whether this is the tip of 'main' can't be told: ")
    assert ran.err.endswith("; nothing was sent\n")
    assert told in ran.err
    assert f"error: {ran.json['error']}\n" == ran.err


def test_without_git_nothing_is_sent(remote: Remote, called: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(remote.folder))
    ran = apply(called, "specs/plain.yaml")
    assert (ran.code, sent(), "git is not installed here" in ran.err) == (1, False, True)


def test_outside_of_a_repository_nothing_is_sent(remote: Remote, called: Cli) -> None:
    (remote.here / ".git").rename(remote.folder / "gone")
    ran = apply(called, "specs/plain.yaml")
    assert (ran.code, sent(), "specs/plain.yaml is not in a git repository" in ran.err) == (1, False, True)


def test_manifests_of_two_repositories_have_no_one_tip(remote: Remote, called: Cli) -> None:
    ran = apply(called, "specs", str(remote.there / "elsewhere"))
    assert (ran.code, sent(), "the manifests are in several repositories: " in ran.err) == (1, False, True)


def test_the_api_is_not_asked_before(remote: Remote, called: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASETEN_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("BASETEN_API_KEY", "a-key-of-mine")
    remote.push({"specs/new.yaml": manifest("new")})
    for command in ("plan", "apply"):
        assert called(command, "--if-tip", "main").code == 0
    without_remote(remote)
    for command in ("plan", "apply"):
        assert "has no remote" in called(command, "--if-tip", "main").err


# What is left behind


def state(repository: Path) -> tuple[str, ...]:
    """All that a check must leave as it was."""
    files = sorted(str(path) for path in (repository / ".git").rglob("*") if "objects" not in path.parts)
    asked = (["for-each-ref"], ["rev-parse", "--is-shallow-repository"], ["config", "--list", "--local"], ["status"])
    return (*files, *(git(repository, *each) for each in asked))


CLONES = {"full": [], "shallow": ["--depth=1"], "partial": ["--filter=blob:none"], "treeless": ["--filter=tree:0"]}


@pytest.mark.parametrize("how", CLONES)
def test_one_commit_is_fetched_and_no_reference_written(
    how: str, remote: Remote, called: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = remote.folder / "clone"
    git(remote.folder, "clone", "-q", *CLONES[how], f"file://{remote.bare}", "clone")
    for setting in ("fetch.prune", "fetch.pruneTags", "fetch.writeCommitGraph", "submodule.recurse"):
        git(clone, "config", setting, "true")
    git(clone, "config", "remote.origin.tagOpt", "--tags")
    git(clone, "update-ref", "refs/remotes/origin/pruned", "HEAD")
    hook = clone / ".git" / "hooks" / "reference-transaction"
    hook.write_text(f"#!/bin/sh\ntouch {remote.folder}/hooked\n")
    hook.chmod(0o755)
    monkeypatch.chdir(clone)
    git(clone, "status")
    before = state(clone)
    remote.push({"README.md": "1\n"}, "refs/heads/main", "refs/heads/side", "refs/tags/v1")
    tip = remote.push({"README.md": "2\n"})
    ran = apply(called)
    assert (ran.code, "Applied: 3 submitted." in ran.out) == (0, True), ran.err
    assert git(clone, "cat-file", "-t", tip) == "commit"
    assert state(clone) == before
    assert not (remote.folder / "hooked").exists()
    git(clone, "fetch", "-q", "--no-prune")
    git(clone, "fsck", "--connectivity-only")


def test_a_commit_that_is_here_already_is_not_fetched(remote: Remote) -> None:
    tip = remote.push({"specs/new.yaml": manifest("new")})
    git(remote.here, "fetch", "-q")
    remote.bare.rename(remote.folder / "moved")
    repository = open_repository(".")
    with repository:
        asked = remote_of(repository)  # type: ignore[arg-type]
        asked.fetch(tip)
        assert [change.path for change in asked.changes(tip)] == ["specs/new.yaml"]


# What is told


def test_a_skip_is_one_document(remote: Remote, called: Cli) -> None:
    remote.push({"specs/new.yaml": manifest("new")})
    for command, undone in ((("plan",), "not planned"), (("apply", "--yes"), "not applied")):
        ran = called(*command, "--local", "--if-tip", "main", "-o", "json")
        assert (ran.code, ran.json["reason"]) == (0, ran.err.rstrip("\n"))
        assert ran.json.keys() == {"format_version", "skipped", "reason"}
        assert ran.json["skipped"] is True
        assert ran.err.startswith(undone)
        ran = called(*command, "--local", "--if-tip", "main", "-o", "markdown")
        assert ran.out.splitlines()[1:4] == ["### Skipped", "", ran.err.rstrip("\n")]
    assert called("plan", "--local", "--if-tip", "main", "--detailed-exitcode").code == 0


def test_the_steps_outputs_tell_whether_it_was_skipped(
    remote: Remote, called: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, summary = remote.folder / "output", remote.folder / "summary"
    monkeypatch.setenv("GITHUB_OUTPUT", str(output))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))

    def outputs(*arguments: str) -> Mapping[str, str]:
        output.write_text("")
        called("plan", "--local", *arguments)
        return outputs_in(output.read_text())

    assert outputs()["skipped"] == ""
    assert outputs("--if-tip", "main") == {
        "has_changes": "true", "submits": "3", "cost_per_hour": "0.00", "skipped": "false"
    } | {"cost_per_hour": outputs()["cost_per_hour"]}  # fmt: skip
    remote.push({"specs/new.yaml": manifest("new")})
    summary.write_text("")
    assert outputs("--if-tip", "main") == {"has_changes": "", "submits": "", "cost_per_hour": "", "skipped": "true"}
    assert "### Skipped\n\nnot planned: main is at " in summary.read_text()
    without_remote(remote)
    assert outputs("--if-tip", "main")["skipped"] == ""


def test_a_saved_plan_is_applied_with_the_check_that_it_was_made_with(remote: Remote, called: Cli) -> None:
    plan, plain = str(remote.folder / "p.json"), str(remote.folder / "plain.json")
    assert called("plan", "--local", "--if-tip", "main", "--out", plan).code == 0
    assert called("plan", "--local", "--out", plain).code == 0
    for given, here in (((), "not given"), (("--if-tip", "other"), "'other'")):
        ran = called("apply", "--local", "--yes", "--plan", plan, *given)
        assert (ran.code, f"--if-tip is 'main' in the plan, and {here} here" in ran.err) == (8, True)
    remote.push({"specs/new.yaml": manifest("new")})
    for file in (plan, plain):
        ran = called("apply", "--local", "--yes", "--plan", file, "--if-tip", "main")
        assert (ran.code, "not applied: main is at " in ran.err) == (0, True)
    assert "Applied: 3 submitted." in called("apply", "--local", "--yes", "--plan", plain).out


@pytest.mark.parametrize("branch", ["-x", "mine\nerror: ", 7, False, ["main"]], ids=str)
def test_a_saved_plan_with_another_branch_is_refused_and_nobody_is_asked(
    branch: Any, remote: Remote, called: Cli
) -> None:
    plan = remote.folder / "p.json"
    assert called("plan", "--local", "--if-tip", "main", "--out", str(plan)).code == 0
    plan.write_text(plan.read_text().replace('"if_tip": "main"', f'"if_tip": {json.dumps(branch)}'))
    without_remote(remote)
    ran = called("apply", "--local", "--yes", "--plan", str(plan), "--if-tip", "main")
    assert (ran.code, ran.err.count("\n")) == (8 if isinstance(branch, str) else 1, 1)
    assert ("--if-tip is '" if isinstance(branch, str) else "the plan's option 'if_tip' can't be ") in ran.err


# Over the network


@pytest.fixture
def served(remote: Remote) -> Any:
    with git_serving(GitServer(remote.folder)) as server:
        yield server


def test_a_remote_over_http_is_asked(remote: Remote, served: GitServer, called: Cli) -> None:
    git(remote.here, "remote", "set-url", "origin", f"{served.url}/o.git")
    remote.push({"README.md": "newer\n"})
    assert "Applied: 3 submitted." in apply(called).out
    remote.push({"specs/new.yaml": manifest("new")})
    assert "(differing: specs/new.yaml)" in apply(called).err


def basic(words: str) -> str:
    return "Basic " + base64.b64encode(words.encode()).decode()


def test_the_callers_credentials_are_used(
    remote: Remote, served: GitServer, called: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.authorization = basic("ada:sesame-open")
    git(remote.here, "remote", "set-url", "origin", f"{served.url}/o.git")
    assert apply(called).code == 1, "nobody is asked for them"
    asking = remote.folder / "askpass"
    asking.write_text("#!/bin/sh\ncase $1 in User*) echo ada ;; *) echo sesame-open ;; esac\n")
    asking.chmod(0o755)
    monkeypatch.setenv("GIT_ASKPASS", str(asking))
    assert apply(called).code == 0
    monkeypatch.delenv("GIT_ASKPASS")
    given = {
        "COUNT": "1",
        "KEY_0": f"http.{served.url}/.extraheader",
        "VALUE_0": f"Authorization: {served.authorization}",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    assert apply(called).code == 0


@pytest.mark.parametrize("userinfo", ["ada:sesame-open", "sesame-open", "ada:sesame%2Dopen", "ada:sesame@open"])
def test_the_words_of_a_remote_hold_no_credentials(
    userinfo: str, remote: Remote, served: GitServer, called: Cli
) -> None:
    served.authorization = "none that anybody has"
    git(remote.here, "remote", "set-url", "origin", served.url.replace("://", f"://{userinfo}@") + "/o.git")
    for output in ("text", "json", "markdown"):
        ran = called("plan", "--local", "--if-tip", "main", "-o", output)
        assert ran.code == 1
        told = ran.out + ran.err
        assert "sesame" not in told
        assert "open" not in told
        assert any(f"{words} 'http://127.0.0.1:" in ran.err for words in ("Authentication failed for", "for", "access"))


def test_the_key_of_the_api_is_none_of_gits_business(
    remote: Remote, called: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = remote.folder / "upload-pack"
    script.write_text(f'#!/bin/sh\nenv > {remote.folder}/environment\nexec git-upload-pack "$@"\n')
    script.chmod(0o755)
    git(remote.here, "config", "remote.origin.uploadpack", str(script))
    monkeypatch.setenv("BASETEN_API_KEY", "the-key-itself")
    assert apply(called).code == 0
    told = (remote.folder / "environment").read_text()
    assert "GIT_TERMINAL_PROMPT=0" in told
    assert "the-key-itself" not in told


def own_address(remote: Remote, served: GitServer) -> str:
    """An address of the remote that no other test's processes have: a port is soon another server's."""
    address = f"{served.url}/{os.getpid()}-{remote.here.parent.name}.git"
    git(remote.here, "remote", "set-url", "origin", address)
    return address


def test_a_remote_that_never_answers_is_left_in_time_with_all_that_was_started(
    remote: Remote, served: GitServer
) -> None:
    served.silent = True
    address = own_address(remote, served)
    with pytest.raises(GitError, match=r"^git ls-remote: no answer within 0\.5 s$"):
        look("main", ("specs",), (), seconds=0.5)
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert address not in running


def test_an_interrupted_check_ends_with_one_document(remote: Remote, served: GitServer) -> None:
    served.silent = True
    address = own_address(remote, served)
    command = [sys.executable, "-m", "baseten_jobs", "apply", "--local", "--yes", "--if-tip", "main", "-o", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert served.asked.wait(30)
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=30)
    assert (running.returncode, json.loads(out)["error"], err) == (130, "interrupted", "error: interrupted\n")
    assert not sent()
    told = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert address not in told
