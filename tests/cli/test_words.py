"""What is told to one who types a word of another tool, or slips."""

from collections.abc import Iterator

import click
import pytest

from baseten_jobs.cli.main import COMMANDS, command_of
from baseten_jobs.cli.words import DANGEROUS
from tests.support.commands import Cli, called, nothing_set

__all__ = ["called", "nothing_set"]


@pytest.mark.parametrize(
    ("meant", "words"),
    {
        "stop": "cancel destroy delete down kill rm",
        "status": "ps ls list",
        "plan": "diff pln",
        "apply": "run up push submit deploy aply",
        "validate": "lint validat",
    }.items(),
)
def test_a_word_of_another_tool_is_told_what_is_meant(meant: str, words: str, called: Cli) -> None:
    for word in words.split():
        ran = called(word, "x")
        assert (ran.code, ran.out) == (64, "")
        assert f"there is no command '{word}'; did you mean '{meant}'?" in ran.err


def test_a_word_like_none_is_told_no_guess(called: Cli) -> None:
    assert called("xyzzy").err.splitlines()[-1].endswith("there is no command 'xyzzy'")


@pytest.mark.parametrize("option", ["--dry-run", "--dryrun", "--diff", "--check"])
def test_a_dry_run_is_a_plan(option: str, called: Cli) -> None:
    ran = called("apply", option)
    assert (ran.code, ran.out) == (64, "")
    assert ran.err.endswith("`baseten-jobs plan` shows what apply would do\n")
    assert "prune" not in ran.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("stop --all", "; '*' as a NAME means every manifest"),
        ("plan --all", "; without a PATH it is about every manifest in specs"),
        ("capacity --all", ""),
        (
            "plan --job x",
            "; give the file that holds the manifest; `baseten-jobs status` takes names, and ids by --job",
        ),
        ("status --json", "; `-o` chooses the format, as in `-o json`"),
        ("logs --force", ""),
    ],
)
def test_an_option_of_another_tool_is_told_what_does_the_same_here(words: str, told: str, called: Cli) -> None:
    option = words.split()[1]
    assert called(*words.split()).err.splitlines()[-1] == f"error: there is no option '{option}' here{told}"


def test_a_slip_in_a_harmless_option_is_told_which(called: Cli) -> None:
    assert called("plan", "--stric").err.endswith("did you mean --strict?\n")


def _every(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            below = command.get_command(click.Context(command), name)
            assert below is not None
            yield from _every(below, (*words, name))
        return
    for param in command.params:
        yield from ((words, each) for each in param.opts if each.startswith("--"))


OPTIONS = [pair for name in COMMANDS for pair in _every(command_of(name), (name,))]


def test_each_option_that_is_called_dangerous_is_one() -> None:
    assert {option for _, option in OPTIONS} >= DANGEROUS


@pytest.mark.parametrize(("words", "option"), OPTIONS, ids=[f"{' '.join(words)} {option}" for words, option in OPTIONS])
def test_no_slip_is_told_to_try_what_is_dangerous(words: tuple[str, ...], option: str, called: Cli) -> None:
    own = {each for of, each in OPTIONS if of == words}
    for slip in {option[:-1], f"{option}s", f"{option[:4]}{option[5:]}", option.replace("e", "a")} - own:
        said = called(*words, f"{slip}=1").err.splitlines()[-1].partition(slip)[2]
        assert not any(each in said.split() or f"{each}?" in said.split() for each in DANGEROUS), said
