"""`validate`: all diagnostics of all files."""

import click

from baseten_jobs import validation
from baseten_jobs.cli import options
from baseten_jobs.cli.session import Session, or_default
from baseten_jobs.outcome import Exit
from baseten_jobs.report import json as as_json
from baseten_jobs.report import text as as_text


@click.command("validate")
@options.paths
@options.output("text", "json")
@options.strict
def command(paths: tuple[str, ...], output: str, strict: bool) -> Exit:
    """Check manifests and show every problem of every file at once; nothing is sent.

    PATH is a file, a folder of *.yaml and *.yml files, or - for standard input; the default is specs.
    """
    session = Session(output)
    checked = validation.validate(or_default(paths), session.stdin, strict)
    if session.json:
        session.result(as_json.diagnostics(checked.diagnostics))
    else:
        session.result(as_text.diagnostics(checked.diagnostics, len(checked.documents), session.paint))
    return Exit.DONE if checked.valid else Exit.FAILED
