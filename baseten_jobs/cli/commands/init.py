"""`init`: a first manifest, its schema and a pipeline, written into a folder; nothing is overwritten."""

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import click

from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.helped import HelpedCommand
from baseten_jobs.cli.options import complete_paths
from baseten_jobs.cli.options import output as output_option
from baseten_jobs.cli.session import Session
from baseten_jobs.distribution import OURS
from baseten_jobs.manifest.paths import SPECS, check_landing, checkout_of
from baseten_jobs.manifest.schema.fields import ANY, SUPPORTED, schema_text
from baseten_jobs.phrases import one_line, page
from baseten_jobs.report import json as as_json

_NONE = "none"
_SETTING = {
    "github": "BASETEN_API_KEY as a secret of the repository",
    "gitlab": "BASETEN_API_KEY as a CI/CD variable of the project",
}
"""What a person has to set before a pipeline can run."""

_PACKAGED = Path(__file__).parent / "_starter"
_IGNORING, _IGNORED = ".gitignore", ".baseten-jobs/"

PIPELINES = {
    "github": ("github.yml", Path(".github", "workflows", "training.yml")),
    "gitlab": ("gitlab.yml", Path(".gitlab-ci.yml")),
}
PATHS = SPECS
"""Where a pipeline looks for manifests, as its text names it."""
_NAMED = re.compile(rf"(paths: |(?<= )){PATHS}(?=[ ;\n])")
_SPEAKABLE = re.compile(r"[\w.@+=,/][\w.@+=,/ -]*")

MANIFEST = Path(PATHS, "first-job.yaml")
SCHEMA = Path("schemas", "v1", "manifest.schema.json")


@dataclass(frozen=True)
class Started:
    """What `start` did, by paths relative to the folder: files written or added to, and files that were there already.

    `pipeline` is the pipeline's path, empty where none is wanted; `paths` is the folder where it looks for manifests.
    """

    written: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    pipeline: str = ""
    paths: str = PATHS


class Unspeakable(Exception):
    """Raised for a folder whose name a pipeline would read as its own syntax; the message says so."""


@click.command("init", cls=HelpedCommand)
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
        owner = f"{OURS.owner} in {one_line(started.pipeline)}, and " if not OURS.home else ""
        steps.append(f"set {owner}{_SETTING[ci]}")
    elif started.paths != PATHS and ci != _NONE:
        steps.append(f"see that {one_line(started.pipeline)} looks at {one_line(started.paths)}")
    return [f"  {step}" for step in steps]


def start(folder: Path, pipeline: str | None) -> Started:
    """Write what is missing; raises OSError and Unspeakable. Links and names are checked before anything is written.

    No file is overwritten, and none is written through a link that leads out of the tree. A pipeline is written to the
    root of the checkout, where its host looks for it.
    """
    checkout = checkout_of(str(folder))
    here = os.path.realpath(folder)
    paths = Path(os.path.relpath(here, checkout or here), PATHS).as_posix()
    files = {path.as_posix(): (folder / path, text) for path, text in _files(folder)}
    place = ""
    if pipeline is not None:
        target = PIPELINES[pipeline][1]
        whole = folder / target if checkout in (None, here) else Path(str(checkout), target)
        place = Path(os.path.relpath(checkout or here, here), target).as_posix()
        files[place] = whole, _looking_at(paths, pipeline_text(pipeline))
    for path, _ in files.values():
        if not os.path.lexists(path):
            check_landing(str(path))
    written: list[str] = []
    kept: list[str] = []
    if checkout:
        check_landing(str(folder / _IGNORING))
    for name, (path, text) in files.items():
        (written if _write(path, text) else kept).append(name)
    if checkout:
        (written if _ignore(folder / _IGNORING) else kept).append(_IGNORING)
    return Started(tuple(written), tuple(kept), place, paths)


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    """The schema, and the first manifest where the folder has no other manifest; paths relative to the folder."""
    others = [path for path in folder.glob(f"{PATHS}/**/*.y*ml") if path != folder / MANIFEST]
    if not others:
        yield MANIFEST, (_PACKAGED / MANIFEST.name).read_text(encoding="utf-8")
    yield SCHEMA, schema_text(SUPPORTED[-1], ANY)


def pipeline_text(host: str) -> str:
    """The pipeline for a host, which runs this version of the tool on the manifests in PATHS."""
    text = (_PACKAGED / PIPELINES[host][0]).read_text(encoding="utf-8")
    told = {"__ACTION__": OURS.action, "__REQUIREMENT__": OURS.requirement(), "__OWNER__": OURS.owner}
    return reduce(lambda written, each: written.replace(*each), told.items(), text)


def _looking_at(paths: str, pipeline: str) -> str:
    """The pipeline's text with `paths` as its folder of manifests, quoted as one word for a shell and for YAML."""
    if paths == PATHS:
        return pipeline
    if not _SPEAKABLE.fullmatch(paths):
        reason = "has characters in its name that a pipeline would read as its own"
        raise Unspeakable(f"the folder '{one_line(paths.removesuffix(f'/{PATHS}'))}' {reason}; use `--ci none`")
    word = shlex.quote(paths)
    value = word if word == paths else f'"{word}"'
    return _NAMED.sub(lambda found: found[1] + (value if found[1] else word), pipeline)


def _write(path: Path, text: str) -> bool:
    """True if the file was written; False if there was one already."""
    if os.path.lexists(path):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True


def _ignore(path: Path) -> bool:
    """True if a line for the embedded API's database was added; False if .gitignore has one already."""
    text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
    if any(line.strip().strip("/") == _IGNORED.strip("/") for line in text.splitlines()):
        return False
    with open(path, "a", encoding="utf-8", errors="surrogateescape") as file:
        file.write(("" if text.endswith("\n") or not text else "\n") + _IGNORED + "\n")
    return True
