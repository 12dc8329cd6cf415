"""`status`: how the manifests' jobs are."""

import click

from baseten_jobs import pipeline, report, validation
from baseten_jobs.api.connection import Connection, open_api
from baseten_jobs.api.pacing import Clock
from baseten_jobs.cli import options
from baseten_jobs.cli.session import Session, guarded, or_default
from baseten_jobs.outcome import Exit


@click.command("status")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@options.files
@options.output(*report.STATUS)
@options.connection
def command(
    names: tuple[str, ...],
    paths: tuple[str, ...],
    output: str,
    connection: Connection,
) -> Exit:
    """Show the job of each manifest, or of those with these names. Exits with 7 where a duplicate is live."""
    session = Session(output)
    compiled = validation.compile_all(or_default(paths), session.stdin, strict=False)
    if not compiled.valid:
        return session.invalid(compiled.diagnostics)
    if names:
        compiled, unknown = compiled.named(names)
        if unknown:
            return session.fail(f"no manifest has the name {', '.join(unknown)}", Exit.FAILED)

    def work() -> Exit:
        rows, diagnostics = pipeline.status(open_api(connection, Clock()), compiled)
        if diagnostics:
            return session.invalid(diagnostics)
        session.result(report.STATUS[output](rows, session.look()))
        return Exit.UNCLEAR if any(row.duplicates for row in rows) else Exit.DONE

    return guarded(session, work)
