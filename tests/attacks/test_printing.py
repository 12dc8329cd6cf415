"""What is printed: one sink, behind which no text of a stranger commands a terminal, a log or GitHub's runner."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from baseten_jobs.applying.outcome import Applied, Awaited, End, Fate, Outcome
from baseten_jobs.cli import sink
from baseten_jobs.importing.adoption import Adopted, Adoption
from baseten_jobs.importing.yaml_writer import yaml_text
from baseten_jobs.job.checkpoint import Checkpoint
from baseten_jobs.job.content import Content, File
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.manifest.diagnostics import Diagnostic, Position, Severity
from baseten_jobs.manifest.document import load
from baseten_jobs.manifest.schema.explain import Explanation
from baseten_jobs.phrases import Annotations, Page, document, escaped, page, shown, without_commands
from baseten_jobs.planning.plan import Orphan
from baseten_jobs.planning.spec_commit import SpecCommit
from baseten_jobs.planning.unclaimed import Unclaimed
from baseten_jobs.provider.log_pages import LogLine
from baseten_jobs.provider.particulars import Particulars
from baseten_jobs.provider.status import Awaiting, Checkpoints, Status
from baseten_jobs.report import field_help, formats, log_lines
from baseten_jobs.report import json as as_json
from baseten_jobs.report import text as as_text
from baseten_jobs.report.description import Description
from baseten_jobs.report.status_more import More
from baseten_jobs.report.style import Look
from baseten_jobs.secrecy import Values
from tests.attacks.infected import Kind, infected, kinds
from tests.cli.test_command_line import terminal
from tests.house.test_imports import MODULES, Module
from tests.report import plans
from tests.report.test_markdown import sound
from tests.support.commands import Cli, called, nothing_set
from tests.support.operating import Open, open_desk
from tests.support.repository import git

__all__ = ["called", "nothing_set", "open_desk"]

# The sink is the only one that prints


SINK = "cli.sink"
PAGES = {"phrases", "importing.yaml_writer", "cli.main", "cli.commands.schema", "cli.commands.plan", "cli.session"}
"""Beside the reports: who may say that a text is lines of ours."""

_FORBIDDEN = {
    "sys": {"stdout", "stderr", "__stdout__", "__stderr__"},
    "os": {"write"},
    "click": {
        "echo", "secho", "echo_via_pager", "prompt", "confirm", "progressbar", "pause", "edit", "clear", "style",
    },
}  # fmt: skip


def _prints(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in _FORBIDDEN.get(node.value.id, ()):
                yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.ImportFrom):
            yield from {alias.name for alias in node.names} & _FORBIDDEN.get(node.module or "", set())
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            yield "print"


def test_only_the_sink_prints() -> None:
    """Beside it, a process of ours writes what it found, in JSON, to the pipe that its parent reads."""
    assert {module.name for module in MODULES if set(_prints(module))} == {SINK, "importing.truss.confined"}


def test_only_reports_say_that_a_text_is_lines_of_ours() -> None:
    assert {module.name for module in MODULES if module.room != "report" and _pages(module)} == PAGES


def _pages(module: Module) -> set[str]:
    calls = [node.func for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
    return {call.id for call in calls if isinstance(call, ast.Name)} & {"Page", "Prose", "Annotations"}


# Text


HOSTILE = [
    "\x1b[2J", "\x1b]0;owned\x07", "\x9b31m", "\x00", "\r", "\n", "\t", "\x7f", "\x85", "\u2028", "\u2029", "\u202e",
    "\u2066", "\u200f", "\ufeff", "\ud800", "\udcff", "\ufffe", "\U000e0041",
]  # fmt: skip
COMMANDS = ["::error file=a::b", " ::stop-commands::x", "##[error]x", "\n::set-env name=A::b", "\r\n  ::debug::x"]
OTHERS = ["%0A", "|", "`", "<b>", "@a", "]]>", "'", '"', "\\", "{}", "{0}", "*", "é", "模", "👩", "a b", ":", "#", "["]

TEXTS = st.lists(
    st.sampled_from([*HOSTILE, *COMMANDS, *OTHERS]) | st.text(min_size=1, max_size=5), min_size=1, max_size=6
).map("".join)


def printable(printed: str) -> bool:
    return all(c.isprintable() or c in "\n\u200c\u200d" for c in printed)


def tame(printed: str, ours: int = 0) -> bool:
    """Whether all is printable, and GitHub's runner obeys no line but as many as are ours.

    A line is trimmed of what .NET takes for white space; see `ActionCommand.cs` of https://github.com/actions/runner.
    """
    obeyed = [line for line in printed.split("\n") if line.strip().startswith("::") or "##[" in line]
    return printable(printed) and len(obeyed) == ours


@pytest.mark.parametrize("text", [*HOSTILE, *COMMANDS])
def test_text_that_is_no_page_is_one_line(text: str) -> None:
    for printed in (sink.ready(f"a{text}b", for_runner=True), sink.ready(page([text]), for_runner=True)):
        assert tame(printed)
        assert "\n" not in printed


@given(TEXTS)
def test_no_text_is_a_command(text: str) -> None:
    assert tame(sink.ready(text, for_runner=True))
    assert tame(sink.ready(Page(text), for_runner=True))
    assert tame(sink.ready(page([text, text]), for_runner=True))


@given(TEXTS)
def test_what_is_printable_is_printed_as_it_is(text: str) -> None:
    kept = "".join(c for c in text if c.isprintable())
    assert sink.ready(kept) == escaped(kept) == shown(kept) == kept


@given(TEXTS, TEXTS)
@example("x", "\ud800\udcff")  # two half surrogates, which JSON reads as one character
def test_json_is_ascii_without_a_command_and_means_the_same(name: str, text: str) -> None:
    value = {name: [text, {text: None}]}
    printed = sink.ready(document(value), for_runner=True)
    assert printed.isascii()
    assert tame(printed)
    assert json.loads(printed) == json.loads(json.dumps(value))


@given(TEXTS, TEXTS)
def test_a_manifest_that_is_printed_means_the_same(name: str, text: str) -> None:
    name, text = (each.encode("utf-8", "ignore").decode() for each in (name, text))
    manifest = {"spec": {name: text, "list": [text, {"name": name}]}}
    assert yaml.safe_load(sink.ready(Page(yaml_text([manifest], "x")), for_runner=True)) == manifest


def test_a_colour_is_ours_alone() -> None:
    painted = sink.painted("\x1b[32mok\n", "red")
    assert sink.ready(painted) == "\x1b[31m\\x1b[32mok\\n\x1b[0m"


@pytest.mark.parametrize("text", ["::a::b", "  ::a::b", ":::a::b", "x\n::a::b", "##[a]b", "##[##[a"])
def test_a_command_is_shown_and_not_obeyed(text: str) -> None:
    told = without_commands(text)
    assert tame(told)
    assert told.replace(r"\x3a", ":").replace(r"\x5b", "[") == text


# Every field of everything that is reported, in every format


def _requests() -> tuple[Any, ...]:
    content = Content("code", (File("a.sh", "a.sh", 3, True, "ab" * 32), File("l", "l", 0, False, "cd" * 32, "a.sh")))
    training_job = {"name": "x", "compute": {"node_count": 2}, "runtime": {"environment_variables": {"A": "b"}}}
    given = (("spec.image.base_image", "repo:1"),)
    asked = plans.request(training_job=training_job, content=content, overrides=given, team="research")
    return (asked, plans.request("other"))


def _applied() -> Applied:
    actions = plans.every_kind().actions
    outcomes = [Outcome(action, Fate.SUBMITTED, "j5") for action in actions]
    outcomes[0] = Outcome(actions[0], Fate.FAILED, error="POST /v1/x: 400: no")
    outcomes[1] = Outcome(actions[1], Fate.UNKNOWN, "j6", unclear="the check is open")
    failed = ObservedJob("j7", "n", "TRAINING_JOB_FAILED", "2026", "p", error_message="it failed")
    outcomes[2] = Outcome(actions[2], Fate.SUBMITTED, "j7", awaited=Awaited(failed, End.FAILED))
    outcomes[3] = Outcome(actions[3], Fate.SUBMITTED, "j8", awaited=Awaited(failed, stuck=True))
    return Applied(tuple(outcomes), unauthorised="GET /v1: 401", notes=("a note",))


def _statuses() -> tuple[Status, ...]:
    job = ObservedJob("j1", "sft--3d7341265964", "ODD", "2026-03-01T10:00:00Z", "p1", 16, "H100", 2, error_message="e")
    saved = Checkpoints(2, "checkpoint-20")
    return (
        Status(plans.request(), job, (job, job), (plans.job(),), 60.0, 1.5, saved),
        Status(plans.request("other")),
    )


LINES = (LogLine(1, "message", "g00r0", "ERROR"), LogLine(2, "message"))


def _descriptions() -> tuple[Description, ...]:
    row, waiting = _statuses()
    read = Particulars((Checkpoint("checkpoint-1", "2026-03-01T10:00:00Z", size=1, sync="COMPLETE"),), log=LINES)
    job = replace(row.job, user="ada@x", instance_type="H100:8") if row.job else None
    commit = SpecCommit(plans.REVISION, "Raise the rate")
    unread = Particulars(checkpoints_problem="GET /v1: 500", log_problem="GET /v1: 500")
    return (
        Description(replace(row, job=job), commit, read, "", (Awaiting("dpo", "running"),)),
        Description(replace(row, job=job), SpecCommit(problem="no git"), unread),
        Description(replace(waiting, waits=(Awaiting("sft", "running"),))),
    )


def _more() -> tuple[Description, Unclaimed]:
    orphan = Orphan(plans.job(), "a project", plans.REVISION, "a doubt")
    stranger = replace(plans.job(), name="notebook")
    return _descriptions()[0], Unclaimed((orphan,), ((stranger, "a project"),), "a problem")


def _with_more(tells: formats.TellsStatus, told: tuple[Description, Unclaimed], look: Look) -> Page:
    of, unclaimed = told
    return tells([of.row], look, More({of.row.job.id: of} if of.row.job else {}, unclaimed))


FOUND = (
    Diagnostic("rule", "it is wrong", Position("specs/a.yaml", 1, 2), "spec.x", "do this"),
    Diagnostic("rule", "it is odd", Position("specs/a.yaml", 1, 2), "spec.x", '"16"', Severity.WARNING),
    *(Diagnostic("rule", f"it is wrong {n}", Position("specs/b.yaml", n, 1)) for n in range(1, 12)),
)
DOCUMENTS = load("specs/a.yaml", "metadata: {name: one}\n").documents
CHILD = Explanation("spec.x.y", "list of text", "What it is.", "update", default="d")
EXPLAINED = Explanation(
    "spec.x",
    "text",
    "What it is.",
    "run",
    False,
    "d",
    ("a",),
    ("b",),
    "of some form",
    None,
    ("c",),
    (CHILD,),
    (("BT_X", "what it holds"),),
)
ADOPTION = Adoption((Adopted("config.py", "specs/a.yaml", (), "text", 1, 1),), FOUND, 1, 1)


def _of_documents(tells: formats.TellsDiagnostics, found: Sequence[Diagnostic], look: Look) -> Page:
    return tells(found, DOCUMENTS, look)


def _of_message(tells: formats.TellsSkipped, found: Sequence[Diagnostic], look: Look) -> Page:
    return tells(found[0].message, look)


def _each_line(tells: Callable[[LogLine], Page], told: Sequence[LogLine], look: Look) -> Page:
    return page(map(tells, told))


DETAILED = Look(values=Values.ALL, target="specs/prod", verbose=True)

WAYS: dict[str, tuple[Any, dict[str, Callable[[Any, Look], Page]]]] = {
    "plan": (plans.every_kind(), dict(formats.PLAN)),
    "requests": (_requests(), dict(formats.REQUESTS)),
    "applied": (_applied(), {**formats.APPLIED, "waited": as_text.waited}),
    "status": (_statuses(), dict(formats.STATUS)),
    "described": (_descriptions(), dict(formats.DESCRIBED)),
    "beside-a-status": (_more(), {name: partial(_with_more, tells) for name, tells in formats.STATUS.items()}),
    "diagnostics": (
        FOUND, {name: partial(_of_documents, tells) for name, tells in formats.DIAGNOSTICS.items() if name != "github"},
    ),
    "no-plan": (FOUND, {"markdown": lambda found, look: formats.NO_PLAN["markdown"](found[0].message, found, look)}),
    "skipped": (
        FOUND, {name: partial(_of_message, tells) for name, tells in formats.SKIPPED.items()},
    ),
    "adoption": (ADOPTION, dict(formats.ADOPTION)),
    "log": (
        LINES,
        {
            "json": lambda told, look: as_json.log(plans.job(), told),
            "jsonl": lambda told, look: page(map(log_lines.jsonl, told)),
            **{name: partial(_each_line, tells) for name, tells in log_lines.TO_BE_READ.items()},
        },
    ),
    "field": (
        EXPLAINED,
        {"text": field_help.text, "tree": field_help.tree, "json": lambda field, look: as_json.field(field)},
    ),
    "beside": (
        FOUND,
        {
            "failure": lambda found, look: as_json.failure(found[0].message, stopped=[found[0].field]),
            "started": lambda found, look: as_json.started([found[0].message], [found[0].field]),
            "adopted": lambda found, look: as_json.adopted(
                replace(_requests()[0], path=found[0].position.path), {"job": found[0].message}
            ),
            "target": lambda found, look: formats.SKIPPED["markdown"]("", replace(look, target=found[0].message)),
        },
    ),
}  # fmt: skip
"""What is reported, with each way to report it."""

COMPUTED = {("File", "sha256"), ("JobRequest", "digest"), ("Diagnostic", "rule"), ("Revision", "commit"),
            ("Explanation", "variables")}  # fmt: skip
"""Fields that hold what we worked out ourselves, and not what somebody wrote."""

TEXT = "x\x1b[2J\n::error file=a::b\r  ::stop-commands::c\x85##[error]\u2028\u202e\x9b\ud800|`<b>@a\x00"

EVERY = [
    (kind, way, field)
    for kind, (value, ways) in WAYS.items()
    for way in ways
    for field in sorted(set(kinds(value)) - COMPUTED)
]


def told(kind: str, way: str, field: Kind, text: str) -> Page:
    value, ways = WAYS[kind]
    if field[0] == "File":  # a path that is no UTF-8 is an error before
        text = text.encode("utf-8", "ignore").decode()
    return ways[way](infected(value, field, text), DETAILED)


def checked(kind: str, way: str, field: Kind, text: str) -> None:
    reported = told(kind, way, field, text)
    printed = sink.ready(reported, for_runner=True)
    assert isinstance(reported, Page)
    assert tame(printed)
    assert printable(sink.ready(reported))
    if way in ("json", "jsonl", "sarif", "failure", "started", "adopted"):
        assert printed.isascii()
        assert all(json.loads(line) for line in (printed.split("\n") if way == "jsonl" else [printed]))
    elif way == "junit":
        ET.fromstring(printed)
    elif way in ("markdown", "target"):
        sound(printed)
    elif (kind, way) not in (("log", "raw"), ("log", "text"), ("described", "text"), ("adoption", "text")):
        assert printed.count("\n") == told(kind, way, field, "y").count("\n")


@pytest.mark.parametrize(("kind", "way"), dict.fromkeys((kind, way) for kind, way, _ in EVERY))
def test_no_field_of_a_report_commands_who_shows_it(kind: str, way: str) -> None:
    for field in (field for *of, field in EVERY if of == [kind, way]):
        checked(kind, way, field, TEXT)


@given(st.sampled_from(EVERY), TEXTS)
def test_no_text_in_a_field_commands_who_shows_it(chosen: tuple[str, str, Kind], text: str) -> None:
    checked(*chosen, text)


@given(st.sampled_from(sorted(set(kinds(FOUND)) - COMPUTED)), TEXTS)
def test_annotations_are_the_only_commands(field: Kind, text: str) -> None:
    reported = formats.DIAGNOSTICS["github"](infected(FOUND, field, text), DOCUMENTS)
    assert isinstance(reported, Annotations)
    printed = sink.ready(reported, for_runner=True)
    assert tame(printed, ours=11)
    assert all(re.match(r"::(error|warning) file=", line) for line in printed.split("\n") if line.startswith("::"))
    assert "##[" not in printed


# Whole commands


MANIFEST = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata: {{name: {name}, project: {project}}}
spec:
  image: {{base_image: "i:1"}}
  runtime: {{start_commands: [train]}}
"""
LOCAL = ("--local-db", "emulator.db")
NAMES = [
    ".env.\n::add-mask::e\n::error file=README.md,line=1::forged\n::stop-commands::never", "a\x1b]0;owned\x07##[error]",
    "b\u202e\x85 ::debug::",
]  # fmt: skip
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{1:064d}\nsize 1\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nothing_set: None) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "specs").mkdir()
    return tmp_path


@pytest.fixture
def attacked(here: Path) -> Path:
    """A repository with a workspace whose files have hostile names, and pointers in them."""
    code = here / "specs" / "code\n::error::x"
    code.mkdir()
    for name in NAMES:
        (code / name).write_text(POINTER)
        (code / f"link {name}").symlink_to(name)
    text = MANIFEST.format(name="z", project="demo") + f"  workspace: {json.dumps(code.name)}\n"
    (here / "specs" / "::error::z ##[x].yaml").write_text(text)
    for number in range(11):
        text = MANIFEST.format(name=f"a{number}", project="demo").replace("i:1", "i:latest")
        (here / "specs" / f"a{number}.yaml").write_text(text)
    git(here, "init", "-q")
    git(here, "add", "-A")
    git(here, "commit", "-qm", "all", GIT_AUTHOR_NAME="::error::Ada\x1b[2J")
    return here


@pytest.mark.parametrize(
    "words",
    [
        ["validate"], ["validate", "-o", "json"], ["validate", "-o", "sarif"], ["validate", "-o", "junit"],
        ["validate", "-o", "markdown"], ["render"], ["render", "-v"], ["render", "-o", "json"], ["plan", *LOCAL],
        ["plan", "-v", *LOCAL], ["plan", "-o", "markdown", *LOCAL], ["plan", "-o", "json", *LOCAL],
        ["plan", "--out", "-", *LOCAL], ["apply", "--yes", "--max-submits", "99", *LOCAL], ["status", *LOCAL],
        ["explain", "::error::x\n::error::y##[a"], ["validate", "::error::x\n::error::y##[a"], ["--x\n::error::y##[a"],
        ["logs", "::error::x\n::error::y", *LOCAL], ["import", "truss", "::error::x\n::error::y"],
    ],
    ids=repr,
)  # fmt: skip
def test_no_command_prints_what_a_runner_obeys(
    words: list[str], attacked: Path, called: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        monkeypatch.setenv(name, str(attacked / name))
    ran = called(*words)
    assert ran.out + ran.err
    assert tame(ran.out)
    assert tame(ran.err)
    assert all(printable(file.read_text()) for file in attacked.glob("GITHUB_*"))


@pytest.mark.parametrize("on_github", ["", "true"])
def test_annotations_are_the_only_commands_of_a_validation(
    on_github: str, attacked: Path, called: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", on_github)
    ran = called("validate", "-o", "github")
    ours = [line for line in ran.out.splitlines() if line.startswith("::")]
    assert ours
    assert all(re.match(r"::(warning|error) file=specs/", line) for line in ours)
    assert tame(ran.out, ours=len(ours))
    assert tame(ran.err)


def test_a_log_that_a_runner_reads_holds_no_command(open_desk: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    desk = open_desk()
    desk.write("x", command=json.dumps("a\n::error::b\n  ::debug::c ##[error]\x1b[2J"))
    assert desk("apply", "--yes").code == 0
    desk.clock.time = 10
    assert "\n::error::b" in desk("logs", "x", "-o", "raw").out
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for way in ("text", "raw", "json", "jsonl"):
        ran = desk("logs", "x", "-o", way)
        assert ran.code == 0
        assert "debug" in ran.out
        assert tame(ran.out)
        assert tame(ran.err)


# Streams that know few characters


def process(*words: str, **environment: str) -> tuple[int, bytes, bytes]:
    ran = subprocess.run(
        [sys.executable, "-m", "baseten_jobs", *words], env={**os.environ, **environment}, capture_output=True
    )
    assert b"Traceback" not in ran.stderr
    return ran.returncode, ran.stdout, ran.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "latin-1"}, {"PYTHONIOENCODING": "ascii:strict"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    ],
    ids=str,
)  # fmt: skip
def test_a_stream_that_can_not_encode_a_name_loses_no_report(environment: dict[str, str], here: Path) -> None:
    (here / "specs" / "a.yaml").write_text(MANIFEST.format(name="a", project="café 模型"), "utf-8")
    code, out, _ = process("apply", "--yes", "-o", "json", *LOCAL, **environment)
    assert (code, json.loads(out)["summary"]["submitted"]) == (0, 1)
    assert json.loads(out)["results"][0]["project"] == "café 模型"
    code, out, _ = process("status", *LOCAL, **environment)
    assert (code, b"\\u6a21\\u578b" in out) == (0, True)


# Colours


COLOURS = [
    ({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": ""}, False), ({"FORCE_COLOR": "0"}, False),
    ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False), ({"FORCE_COLOR": "1", "TERM": "dumb"}, True),
]  # fmt: skip


@pytest.mark.parametrize(("environment", "coloured"), COLOURS, ids=str)
def test_a_pipe_has_colours_where_they_are_asked_for(
    environment: dict[str, str], coloured: bool, here: Path, called: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (here / "specs" / "a.yaml").write_text(MANIFEST.format(name="a", project="demo"))
    assert ("\x1b[" in called("plan", *LOCAL).out) is coloured
    assert "\x1b" not in called("plan", "-o", "json", *LOCAL).out


def test_a_terminal_that_can_only_print_gets_lines_and_nothing_else(here: Path) -> None:
    (here / "specs" / "a.yaml").write_text(MANIFEST.format(name="a", project="demo"))
    with terminal("apply", "--yes", *LOCAL, TERM="dumb") as told_there:
        assert told_there.ends() == 0
    assert "Applied: 1 submitted." in told_there.shown
    assert printable(told_there.shown.replace("\r\n", "\n"))


# Files that are standard output


def test_a_plan_saved_to_standard_output_is_the_one_document_there(here: Path, called: Cli) -> None:
    (here / "specs" / "a.yaml").write_text(MANIFEST.format(name="a", project="demo"))
    ran = called("plan", "--out", "-", "--detailed-exitcode", *LOCAL)
    assert (ran.code, ran.json["kind"]) == (2, "baseten-jobs-plan")
    assert "Plan: 1 to submit" in ran.err
    assert not (here / "-").exists()
    (here / "saved").write_text(ran.out)
    assert called("apply", "--plan", "saved", "--yes", *LOCAL).code == 0
    assert called("plan", "--out", "-", "-o", "json", *LOCAL).code == 64


def test_a_schema_and_an_import_go_to_standard_output(here: Path, called: Cli) -> None:
    assert called("schema", "--out", "-").out == called("schema").out
    (here / "body.json").write_text(json.dumps({"training_job": {"name": "x", "image": {"base_image": "i:1"}}}))
    ran = called("import", "request", "body.json", "--out", "-", "--project", "p")
    assert ran.out == called("import", "request", "body.json", "--project", "p").out != ""
    assert not (here / "-").exists()
