"""`import`: manifests of what others wrote."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from baseten_jobs.cli import options, sink
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.field_option import FieldOption, bundle
from baseten_jobs.cli.helped import HelpedGroup
from baseten_jobs.cli.session import Session, guarded, opened
from baseten_jobs.importing.adopt import Target, adopt
from baseten_jobs.importing.adoption import Adoption, ReadSource
from baseten_jobs.importing.from_body import Given, drafts_of
from baseten_jobs.importing.from_curl import Pasted, read_pasted
from baseten_jobs.importing.json_reader import lines_of, read_json
from baseten_jobs.importing.placed import Placed
from baseten_jobs.importing.truss.environment import Variables
from baseten_jobs.importing.truss.files import read_config, read_configs, run_config
from baseten_jobs.importing.truss.running import interpreter
from baseten_jobs.manifest.diagnostics import Diagnostic, Position
from baseten_jobs.manifest.document import decode
from baseten_jobs.manifest.sources import STDIN, read_whole, shown_name
from baseten_jobs.phrases import one_line
from baseten_jobs.report import formats
from baseten_jobs.report.adoption import adoption_notes

if TYPE_CHECKING:
    from baseten_jobs.provider.api.connection import Connection


class _VariableType(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    name = "variable"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        name, equals, text = value.partition("=")
        if not equals or not name.isidentifier():
            self.fail("it is no NAME=VALUE, such as LR=2e-5", param, ctx)
        return name, text


given = bundle(
    "given",
    Given,
    FieldOption(
        ["--name"], owner=lambda: Given, metavar="NAME", help="Name of the manifest, instead of one that is made."
    ),
    FieldOption(["--project"], owner=lambda: Given, metavar="NAME", help="Training project, instead of the source's."),
)
"""Values that the source lacks, or that replace the source's."""

environment = bundle(
    "environment",
    lambda variables, defaults: Variables(dict(variables), defaults),
    click.Option(
        ["--env", "variables"], multiple=True, type=_VariableType(), metavar="NAME=VALUE",
        help="Value of an environment variable that the file asks for; repeatable. Values of your shell are not read.",
    ),
    click.Option(["--defaults"], is_flag=True, help="Take the file's own default for each variable that is not given."),
)  # fmt: skip
"""The environment variables that a file asks for."""


@dataclass(frozen=True)
class _Running:
    """Whether a file may be run, by which interpreter, and whether without a question."""

    asked: bool = False
    python: str = ""
    yes: bool = False


def _running(run: bool, python: str | None, yes: bool) -> _Running:
    if (python or yes) and not run:
        raise click.UsageError("--python and --yes go with --run")
    return _Running(run, python or "", yes)


run_option = bundle(
    "running",
    _running,
    click.Option(["--run"], is_flag=True, help="Run the file, after asking, and take what it makes. Nothing is sent."),
    click.Option(["--python"], metavar="PATH", help="The interpreter of --run: one that has truss."),
    click.Option(["-y", "--yes"], is_flag=True, help="Do not ask before --run; needed where there is no terminal."),
)
"""The explicit way for files that only running them would tell."""

target = bundle(
    "target",
    lambda out, force: Target("" if out == options.STANDARD_OUTPUT else out, force),
    FieldOption(
        ["--out"], owner=lambda: Target, metavar="PATH",
        help="Write to this *.yaml file, or into this folder under the manifest's name, and not to standard output.",
    ),
    FieldOption(["--force"], owner=lambda: Target, is_flag=True, help="Overwrite files that are there already."),
)  # fmt: skip
"""Where the manifests go."""


@click.group("import", cls=HelpedGroup)
def command() -> None:
    """Write manifests of what there is already. Nothing is sent, and nothing is run without --run."""


@command.command("truss", short_help="Of truss's Python files: one, or all of a folder.")
@click.argument("path", metavar="CONFIG.py|DIR")
@given
@click.option("--partial", is_flag=True, help="Mark what can't be read as !todo, and go on.")
@environment
@run_option
@target
@options.output(*formats.ADOPTION)
def truss(
    path: str, given: Given, partial: bool, environment: Variables, running: _Running, target: Target, output: str
) -> Exit:
    """Of the truss client's Python file, or of every one below a folder; the code beside it becomes the workspace.

    The files are read, and never run without --run: a value that only running them would tell is an error at its
    place. What a file imports from files beside it is read as well.
    """
    session = Session(output)
    if running.asked:
        return _run(session, path, given, environment, running, target)
    if not os.path.isdir(path):
        return _told(session, adopt([read_config(path, session.stdin, given, environment, partial=partial)], target))
    if not target.out or target.is_file:
        raise click.UsageError("a folder needs --out FOLDER")
    if given != Given():
        raise click.UsageError("--name and --project go with one file")
    found = read_configs(path, environment, partial=partial)
    return _told(session, adopt(found.found, target, found.skipped))


def _run(session: Session, path: str, given: Given, environment: Variables, running: _Running, target: Target) -> Exit:
    if path == STDIN or os.path.isdir(path):
        raise click.UsageError("--run goes with one file")
    python = interpreter(running.python)
    if not python:
        where = f"with {one_line(running.python)}" if running.python else "with any Python that is found here"
        told = f"truss can't be imported {where}; --python PATH names one that has it, `pip install truss` brings it"
        return session.fail(told, Exit.FAILED)
    question = f"Run {shown_name(path)} with {one_line(python)}? It can do whatever you can."
    if not running.yes and not sink.confirmed(question):
        return session.fail("the file was not run; --yes runs it where nobody can be asked", Exit.REFUSED)
    return _told(session, adopt([run_config(path, python, given, environment)], target))


@command.command("request", short_help="Of a request body, or a whole curl command.")
@click.argument("file", metavar="FILE")
@given
@target
@options.output(*formats.ADOPTION)
def request(file: str, given: Given, target: Target, output: str) -> Exit:
    """Of a request body: JSON, or the whole curl command as it was pasted.

    FILE is - for standard input. A job without a project gets its own name as the project's, with a warning.
    """
    session = Session(output)
    read = _pasted(file, session)
    found = (
        ReadSource(shown_name(file), diagnostics=(read,)) if isinstance(read, Diagnostic) else _found(file, read, given)
    )
    return _told(session, adopt([found], target))


@command.command("job", short_help="Of a job that exists, as far as the API tells.")
@click.argument("job_id", metavar="ID")
@given
@target
@options.output(*formats.ADOPTION)
@options.connection
def job(job_id: str, given: Given, target: Target, output: str, connection: "Connection") -> Exit:
    """Of a job that exists, by its id: what the API reveals of it, the rest marked as !todo."""
    from baseten_jobs.importing.from_job import draft_of_job
    from baseten_jobs.job.observation import job_of
    from baseten_jobs.provider.observe import job_data

    session = Session(output)

    def work() -> Exit:
        data = job_data(opened(connection), job_id)
        if data is None:
            return session.fail(f"there is no job {job_id}", Exit.FAILED)
        draft = draft_of_job(job_of(data), data, given)
        code = _told(session, adopt([ReadSource(f"job {job_id}", (draft,))], target))
        session.note(f"note: once it is filled in, `baseten-jobs adopt {draft.name} --job {job_id}` says that it runs")
        return code

    return guarded(session, work)


def _found(file: str, pasted: Pasted, given: Given) -> ReadSource:
    assert pasted.body is not None
    path = shown_name(file)
    drafts = tuple(drafts_of(pasted.body, path, given, pasted.project_id))
    empty = Diagnostic("not-a-request", "there is no job in this list", Position(path))
    return ReadSource(path, drafts, () if drafts else (empty,))


def _pasted(file: str, session: Session) -> Pasted | Diagnostic:
    """The request in a file; where the file has a curl command that names another file, the request in that one."""
    text = _text(file, session)
    read = text if isinstance(text, Diagnostic) else read_pasted(text, shown_name(file))
    if isinstance(read, Diagnostic) or read.body is not None:
        return read
    body = _body(read.file, session)
    return body if isinstance(body, Diagnostic) else Pasted(body, project_id=read.project_id)


def _body(file: str, session: Session) -> Placed | Diagnostic:
    text = _text(os.path.expanduser(file), session)
    return text if isinstance(text, Diagnostic) else read_json(text, shown_name(file), lines_of(text))


def _text(file: str, session: Session) -> str | Diagnostic:
    raw = read_whole(file, session.stdin, "a request")
    return raw if isinstance(raw, Diagnostic) else decode(shown_name(file), raw)


def _told(session: Session, adoption: Adoption) -> Exit:
    """Print diagnostics on standard error, then the manifests, or the paths that they were written to."""
    session.warn(adoption.diagnostics)
    text = formats.ADOPTION[session.output](adoption, session.look())
    if text:
        session.result(text)
    if text and not session.json and not any(one.path for one in adoption.adopted):
        for note in adoption_notes(adoption):
            session.note(f"note: {note}")
    if not adoption.whole and not adoption.adopted:
        session.error("nothing was imported")
    return Exit.DONE if adoption.whole else Exit.FAILED
