"""The options that several commands share. A bundle of them reaches a command as the one value that they build."""

import os
import re
from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any

import click

from baseten_jobs.cli.field_option import F, FieldOption, bundle
from baseten_jobs.cli.owner_option import owner_letters
from baseten_jobs.manifest.paths import SPECS

STANDARD_OUTPUT = "-"
"""As the FILE of an --out."""

DEFAULT_DB = os.path.join(".baseten-jobs", "emulator.db")


_PLAIN_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")


def offered(words: Iterable[str], incomplete: str) -> list[str]:
    """The words that begin with `incomplete` and need no quotes in any shell.

    A shell inserts a completion without quotes, and bash even expands wildcards in it to names of files.
    """
    return [word for word in words if word.startswith(incomplete) and _PLAIN_WORD.fullmatch(word)]


def complete_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of the manifests that the command would read, for a shell."""
    from baseten_jobs.cli.completion import manifest_names

    chosen = context.params.get("paths") or (SPECS,)
    return offered(manifest_names(chosen), incomplete)


def complete_paths(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[Any]:
    """Tell the shell to complete files and folders itself."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


FILES: Any = {
    "multiple": True,
    "shell_complete": complete_paths,
    "metavar": "PATH",
    "help": f"A manifest, a folder of manifests, or - for standard input (default: {SPECS}).",
}


def files(command: F) -> F:
    """-f PATH, for commands whose arguments are names."""
    return click.option("-f", "--file", "paths", **FILES)(command)


def output(*formats: str) -> Callable[[F], F]:
    return click.option(
        "-o", "--output", type=click.Choice(formats), default=formats[0], show_default=True,
        help="How to print the result.",
    )  # fmt: skip


def _verbose(told: str) -> Callable[[F], F]:
    return click.option("-v", "--verbose", is_flag=True, help=told)


verbose = _verbose("List every file of the workspaces, and those that are passed over.")
whole_plan = _verbose("List what is unchanged too, every file of the workspaces, and what is passed over.")


class _OverrideType(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    name = "NAME:FIELD=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from baseten_jobs.manifest.overrides import parse_override

        try:
            return parse_override(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


ALLOW_OUTSIDE: Any = {
    "multiple": True,
    "metavar": "DIR",
    "type": click.Path(exists=True, file_okay=False),
    "shell_complete": complete_paths,
    "help": "Let manifests that say `outside: true` take files from this folder; repeatable.",
}


def allow_outside(command: F) -> F:
    """--allow-outside: who runs a command grants what a manifest can only ask for; no environment and no file does."""
    return click.option("--allow-outside", "allowed", **ALLOW_OUTSIDE)(command)


class _BranchType(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    name = "BRANCH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from baseten_jobs.phrases import one_line
        from baseten_jobs.planning.history.branch_tip import is_branch

        if not is_branch(value):
            self.fail(f"'{one_line(value)}' can't be the name of a branch.", param, ctx)
        return value


def if_tip(command: F) -> F:
    """--if-tip: a pipeline that is run again, or was overtaken, must not submit what is no longer wanted."""
    return click.option(
        "--if-tip", type=_BranchType(), default=None, metavar="BRANCH",
        help="Skip this, with exit code 0, where the remote's BRANCH has moved on and would apply something else.",
    )(command)  # fmt: skip


def _connection_type() -> type:
    from baseten_jobs.provider.api.connection import Connection

    return Connection


def _inputs(**given: Any) -> Any:
    from baseten_jobs.manifest.inputs import Inputs

    return Inputs(**given)


inputs = bundle(
    "inputs",
    _inputs,
    click.Argument(["paths"], nargs=-1, metavar="[PATH]...", shell_complete=complete_paths),
    click.Option(["--strict"], is_flag=True, help="Warnings are errors."),
    click.Option(
        ["--set", "overrides"], multiple=True, type=_OverrideType(), metavar="NAME:FIELD=VALUE",
        help="Set a field of a manifest, or of each that a glob such as 'qwen3-*' matches; repeatable.",
    ),
    click.Option(["--allow-outside", "allowed"], **ALLOW_OUTSIDE),
)  # fmt: skip
"""Which manifests to read, and how. --set gives what only CI knows, such as the tag of an image that it has built."""


def _policy_type() -> type:
    from baseten_jobs.planning.plan import Policy

    return Policy


def _execution_type() -> type:
    from baseten_jobs.applying.execute import Execution

    return Execution


def _windows_type() -> type:
    from baseten_jobs.applying.settle import Windows

    return Windows


def _connection(local: bool, local_db: str | None, **given: Any) -> Any:
    from baseten_jobs.provider.api.connection import DEFAULT_BASE_URL, Connection

    return Connection(
        base_url=os.environ.get("BASETEN_BASE_URL") or DEFAULT_BASE_URL,
        key=os.environ.get("BASETEN_API_KEY", "").strip(),
        local_db=(local_db or DEFAULT_DB) if local or local_db else None,
        environment=dict(os.environ),
        **given,
    )


def _policy(**given: Any) -> Any:
    from baseten_jobs.planning.policy_fields import policy_of

    given["create"] = [name for name in given["create"] if name]  # a pipeline gives what it was given, often nothing
    return policy_of(given)


def _execution(concurrency: int, settle: float) -> Any:
    from baseten_jobs.applying.execute import Execution
    from baseten_jobs.applying.settle import Windows

    return Execution(concurrency, Windows(settle))


MOST = 10**9
"""The highest count and price that an option takes: they become machine words somewhere."""

_MOST_SECONDS = 10**6
"""The longest time that an option takes: eleven days. The timeouts of the system overflow at some billions."""


class Finite(click.FloatRange):
    """Numbers but for `nan` and infinity: any comparison with `nan` is false, so that it would limit nothing."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


_COUNT = click.IntRange(0, MOST)
_SECONDS = Finite(0, _MOST_SECONDS, min_open=True)

connection = bundle(
    "connection",
    _connection,
    click.Option(["--local"], is_flag=True, help="Use the embedded API instead of Baseten, which needs no key.",),
    click.Option(["--local-db"], metavar="FILE", help=f"Its database (default: {DEFAULT_DB}); implies --local."),
    FieldOption(
        ["--connect-timeout"], owner=_connection_type, type=_SECONDS, show_default=True, metavar="SECONDS",
        help="For a connection to be made.",
    ),
    FieldOption(
        ["--read-timeout"], owner=_connection_type, type=_SECONDS, show_default=True, metavar="SECONDS",
        help="For an answer to come.",
    ),
    FieldOption(
        ["--insecure-http"], owner=_connection_type, is_flag=True, envvar="BASETEN_INSECURE_HTTP", show_envvar=True,
        help="Permit an http:// address that is not this machine: the key can be read on the way.",
    ),
)  # fmt: skip
"""Where the API is; the key comes from the environment only."""

_POLICY = (
    FieldOption(
        ["--max-submits"], owner=_policy_type, type=_COUNT, show_default=True, metavar="N",
        help="Refuse to submit more jobs than this.",
    ),
    FieldOption(
        ["--max-gpus"], owner=_policy_type, type=_COUNT, metavar="N",
        help="Refuse to submit jobs with more GPUs than this together.",
    ),
    FieldOption(
        ["--max-cost-per-hour"], owner=_policy_type, type=Finite(0, MOST), metavar="USD",
        help="Refuse to submit jobs that cost more than this together, or whose price is not known.",
    ),
    FieldOption(
        ["--retry-failed"], owner=_policy_type, multiple=True, metavar="NAME", shell_complete=complete_names,
        help="Submit the spec of this manifest, or of each that a glob such as 'lr-*' matches, again although its job "
        "failed, was stopped or preempted.",
    ),
    FieldOption(
        ["--create"], owner=_policy_type, multiple=True, metavar="NAME", shell_complete=complete_names,
        help="Submit this manifest, or each that a glob such as 'lr-*' or '*' matches, although its job is missing or "
        "may run under another name.",
    ),
    FieldOption(
        ["--since"], owner=_policy_type, metavar="REV",
        help="What is new since this commit is not missing, whatever its dates say; CI sets it.",
    ),
    FieldOption(
        ["--prune"], owner=_policy_type, is_flag=True,
        help="Stop live jobs whose manifest was deleted from this repository.",
    ),
    FieldOption(
        ["--history"], owner=_policy_type, type=_COUNT, show_default=True, metavar="N",
        help="How many revisions of a manifest to look through for the one that runs.",
    ),
    FieldOption(
        ["--owner-too"], owner=_policy_type, type=owner_letters, multiple=True, metavar="OWNER",
        help="Jobs with these three letters of an owner are ours, too: for a repository that was moved or renamed.",
    ),
)  # fmt: skip

policy = bundle("policy", _policy, *_POLICY)
"""What decides on the actions: options of plan and apply. A saved plan is applied with those that it was made with."""

POLICY_NAMES = tuple(str(option.name) for option in _POLICY)

execution = bundle(
    "execution",
    _execution,
    FieldOption(
        ["--concurrency"], owner=_execution_type, type=click.IntRange(1, 64), show_default=True, metavar="N",
        help="Creates under way at once.",
    ),
    FieldOption(
        ["--settle"], owner=_windows_type, type=Finite(0, _MOST_SECONDS), show_default=True, metavar="SECONDS",
        help="How long to search for the job of a create that got no clear answer; with 0 none is sent a second time.",
    ),
)  # fmt: skip
"""How a plan is carried out; `plan` takes them too, so that one command line serves both, and saves none."""
