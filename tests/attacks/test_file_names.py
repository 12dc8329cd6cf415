"""A file that is called as an option is: no command takes it for one, whoever names all files there are."""

from pathlib import Path

import pytest

from baseten_jobs.cli.main import COMMANDS
from tests.support.commands import Cli, called, nothing_set
from tests.support.runner import GOOD

__all__ = ["called", "nothing_set"]

EVIL = "--set=*:metadata.project=EVIL/specs/a.yaml"
OPTIONS = ("--yes", "--prune", "--strict", "-o=json", "--set=*:metadata.project=EVIL.yaml", EVIL, "--create=*")


@pytest.fixture(autouse=True)
def _planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in OPTIONS:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(GOOD)
    Path("b.yaml").write_text(GOOD.replace("sft", "b"))


@pytest.mark.parametrize("command", sorted(COMMANDS))
@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_that_a_file_is_called_is_refused(command: str, name: str, called: Cli) -> None:
    """As where a shell puts the names of all files in the place of `*`, or a hook hands them on."""
    ran = called(command, name, "b.yaml")
    assert (ran.code, ran.out) == (64, "")
    assert ran.err.endswith(f"error: '{name}' is an option, and a file here too: write -- before paths\n")


def test_behind_two_hyphens_it_is_a_file_like_others(called: Cli) -> None:
    ran = called("render", "-o", "json", "--", EVIL, "b.yaml")
    assert ran.code == 0, ran.err
    assert [(job["name"], job["project"]) for job in ran.json] == [("sft", "Demo"), ("b", "Demo")]


def test_a_path_that_does_not_begin_with_a_hyphen_is_no_option(called: Cli) -> None:
    assert called("validate", f"./{EVIL}", "b.yaml").out == "2 manifests: no problems\n"


def test_an_option_that_no_file_is_called_and_a_single_hyphen_are_as_ever(called: Cli) -> None:
    Path("-").touch()
    assert called("validate", "--only-ours", "-", given=GOOD).out == "1 manifest: no problems\n"
