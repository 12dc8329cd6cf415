"""Reports for a repository's host name files from the repository's root, wherever a command runs."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import pytest

from baseten_jobs.cli.repository_paths import Hosted, hosting_root
from tests.support.commands import Cli, called, nothing_set
from tests.support.repository import git
from tests.support.runner import BAD, Runner

__all__ = ["called", "nothing_set"]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nothing_set: None) -> Path:
    """The root of a checkout, below a folder that is in none."""
    root = Path(os.path.realpath(tmp_path)) / "checkout"
    write(root, "specs/bad.yaml", "team/specs/bad.yaml", "shared/a b.yaml")
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "first")
    monkeypatch.chdir(root)
    return root


def write(root: Path, *paths: str) -> None:
    for number, path in enumerate(paths):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(BAD.replace("sft", f"sft-{number}"))


Places = Callable[..., tuple[str, ...]]


@pytest.fixture
def places(called: Cli) -> Places:
    """The files that the annotations of `validate` name, which are those of SARIF and of JUnit as well."""

    def call(*paths: str, given: str = "") -> tuple[str, ...]:
        lines = called("validate", "-o", "github", *paths, given=given).out.splitlines()
        named = [line.partition("file=")[2].partition(",line=")[0] for line in lines if line.startswith("::")]
        (run,) = called("validate", "-o", "sarif", *paths, given=given).json["runs"]
        found = [result["locations"][0]["physicalLocation"]["artifactLocation"] for result in run["results"]]
        assert [unquote(place["uri"].removeprefix("file://")) for place in found] == [_read(name) for name in named]
        junit = called("validate", "-o", "junit", *paths, given=given).out
        assert all(f'file="{_read(name)}"' in junit.replace("&lt;", "<").replace("&gt;", ">") for name in named)
        return tuple(map(_read, named))

    return call


def _read(value: str) -> str:
    return value.replace("%3A", ":").replace("%2C", ",").replace("%25", "%")


@pytest.mark.parametrize(
    ("folder", "given", "named"),
    [
        (".", "specs", "specs/bad.yaml"),
        (".", "./specs/bad.yaml", "specs/bad.yaml"),
        (".", "team/../specs//bad.yaml", "specs/bad.yaml"),
        (".", "shared", "shared/a b.yaml"),
        ("team", "specs", "team/specs/bad.yaml"),
        ("team", "../specs", "specs/bad.yaml"),
        ("team/specs", "bad.yaml", "team/specs/bad.yaml"),
        ("team", "{root}/specs/bad.yaml", "specs/bad.yaml"),
        ("..", "checkout/specs", "specs/bad.yaml"),
        ("..", "{root}/team", "team/specs/bad.yaml"),
        ("team", "gone.yaml", "team/gone.yaml"),
        ("team", "gone/far", "team/gone/far"),
    ],
)
def test_files_are_named_from_the_root_of_the_repository(
    folder: str, given: str, named: str, root: Path, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root / folder)
    assert places(given.format(root=root)) == (named,)


def test_the_default_folder_is_one_of_where_we_are(root: Path, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root / "team")
    assert places() == ("team/specs/bad.yaml",)


@pytest.mark.parametrize("workspace", ["..", "."])
def test_a_checkout_below_the_runners_workspace_is_its_own_root(
    workspace: str, root: Path, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with `actions/checkout` and `path: checkout`; the host knows nothing of the folder around it."""
    monkeypatch.setenv("GITHUB_WORKSPACE", str(root / workspace))
    monkeypatch.chdir(root.parent)
    assert places("checkout/team") == ("team/specs/bad.yaml",)


def test_where_there_is_no_git_the_runners_workspace_is_the_root(
    tmp_path: Path, nothing_set: None, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where `actions/checkout` finds no git, and downloads the files alone."""
    write(tmp_path, "team/specs/bad.yaml")
    monkeypatch.chdir(tmp_path / "team")
    assert places("specs") == ("specs/bad.yaml",)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    assert places("specs") == places(f"{tmp_path}/team") == ("team/specs/bad.yaml",)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / "elsewhere"))
    assert places("specs") == ("specs/bad.yaml",)


def test_a_linked_file_is_named_where_it_lies_if_that_is_in_the_repository(
    root: Path, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lines are shown there; the link itself has but one."""
    write(root.parent, "outside/c.yaml")
    monkeypatch.chdir(root / "team")
    for link, target in (("in", "../shared/a b.yaml"), ("out", "../../outside/c.yaml"), ("bent", "gone.yaml")):
        Path(f"{link}.yaml").symlink_to(target)
    assert places("in.yaml") == ("shared/a b.yaml",)
    assert places("out.yaml") == ("team/out.yaml",)
    assert places("bent.yaml") == ("team/gone.yaml",)
    Path("linked").symlink_to("../specs")
    Path("away").symlink_to("../../outside")
    assert places("linked/bad.yaml") == ("specs/bad.yaml",)
    assert places("away/c.yaml") == ("team/away/c.yaml",)


def test_what_is_no_file_of_a_repository_keeps_its_name(
    root: Path, places: Places, called: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(root.parent, "outside/c.yaml")
    monkeypatch.chdir(root / "team")
    assert places("../../outside/c.yaml") == ("../../outside/c.yaml",)
    assert places(f"{root.parent}/outside/c.yaml") == (f"{root.parent}/outside/c.yaml",)
    assert places("-", given=BAD) == ("<stdin>",)
    ran = called("validate", "-o", "github", "--set", "gone:spec.image.base_image=x", "specs")
    assert "::error file=--set gone%3Aspec.image.base_image,line=1," in ran.out


def test_other_formats_name_files_as_they_were_given(root: Path, called: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root / "team")
    assert called("validate", "specs").out.startswith("specs/bad.yaml:6:48: ")
    told = json.loads(called("validate", "-o", "json", "specs").out)
    assert "team/specs" not in json.dumps(told)


def test_a_work_tree_is_a_root_and_a_submodule_lies_in_the_repository_that_holds_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host shows a submodule's files at no path of its own; at another file of that path they would mislead."""
    for path in ("vendor", "vendor/inner"):
        folder, name = os.path.split(path)
        adding = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(root), name)
        git(root / folder, *adding)
    git(root, "commit", "--quiet", "--message", "vendor")
    git(root, "worktree", "add", "--quiet", "tree")
    (root / "other").mkdir()
    git(root / "other", "init", "--quiet")
    hosted = Hosted()
    paths = ("vendor/specs/bad.yaml", "vendor/inner/specs/bad.yaml", "tree/specs/bad.yaml", "other/specs/bad.yaml")
    assert tuple(map(hosted.path, paths)) == (*paths[:2], "specs/bad.yaml", "specs/bad.yaml")
    assert hosting_root(str(root.parent)) is None


def test_the_action_annotates_a_checkout_below_the_workspace(root: Path, tmp_path: Path) -> None:
    """Named from the folder that steps start in, as `paths` is."""
    environment = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "x", "GITHUB_WORKSPACE": str(root.parent)}
    event = {"repository": {"default_branch": "main"}, "pull_request": {"number": 7}}
    ran = Runner(root.parent, tmp_path / "temp", event, environment).run(paths="checkout/team/specs")
    assert ran.code == 1
    assert "::error file=team/specs/bad.yaml,line=6,col=48,title=minimum::spec.compute.node_count: 0 is" in ran.log
