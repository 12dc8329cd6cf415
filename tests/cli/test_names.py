"""NAME, wherever a command or an option takes one: a name or a glob, and an error where no manifest has it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import httpx
import pytest

from baseten_jobs.cli.main import COMMANDS, command_of
from tests.support.commands import Ran
from tests.support.operating import Desk, desk, open_desk
from tests.support.repository import git

__all__ = ["desk", "open_desk"]

NAMES = ("lr-1", "lr-2", "sft")
GIVEN = {
    "sft": ("sft",), "lr-*": ("lr-1", "lr-2"), "l?-2": ("lr-2",), "[!l]*": ("sft",), "*": NAMES, "*r-[0-1]": ("lr-1",),
}  # fmt: skip


def running(desk: Desk) -> str:
    return desk.applied(*NAMES)[0]


def running_in_git(desk: Desk) -> str:
    job = running(desk)
    git(desk.folder, "init", "-q")
    git(desk.folder, "add", "specs")
    git(desk.folder, "commit", "-qm", "begin")
    return job


def failed(desk: Desk) -> str:
    for job in desk.applied(*NAMES):
        desk.force(job, "FAILED")
    return ""


def never_submitted(desk: Desk) -> str:
    for name in NAMES:
        desk.write(name)
    return ""


def started_by_hand(desk: Desk) -> str:
    """Each manifest's job was started without this tool; the id of the first."""
    never_submitted(desk)
    with httpx.Client(base_url=desk.url, headers={"Authorization": "Bearer a-key"}) as http:
        made = http.post("/v1/training_projects", json={"training_project": {"name": "Demo"}}).json()
        jobs = f"/v1/training_projects/{made['training_project']['id']}/jobs"
        ids = []
        for name in NAMES:
            body = {"training_job": {"name": name, "image": {"base_image": "i:1"}}}
            ids.append(http.post(jobs, json=body).json()["training_job"]["id"])
    return str(ids[0])


def rows(ran: Ran) -> list[str]:
    return [row["name"] for row in ran.json["jobs"]]


def runs(ran: Ran) -> list[str]:
    return sorted(run["name"] for run in ran.json["runs"])


def of_log(ran: Ran) -> list[str]:
    found = ran.json.get("logs") or [ran.json]
    return [each["job"]["name"].partition("--")[0] for each in found]


def of_download(ran: Ran) -> list[str]:
    """Jobs of manifests that save nothing: it comes as far as looking for the files of one."""
    told = re.search(r"error: (\S+) \(job \S+\) has no checkpoint file", ran.err)
    return [told[1]] if told else listed(ran)


def of_code(ran: Ran) -> list[str]:
    """Jobs without code, which come in the order of their names."""
    told = re.search(r"error: no code was submitted with job (\S+) of (\S+)", ran.err)
    return [told[2]] if told else listed(ran)


def measured(ran: Ran) -> list[str]:
    return [each["name"] for each in ran.json["metrics"]]


def with_sessions(ran: Ran) -> list[str]:
    return [each["name"] for each in ran.json["sessions"]]


def adopted(ran: Ran) -> list[str]:
    return [Path(ran.json["path"]).stem] if ran.code == 0 else listed(ran)


def listed(ran: Ran) -> list[str]:
    """The first word of each line that is indented."""
    return [line.split()[0] for line in ran.err.splitlines() if line.startswith("  ")]


def submitted(ran: Ran) -> list[str]:
    return re.findall(r"^  \+ submit  (\S+)", ran.out, re.MULTILINE)


def to_submit(ran: Ran) -> list[str]:
    """What a report says that an apply would submit, in the order of the manifests."""
    told = {each["name"] for each in ran.json.get("manifests", ()) if each["stands"] == "to submit"}
    return [name for name in NAMES if name in told]


def overridden(ran: Ran) -> list[str]:
    """The manifests below whose heading something is set."""
    found, name = [], ""
    for line in ran.out.splitlines():
        if heading := re.match(r"  \+ submit  (\S+)|# specs/(\S+)\.yaml", line):
            name = heading[1] or heading[2]
        found += [name] if "set by `--set`" in line else []
    return found


def refused(ran: Ran) -> list[str]:
    """All that have the one value that is wrong, which is told once."""
    assert ran.out.count("0 is less than the minimum of 1") == 1
    return []


@dataclass(frozen=True)
class Taking:
    """Where a NAME is taken: what is there before, the words of the command, and which manifests it was about."""

    before: Callable[[Desk], str]
    words: str
    about: Callable[[Ran], list[str]]


SET = "--set NAME:spec.compute.node_count=3"
TAKING = {
    ("status", "names"): Taking(running, "status NAME -o json", rows),
    ("describe", "names"): Taking(running, "describe NAME -o json", rows),
    ("runs", "names"): Taking(running_in_git, "runs NAME -o json", runs),
    ("logs", "names"): Taking(running, "logs NAME -o json", of_log),
    ("checkpoints", "names"): Taking(running, "checkpoints NAME -o json", rows),
    ("checkpoints", "name"): Taking(running, "checkpoints download NAME -o json", of_download),
    ("code", "name"): Taking(running, "code NAME -o json", of_code),
    ("metrics", "names"): Taking(running, "metrics NAME -o json", measured),
    ("session", "names"): Taking(running, "session NAME -o json", with_sessions),
    ("stop", "names"): Taking(running, "stop NAME", listed),
    ("adopt", "name"): Taking(started_by_hand, "adopt NAME --job ID -o json", adopted),
    ("plan", "retry_failed"): Taking(failed, "plan --retry-failed NAME", submitted),
    ("apply", "retry_failed"): Taking(failed, "apply --retry-failed NAME", submitted),
    ("report", "retry_failed"): Taking(failed, "report -o json --retry-failed NAME", to_submit),
    ("plan", "create"): Taking(started_by_hand, "plan --create NAME", submitted),
    ("apply", "create"): Taking(started_by_hand, "apply --create NAME", submitted),
    ("report", "create"): Taking(started_by_hand, "report -o json --create NAME", to_submit),
    ("render", "overrides"): Taking(never_submitted, f"render {SET}", overridden),
    ("plan", "overrides"): Taking(never_submitted, f"plan {SET}", overridden),
    ("apply", "overrides"): Taking(never_submitted, f"apply {SET}", overridden),
    ("report", "overrides"): Taking(running, f"report -o json {SET}", to_submit),
    ("validate", "overrides"): Taking(never_submitted, f"validate {SET.replace('3', '0')}", refused),
}
UNMET = {
    "lr-9": "no manifest has the name 'lr-9'; did you mean 'lr-2'?",
    "lr-9*": "no manifest has a name that matches 'lr-9*'; did you mean 'lr-2'?",
    "zzz?": "no manifest has a name that matches 'zzz?'",
}
OF_OTHERS = {("emulator", "hosts"), ("emulator", "secrets"), ("emulator", "teams"), ("import", "name"),
             ("import", "project"), ("import", "variables")}  # fmt: skip
"""A NAME that is not a manifest's."""


def _parameters(command: click.Command) -> Iterator[click.Parameter]:
    yield from command.params
    for inner in getattr(command, "commands", {}).values():
        yield from _parameters(inner)


def test_every_name_that_a_command_takes_is_tried_here() -> None:
    found = {
        (command, str(parameter.name))
        for command in COMMANDS
        for parameter in _parameters(command_of(command))
        if re.search(r"\bNAME\b", f"{parameter.metavar} {parameter.human_readable_name}")
    }
    assert found == TAKING.keys() | OF_OTHERS


def tried(desk: Desk, taking: Taking, given: str, job: str) -> Ran:
    return desk(*(word.replace("NAME", given).replace("ID", job) for word in taking.words.split()))


@pytest.mark.parametrize("where", TAKING, ids=" ".join)
def test_a_name_is_that_of_one_manifest_and_a_glob_means_those_that_it_matches(
    where: tuple[str, str], desk: Desk
) -> None:
    """Nothing is sent: no command here was confirmed."""
    taking = TAKING[where]
    job = taking.before(desk)
    texts = {path: path.read_text() for path in (desk.folder / "specs").iterdir()}
    before = states(desk)
    for given, meant in GIVEN.items():
        ran = tried(desk, taking, given, job)
        assert taking.about(ran) == ([] if taking.about is refused else list(meant)), (given, ran)
        for path, text in texts.items():
            path.write_text(text)
    assert states(desk) == before


@pytest.mark.parametrize("where", TAKING, ids=" ".join)
def test_a_name_that_means_no_manifest_is_an_error(where: tuple[str, str], desk: Desk) -> None:
    taking = TAKING[where]
    job = taking.before(desk)
    before = states(desk)
    for given, told in UNMET.items():
        ran = tried(desk, taking, given, job)
        assert ran.code == 1
        assert told in ran.out + ran.err
    assert states(desk) == before


def states(desk: Desk) -> list[tuple[Any, Any]]:
    return [(job["id"], job["current_status"]) for job in desk.jobs()]
