"""The options that several commands share, and the values that they build."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_PATH = "specs"
DEFAULT_DB = os.path.join(".baseten-jobs", "emulator.db")


def paths(command: F) -> F:
    """PATH ...: files, folders or `-`."""
    return click.argument("paths", nargs=-1, metavar="[PATH]...")(command)


def files(command: F) -> F:
    """-f PATH, for commands whose arguments are names."""
    return click.option(
        "-f",
        "--file",
        "paths",
        multiple=True,
        metavar="PATH",
        help="A manifest, a folder of manifests, or - for standard input (default: specs).",
    )(command)


def output(*formats: str) -> Callable[[F], F]:
    return click.option(
        "-o",
        "--output",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="How to print the result.",
    )


def strict(command: F) -> F:
    return click.option("--strict", is_flag=True, help="Warnings are errors.")(command)


def connection(command: F) -> F:
    """Where the API is; the key comes from the environment only."""
    options = (
        click.option("--local", is_flag=True, help="Use the embedded API instead of Baseten; needs no key."),
        click.option(
            "--local-db", metavar="FILE", default=None, help=f"Its database (default: {DEFAULT_DB}); implies --local."
        ),
        click.option(
            "--connect-timeout",
            type=click.FloatRange(min=0, min_open=True),
            default=10.0,
            show_default=True,
            metavar="SECONDS",
            help="For a connection to be made.",
        ),
        click.option(
            "--read-timeout",
            type=click.FloatRange(min=0, min_open=True),
            default=60.0,
            show_default=True,
            metavar="SECONDS",
            help="For an answer to come.",
        ),
    )
    return _all(command, options)


def policy(command: F) -> F:
    """What decides on the actions: options of plan and apply, saved in a plan."""
    options = (
        click.option(
            "--max-submits",
            type=click.IntRange(min=0),
            default=10,
            show_default=True,
            metavar="N",
            help="Refuse to submit more jobs than this.",
        ),
        click.option(
            "--max-gpus",
            type=click.IntRange(min=0),
            default=None,
            metavar="N",
            help="Refuse to submit jobs with more GPUs than this together.",
        ),
        click.option(
            "--retry-failed",
            multiple=True,
            metavar="NAME",
            help="Submit this manifest's spec again although its job failed or was stopped.",
        ),
    )
    return _all(command, options)


def execution(command: F) -> F:
    """How a plan is carried out."""
    options = (
        click.option(
            "--concurrency",
            type=click.IntRange(1, 64),
            default=4,
            show_default=True,
            metavar="N",
            help="Creates under way at once.",
        ),
        click.option(
            "--settle",
            type=click.FloatRange(min=0),
            default=120.0,
            show_default=True,
            metavar="SECONDS",
            help="How long to search for the job of a create that got no clear answer.",
        ),
    )
    return _all(command, options)


def _all(command: F, options: tuple[Callable[[F], F], ...]) -> F:
    for option in reversed(options):
        command = option(command)
    return command


def given(context: click.Context, *names: str) -> tuple[str, ...]:
    """Which of these parameters the user gave on the command line."""
    source = click.core.ParameterSource.COMMANDLINE
    return tuple(name for name in names if context.get_parameter_source(name) is source)
