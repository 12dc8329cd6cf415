"""A pipeline's YAML -> its jobs that run this tool: how deep they clone, what they may, which version they install."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_ACTION = re.compile(r"(?P<where>[^@\s]*/baseten-jobs)@(?P<ref>\S+)")
_COMMAND = re.compile(r"(?:^|[\s;&|(/])baseten-jobs\s+(?P<command>[a-z]+)")
_INSTALL = re.compile(
    r"\binstall\b[^\n;&|]*?(?P<what>"
    r"(?:baseten-jobs(?:\[[\w,]*\])?\s*@\s*)?git\+[^\s\"'#]*?/baseten-jobs(?:\.git)?(?:@(?P<ref>[^\s\"'#]+))?"
    r"|baseten-jobs(?:\[[\w,]*\])?(?:\s*==\s*(?P<version>[\w.]+))?)"
)
_VERSION = re.compile(r"v?(\d+\.\d+\.\d+)")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_OF_PULL_REQUESTS = re.compile(
    r"==\s*['\"](?:pull_request|merge_request_event)['\"]|['\"](?:pull_request|merge_request_event)['\"]\s*=="
)
_RESERVED = frozenset({"default", "variables", "stages", "include", "workflow", "image", "services", "before_script",
                       "after_script", "cache", "spec"})  # fmt: skip
"""Keys at the top of a GitLab pipeline that are no jobs."""


@dataclass(frozen=True)
class Pin:
    """What a job installs: the words that name it, and the version, or the commit; neither if it is not pinned.

    `by_name` is what comes from the package index, whoever has the name there.
    """

    words: str
    version: str = ""
    commit: str = ""
    by_name: bool = False


@dataclass(frozen=True)
class PipelineJob:
    """A job of a pipeline that runs the tool.

    `permissions` is None where nothing says what its token may. `depth` is what its checkout fetches, as it is written,
    and None where it says nothing. It `applies` unless all that it does is for pull requests. `group` is what keeps two
    of it apart.
    """

    name: str
    applies: bool = True
    plans: bool = True
    permissions: Mapping[str, Any] | str | None = None
    checks_out: bool = True
    depth: str | None = None
    group: str = ""
    cancels: bool = False
    queues: bool = False
    tips: bool = True
    pins: tuple[Pin, ...] = ()


@dataclass(frozen=True)
class Pipeline:
    """`host` is `github` or `gitlab`; `unread` says why the file is no pipeline that can be read."""

    path: str
    host: str
    jobs: tuple[PipelineJob, ...] = ()
    events: tuple[str, ...] = ()
    unread: str = ""
    text: str = field(default="", repr=False)


def pipeline_of(path: str, host: str, data: Any, text: str) -> Pipeline:
    """The pipeline in a file's plain data, in which anything may be of another type than it should."""
    found = _mapping(data)
    jobs = _github_jobs(found) if host == "github" else _gitlab_jobs(found)
    return Pipeline(path, host, tuple(jobs), _events(found), text=text)


def _events(data: Mapping[str, Any]) -> tuple[str, ...]:
    on = data.get("on", data.get("true"))
    return (on,) if isinstance(on, str) else tuple(map(str, on)) if isinstance(on, list | dict) else ()


def _github_jobs(data: Mapping[str, Any]) -> Iterator[PipelineJob]:
    events = _events(data)
    for name, job in _mapping(data.get("jobs")).items():
        steps = [step for step in _list(_mapping(job).get("steps")) if isinstance(step, dict)]
        actions = [
            (step, found) for step in steps if (found := _ACTION.fullmatch(str(step.get("uses", "")))) is not None
        ]
        scripts = [str(step["run"]) for step in steps if "run" in step]
        commands = _commands(scripts)
        if not actions and not commands:
            continue
        job = _mapping(job)
        checkouts = [step for step in steps if str(step.get("uses", "")).startswith("actions/checkout@")]
        given = [_mapping(step.get("with")) for step in checkouts]
        concurrency = job.get("concurrency", data.get("concurrency"))
        settings = _mapping(concurrency)
        for_review = bool(_OF_PULL_REQUESTS.search(str(job.get("if", "")))) or set(events) == {"pull_request"}
        acting = [step for step, _ in actions if str(_mapping(step.get("with")).get("apply", "true")).lower() == "true"]
        pins = [_pin_of_action(found, _mapping(step.get("with")).get("install")) for step, found in actions]
        yield PipelineJob(
            name=str(name),
            applies=("apply" in commands or bool(acting)) and not for_review,
            plans=("plan" in commands or bool(actions)) and (for_review or "pull_request" in events),
            permissions=job.get("permissions", data.get("permissions")),
            checks_out=bool(checkouts),
            depth=next((str(each["fetch-depth"]) for each in given if "fetch-depth" in each), None),
            group=str(settings.get("group", concurrency if isinstance(concurrency, str) else "") or ""),
            cancels=str(settings.get("cancel-in-progress", "")).lower() == "true",
            queues=settings.get("queue") == "max",
            tips=bool(actions) or _asks_for_tip(scripts),
            pins=(*pins, *_installs(scripts)),
        )


def _gitlab_jobs(data: Mapping[str, Any]) -> Iterator[PipelineJob]:
    usual, general = _mapping(data.get("default")), _mapping(data.get("variables"))
    before = _script(usual.get("before_script")) or _script(data.get("before_script"))
    for name, job in data.items():
        if name in _RESERVED or not isinstance(job, dict):
            continue
        own = _script(job.get("script"))
        commands = _commands(own)
        if not commands:
            continue
        scripts = [*(_script(job["before_script"]) if "before_script" in job else before), *own]
        variables = {**general, **_mapping(job.get("variables"))}
        depth = variables.get("GIT_DEPTH")
        rules = [str(_mapping(rule).get("if", "")) for rule in _list(job.get("rules"))]
        for_review = bool(rules) and all(map(_OF_PULL_REQUESTS.search, rules))
        yield PipelineJob(
            name=str(name),
            applies="apply" in commands and not for_review,
            plans="plan" in commands,
            permissions={},
            depth=None
            if depth is None
            else str(_mapping(depth).get("value", ""))
            if isinstance(depth, dict)
            else str(depth),
            group=str(job.get("resource_group", "") or ""),
            queues=True,
            tips=_asks_for_tip(own),
            pins=_installs(scripts),
        )


def _commands(scripts: list[str]) -> set[str]:
    return {found["command"] for script in scripts for found in _COMMAND.finditer(script)}


def _asks_for_tip(scripts: list[str]) -> bool:
    applies = [line for script in scripts for line in script.splitlines() if re.search(r"baseten-jobs\s+apply\b", line)]
    return all("--if-tip" in line for line in applies)


def _pin_of_action(found: re.Match[str], install: object) -> Pin:
    if isinstance(install, str) and install.strip():
        version = re.search(r"==\s*([\w.]+)", install)
        return Pin(install.strip(), version[1] if version else "", by_name="--hash=" not in install)
    return _pin_of_ref(f"{found['where']}@{found['ref']}", found["ref"])


def _pin_of_ref(words: str, ref: str) -> Pin:
    version = _VERSION.fullmatch(ref)
    return Pin(words, version[1] if version else "", ref if _COMMIT.fullmatch(ref) else "")


def _installs(scripts: list[str]) -> tuple[Pin, ...]:
    found = (each for script in scripts for each in _INSTALL.finditer(script))
    return tuple(
        _pin_of_ref(each["what"], each["ref"] or "")
        if "git+" in each["what"]
        else Pin(each["what"], each["version"] or "", by_name=True)
        for each in found
    )


def _script(lines: object) -> list[str]:
    """The lines of a script, which GitLab takes as one text, or as a list, within which lists may lie."""
    if isinstance(lines, str):
        return [lines]
    return [line for each in _list(lines) for line in _script(each)]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
