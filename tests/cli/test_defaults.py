"""Defaults of options: each stands once, in the dataclass that its option fills."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from typing import Any

import click
import pytest

from baseten_jobs.applying.execute import Execution
from baseten_jobs.applying.settle import Windows
from baseten_jobs.applying.wait import Waiting
from baseten_jobs.cli.main import COMMANDS, command_of
from baseten_jobs.cli.moment_option import Moment
from baseten_jobs.cli.options import DEFAULT_DB
from baseten_jobs.emulator.settings import Behaviour, Durations, Files, Settings
from baseten_jobs.importing.adopt import Target
from baseten_jobs.importing.from_body import Given
from baseten_jobs.manifest.paths import SPECS
from baseten_jobs.manifest.schema.fields import KIND, SUPPORTED
from baseten_jobs.planning.plan import Policy
from baseten_jobs.planning.policy_fields import FIELDS
from baseten_jobs.planning.terms import LIMITS, Terms
from baseten_jobs.provider.api.connection import Connection
from tests.support.commands import nothing_set
from tests.support.pages import EVERY_PAGE

__all__ = ["nothing_set"]


_OF_A_PLAN = (Connection, Policy, Execution, Windows, Terms)
FILLED: Mapping[str, tuple[type, ...]] = {
    "plan": _OF_A_PLAN,
    "apply": (*_OF_A_PLAN, Waiting),
    "report": _OF_A_PLAN,
    "emulator": (Settings, Durations, Behaviour, Files),
    "import truss": (Given, Target),
    "import request": (Given, Target),
    "import job": (Given, Target, Connection),
    **dict.fromkeys(["code", "checkpoints list", "checkpoints download", "checkpoints deploy"], (Connection,)),
    **dict.fromkeys(["status", "describe", "runs", "logs", "metrics", "session"], (Connection,)),
    **dict.fromkeys(["capacity", "stop", "adopt", "doctor"], (Connection,)),
}
"""The dataclasses whose fields the options of a command fill."""

OWN = {
    ("emulator", "database"): DEFAULT_DB, ("emulator", "host"): "127.0.0.1", ("emulator", "port"): 8787,
    ("schema", "kind"): KIND, ("metrics", "since"): Moment(3600), ("runs", "folder"): ".",
    ("init", "ci"): "github", ("explain", "api_version"): SUPPORTED[-1], ("schema", "api_version"): SUPPORTED[-1],
}  # fmt: skip
"""Defaults of options that fill no field which has one."""


def _options() -> Iterator[tuple[str, click.Option]]:
    for name in COMMANDS:
        command = command_of(name)
        several = command.commands if isinstance(command, click.Group) else {}
        for words, each in {name: command, **{f"{name} {inner}": one for inner, one in several.items()}}.items():
            options = [option for option in each.params if isinstance(option, click.Option) and not option.required]
            yield from ((words, option) for option in options)


OPTIONS = list(_options())


def _default(option: click.Option) -> Any:
    """What a command gets where the option is not given."""
    return click.Command("any", params=[option]).make_context("any", []).params[str(option.name)]


def _fields(command: str) -> dict[str, Any]:
    """The defaults of all fields that a command's options fill, by the options' names."""
    found = {}
    for owner in FILLED.get(command, ()):
        for field in fields(owner):
            if field.default is not MISSING:
                found[f"{field.name}_seconds" if owner is Durations else field.name] = field.default
    return found | ({"run_seconds": Durations.running} if command == "emulator" else {})


def _plain(value: Any) -> Any:
    return tuple(sorted(value)) if isinstance(value, list | tuple | frozenset) else value


@pytest.mark.parametrize(("command", "option"), OPTIONS, ids=[f"{words} {each.opts[-1]}" for words, each in OPTIONS])
def test_an_option_has_the_default_of_the_field_that_it_fills(
    command: str, option: click.Option, nothing_set: None
) -> None:
    name = str(option.name)
    given, usual = _plain(_default(option)), _fields(command)
    if name in usual:
        assert given == _plain(usual[name])
    elif name == "output":
        assert isinstance(option.type, click.Choice)
        assert given == option.type.choices[0]
    else:
        assert (str(given) if name == "database" else given) in (OWN.get((command, name)), (), False)


def test_every_field_of_a_policy_is_an_option_of_plan_and_apply() -> None:
    for command in ("plan", "apply"):
        assert {field.name for field in fields(Policy)} <= {
            option.name for words, option in OPTIONS if words == command
        }


def test_a_saved_plan_may_hold_just_the_numbers_that_an_option_takes() -> None:
    numbers = [option for words, option in OPTIONS if words == "plan" and option.name in FIELDS]
    ranges = (click.IntRange, click.FloatRange)
    limits = {str(each.name): each.type.max for each in numbers if isinstance(each.type, ranges)}
    assert {*LIMITS, "history"} == set(limits)
    for name, most in limits.items():
        assert [FIELDS[name].fits(value) for value in (-1, 0, most, int(most or 0) + 1)] == [False, True, True, False]


def test_a_bare_wait_waits_for_the_usual_goal() -> None:
    from baseten_jobs.cli.wait_option import WaitingCommand

    command = WaitingCommand("apply", params=[click.Option(["--wait"])])
    assert command.make_context("apply", ["--wait"]).params == {"wait": Waiting.goal.value}


@pytest.mark.parametrize(
    "told",
    [
        f"`--max-submits N` ({Policy.max_submits})",
        f"or `-`; the default is `{SPECS}`.",
        f"`baseten-jobs emulator --port {OWN['emulator', 'port']}` serves",
        f"1,000 creates at 50 ms each, concurrency {Execution.concurrency}",
    ],
)
def test_the_readme_tells_the_defaults_that_are(told: str) -> None:
    assert told in EVERY_PAGE


def test_the_help_of_validate_tells_the_default_path() -> None:
    assert f"the default is {SPECS}." in re.sub(r"\s+", " ", str(command_of("validate").help))
