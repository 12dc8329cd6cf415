"""A walk through a folder passes over nothing that holds a manifest of ours without a word."""

import os
from pathlib import Path

import pytest

from tests.support.commands import Cli, called, nothing_set
from tests.support.runner import GOOD

__all__ = ["called", "nothing_set"]

FILE = "warning: this manifest is not read, since its name ends in '.YAML'; end it in '.yaml', or give the file itself"
LINK = "warning: the manifests behind this link to a folder are not read; give the folder itself as a PATH [not-read]"


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("specs/a.yaml", "shared/deep/b.yaml", "data/config.yaml", "data/notes.YAML"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(GOOD.replace("sft", Path(name).stem) if name[0] == "s" else "learning_rate: 1\n")


def test_a_manifest_whose_ending_is_in_capitals_is_told_of(called: Cli) -> None:
    Path("specs/C.YAML").write_text(GOOD)
    Path("specs/d.Yml").write_text(GOOD)
    ran = called("validate")
    assert (ran.code, ran.out.splitlines()[0]) == (0, f"specs/C.YAML:1:1: {FILE} as a PATH [not-read]")
    assert ran.out.splitlines()[1:] == [
        "specs/d.Yml:1:1: " + FILE.replace(".YAML", ".Yml").replace(".yaml", ".yml") + " as a PATH [not-read]",
        "1 manifest: 0 errors, 2 warnings",
    ]
    assert called("validate", "--strict").code == 1
    assert called("validate", "specs", "specs/C.YAML").out.splitlines()[-1] == "2 manifests: 0 errors, 1 warning"


def test_a_link_to_a_folder_of_manifests_is_told_of(called: Cli) -> None:
    Path("specs/team").symlink_to("../shared")
    assert called("validate").out.splitlines()[0] == f"specs/team:1:1: {LINK}"
    assert called("validate", "specs", "shared").out == "2 manifests: no problems\n"
    assert called("validate", "specs", "specs/team").out == "2 manifests: no problems\n"
    assert LINK in called("render").err


def test_behind_a_link_that_leads_out_of_the_checkout_nothing_is_looked_at(called: Cli) -> None:
    Path("specs/.git").mkdir()
    Path("specs/team").symlink_to("../shared")
    assert called("validate").out == "1 manifest: no problems\n"


@pytest.mark.parametrize("target", ["../data", "a", "../gone", "/proc/self", ".", ".."])
def test_a_link_to_whatever_else_is_not(target: str, called: Cli) -> None:
    Path("specs/a").mkdir()
    Path("specs/linked").symlink_to(target)
    ran = called("validate", "--strict", "specs", "shared")
    assert ran.out == "2 manifests: no problems\n"


def test_files_of_others_and_hidden_ones_are_not(called: Cli) -> None:
    for name in ("specs/notes.YAML", "specs/.hidden.YAML", "specs/.cache/c.YAML"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("a: 1\n" if name == "specs/notes.YAML" else GOOD)
    os.mkfifo("specs/pipe.YAML")
    assert called("validate", "--strict").out == "1 manifest: no problems\n"


def test_a_folder_that_holds_nothing_else_is_empty(called: Cli) -> None:
    Path("specs/a.yaml").rename("specs/a.YAML")
    ran = called("validate")
    assert ran.code == 1
    assert [line.rpartition(" ")[2] for line in ran.out.splitlines()[:-1]] == ["[empty-folder]", "[not-read]"]


def test_a_pattern_that_no_shell_expanded_is_told_so(called: Cli) -> None:
    assert "specs/*.yaml:1:1: there is no such file or folder; a pattern is left to the shell; name the folder" in (
        called("validate", "specs/*.yaml").out
    )
