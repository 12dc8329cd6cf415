"""The options of `emulator` to the embedded API, listening until a signal ends it."""

from __future__ import annotations

import importlib.util
import signal
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from baseten_jobs.cli import sink
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.field_option import FieldOption, bundle
from baseten_jobs.cli.helped import HelpedCommand
from baseten_jobs.cli.options import DEFAULT_DB, MOST, Finite
from baseten_jobs.distribution import OURS

if TYPE_CHECKING:
    from baseten_jobs.emulator.faults import Fault
    from baseten_jobs.emulator.server import Server
    from baseten_jobs.emulator.settings import Durations, Settings

_NEEDS_EXTRA = f"the embedded API needs its extra: {OURS.install('local')}"


class _Command(HelpedCommand):
    """Appends the table of faults, which the emulator keeps, to the help."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from baseten_jobs.emulator.faults import KINDS

        with formatter.section("Faults (with their default RATE and SECONDS)"):
            formatter.write_dl([(kind.defaults, kind.meaning) for kind in KINDS])
        super().format_epilog(ctx, formatter)


def _faults(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> tuple[Fault, ...]:
    from baseten_jobs.emulator.faults import parse_fault

    try:
        return tuple(parse_fault(value) for value in values)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from None


def _capacity(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> tuple[tuple[str, int], ...]:
    from baseten_jobs.emulator.catalogue import gpu_type

    limits = []
    for value in values:
        name, _, count = value.partition("=")
        if not (count.isascii() and count.isdecimal() and len(count) < len(str(MOST))):
            raise click.BadParameter(f"'{value}' is not GPU=N, such as H100=16", ctx, param)
        if gpu_type(name) is None:
            raise click.BadParameter(f"'{name}' is not a GPU type here, such as H100", ctx, param)
        limits.append((name, int(count)))
    return tuple(limits)


def _key(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and (not value or len(value.split()) != 1):
        raise click.BadParameter("a key is one word", ctx, param)
    return value


def _names(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> tuple[str, ...]:
    if any(not value.strip() for value in values):
        raise click.BadParameter("the name is empty", ctx, param)
    return tuple(values)


def _of_settings() -> type:
    from baseten_jobs.emulator.settings import Settings

    return Settings


def _of_durations() -> type:
    from baseten_jobs.emulator.settings import Durations

    return Durations


_SECONDS = Finite(0, MOST)

_DURATIONS = {
    "created": ("--created-seconds", "How long a job is CREATED."),
    "deploying": ("--deploying-seconds", "How long a job is DEPLOYING."),
    "running": ("--run-seconds", "How long a job is RUNNING."),
    "checkpoint": ("--checkpoint-seconds", "Time between the checkpoints of a job that saves them."),
    "line": ("--line-seconds", "Time between the log lines of a running job."),
}
"""Each field of the durations, with its option and what that is for."""


def _durations(**given: float) -> Durations:
    """The options' values come in the order of the table."""
    from baseten_jobs.emulator.settings import Durations

    return Durations(**dict(zip(_DURATIONS, given.values(), strict=True)))


def _of_files() -> type:
    from baseten_jobs.emulator.settings import Files

    return Files


_files = bundle(
    "files",
    lambda **given: _of_files()(**given),
    FieldOption(
        ["--checkpoint-files", "count"], owner=_of_files, type=click.IntRange(1, 100_000), show_default=True,
        help="How many files a checkpoint has on each node.",
    ),
    FieldOption(
        ["--file-bytes", "size"], owner=_of_files, type=click.IntRange(0, MOST), show_default=True,
        help="How large such a file is on average.",
    ),
    FieldOption(
        ["--link-seconds", "link"], owner=_of_files, type=_SECONDS, show_default=True,
        help="How long a presigned link opens what it leads to.",
    ),
)  # fmt: skip


_timed = bundle(
    "durations",
    _durations,
    *(
        FieldOption([option], owner=_of_durations, field=field, type=_SECONDS, show_default=True, help=meaning)
        for field, (option, meaning) in _DURATIONS.items()
    ),
)


@click.command(
    "emulator",
    cls=_Command,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Serve a local Baseten over HTTP: jobs run on paper, cost nothing, and can be told to misbehave."
    " Any key that is not empty is accepted, but for the key 'forbidden', which gets 403.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8787,
    show_default=True,
    help="Port to listen on; 0 picks a free one.",
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    callback=_names,
    metavar="NAME[:PORT]",
    help="A name, beside its own, that clients may call this server by, as behind a gateway. Repeatable.",
)
@click.option(
    "--db",
    "database",
    type=click.Path(path_type=Path),
    default=DEFAULT_DB,
    show_default=True,
    metavar="FILE",
    help="Database file.",
)
@click.option(
    "--api-key",
    envvar="BASETEN_EMULATOR_KEY",
    show_envvar=True,
    callback=_key,
    metavar="KEY",
    help="The only key to accept, below /_emulator/ too.",
)
@click.option("--seed", cls=FieldOption, owner=_of_settings, type=int, show_default=True, help="Seed of all chance.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    callback=_faults,
    metavar="KIND[=RATE[,SECONDS]]",
    help="Misbehave in this way; RATE is from 0 to 1. Repeatable; the kinds are listed below.",
)
@click.option(
    "--latency",
    cls=FieldOption,
    owner=_of_settings,
    type=_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="Added to every request.",
)
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    callback=_names,
    metavar="[TEAM/]NAME",
    help="A secret that exists, in the default team unless one is named. Repeatable.",
)
@click.option(
    "--team",
    "teams",
    multiple=True,
    callback=_names,
    metavar="NAME",
    help="A team beside the team 'default'. Repeatable.",
)
@click.option(
    "--capacity",
    multiple=True,
    callback=_capacity,
    metavar="GPU=N",
    help="At most N GPUs of a type run at once; further jobs are PENDING. Repeatable.",
)
@click.option("--queue", multiple=True, metavar="GLOB", help="Jobs of these names stay PENDING. Repeatable.")
@click.option("--fail", multiple=True, metavar="GLOB", help="Jobs of these names end as FAILED. Repeatable.")
@click.option(
    "--deploy-fail", multiple=True, metavar="GLOB", help="Jobs of these names end as DEPLOY_FAILED. Repeatable."
)
@click.option(
    "--preempt", multiple=True, metavar="GLOB", help="Jobs of these names end as PREEMPTED, once they ran. Repeatable."
)
@click.option(
    "--stall",
    multiple=True,
    metavar="GLOB",
    help="Jobs of these names stay RUNNING, once they ran, with idle GPUs and a silent log. Repeatable.",
)
@click.option(
    "--speed",
    type=Finite(1, 100_000),
    metavar="TIMES",
    help="How many times as fast its clock goes. A database keeps the last one given; it is 1 at first.",
)
@_timed
@_files
def command(host: str, port: int, hosts: tuple[str, ...], **options: Any) -> Exit:
    if any(importlib.util.find_spec(module) is None for module in ("flask", "waitress")):
        sink.err(f"error: {_NEEDS_EXTRA}")
        return Exit.FAILED
    from baseten_jobs.emulator.app import App
    from baseten_jobs.emulator.server import serve
    from baseten_jobs.emulator.store import StoreError
    from baseten_jobs.provider.api.local_database import NotOwn, own_database

    try:
        settings = _settings(**options)
        own_database(str(settings.database), "--db")
        app = App(settings)
    except (StoreError, NotOwn) as error:
        sink.err(f"error: {error}")
        return Exit.FAILED
    received: list[int] = []

    def started(server: Server) -> None:
        def stop(number: int, frame: FrameType | None) -> None:
            received.append(number)
            server.stop()

        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)
        sink.out(f"listening on {server.base_url}")

    try:
        serve(app, host, port, started=started, hosts=hosts)
    except (OSError, UnicodeError) as error:
        sink.err(f"error: cannot listen on {host}:{port}: {getattr(error, 'strerror', None) or error}")
        return Exit.FAILED
    return Exit.INTERRUPTED if signal.SIGINT in received else Exit.DONE


def _settings(
    *,
    database: Path,
    queue: tuple[str, ...],
    fail: tuple[str, ...],
    deploy_fail: tuple[str, ...],
    preempt: tuple[str, ...],
    stall: tuple[str, ...],
    **same: Any,
) -> Settings:
    from baseten_jobs.emulator.settings import Behaviour, Settings

    return Settings(
        database=database,
        behaviour=Behaviour(queue, fail, deploy_fail, preempt, stall),
        **same,
    )
