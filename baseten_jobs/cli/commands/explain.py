"""`explain`: what a field of a manifest means."""

import click

from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.options import offered
from baseten_jobs.cli.options import output as output_option
from baseten_jobs.cli.session import Session
from baseten_jobs.manifest.schema.explain import Explanation, Unknown, explain
from baseten_jobs.manifest.schema.fields import SUPPORTED, shape_of
from baseten_jobs.phrases import one_line
from baseten_jobs.report import field_help
from baseten_jobs.report import json as as_json


def _complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    found = explain(shape_of(SUPPORTED[-1]), incomplete.rpartition(".")[0])
    children = found.fields if isinstance(found, Explanation) else ()
    return offered((child.path.replace("[]", "") for child in children), incomplete)


@click.command("explain")
@click.argument("path", default="", metavar="[PATH]", shell_complete=_complete)
@output_option("text", "json")
@click.option(
    "--api-version", type=click.Choice(SUPPORTED), default=SUPPORTED[-1], show_default=True,
    help="Version of the manifests.",
)  # fmt: skip
def command(path: str, output: str, api_version: str) -> Exit:
    """Tell what a field is for, such as spec.compute.memory: its type, default and values, and whether a change of it
    starts a new run. Without PATH it draws the tree of all fields.
    """
    session = Session(output)
    found = explain(shape_of(api_version), path.strip("."))
    if isinstance(found, Unknown):
        return session.fail(_told(found), Exit.FAILED)
    if session.json:
        session.result(as_json.field(found))
    else:
        session.result((field_help.text if found.path else field_help.tree)(found, session.look()))
    return Exit.DONE


def _told(unknown: Unknown) -> str:
    near = f"; did you mean '{unknown.near}'?" if unknown.near else ""
    where = f"of '{unknown.at}'" if unknown.at else "of a manifest"
    return f"'{one_line(unknown.wrong)}' is no field {where}{near}"
