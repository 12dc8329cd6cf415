"""Which files of a tree travel, what moves a digest and what does not, and what can't travel."""

import errno
import hashlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baseten_jobs.job.content import File, content_digest
from baseten_jobs.manifest.diagnostics import Severity
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.workspace.hashing import Cache, Unread, hash_all
from baseten_jobs.workspace.selection import Selection
from baseten_jobs.workspace.walk import walk
from tests.bench.large_workspace import measure
from tests.support.repository import ENVIRONMENT, git
from tests.support.strategies import CONTENTS
from tests.support.trees import CODE, commit, compiled, content, digest, manifest, paths, told, write

WARNING = Severity.WARNING


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trees outside of git are remembered in the user's cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = write(tmp_path / "job", CODE)
    manifest(folder)
    return folder


@pytest.fixture
def checkout(tree: Path) -> Path:
    commit(tree)
    return tree


ALL = ["lib/layers.py", "run.sh", "train.py"]


# What moves a digest

_CHANGES: dict[str, Callable[[Path], object]] = {
    "a byte": lambda tree: (tree / "train.py").write_text("LR = 2\n"),
    "a name": lambda tree: (tree / "train.py").rename(tree / "main.py"),
    "an executable bit": lambda tree: (tree / "train.py").chmod(0o755),
    "another file": lambda tree: (tree / "empty").touch(),
    "a file less": lambda tree: (tree / "train.py").unlink(),
    "a link in the place of a file": lambda tree: (
        (tree / "train.py").unlink(),
        (tree / "train.py").symlink_to("run.sh"),
    ),
    "the command": lambda tree: (tree / "x.yaml").write_text((tree / "x.yaml").read_text().replace("./run", "sh run")),
}


@pytest.mark.parametrize("change", _CHANGES.values(), ids=_CHANGES.keys())
def test_a_digest_moves_with(change: Callable[[Path], object], tree: Path) -> None:
    before = digest(tree)
    change(tree)
    assert digest(tree) != before


def _touch(tree: Path) -> None:
    for path in tree.rglob("*"):
        os.utime(path, (1, 1))


_REWRITES: dict[str, Callable[[Path], object]] = {
    "times": _touch,
    "other bits of the mode": lambda tree: (tree / "train.py").chmod(0o600),
    "a comment in the manifest": lambda tree: (tree / "x.yaml").write_text("# why\n" + (tree / "x.yaml").read_text()),
    "priority and policy": lambda tree: manifest(tree, more="  priority: 7\npolicy: {on_change: stop}\n"),
    "the workspace's spelling": lambda tree: manifest(tree, "{root: ../job, exclude: [nothing]}"),
    "another manifest": lambda tree: manifest(tree, name="y"),
    "a saved plan": lambda tree: write(
        tree, {"plan.out": '{\n  "format_version": "1.0",\n  "kind": "baseten-jobs-plan"'}
    ),
    "the tool's folder": lambda tree: write(tree, {".baseten-jobs/emulator.db": "x"}),
    "a manifest of a later version": lambda tree: write(
        tree, {"a.yml": "{'apiVersion': baseten-jobs/v9, kind: Sweep}"}
    ),
    "an empty folder": lambda tree: (tree / "empty").mkdir(),
}


@pytest.mark.parametrize("rewrite", _REWRITES.values(), ids=_REWRITES.keys())
def test_a_digest_stays_with(rewrite: Callable[[Path], object], tree: Path) -> None:
    before = digest(tree)
    rewrite(tree)
    unlike = [path for path in (tree / "a.yml",) if path.exists()]
    held = {path: path.read_bytes() for path in unlike}
    (request, *_) = compiled_without(tree, held)
    assert request == before


def compiled_without(tree: Path, foreign: dict[Path, bytes]) -> list[str]:
    """Digests of the manifests of this version; those of a later one are no errors of theirs."""
    if foreign:
        from io import BytesIO

        from baseten_jobs.compilation import compile_all

        return [r.digest for r in compile_all(Inputs([str(tree / "x.yaml")]), BytesIO()).requests]
    return [r.digest for r in compiled(tree).requests]


def test_copies_and_clones_have_the_same_digest(checkout: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(checkout, tmp_path / "copy", symlinks=True))
    git(tmp_path, "clone", "-q", str(checkout), "clone")
    plain = Path(shutil.copytree(checkout, tmp_path / "plain", ignore=shutil.ignore_patterns(".git")))
    git(checkout, "worktree", "add", "-q", "--detach", "../worktree")
    assert {digest(folder) for folder in (copy, tmp_path / "clone", plain, tmp_path / "worktree")} == {digest(checkout)}


NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=8
)
FILES = st.dictionaries(
    NAMES.filter(lambda name: name not in (".", "..")), st.tuples(CONTENTS, st.booleans()), max_size=6
)


def _digest_of(files: dict[str, tuple[bytes, bool]]) -> str:
    from hashlib import sha256

    return content_digest(
        File(name, f"/{index}", len(raw), executable, sha256(raw).hexdigest())
        for index, (name, (raw, executable)) in enumerate(files.items())
    )


@given(FILES, FILES)
def test_two_trees_have_one_digest_only_where_they_hold_the_same(
    one: dict[str, tuple[bytes, bool]], other: dict[str, tuple[bytes, bool]]
) -> None:
    assert (_digest_of(one) == _digest_of(other)) == (one == other)


@given(FILES, st.randoms(use_true_random=False))
def test_the_order_of_files_never_moves_a_digest(files: dict[str, tuple[bytes, bool]], chance: object) -> None:
    shuffled = list(files.items())
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert _digest_of(dict(shuffled)) == _digest_of(files)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.dictionaries(
        st.from_regex(r"[a-z]{1,3}(/[a-z]{1,3}){0,2}", fullmatch=True), st.binary(max_size=9), min_size=1, max_size=5
    )
)
def test_a_tree_on_the_disk_has_one_digest_wherever_it_lies(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        kept = {f"f{name}/x": raw for name, raw in files.items()}
        for folder, order in ((one, kept), (other, dict(reversed(kept.items())))):
            write(Path(folder), order)
            manifest(Path(folder))
        assert paths(Path(one)) == sorted(kept)
        assert digest(Path(one)) == digest(Path(other))


# Which files travel

NOT_SILENTLY = {f"{name}/code.py": "" for name in ("lib", "build", "target", "dist", "env", "downloads", "var", "bin")}
NEVER = {
    ".env": "A=b", ".env.local": "", ".env-prod": "", "deep/.env": "", ".venv/bin/python": "",
    "own-name/pyvenv.cfg": "", "own-name/lib/site.py": "", "__pycache__/a.cpython-311.pyc": "", "old.pyc": "",
    ".cache/x": "", ".mypy_cache/x": "",
}  # fmt: skip


@pytest.mark.parametrize("in_git", [True, False], ids=["in git", "without git"])
def test_code_travels_whatever_its_folder_is_called_and_secrets_and_caches_do_not(tree: Path, in_git: bool) -> None:
    write(tree, {**NOT_SILENTLY, **NEVER, ".env.example": "", "Makefile": ""})
    if in_git:
        commit(tree)
    assert paths(tree) == sorted([*ALL, *NOT_SILENTLY, ".env.example", "Makefile"])


def test_git_says_what_travels(checkout: Path) -> None:
    write(checkout, {".gitignore": "*.log\ndata/\n", "a.log": "", "data/big.bin": "", "sub/.gitignore": "!b.log\n"})
    write(checkout, {"sub/b.log": "", "sub/c.log": "", "tracked.log": "", "new.py": ""})
    git(checkout, "add", "-f", "tracked.log")
    (checkout / ".git" / "info" / "exclude").write_text("private.txt\n")
    write(checkout, {"private.txt": ""})
    expected = sorted([*ALL, "new.py", "sub/b.log", "tracked.log"])
    assert paths(checkout) == expected
    assert told(checkout, WARNING) == ["2 files are not in git: new.py, sub/b.log [workspace-untracked]"]


def test_ignore_files_hold_without_git_too(tree: Path) -> None:
    write(
        tree, {".gitignore": "*.log\n/data\n", "a.log": "", "data/x": "", "sub/data/x": "", "sub/.gitignore": "!k.log"}
    )
    write(tree, {"sub/k.log": ""})
    assert paths(tree) == sorted([*ALL, "sub/data/x", "sub/k.log"])


_PARTS = st.sampled_from(["a", "lib", "x.log", "y.py", "foo bar", "a\nb", " lead", "!n", "#h", "b\\s"])
_PATTERNS = st.sampled_from(
    ["*.log", "!x.log", "lib/", "!lib", "/lib", "lib/*", "!lib/a", "*", "!*/", "a/**", "**/a", "[!a]*", "\\#h", "\\!n",
     "a/", "!a/", "/*", "**/", "b\\\\s", "foo bar", "lib/**/x.log", "!y.py", "[[]z]", "\ufeff"]
)  # fmt: skip


@settings(max_examples=20, deadline=None, database=None)
@given(
    files=st.lists(st.lists(_PARTS, min_size=1, max_size=4).map("/".join), min_size=1, max_size=8),
    ignored=st.dictionaries(
        st.sampled_from(["", "lib/", "a/", "lib/a/"]), st.lists(_PATTERNS, min_size=1, max_size=4), max_size=3
    ),
)
def test_ignore_files_mean_what_git_says_they_mean(files: list[str], ignored: dict[str, list[str]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for path in [*files, *(f"{folder}.gitignore" for folder in ignored)]:
            with suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
                write(root, {path: "\n".join(ignored.get(path.removesuffix(".gitignore"), ["x"]))})
        git(root, "init", "-q", "--template=")
        listed = subprocess.run(
            ["git", "ls-files", "-z", "-o", "--exclude-standard"], cwd=root, env=ENVIRONMENT, capture_output=True
        )
        found = sorted(file.path for file in walk(name, "", Selection(), None).files)
        every = filter(None, listed.stdout.decode().split("\0"))
        assert found == sorted(path for path in every if path.rpartition("/")[2] != ".gitignore")


def test_what_is_negated_within_a_folder_stays_left_out(tree: Path) -> None:
    write(tree, {".gitignore": "*.log\n", "lib/.gitignore": "!deep\n", "lib/deep/x.log": "", "lib/deep/y.py": ""})
    assert "lib/deep/x.log" not in paths(tree)


def test_an_ignore_file_is_read_as_git_reads_it(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = "\ufeffdata\r\n[[]z]\n"
    write(tree, {".gitignore": raw.encode(), "data": "", "sub/.gitignore/x": "", "a\u2028b": ""})
    assert paths(tree) == sorted([*ALL, "a\u2028b", "sub/.gitignore/x"])
    assert capsys.readouterr().err == ""


def test_basetenignore_leaves_out_what_git_tracks(checkout: Path) -> None:
    write(checkout, {".basetenignore": "notebooks/\n*.png\n!keep.png\n", "notebooks/a.ipynb": "", "b.png": ""})
    write(checkout, {"keep.png": ""})
    commit(checkout)
    assert paths(checkout) == sorted([*ALL, "keep.png"])


def test_include_brings_back_and_exclude_comes_last(checkout: Path) -> None:
    write(
        checkout, {".gitignore": "data/\n.env\n", "data/a.bin": "", "data/b.bin": "", "data/deep/c.bin": "", ".env": ""}
    )
    manifest(checkout, "{root: ., include: [data/, .env], exclude: [b.bin, lib/]}")
    commit(checkout)
    assert paths(checkout) == sorted([".env", "data/a.bin", "data/deep/c.bin", "run.sh", "train.py"])


def test_a_wildcard_never_includes_what_must_be_spelled_out(tree: Path) -> None:
    write(tree, NEVER)
    manifest(tree, "{root: ., include: ['**', '*', '.e*']}")
    assert paths(tree) == ALL
    manifest(tree, "{root: ., include: [.venv/, deep/.env]}")
    assert paths(tree) == sorted([*ALL, ".venv/bin/python", "deep/.env"])


def test_external_folders_travel_under_their_own_names(tmp_path: Path) -> None:
    write(tmp_path, {"job/run.sh": "", "common/io.py": "", "common/.env": "", "other/job.py": ""})
    manifest(tmp_path / "job", "{external: [../common, ../other], outside: true}")
    assert paths(tmp_path / "job", tmp_path) == ["common/io.py", "other/job.py", "run.sh"]


def test_an_external_folder_has_the_name_that_the_manifest_gives_it(tmp_path: Path) -> None:
    write(tmp_path, {"job/run.sh": "", "job/io/a.py": "", "common-v2/io.py": "", "io/b.py": ""})
    (tmp_path / "common").symlink_to("common-v2")
    manifest(tmp_path / "job", "{external: [../common], outside: true}")
    assert paths(tmp_path / "job", tmp_path) == ["common/io.py", "io/a.py", "run.sh"]
    manifest(tmp_path / "job", "{external: [../io], outside: true}")
    assert told(tmp_path / "job", allowed=[tmp_path]) == ["'io' is in the root already [workspace-external]"]


def test_an_external_folder_that_git_ignores_is_an_error_unless_it_is_included(checkout: Path, tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "data/\n", "data/a.bin": ""})
    shutil.rmtree(checkout / ".git")
    manifest(checkout, "{external: [../data]}")
    commit(tmp_path)
    assert told(checkout) == ["no file of '../data' travels [workspace-empty]"]
    manifest(checkout, "{external: [../data], include: [data/]}")
    assert paths(checkout) == ["data/a.bin", *ALL]


def test_a_submodule_travels_as_it_is_checked_out(checkout: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other", {"model.py": "", ".gitignore": "*.tmp", "x.tmp": ""})
    commit(other)
    git(checkout, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "vendor")
    commit(checkout)
    assert paths(checkout) == sorted([*ALL, ".gitmodules", "vendor/model.py"])
    assert told(checkout, WARNING) == []


def test_a_root_may_be_the_repository_around_the_manifest(checkout: Path) -> None:
    (checkout / "specs").mkdir()
    (checkout / "x.yaml").rename(checkout / "specs" / "x.yaml")
    manifest(checkout / "specs", "..")
    assert paths(checkout / "specs") == ALL


def test_many_manifests_of_one_checkout_cost_four_git_processes(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("y", "z"):
        manifest(write(checkout / name, {**CODE, f"{name}.py": ""}), name=name)
    commit(checkout)
    calls: list[tuple[str, ...]] = []
    run = subprocess.run

    def counted(arguments: tuple[str, ...], **options: Any) -> Any:
        calls.append(arguments)
        return run(arguments, **options)

    monkeypatch.setattr("baseten_jobs.git.process.subprocess.run", counted)
    assert len({request.content for request in compiled(checkout).requests}) == 3
    assert len(calls) == 4


# What can't travel


def _socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path.name)
    os.chdir(here)


_FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a link out of the root": (
        lambda tree: (tree / "data").symlink_to("../elsewhere"),
        "data: the link leads out of the root, to '../elsewhere'",
    ),
    "a link by way of another": (
        lambda tree: ((tree / "up").symlink_to("lib"), (tree / "z").symlink_to("up/../../x")),
        "z: the link leads out of the root, to 'up/../../x'",
    ),
    "a link that leaves the root and comes back": (
        lambda tree: (tree / "data").symlink_to("../job/train.py"),
        "data: the link leads out of the root, to '../job/train.py'",
    ),
    "an absolute link": (
        lambda tree: (tree / "data").symlink_to("/etc/hosts"),
        "data: the link leads to '/etc/hosts', an absolute path",
    ),
    "a fifo": (lambda tree: os.mkfifo(tree / "lib" / "pipe"), "lib/pipe: a fifo can't travel"),
    "a socket": (lambda tree: _socket(tree / "sock"), "sock: a socket can't travel"),
    "a name that is not UTF-8": (
        lambda tree: (tree / os.fsdecode(b"caf\xe9.py")).touch(),
        "caf\\xe9.py: the name is not UTF-8",
    ),
    "a folder that is not UTF-8": (
        lambda tree: write(tree / os.fsdecode(b"caf\xe9"), {"a.py": ""}),
        "caf\\xe9: the name is not UTF-8",
    ),
}


@pytest.mark.parametrize("in_git", [True, False], ids=["in git", "without git"])
@pytest.mark.parametrize(("make", "message"), _FAULTS.values(), ids=_FAULTS.keys())
def test_an_error_names(make: Callable[[Path], object], message: str, tree: Path, in_git: bool) -> None:
    if in_git:
        commit(tree)
    make(tree)
    assert told(tree) == [f"{message} [workspace-file]"]


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder of a user who is not root, for whom alone there are files that can't be read."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    was = os.geteuid()
    if was == 0:
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
    try:
        yield folder
    finally:
        os.seteuid(was)
        for path in folder.rglob("*"):
            if not path.is_symlink():
                path.chmod(0o700)
        shutil.rmtree(folder)


def test_unreadable_files_and_folders_are_named(as_nobody: Path) -> None:
    code = write(as_nobody / "code", {**CODE, "closed/x": ""})
    (as_nobody / "specs").mkdir()
    manifest(as_nobody / "specs", "{root: ../code, outside: true}")
    (code / "train.py").chmod(0)
    (code / "closed").chmod(0)
    assert told(as_nobody / "specs", allowed=[code]) == [
        f"closed/: this folder can't be read: {os.strerror(errno.EACCES)} [workspace-file]",
        f"train.py: it can't be read: {os.strerror(errno.EACCES)} [workspace-file]",
    ]


def test_an_ignore_file_that_cannot_be_read_is_named_though_it_is_excluded(as_nobody: Path) -> None:
    code = write(as_nobody / "code", {**CODE, ".basetenignore": "*.py\n"})
    manifest(code, "{exclude: [.basetenignore]}")
    (code / ".basetenignore").chmod(0)
    assert told(code) == [f".basetenignore: it can't be read: {os.strerror(errno.EACCES)} [workspace-file]"]


def test_an_excluded_file_may_be_whatever_it_is(tree: Path) -> None:
    os.mkfifo(tree / "pipe")
    (tree / "data").symlink_to("/etc")
    manifest(tree, "{exclude: [pipe, data]}")
    assert paths(tree) == ALL


def test_links_within_the_root_stay_links(tree: Path) -> None:
    (tree / "latest.py").symlink_to("train.py")
    (tree / "code").symlink_to("lib")
    (tree / "lib" / "up.py").symlink_to("../run.sh")
    targets = {file.path: file.target for file in content(tree).files if file.target}
    assert targets == {"latest.py": "train.py", "code": "lib", "lib/up.py": "../run.sh"}


_ROOTS = {
    "elsewhere": ("nowhere", "the folder '{tree}/nowhere' does not exist [workspace-root]"),
    "a file": ("train.py", "the folder '{tree}/train.py' is not a folder [workspace-root]"),
    "outside": ("..", "'..' is outside of the manifest's folder [workspace-outside]"),
    "nothing": ("{exclude: ['*']}", "no file of '.' travels [workspace-empty]"),
    "within": ("{external: [lib]}", "'lib' overlaps the root [workspace-external]"),
    "a bad pattern": ("{include: ['!']}", "'!' is not a pattern as in .gitignore [workspace-pattern]"),
}


@pytest.mark.parametrize(("workspace", "message"), _ROOTS.values(), ids=_ROOTS.keys())
def test_a_workspace_that_makes_no_sense_is_an_error(tree: Path, workspace: str, message: str) -> None:
    manifest(tree, workspace)
    assert told(tree) == [message.format(tree=tree)]


def test_a_workspace_of_nothing_but_our_own_files_is_a_warning(tmp_path: Path) -> None:
    """So that a newcomer's first job, whose code is still to be written, stays the same job."""
    manifest(tmp_path)
    said = "'.' holds only what this tool reads or wrote, which does not travel [workspace-empty]"
    lacks = "'./run.sh' is not in the workspace, and no command before makes it [file-left-behind]"
    assert (told(tmp_path), told(tmp_path, Severity.WARNING)) == ([], [said, lacks])
    assert content(tmp_path).files == ()
    manifest(tmp_path, "{include: [train.py]}")
    assert told(tmp_path) == ["no file of '.' travels [workspace-empty]"]


def test_a_checkout_that_git_does_not_tell_of_is_an_error(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are tracked though ignored would be missing, and the job would be bought again."""
    (checkout / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (checkout / ".git" / "config").write_text("[broken\n")
    (problem,) = told(checkout)
    assert problem.startswith("git can't tell which files travel: bad config line 1")
    monkeypatch.setenv("PATH", "/nowhere")
    assert told(checkout) == ["git can't tell which files travel: git is not installed here [workspace-git]"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a folder away")
def test_a_checkout_that_git_does_not_trust_comes_with_the_remedy(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    os.chown(checkout / ".git", 65534, 65534)
    os.chown(checkout, 65534, 65534)
    (found,) = compiled(checkout).diagnostics
    assert found.hint == f"`git config --global --add safe.directory {checkout}` makes git trust this checkout"


def test_a_folder_that_is_only_called_git_makes_no_checkout(tree: Path) -> None:
    (tree / ".git").mkdir()
    assert paths(tree) == ALL


def test_more_than_five_gibibytes_are_refused_before_anything_is_read_for_an_upload(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("baseten_jobs.workspace.pack.MAX_BYTES", 10_000)
    assert told(tree) == [
        "10.0 KiB are more than the 9.8 KiB that may be uploaded; the largest: run.sh (26 bytes), "
        "lib/layers.py (10 bytes), train.py (7 bytes) [workspace-size]"
    ]


# Warnings


def test_what_looks_like_a_secret_is_a_warning_at_its_line(checkout: Path) -> None:
    token = "hf_" + "aB3" * 12
    write(checkout, {"train.py": f"import os\n\nlogin('{token}')\n", ".netrc": "machine x", "key.pem": "a\n-----BEGIN "
                     "RSA PRIVATE KEY-----\n", "lib/layers.py": "TOKEN = os.environ['HF_TOKEN']\n"})  # fmt: skip
    manifest(checkout, "{include: [.netrc]}")
    commit(checkout)
    found = compiled(checkout).diagnostics
    assert {(d.position.path.rpartition("job/")[2], d.position.line, d.rule, d.severity) for d in found} == {
        ("train.py", 3, "workspace-secret", WARNING),
        (".netrc", 1, "workspace-secret", WARNING),
        ("key.pem", 2, "workspace-secret", WARNING),
    }
    assert not any(token in d.message for d in found)
    assert found == compiled(checkout).diagnostics


def test_a_tracked_file_that_never_travels_is_a_warning(checkout: Path) -> None:
    write(checkout, {"conf/.env": "A=b"})
    commit(checkout)
    assert told(checkout, WARNING) == ["git tracks what never travels: conf/.env [workspace-withheld]"]


def test_tracked_caches_and_environments_are_a_warning_unless_they_are_excluded(checkout: Path) -> None:
    write(checkout, {".cache/x": "", "own/pyvenv.cfg": "", "own/a.py": "", "__pycache__/a.pyc": "", ".env": ""})
    commit(checkout)
    assert told(checkout, WARNING) == [
        "git tracks what never travels: .env, .cache/x, own/a.py, own/pyvenv.cfg [workspace-withheld]"
    ]
    manifest(checkout, "{exclude: [.env, .cache/, own/]}")
    commit(checkout)
    assert told(checkout, WARNING) == []


def test_what_git_tracks_and_is_not_there_is_a_warning(checkout: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other", {"model.py": ""})
    commit(other)
    git(checkout, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "vendor")
    write(checkout, {"notes/a.md": "", "deep/er/b.py": "", ".basetenignore": "notes/\n", "c.png": ""})
    manifest(checkout, "{exclude: ['*.png']}")
    commit(checkout)
    git(tmp_path, "clone", "-q", str(checkout), "clone")
    for name in ("notes", "deep"):
        shutil.rmtree(tmp_path / "clone" / name)
    (tmp_path / "clone" / "c.png").unlink()
    assert told(tmp_path / "clone", WARNING) == [
        "2 files are in git, but not here: deep/er/b.py, vendor [workspace-absent]"
    ]


def test_an_include_that_fits_nothing_is_a_warning_at_its_place(tree: Path) -> None:
    write(tree, {".gitignore": "data/\n", "data/a.bin": ""})
    manifest(tree, "{include: [data/, data/a.bin, data/b.bin, '!x']}")
    assert told(tree, WARNING) == ["no file fits 'data/b.bin' [workspace-include]"]
    (found,) = compiled(tree).diagnostics
    assert (found.position.line, found.field) == (6, "spec.workspace.include[2]")


def test_links_to_what_does_not_travel_are_a_warning(tree: Path) -> None:
    write(tree, {".gitignore": "data\n", "data/x": ""})
    links = {"a": "data/x", "b": "nothing", "ring": "gnir", "gnir": "ring", "lib/up": "..", "ok": "lib/layers.py"}
    for name, target in links.items():
        (tree / name).symlink_to(target)
    loose = "a -> data/x, b -> nothing, gnir -> ring, ring -> gnir"
    assert told(tree, WARNING) == [f"links that lead to nothing that travels: {loose} [workspace-link]"]


def test_a_dotenv_that_is_spelled_out_travels_with_a_warning(tree: Path) -> None:
    write(tree, {".env": "PASSWORD=hunter2\n"})
    manifest(tree, "{include: [.env]}")
    assert paths(tree) == [".env", *ALL]
    (found,) = compiled(tree).diagnostics
    assert (found.rule, found.severity) == ("workspace-secret", WARNING)


def test_the_tools_own_files_stay_out_whatever_they_are_called_and_however_long_they_are(tree: Path) -> None:
    plan = '{\n  "format_version": "1.0",\n  "kind": "baseten-jobs-plan",\n' + " " * (2 << 20) + "}"
    write(tree, {"long.plan": plan, "job.txt": (tree / "x.yaml").read_text()})
    write(tree, {"README.md": "# ours\n\n```yaml\napiVersion: baseten-jobs/v1\n```\n"})
    assert paths(tree) == ["README.md", *ALL]


# What is remembered between runs


_MEANWHILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "rewritten": (lambda path: path.write_text("LR = 2, and more\n"), "it changes while it is read"),
    "gone": (lambda path: path.unlink(), "it vanished while the tree was read"),
    "another file": (lambda path: (path.unlink(), path.write_text("LR = 1\n")), "it changes while it is read"),
    "a fifo": (lambda path: (path.unlink(), os.mkfifo(path)), "it changes while it is read"),
    "a link": (lambda path: (path.unlink(), path.symlink_to("/etc/hosts")), "it can't be read: "),
}


@pytest.mark.parametrize(("change", "reason"), _MEANWHILE.values(), ids=_MEANWHILE.keys())
def test_a_file_that_changes_after_it_was_found_is_not_hashed(
    change: Callable[[Path], object], reason: str, tree: Path
) -> None:
    path = tree / "train.py"
    status = path.stat()
    (tree / "keeps the inode").hardlink_to(path)
    change(path)
    (result,) = hash_all([(str(path), status)], Cache("hashes-none.json"))
    assert isinstance(result, Unread)
    assert result.reason.startswith(reason)


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as settled at once: nobody can set the time of a change of the inode."""
    monkeypatch.setattr("baseten_jobs.workspace.hashing.TOO_FRESH", 0)


def _memories() -> list[Path]:
    return sorted(Path(os.environ["XDG_CACHE_HOME"]).glob("baseten-jobs/*.json"))


def _remembered() -> dict[str, Any]:
    return {name: entry for path in _memories() for name, entry in json.loads(path.read_text())["files"].items()}


def test_hashes_of_fresh_files_are_not_remembered(tree: Path) -> None:
    digest(tree)
    assert _remembered() == {}


@pytest.mark.usefixtures("settled")
def test_hashes_are_remembered_and_trouble_with_them_costs_only_time(tree: Path) -> None:
    before = digest(tree)
    assert sorted(Path(path).name for path in _remembered()) == ["layers.py", "run.sh", "train.py", "x.yaml"]
    (path,) = _memories()
    sound = json.loads(path.read_text())
    for broken in ("", "{", "[]", '{"format": 1}', '{"format": 1, "files": {"a": 1}}', "\0"):
        path.write_text(broken)
        assert digest(tree) == before
    lied = {name: [stamp, "0" * 64, *rest] for name, (stamp, _, *rest) in sound["files"].items()}
    path.write_text(json.dumps({**sound, "files": lied}))
    assert {file.sha256 for file in content(tree).files} == {"0" * 64}  # so it is what answers
    (tree / "train.py").write_text("LR = 9\n")
    held = {file.path: file.sha256 for file in content(tree).files}
    assert held["train.py"] == hashlib.sha256(b"LR = 9\n").hexdigest()


@pytest.mark.usefixtures("settled")
def test_nothing_is_remembered_in_a_checkout(checkout: Path) -> None:
    digest(checkout)
    assert not (checkout / ".baseten-jobs").exists()
    (path,) = _memories()
    assert (path.parent.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)


@pytest.mark.usefixtures("settled")
def test_the_memory_may_be_anything_or_nowhere(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest(tree)
    (tmp_path / "a file").touch()
    for home in (tmp_path / "a file", Path("/proc/nowhere"), Path("not/absolute")):
        monkeypatch.setenv("XDG_CACHE_HOME", str(home))
        monkeypatch.setenv("HOME", str(tmp_path / "a file"))
        assert digest(tree) == before


@pytest.mark.usefixtures("settled")
def test_many_workspaces_of_one_checkout_read_and_write_their_memory_once(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("y", "z"):
        manifest(write(checkout / name, {**CODE, f"{name}.py": ""}), name=name)
    commit(checkout)
    replaced: list[str] = []
    replace = os.replace
    monkeypatch.setattr("os.replace", lambda old, new, **at: (replaced.append(new), replace(old, new, **at)))
    assert len({request.digest for request in compiled(checkout).requests}) == 3
    (path,) = _memories()
    assert replaced == [path.name]
    found = {os.path.relpath(name, checkout) for name in json.loads(path.read_text())["files"]}
    assert {"train.py", "y/y.py", "z/z.py"} <= found


@pytest.mark.slow
def test_the_bench_measures() -> None:
    measured = measure(200, 4 << 20)
    assert measured.files == 202
    assert max(measured.peak, measured.uploading) < 150
