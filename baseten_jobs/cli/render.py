"""`render`: the exact request bodies."""

import click

from baseten_jobs import validation
from baseten_jobs.cli import options
from baseten_jobs.cli.session import Session, or_default
from baseten_jobs.outcome import Exit
from baseten_jobs.overrides import Override
from baseten_jobs.report import json as as_json
from baseten_jobs.report import text as as_text


@click.command("render")
@options.paths
@options.output("text", "json")
@options.strict
@options.overrides
def command(paths: tuple[str, ...], output: str, strict: bool, overrides: tuple[Override, ...]) -> Exit:
    """Print the exact body of each create that apply would send; nothing is sent."""
    session = Session(output)
    compiled = validation.compile_all(or_default(paths), session.stdin, strict, overrides)
    if not compiled.valid:
        return session.invalid(compiled.diagnostics)
    session.warn(compiled.diagnostics)
    session.result((as_json if session.json else as_text).requests(compiled.requests))
    return Exit.DONE
