"""NAMEs, --job ID and where the manifests lie -> what a command asks for, as one value."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from baseten_jobs.cli.field_option import bundle
from baseten_jobs.cli.job_names import Asked
from baseten_jobs.cli.options import ALLOW_OUTSIDE, FILES, complete_names

F = TypeVar("F", bound=Callable[..., Any])


def asked_of(
    names: tuple[str, ...], job_ids: tuple[str, ...], paths: tuple[str, ...], allowed: tuple[str, ...]
) -> Asked:
    """What is asked for, all of which may be empty; raises UsageError for ids beside several NAMEs.

    An id beside a NAME chooses among the jobs of that name.
    """
    if len(names) > 1 and job_ids:
        raise click.UsageError("--job ID chooses among the jobs of one NAME: give one, or none")
    return Asked(names, job_ids, paths, allowed)


def _asked(names: tuple[str, ...], job_ids: tuple[str, ...], **where: Any) -> Asked:
    if not (names or job_ids):
        raise click.UsageError("name a manifest, or a job with --job ID")
    return asked_of(names, job_ids, **where)


def _asked_of_one(name: str | None, job_id: str | None, **where: Any) -> Asked:
    if name is not None and job_id is not None:
        raise click.UsageError("name a manifest, or a job with --job ID")
    return _asked(*(() if each is None else (each,) for each in (name, job_id)), **where)


def jobs(of_a_job: str, *file: str) -> Callable[[F], F]:
    """NAMEs or --job IDs, or both, and where the manifests lie, as one value, in which at least one job is asked for.

    `of_a_job` is what is told of --job; `file` is the option for paths where -f means something else.
    """
    return bundle(
        "asked",
        _asked,
        click.Argument(["names"], nargs=-1, metavar="[NAME]...", shell_complete=complete_names),
        click.Option(["--job", "job_ids"], multiple=True, metavar="ID", help=of_a_job),
        click.Option([*(file or ("-f", "--file")), "paths"], **FILES),
        click.Option(["--allow-outside", "allowed"], **ALLOW_OUTSIDE),
    )


def one_job(of_a_job: str) -> Callable[[F], F]:
    """The same where just one job is asked for, by NAME or by --job ID."""
    return bundle(
        "asked",
        _asked_of_one,
        click.Argument(["name"], required=False, metavar="[NAME]", shell_complete=complete_names),
        click.Option(["--job", "job_id"], metavar="ID", help=of_a_job),
        click.Option(["-f", "--file", "paths"], **FILES),
        click.Option(["--allow-outside", "allowed"], **ALLOW_OUTSIDE),
    )
