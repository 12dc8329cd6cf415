"""`render`: the exact request bodies."""

from dataclasses import replace

import click

from baseten_jobs import compilation
from baseten_jobs.cli import options
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.helped import HelpedCommand
from baseten_jobs.cli.session import Session, or_default, still_there
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.report import formats


@click.command("render", cls=HelpedCommand)
@options.output(*formats.REQUESTS)
@options.inputs
@options.verbose
@click.option("--merged", is_flag=True, help="Print each manifest as YAML, with its Defaults and its matrix filled in.")
def command(
    output: str,
    inputs: Inputs,
    verbose: bool,
    merged: bool,
) -> Exit:
    """Print the exact body of each create that apply would send; nothing is sent."""
    if merged and output != "text":
        raise click.UsageError("--merged prints YAML, and goes with no other output")
    session = Session(output, verbose=verbose)
    inputs = replace(inputs, paths=still_there(session, or_default(inputs.paths)))
    compiled = compilation.compile_all(inputs, session.stdin)
    session.passed_over(compiled.passed)
    if not compiled.valid:
        return session.invalid(compiled.diagnostics)
    session.warn(compiled.diagnostics)
    if merged:
        from baseten_jobs.report.merged import manifests

        session.result(manifests(compiled.requests))
        return Exit.DONE
    session.result(formats.REQUESTS[output](compiled.requests, session.look()))
    return Exit.DONE
