"""`schema`: the JSON Schema of the manifests, of other kinds of documents, or of any kind."""

import click

from baseten_jobs.cli import sink
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.helped import HelpedCommand
from baseten_jobs.cli.options import STANDARD_OUTPUT
from baseten_jobs.manifest.paths import check_landing
from baseten_jobs.manifest.schema.fields import ANY, KIND, KINDS, SUPPORTED, schema_text
from baseten_jobs.phrases import Page


@click.command("schema", cls=HelpedCommand)
@click.option(
    "--api-version",
    type=click.Choice(SUPPORTED),
    default=SUPPORTED[-1],
    show_default=True,
    help="Version of the manifests.",
)
@click.option(
    "--kind",
    type=click.Choice((*KINDS, ANY)),
    default=KIND,
    show_default=True,
    help=f"What the documents describe; {ANY} is for editors.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, writable=True),
    default=None,
    help="Write it to this file; - is standard output.",
)
def command(api_version: str, kind: str, out: str | None) -> Exit:
    """Print the JSON Schema of manifests as they are once Defaults are merged and a matrix is expanded.

    `--kind any` is what editors need: it takes every kind of document as it is written, with `matrix`, `extends` and
    placeholders.
    """
    text = schema_text(api_version, kind)
    if out is None or out == STANDARD_OUTPUT:
        sink.out(Page(text), end="")
        return Exit.DONE
    try:
        check_landing(out)
        with open(out, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise click.ClickException(f"{out} can't be written: {error.strerror}") from None
    return Exit.DONE
