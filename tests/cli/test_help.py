"""Every help: each option in a group, an example that parses, a link to a page that is there, 80 columns."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from baseten_jobs.cli.commands.runs import diff
from baseten_jobs.cli.help_parts import GROUPS, environment_of, group_of, part_of
from baseten_jobs.cli.helped import HelpedCommand
from baseten_jobs.cli.main import COMMANDS, SECTIONS, baseten_jobs, command_of, run

PAGES = Path(__file__).parents[2] / ".github" / "docs"


def _commands(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from _commands(f"{path} {name}", each)


EVERY = dict(each for name in COMMANDS for each in _commands(name, command_of(name))) | {"runs diff": diff}
every = pytest.mark.parametrize("path", EVERY)


def _help(path: str) -> str:
    command = EVERY[path]
    return command.get_help(click.Context(command, info_name=f"baseten-jobs {path}", max_content_width=80))


@every
def test_each_command_is_one_of_ours_and_each_option_is_in_a_group(path: str) -> None:
    command = EVERY[path]
    assert isinstance(command, HelpedCommand)
    for option in command.get_params(click.Context(command)):
        if isinstance(option, click.Option):
            assert group_of(option) in GROUPS
    assert "\nOptions:\n" not in _help(path)


@every
def test_each_command_has_an_example_that_parses(path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    tool, *words = shlex.split(part_of(path).example)
    assert tool == "baseten-jobs"
    assert " ".join(words).startswith(path)
    parsed: list[str] = []
    monkeypatch.setattr(click.Command, "invoke", lambda command, context: parsed.append(context.command_path))
    assert run(words) == 0
    assert parsed[-1].startswith(f"baseten-jobs {path}".rstrip())


@every
def test_each_help_ends_with_its_example_and_a_page_that_is_there(path: str) -> None:
    part, told = part_of(path), _help(path)
    assert (PAGES / f"{part.page}.md").is_file()
    assert told.endswith(f"Example:\n  {part.example}\n\nMore:\n  {part.link}")


@pytest.mark.parametrize("path", ["", *EVERY])
def test_each_help_fits_80_columns(path: str) -> None:
    told = _help(path) if path else baseten_jobs.get_help(click.Context(baseten_jobs, info_name="baseten-jobs"))
    assert [line for line in told.split("\n") if len(line) > 80] == []


@every
def test_what_calls_the_api_names_the_variables_that_it_reads(path: str) -> None:
    calls = any("--connect-timeout" in option.opts for option in EVERY[path].params)
    assert ("BASETEN_API_KEY" in environment_of(EVERY[path])) is calls
    assert ("\nEnvironment:\n  BASETEN_API_KEY " in _help(path)) is calls


def test_each_command_is_in_one_section_of_the_help() -> None:
    named = [name for section in SECTIONS.values() for name in section]
    assert sorted(named) == sorted(COMMANDS)
    told = baseten_jobs.get_help(click.Context(baseten_jobs, info_name="baseten-jobs"))
    assert [title for title in SECTIONS if f"\n{title}:\n" not in told] == []
    assert "\n  BASETEN_API_KEY " in told
