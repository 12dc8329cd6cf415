"""`init`: a first manifest, its schema and a pipeline."""

import shlex
from pathlib import Path

import click

from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.options import complete_paths
from baseten_jobs.cli.options import output as output_option
from baseten_jobs.cli.session import Session
from baseten_jobs.cli.starting import PATHS, PIPELINES, Started, Unspeakable, start
from baseten_jobs.phrases import one_line, page
from baseten_jobs.report import json as as_json

_NONE = "none"
_SETTING = {
    "github": "set __OWNER__ in the workflow, and BASETEN_API_KEY as a secret of the repository",
    "gitlab": "set BASETEN_API_KEY as a CI/CD variable of the project",
}
"""What a pipeline needs before it runs."""


@click.command("init")
@click.argument("folder", default=".", metavar="[DIR]", shell_complete=complete_paths)
@click.option(
    "--ci", type=click.Choice([*PIPELINES, _NONE]), default="github", show_default=True,
    help="Whose pipeline to write.",
)  # fmt: skip
@output_option("text", "json")
def command(folder: str, ci: str, output: str) -> Exit:
    """Write a first manifest, the schema that its editor checks it by, and a pipeline that plans and applies.

    Files that are there are left as they are, and nothing is asked. In a git checkout .gitignore gets a line for the
    database of the embedded API, and the pipeline lies at the root.
    """
    session = Session(output)
    try:
        started = start(Path(folder), None if ci == _NONE else ci)
    except OSError as error:
        return session.fail(f"{one_line(str(error.filename or folder))}: {error.strerror}", Exit.FAILED)
    except Unspeakable as error:
        return session.fail(str(error), Exit.FAILED)
    if session.json:
        session.result(as_json.started(started.written, started.kept))
        return Exit.DONE
    for words, files in (("wrote", started.written), ("kept ", started.kept)):
        for file in files:
            session.result(f"{words}  {file}")
    session.result(page(["", "Next:", *_next_steps(started, folder, ci)]))
    return Exit.DONE


def _next_steps(started: Started, folder: str, ci: str) -> list[str]:
    steps = [] if folder == "." else [f"cd {one_line(shlex.quote(folder))}"]
    steps += [
        "baseten-jobs validate         # offline",
        "baseten-jobs apply --local    # rehearse on this machine, without a key",
        "baseten-jobs plan             # ask Baseten; the key is BASETEN_API_KEY",
    ]
    if started.pipeline in started.written:
        steps.append(_SETTING[ci])
    elif started.paths != PATHS and ci != _NONE:
        steps.append(f"see that {one_line(started.pipeline)} looks at {one_line(started.paths)}")
    return [f"  {step}" for step in steps]
