"""One commit is one digest, whatever the machine does to files on their way to the disk; what differs is told."""

import json
import os
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from baseten_jobs.cli.commands.init import PIPELINES, start
from baseten_jobs.git.index import blob_name, index_entries
from baseten_jobs.manifest.diagnostics import Severity
from tests.support.repository import git
from tests.support.trees import CODE, commit, compiled, content, digest, manifest, paths, told, write

WARNING = Severity.WARNING
ALL = ["lib/layers.py", "run.sh", "train.py"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = write(tmp_path / "job", CODE)
    manifest(folder)
    commit(folder)
    return folder


def _clone(checkout: Path, **settings: str) -> Path:
    """Another machine's checkout of the same commit."""
    given = [word for name, value in settings.items() for word in ("-c", f"{name.replace('_', '.')}={value}")]
    git(checkout.parent, "clone", "-q", *given, str(checkout), "clone")
    return checkout.parent / "clone"


# Modes and links that a file system does not have


def test_without_executable_bits_the_index_tells_them(checkout: Path) -> None:
    for mode in (0o777, 0o666):
        clone = _clone(checkout, core_fileMode="false")
        for path in (path for path in clone.rglob("*") if path.is_file() and ".git" not in path.parts):
            path.chmod(mode)
        assert git(clone, "status", "--porcelain") == ""
        assert digest(clone) == digest(checkout)
        assert told(clone, WARNING) == []
        assert [file.path for file in content(clone).files if file.executable] == ["run.sh"]
        shutil.rmtree(clone)


def test_a_new_file_there_is_what_git_would_take_it_for(checkout: Path) -> None:
    git(checkout, "config", "core.fileMode", "0")
    write(checkout, {"new.sh": ""})
    assert [file.path for file in content(checkout).files if file.executable] == ["run.sh"]


def test_where_files_have_modes_a_mode_counts(checkout: Path) -> None:
    before = digest(checkout)
    (checkout / "train.py").chmod(0o755)
    assert digest(checkout) != before


def test_without_links_a_file_in_the_place_of_one_is_the_link(checkout: Path) -> None:
    (checkout / "latest.py").symlink_to("train.py")
    (checkout / "lib" / "up").symlink_to("..")
    commit(checkout)
    clone = _clone(checkout, core_symlinks="false")
    assert not (clone / "latest.py").is_symlink()
    assert digest(clone) == digest(checkout)
    assert {file.path: file.target for file in content(clone).files if file.target} == {
        "latest.py": "train.py",
        "lib/up": "..",
    }
    (clone / "latest.py").write_text("../../elsewhere")
    assert told(clone) == ["latest.py: the link leads out of the root, to '../../elsewhere' [workspace-file]"]


ALLOWED = ("-c", "protocol.file.allow=always")


def test_a_submodule_has_modes_links_and_conversions_of_its_own(checkout: Path, tmp_path: Path) -> None:
    innermost = write(tmp_path / "innermost", {"deep.sh": ""})
    other = write(tmp_path / "other", {"model.sh": "", "net.py": "a = 1\n"})
    (other / "latest.py").symlink_to("net.py")
    commit(innermost)
    commit(other)
    for folder, submodule in ((other, innermost), (checkout, other)):
        git(folder, *ALLOWED, "submodule", "--quiet", "add", str(submodule), "vendor")
        commit(folder)
    git(checkout, *ALLOWED, "submodule", "--quiet", "update", "--init", "--recursive")
    before = digest(checkout)
    inside = checkout / "vendor"
    assert "vendor/vendor/deep.sh" in paths(checkout)
    for name in ("core.fileMode", "core.symlinks"):
        git(inside, "config", name, "false")
    (inside / "model.sh").chmod(0o644)
    (inside / "net.py").chmod(0o755)
    (inside / "latest.py").unlink()
    (inside / "latest.py").write_text("net.py")
    assert (digest(checkout), told(checkout, WARNING)) == (before, [])
    git(inside, "config", "core.autocrlf", "true")
    (inside / "net.py").unlink()
    git(inside, "checkout", "-q", "net.py")
    (warning,) = told(checkout, WARNING)
    assert warning.startswith("1 file is not byte for byte as in git, by line endings or filters: vendor/net.py")


# Files that git changes on their way


ROT = {"filter_rot_clean": "tr A-Z N-ZA-M", "filter_rot_smudge": "tr A-Z N-ZA-M"}

_CONVERSIONS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "core.autocrlf": ({}, {"core_autocrlf": "true"}),
    "eol": ({".gitattributes": "*.py text eol=crlf\n"}, {}),
    "an encoding": ({}, {"core_attributesFile": "{folder}/attributes"}),
    "a filter": ({".gitattributes": "*.py filter=add\n"}, {"filter_add_smudge": "cat; echo more"}),
    "a filter that keeps the size": ({".gitattributes": "*.py filter=rot\n"}, ROT),
    "ident": ({".gitattributes": "*.py ident\n", "train.py": "# $Id$\n", "lib/layers.py": "# $Id$\n"}, {}),
}


@pytest.mark.parametrize("copied", [False, True], ids=["as cloned", "copied"])
@pytest.mark.parametrize(("files", "settings"), _CONVERSIONS.values(), ids=_CONVERSIONS.keys())
def test_files_that_git_converts_are_a_warning(
    files: dict[str, str], settings: dict[str, str], copied: bool, checkout: Path, tmp_path: Path
) -> None:
    write(checkout, {**files, "same.bin": b"\0\r\n\n"})
    commit(checkout)
    write(tmp_path, {"attributes": "*.py working-tree-encoding=UTF-16LE\n"})
    clone = _clone(checkout, **{name: value.format(folder=tmp_path) for name, value in settings.items()})
    if copied:  # with the times that the files had
        clone = Path(shutil.copytree(clone, tmp_path / "copy", symlinks=True))
    (warning,) = told(clone, WARNING)
    changed = {path for path in ALL if (clone / path).read_bytes() != (checkout / path).read_bytes()}
    assert {"lib/layers.py", "train.py"} <= changed
    assert warning == (
        f"{len(changed)} files are not byte for byte as in git, by line endings or filters: "
        f"{', '.join(sorted(changed))} [workspace-converted]"
    )
    assert digest(clone) != digest(checkout)


@pytest.mark.parametrize("settings", [{"core_autocrlf": "true"}, {"core_eol": "crlf", "core_autocrlf": "input"}])
def test_line_endings_are_told_although_git_saw_nothing_of_the_files_yet(
    settings: dict[str, str], checkout: Path, tmp_path: Path
) -> None:
    clone = _clone(checkout, **settings)
    expected = told(clone, WARNING)
    for path in ALL:
        os.utime(clone / path, (1, 1))
    assert told(clone, WARNING) == expected


def test_an_edit_is_no_conversion(checkout: Path) -> None:
    (checkout / "train.py").write_text("LR = 2\n")
    (checkout / "run.sh").write_text("#!/bin/sh\r\n")
    assert told(checkout, WARNING) == []


def test_what_is_committed_with_its_line_endings_is_no_conversion(checkout: Path) -> None:
    write(checkout, {"dos.py": "a\r\nb\r\n"})
    commit(checkout)
    assert told(_clone(checkout, core_autocrlf="input"), WARNING) == []


def test_a_large_file_is_compared_by_its_size(checkout: Path) -> None:
    write(checkout, {"big.txt": "line\n" * 300_000, "big.bin": b"\0" * 1_100_000, ".gitattributes": "big.txt text\n"})
    commit(checkout)
    clone = _clone(checkout, core_autocrlf="true")
    assert "big.txt" in told(clone, WARNING)[0]
    assert "big.bin" not in told(clone, WARNING)[0]


def test_a_repository_of_the_other_format_is_no_other_case(tmp_path: Path) -> None:
    folder = write(tmp_path / "job", CODE)
    manifest(folder)
    git(folder, "init", "-q", "-b", "main", "--object-format=sha256")
    commit(folder)
    assert told(folder, WARNING) == []
    clone = _clone(folder, core_autocrlf="true")
    assert "3 files are not byte for byte as in git" in told(clone, WARNING)[0]
    assert content(folder).digest != content(clone).digest


def test_no_filter_runs_to_find_out(checkout: Path, tmp_path: Path) -> None:
    write(checkout, {".gitattributes": "* filter=trap\n"})
    commit(checkout)
    for name in ("clean", "smudge", "process"):
        git(checkout, "config", f"filter.trap.{name}", f"touch {tmp_path}/ran-{name}; cat")
    for path in ALL:
        os.utime(checkout / path, (1, 1))
    compiled(checkout)
    assert list(tmp_path.glob("ran-*")) == []


# Git LFS, git-crypt


CONTENT = b"weights " * 200


def _pointer(raw: bytes) -> str:
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256(raw).hexdigest()}\nsize {len(raw)}\n"


def _with_lfs(checkout: Path, name: str, raw: bytes) -> None:
    """What `git lfs` leaves: a pointer in git, the content on the disk, and an index that knows the latter."""
    (checkout / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    (checkout / name).write_text(_pointer(raw))
    commit(checkout)
    (checkout / name).write_bytes(raw)
    pointer = checkout / "pointer"
    pointer.write_text(_pointer(raw))
    git(checkout, "-c", f"filter.lfs.clean=cat '{pointer}'", "add", name)
    pointer.unlink()


@pytest.mark.parametrize("raw", [CONTENT, CONTENT * 1000], ids=["small", "large"])
def test_a_file_of_lfs_whose_content_is_its_pointers_is_as_it_should_be(raw: bytes, checkout: Path) -> None:
    _with_lfs(checkout, "model.bin", raw)
    assert told(checkout, WARNING) == []
    assert {file.path: file.sha256 for file in content(checkout).files}["model.bin"] == sha256(raw).hexdigest()


@pytest.mark.parametrize("raw", [CONTENT, CONTENT * 1000], ids=["small", "large"])
def test_a_file_of_lfs_with_another_content_is_told(raw: bytes, checkout: Path) -> None:
    _with_lfs(checkout, "model.bin", raw)
    was = (checkout / "model.bin").stat()
    (checkout / "model.bin").write_bytes(raw.replace(b"w", b"W"))
    os.utime(checkout / "model.bin", ns=(was.st_atime_ns, was.st_mtime_ns))
    (warning,) = told(checkout, WARNING)
    assert "model.bin [workspace-converted]" in warning


_POINTERS = {
    "a pointer": _pointer(CONTENT),
    "with an extension": _pointer(CONTENT).replace("oid", f"ext-0-foo sha256:{'0' * 64}\noid"),
    "with other line endings": _pointer(CONTENT).replace("\n", "\r\n"),
    "of an older server": _pointer(CONTENT).replace("git-lfs", "hawser"),
}


@pytest.mark.parametrize("in_git", [True, False], ids=["in git", "without git"])
@pytest.mark.parametrize("pointer", _POINTERS.values(), ids=_POINTERS.keys())
def test_a_pointer_that_would_travel_is_an_error(pointer: str, in_git: bool, checkout: Path) -> None:
    write(checkout, {"model.bin": pointer})
    commit(checkout)
    if not in_git:
        shutil.rmtree(checkout / ".git")
    message = "pointers of Git LFS would travel, not what they stand for: model.bin [workspace-lfs]"
    assert told(checkout) == [message]
    manifest(checkout, "{exclude: [model.bin]}")
    assert paths(checkout) == ALL


def test_a_text_about_pointers_is_none(checkout: Path) -> None:
    write(checkout, {"a.md": "version https://git-lfs.github.com/spec/v1\n\nis how a pointer begins\n"})
    commit(checkout)
    assert told(checkout) == told(checkout, WARNING) == []


@pytest.mark.parametrize("size", [30, 2 << 20], ids=["small", "large"])
def test_a_file_that_git_crypt_has_locked_is_an_error(size: int, checkout: Path) -> None:
    write(checkout, {"key.json": b"\0GITCRYPT\0" + b"x" * size})
    commit(checkout)
    assert told(checkout) == ["1 file is locked by git-crypt: key.json [workspace-locked]"]


# What does not count


CHOOSING = dict.fromkeys((".gitignore", ".basetenignore", ".gitattributes", ".dockerignore"), "# why\n*.pyc\n")
CHOOSING |= {f"lib/{name}": text for name, text in CHOOSING.items()}


@pytest.mark.parametrize("in_git", [True, False], ids=["in git", "without git"])
def test_files_that_only_choose_neither_travel_nor_count(in_git: bool, checkout: Path) -> None:
    before = digest(checkout)
    write(checkout, CHOOSING)
    if in_git:
        commit(checkout)
    else:
        shutil.rmtree(checkout / ".git")
    assert (digest(checkout), paths(checkout)) == (before, ALL)
    (checkout / ".gitignore").unlink()
    (checkout / "lib" / ".basetenignore").write_text("# another comment\n*.pyc\n")
    assert digest(checkout) == before
    assert told(checkout, WARNING) == []


def test_files_that_only_choose_travel_where_they_are_spelled_out(checkout: Path) -> None:
    write(checkout, CHOOSING)
    manifest(checkout, "{include: [.dockerignore, lib/.gitignore], exclude: [/.gitignore]}")
    commit(checkout)
    assert paths(checkout) == sorted([*ALL, ".dockerignore", "lib/.dockerignore", "lib/.gitignore"])


_REWRITES: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "one that a bot raised": lambda text: text.replace("@v", "@v1").replace("3.13", "3.14"),
    "one with a comment": lambda text: f"# ours\n{text}\n",
}


@pytest.mark.parametrize("rewritten", _REWRITES.values(), ids=_REWRITES.keys())
@pytest.mark.parametrize("pipeline", PIPELINES)
def test_what_init_writes_neither_travels_nor_counts(
    pipeline: str, rewritten: Callable[[str], str], checkout: Path
) -> None:
    before = digest(checkout)
    start(checkout, pipeline)
    written = [checkout / PIPELINES[pipeline][1], checkout / "schemas" / "v1" / "manifest.schema.json"]
    for path in written:
        path.write_text(rewritten(path.read_text()) if path.suffix != ".json" else path.read_text() + "\n")
    shutil.rmtree(checkout / "specs")
    commit(checkout)
    assert paths(checkout) == ALL
    assert digest(checkout) == before
    schema = json.loads(written[1].read_text())
    written[1].write_text(json.dumps({"title": "newer", **schema}))
    assert paths(checkout) == ALL


def test_other_pipelines_and_schemas_are_code(checkout: Path) -> None:
    others = {
        ".github/workflows/tests.yml": "on: push\n",
        "data.json": '{"$id": "urn:mine"}',
        "ci.sh": "baseten-jobs\n",
    }
    write(checkout, others)
    commit(checkout)
    assert paths(checkout) == sorted([*ALL, *others])


# git's index, as it lists it


def test_an_index_is_read_whatever_its_paths_are_called(checkout: Path) -> None:
    names = ["a\nb", "  mtime: 1:2\n  size: 3\tx", "100644 " + "0" * 40 + " 0\tz", "é"]
    write(checkout, {name: name for name in names})
    git(checkout, "add", "-A")
    listed = os.fsencode(git(checkout, "ls-files", "-z", "--stage", "--debug")) + b"\n"
    found = dict(index_entries(listed))
    assert set(found) == {*names, *ALL, "x.yaml"}
    for name in names:
        assert found[name].blob == blob_name(name.encode())
        assert found[name].is_unchanged((checkout / name).stat())
    plain = os.fsencode(git(checkout, "ls-files", "-z", "--stage"))
    assert {name: entry.blob for name, entry in index_entries(plain)} == {n: e.blob for n, e in found.items()}


def test_an_index_that_is_listed_otherwise_is_refused() -> None:
    with pytest.raises(ValueError, match="in a form that is not known here"):
        list(index_entries(b"\x1b[31m100644 abc"))
