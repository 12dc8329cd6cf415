"""Links that a commit planted where a command writes: none leads a file out of the tree."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from baseten_jobs.cli.main import run
from tests.support.repository import git

BODY = {"training_job": {"image": {"base_image": "i:1"}, "runtime": {"start_commands": ["x"]}}}
MANIFEST = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata: {name: sft, project: demo}
spec:
  image: {base_image: "i:1"}
  runtime: {start_commands: [train]}
"""
WRITERS: dict[str, Callable[[str], list[str]]] = {
    "schema": lambda path: ["schema", "--out", path],
    "plan": lambda path: ["plan", "--local-db", "../emulator.db", "--out", path, "sft.yaml"],
    "doctor": lambda path: ["doctor", "--local-db", "../emulator.db", "--out", path, "sft.yaml"],
    "import": lambda path: ["import", "request", "../body.json", "--name", "a", "--project", "p", "--out", path],
    "import --force": lambda path: [*WRITERS["import"](path), "--force"],
}
"""The command that writes a file, each named *.yaml so that every one takes it for a file."""

each_writer = pytest.mark.parametrize("writer", WRITERS)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout, beside it a folder that is not its own, and the command's inputs."""
    tree = tmp_path / "tree"
    (tmp_path / "outside").mkdir()
    (tmp_path / "body.json").write_text(json.dumps(BODY))
    tree.mkdir()
    (tree / "sft.yaml").write_text(MANIFEST)
    git(tree, "init", "-q")
    monkeypatch.chdir(tree)
    return tree


def outside(tree: Path) -> dict[str, str]:
    """What is written there."""
    found = (path for path in (tree.parent / "outside").rglob("*") if path.is_file())
    return {path.name: path.read_text() for path in found}


def told(capsys: pytest.CaptureFixture[str]) -> str:
    """What went to standard error, but for the notes on manifests."""
    lines = capsys.readouterr().err.splitlines()
    (line,) = [line for line in lines if "link" in line]
    return line


@each_writer
@pytest.mark.parametrize("target", ["../outside", "{outside}", "chain"])
def test_no_file_is_written_through_a_linked_folder(
    writer: str, target: str, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "chain").symlink_to("../outside")
    (tree / "out").symlink_to(target.format(outside=tree.parent / "outside"))
    for path in ("out/x.yaml", str(tree / "out" / "x.yaml"), "./out/../outside/x.yaml", "out/new/x.yaml"):
        assert run(WRITERS[writer](path)) == 1
        assert "out' leads out of " in told(capsys)
    assert outside(tree) == {}


@each_writer
@pytest.mark.parametrize("there", [True, False])
def test_no_file_is_written_through_a_link_of_its_name(
    writer: str, there: bool, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if there:
        (tree.parent / "outside" / "mine").write_text("mine")
    (tree / "x.yaml").symlink_to("../outside/mine")
    assert run(WRITERS[writer]("x.yaml")) == 1
    assert "the link 'x.yaml' leads out of " in told(capsys)
    assert outside(tree) == ({"mine": "mine"} if there else {})


@each_writer
def test_no_file_is_written_into_gits_own_folder(writer: str, tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "x.yaml").symlink_to(".git/config")
    (tree / "hooks").symlink_to(".git/hooks")
    before = (tree / ".git" / "config").read_text()
    for path in ("x.yaml", "hooks/x.yaml"):
        assert run(WRITERS[writer](path)) == 1
        assert "leads out of " in told(capsys)
    assert (tree / ".git" / "config").read_text() == before
    assert not (tree / ".git" / "hooks" / "x.yaml").exists()


@each_writer
def test_links_that_stay_and_places_that_are_named_are_written(writer: str, tree: Path) -> None:
    (tree / "real").mkdir()
    (tree / "inside").symlink_to("real")
    (tree.parent / "of the system").symlink_to("outside")
    for path in ("inside/x.yaml", str(tree.parent / "outside" / "y.yaml"), "../of the system/z.yaml"):
        assert run(WRITERS[writer](path)) == 0
    assert (tree / "real" / "x.yaml").is_file()
    assert outside(tree).keys() == {"y.yaml", "z.yaml"}


@each_writer
def test_without_git_the_tree_is_the_working_folder(
    writer: str, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "sft.yaml").write_text(MANIFEST)
    (tmp_path / "plain" / "out").symlink_to("../outside")
    monkeypatch.chdir(tmp_path / "plain")
    assert run(WRITERS[writer]("out/x.yaml")) == 1
    assert "the link 'out' leads out of " in told(capsys)
    assert outside(tree) == {}


def test_a_folder_of_manifests_may_be_no_link_either(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "specs").symlink_to("../outside")
    assert run(["import", "request", "../body.json", "--name", "a", "--project", "p", "--out", "specs", "--force"]) == 1
    assert "the link 'specs' leads out of " in told(capsys)
    assert outside(tree) == {}


@pytest.mark.parametrize("link", ["specs", "schemas", "schemas/v1", ".github", ".github/workflows", ".gitignore"])
@pytest.mark.parametrize("folder", [".", "ml"])
def test_init_writes_nothing_at_all_where_a_link_leads_out(
    link: str, folder: str, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    above = tree if link.startswith(".github") else tree / folder
    (tree.parent / "outside" / "kept").write_text("mine\n")
    (above / link).parent.mkdir(parents=True, exist_ok=True)
    (above / link).symlink_to(tree.parent / "outside" / ("kept" if link == ".gitignore" else ""))
    before = sorted(path for path in tree.rglob("*") if ".git" not in path.relative_to(tree).parts)
    assert run(["init", folder]) == 1
    assert f"{link}' leads out of " in told(capsys)
    assert outside(tree) == {"kept": "mine\n"}
    assert sorted(path for path in tree.rglob("*") if ".git" not in path.relative_to(tree).parts) == before


def test_init_of_a_linked_folder_writes_nothing(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "ml").symlink_to("../outside")
    assert run(["init", "ml"]) == 1
    assert "the link 'ml' leads out of " in told(capsys)
    assert outside(tree) == {}


def test_a_ring_of_links_is_one_line(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "a").symlink_to("b")
    (tree / "b").symlink_to("a")
    assert run(["schema", "--out", "a/x.yaml"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_device_that_is_named_is_written(tree: Path) -> None:
    assert run(["schema", "--out", os.devnull]) == 0
