"""`validate`: all diagnostics of all files."""

import os
from dataclasses import replace

import click

from baseten_jobs import compilation
from baseten_jobs.cli import options
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.helped import HelpedCommand
from baseten_jobs.cli.session import Session, or_default, still_there
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.manifest.sources import STDIN_NAME
from baseten_jobs.report import formats


@click.command("validate", cls=HelpedCommand)
@options.output(*formats.DIAGNOSTICS)
@options.inputs
@click.option("-v", "--verbose", is_flag=True, help="List what in folders is no manifest, and passed over.")
@click.option(
    "--only-ours", is_flag=True, help="Pass over files that hold no manifest although they are named, as hooks do."
)
def command(
    output: str,
    inputs: Inputs,
    verbose: bool,
    only_ours: bool,
) -> Exit:
    """Check manifests and show every problem of every file at once; nothing is sent.

    PATH is a file, a folder of *.yaml and *.yml files, or - for standard input; the default is specs.
    """
    session = Session(output, verbose=verbose)
    inputs = replace(inputs, paths=still_there(session, or_default(inputs.paths)))
    checked = compilation.validate(inputs, session.stdin, only_ours=only_ours)
    session.passed_over(() if only_ours and not verbose else checked.passed)
    found, documents = checked.diagnostics, checked.documents
    if output in formats.FOR_HOSTS:
        from baseten_jobs.cli.repository_paths import Hosted

        hosted = Hosted({STDIN_NAME, *inputs.options}, os.environ.get("GITHUB_WORKSPACE", ""))
        found, documents = hosted.diagnostics(found), hosted.documents(documents)
    session.result(formats.DIAGNOSTICS[output](found, documents, session.look()))
    return Exit.DONE if checked.valid else Exit.FAILED
