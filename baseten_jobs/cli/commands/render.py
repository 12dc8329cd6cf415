"""`render`: the exact request bodies."""

import click

from baseten_jobs import compilation
from baseten_jobs.cli import options
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.session import Session, or_default, still_there
from baseten_jobs.manifest.overrides import Override
from baseten_jobs.report import formats


@click.command("render")
@options.paths
@options.output(*formats.REQUESTS)
@options.strict
@options.overrides
@options.allow_outside
@options.verbose
def command(
    paths: tuple[str, ...],
    output: str,
    strict: bool,
    overrides: tuple[Override, ...],
    allowed: tuple[str, ...],
    verbose: bool,
) -> Exit:
    """Print the exact body of each create that apply would send; nothing is sent."""
    session = Session(output, verbose=verbose)
    chosen = still_there(session, or_default(paths))
    compiled = compilation.compile_all(chosen, session.stdin, strict, overrides, allowed)
    if not compiled.valid:
        return session.invalid(compiled.diagnostics)
    session.warn(compiled.diagnostics)
    session.result(formats.REQUESTS[output](compiled.requests, session.look()))
    return Exit.DONE
