"""Options in, exit codes out. click lives only here; each command is a module that is imported when it is called."""

import gc
import io
import os
import sys
import warnings
from collections.abc import Mapping
from importlib import import_module
from keyword import iskeyword
from types import MappingProxyType
from typing import Any

import click

from baseten_jobs import __version__
from baseten_jobs.cli import sink
from baseten_jobs.cli.exits import Exit
from baseten_jobs.phrases import Page, Prose

SECTIONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "Start": {
            "init": "Write a first manifest and a pipeline.",
            "import": "Write manifests of Python files, request bodies and jobs that exist.",
            "adopt": "Write into a manifest which job runs it already.",
            "doctor": "Check key, account, git and pipeline, and say what mends them; reads only.",
        },
        "Every day": {
            "validate": "Check manifests; nothing is sent.",
            "plan": "Show what apply would do; reads only.",
            "apply": "Submit what changed.",
        },
        "Look": {
            "status": "Show how the manifests' jobs are.",
            "logs": "Print a job's log, and follow it.",
            "metrics": "Draw what jobs use of their GPUs, CPUs, memory and disks.",
            "checkpoints": "List, download or deploy what a job saved.",
            "describe": "Tell all that is known of a job: commit, cost, checkpoints, error.",
            "runs": "Show every run that there was, by commit and cost, and what differs between two.",
            "report": "Tell in one document how all jobs are, and whether one needs a person.",
            "capacity": "Show how many GPUs there are, are used, and are waited for.",
        },
        "Operate": {
            "stop": "Stop jobs.",
            "session": "Show the interactive sessions of jobs, and extend them.",
            "code": "Tell whether a job's code is that of its commit, and unpack it.",
        },
        "Reference": {
            "explain": "Tell what a field of a manifest means.",
            "render": "Print the exact request bodies; nothing is sent.",
            "schema": "Print the JSON Schema of the manifests.",
            "emulator": "Serve the embedded API over HTTP, for rehearsals and tests.",
        },
    }
)
"""The commands by what they are for, each with its meaning."""

COMMANDS: Mapping[str, str] = MappingProxyType(
    {name: meaning for section in SECTIONS.values() for name, meaning in section.items()}
)

COLLECT_EVERY = 100_000
"""New objects between two runs of the garbage collector: what we read are trees, which have no cycles to collect."""


def command_of(name: str) -> click.Command:
    """A command, from the module of its name; a name that is a keyword of Python has an underscore behind it there."""
    module = f"{name}_" if iskeyword(name) else name
    command: click.Command = import_module(f"baseten_jobs.cli.commands.{module}").command
    return command


class _Commands(click.Group):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse an option that is also a file's name: `*.yaml` may match a file that is called `--set=....yaml`."""
        before = args[: args.index("--")] if "--" in args else args
        named = [word for word in before if word.startswith("-") and word != "-" and os.path.lexists(word)]
        if named and not ctx.resilient_parsing:
            from baseten_jobs.phrases import one_line

            ctx.fail(f"'{one_line(named[0])}' is an option, and a file here too: write -- before paths")
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return command_of(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from baseten_jobs.cli.words import command_meant

            meant = command_meant(name, COMMANDS)
            ctx.fail(f"there is no command '{name}'" + (f"; did you mean '{meant}'?" if meant else ""))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # whoever read the output has had enough; click would make this a failure
            sink.write_nothing_more()
            return Exit.UNREAD

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        items = [CompletionItem(name, help=told) for name, told in COMMANDS.items() if name.startswith(incomplete)]
        return items or click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        widest = max(map(len, COMMANDS))
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:<{widest}}", meaning) for name, meaning in commands.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from baseten_jobs.cli.help_parts import ENVIRONMENT, part_of

        with formatter.section("Environment"):
            formatter.write_dl(list(ENVIRONMENT.items()))
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code.value), code.meaning) for code in Exit])
        with formatter.section("More"):
            formatter.write_text(f"\b\n{part_of('').example}\n{part_of('').link}")


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.version_option(__version__, message="%(prog)s %(version)s", prog_name="baseten-jobs")
@click.pass_context
def baseten_jobs(ctx: click.Context) -> Exit:
    """Baseten training jobs as reviewed YAML: validated, planned, and submitted only when they changed."""
    if ctx.invoked_subcommand is None:
        sink.out(Page(ctx.get_help()))
    return Exit.DONE


def main(arguments: list[str] | None = None) -> None:
    """Run one command and leave with its exit code."""
    gc.set_threshold(COLLECT_EVERY)
    if not sys.warnoptions:  # a library would print them, of files that are not ours
        warnings.simplefilter("ignore")
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None, clock: object = None) -> Exit:
    """Run one command and return its exit code; `clock`, a Clock, replaces the machine's."""
    sink.open_streams()
    try:
        code: Exit | None = baseten_jobs.main(arguments, prog_name="baseten-jobs", standalone_mode=False, obj=clock)
        sink.flush()
    except click.ClickException as error:
        sink.err(_in_words(error))
        return Exit.USAGE if isinstance(error, click.UsageError) else Exit.FAILED
    except (click.Abort, KeyboardInterrupt):
        sink.err("interrupted")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        sink.write_nothing_more()
        return Exit.UNREAD
    except MemoryError:
        sink.err("error: there is not enough memory for this")
        return Exit.FAILED
    except RecursionError:
        sink.err("error: something that was read is nested too deeply")
        return Exit.FAILED
    except OSError as error:
        sink.write_nothing_more()
        sink.err(f"error: the output can't be written: {error.strerror}")
        return Exit.FAILED
    return code or Exit.DONE


def _in_words(error: click.ClickException) -> Page:
    """click's message for an error, of one or more lines, with our label."""
    said = io.StringIO()
    (_in_one_line(error) if isinstance(error, click.UsageError) else error).show(said)
    before, label, message = said.getvalue().rstrip("\n").expandtabs().rpartition("Error: ")
    return Prose(f"{before}{label.lower()}{message}")


def _in_one_line(error: click.UsageError) -> click.UsageError:
    """The error with its message in one line of limited length, whatever word it quotes."""
    from baseten_jobs.phrases import one_line

    told = error.format_message()
    if isinstance(error, click.NoSuchOption):
        from baseten_jobs.cli.words import instead_of

        params = error.ctx.command.params if error.ctx else []
        options = [name for each in params if isinstance(each, click.Option) for name in each.opts]
        arguments = [str(each.name) for each in params if isinstance(each, click.Argument)]
        meant = instead_of(error.option_name, ["--help", *options], arguments)
        told = "; ".join(filter(None, (f"there is no option '{error.option_name}' here", meant)))
    return click.UsageError(one_line(" ".join(told.split()), 500), error.ctx)
