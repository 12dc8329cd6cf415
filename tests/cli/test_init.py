"""A first manifest: valid, applied for nothing, with the pipeline of the pages, and nothing overwritten."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from baseten_jobs.cli.main import run
from baseten_jobs.manifest.schema.fields import ANY, schema_text
from tests.support.pages import block
from tests.support.repository import git

ROOT = Path(__file__).parents[2]
WRITTEN = ["specs/first-job.yaml", "schemas/v1/manifest.schema.json", ".github/workflows/training.yml"]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def files(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.relative_to(folder).parts)
    return {path.relative_to(folder).as_posix(): path.read_text() for path in found}


def test_the_first_manifest_is_valid_and_applied_in_a_rehearsal(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init"]) == 0
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if line.startswith("wrote")] == [f"wrote  {path}" for path in WRITTEN]
    assert "Next:\n  baseten-jobs validate" in out
    assert run(["validate", "--strict"]) == 0
    assert capsys.readouterr().out == "1 manifest: no problems\n"
    assert run(["apply", "--local", "--yes"]) == 0
    assert "Applied: 1 submitted." in capsys.readouterr().out


def test_its_modeline_leads_to_the_schema() -> None:
    run(["init", "new/folder"])
    manifest = Path("new/folder/specs/first-job.yaml")
    modeline = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", manifest.read_text().splitlines()[0])
    assert modeline
    assert (manifest.parent / modeline[1]).read_text() == schema_text("baseten-jobs/v1", ANY)


@pytest.mark.parametrize(("name", "host"), [("github workflow", "github"), ("gitlab pipeline", "gitlab")])
def test_the_pipeline_is_that_of_the_pages(name: str, host: str) -> None:
    run(["init", "--ci", host])
    assert block(name) in files(Path.cwd()).values()


PIPELINE = {"github": ".github/workflows/training.yml", "gitlab": ".gitlab-ci.yml"}


def words(host: str, text: str) -> list[list[str]]:
    """Which paths each command of a pipeline looks at, as its shell takes them apart."""
    document = yaml.safe_load(text)
    if host == "github":
        jobs = [document["jobs"][name] for name in ("plan", "apply", "keep")]
        return [shlex.split(step["with"]["paths"]) for job in jobs for step in job["steps"] if "paths" in step["with"]]
    lines = "\n".join(line for name in ("validate", "plan", "apply", "keep") for line in document[name]["script"])
    commands = re.findall(r"baseten-jobs ((?:'[^']*'|\"[^\"]*\"|[^;>\n'\"])*)", lines)
    return [shlex.split(command)[-1:] for command in commands]


@pytest.mark.parametrize("host", PIPELINE)
@pytest.mark.parametrize("folder", ["ml", "ml/runs", "a b", "mäh", "it's"])
def test_in_a_sub_folder_of_a_checkout_the_pipeline_is_at_the_root_and_looks_there(
    host: str, folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(tmp_path, "init", "-q")
    code = run(["init", "--ci", host, folder])
    if "'" in folder:  # a word that YAML and a shell would quote in two ways
        assert (code, capsys.readouterr().err.count("\n"), files(tmp_path)) == (1, 1, {})
        return
    assert code == 0
    up = "/".join([".."] * len(Path(folder).parts))
    assert f"wrote  {up}/{PIPELINE[host]}\n" in capsys.readouterr().out
    looked_at = words(host, files(tmp_path)[PIPELINE[host]])
    assert looked_at == [[f"{folder}/specs"]] * (3 if host == "github" else 7)
    assert files(tmp_path).keys() - {PIPELINE[host]} == {
        f"{folder}/{name}" for name in (*WRITTEN[:2], ".gitignore")
    }  # fmt: skip


@pytest.mark.parametrize("host", PIPELINE)
def test_a_folder_that_is_entered_first_is_a_sub_folder_too(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "-q")
    Path("ml").mkdir()
    monkeypatch.chdir("ml")
    run(["init", "--ci", host])
    assert words(host, files(tmp_path)[PIPELINE[host]])[0] == ["ml/specs"]


@pytest.mark.parametrize("host", PIPELINE)
def test_at_the_root_the_pipeline_looks_at_specs(host: str, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    run(["init", "--ci", host])
    assert {path for each in words(host, files(tmp_path)[PIPELINE[host]]) for path in each} == {"specs"}


def test_a_pipeline_that_is_at_the_root_is_kept_and_told_about(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(tmp_path, "init", "-q")
    run(["init"])
    capsys.readouterr()
    before = files(tmp_path)[PIPELINE["github"]]
    assert run(["init", "ml"]) == 0
    assert files(tmp_path)[PIPELINE["github"]] == before
    told = capsys.readouterr().out
    assert "kept   ../.github/workflows/training.yml\n" in told
    assert told.endswith("  see that ../.github/workflows/training.yml looks at ml/specs\n")


@pytest.mark.parametrize(
    "folder", ["${{ secrets.X }}", "a$(touch x)", "a;b", "a#b", "a: b", "-ml", "a\nb", "a`b", 'a"b', "a\\b", "&a", "*"]
)
def test_a_folder_whose_name_is_code_is_in_no_pipeline(
    folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(tmp_path, "init", "-q")
    assert run(["init", "--", folder]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "a pipeline would read as its own; use `--ci none`" in told
    assert files(tmp_path) == {}
    assert run(["init", "--ci", "none", "--", folder]) == 0


def test_no_pipeline_is_written_where_none_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "--ci", "none", "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["written"], document["kept"]) == (WRITTEN[:2], [])


def test_nothing_is_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    for path in WRITTEN:
        Path(path).parent.mkdir(parents=True)
        Path(path).write_text("mine")
    before = files(Path.cwd())
    assert run(["init"]) == 0
    assert files(Path.cwd()) == before
    assert capsys.readouterr().out.startswith("".join(f"kept   {path}\n" for path in WRITTEN))


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    run(["init"])
    before = files(tmp_path)
    assert run(["init"]) == 0
    assert files(tmp_path) == before


def test_a_link_to_nowhere_is_not_written_through() -> None:
    Path("specs").mkdir()
    Path("specs/first-job.yaml").symlink_to("/nowhere/else.yaml")
    assert run(["init"]) == 0
    assert not Path("/nowhere").exists()


def test_manifests_that_are_there_need_no_first_one() -> None:
    Path("specs").mkdir()
    Path("specs/mine.yaml").write_text("")
    run(["init"])
    assert sorted(path.name for path in Path("specs").iterdir()) == ["mine.yaml"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, ".baseten-jobs/\n"),
        ("*.pyc", "*.pyc\n.baseten-jobs/\n"),
        ("*.pyc\n", "*.pyc\n.baseten-jobs/\n"),
        ("/.baseten-jobs\n", "/.baseten-jobs\n"),
    ],
)
def test_git_is_told_what_is_nobody_elses(before: str | None, after: str, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    if before is not None:
        Path(".gitignore").write_text(before)
    run(["init"])
    assert Path(".gitignore").read_text() == after


def test_without_git_there_is_nothing_to_ignore() -> None:
    run(["init"])
    assert not Path(".gitignore").exists()


def test_a_folder_that_can_not_be_written_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("")
    assert run(["init", "file"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_it_asks_nothing() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "baseten_jobs", "init"], stdin=subprocess.DEVNULL, capture_output=True, timeout=30
    )
    assert ran.returncode == 0
