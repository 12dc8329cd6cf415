"""Readings -> findings: the table of all checks, in the order in which they are told."""

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from baseten_jobs.doctor import account_checks, git_checks, pipeline_checks, plan_checks
from baseten_jobs.doctor.findings import Finding, Level, Verdict, ok
from baseten_jobs.doctor.readings import Readings, Unread
from baseten_jobs.git.facts import NotInGit


@dataclass(frozen=True)
class Check:
    """One thing that is looked at. `means` says what follows where it is not well, `well` what is told where it is.

    `needs` is the part of the account, or `plan`, without which it can't be told; without what `of` names, `git` or
    `pipelines`, there is nothing to tell.
    """

    id: str
    means: str
    look: Callable[[Readings], Iterable[Verdict]]
    needs: str = ""
    of: str = ""
    well: str = ""


def _tool(readings: Readings) -> Iterator[Verdict]:
    yield ok(f"baseten-jobs {readings.tool.version}, Python {readings.tool.python}")


CHECKS = (
    Check("version", "", _tool),
    Check("base-url", "Nothing can be asked of the API.", account_checks.check_base_url),
    Check("key", "plan and apply end with exit code 3.", account_checks.check_key),
    Check(
        "teams",
        "Projects and secrets of a team that the key does not see can't be used.",
        account_checks.check_teams,
        "teams",
    ),
    Check(
        "clock",
        "Ages of jobs are wrong, and uploads are refused from 15 minutes on.",
        account_checks.check_clock,
        "ahead",
    ),
    Check("rate-limit", "Calls wait for each other, and a plan may fail.", account_checks.check_rate_limit, "calls"),
    Check("manifests", "Nothing is planned or submitted.", plan_checks.check_manifests),
    Check(
        "projects",
        "A project that is not there is made by the first apply; one that can't be told stops each plan.",
        account_checks.check_projects,
        "projects",
    ),
    Check(
        "secrets",
        "A job that refers to a secret that its team does not have fails when it starts.",
        account_checks.check_secrets,
        "secrets",
    ),
    Check(
        "prices",
        "No cost is shown, and --max-cost-per-hour refuses each submit.",
        account_checks.check_prices,
        "machines",
    ),
    Check("capacity", "Plans do not say whether a job starts or queues.", account_checks.check_capacity, "capacity"),
    Check(
        "billing",
        "What runs cost is told as an upper bound, and not as it was billed.",
        account_checks.check_billing,
        "billed",
    ),
    Check(
        "git",
        "Old specs and new ones can't be told apart, and no run is stopped as superseded.",
        git_checks.check_repository,
    ),
    Check(
        "git-history",
        "A spec that ran before the history's end is held, or looks new; changes are not shown.",
        git_checks.check_history,
        of="git",
        well="the whole history is here",
    ),
    Check(
        "git-origin",
        "New jobs carry no owner, so they can't be told from those of other repositories.",
        git_checks.check_origin,
        of="git",
    ),
    Check(
        "git-filters",
        "The same commit has other bytes on another machine, and may be submitted again.",
        git_checks.check_filters,
        of="git",
        well="files lie here as git holds them",
    ),
    Check(
        "git-modes",
        "The same commit has other modes on another machine, and may be submitted again.",
        git_checks.check_modes,
        of="git",
        well="git sees which files are executable",
    ),
    Check("pipeline", "Manifests that are merged are not submitted.", pipeline_checks.check_pipeline),
    Check(
        "pipeline-permissions",
        "The plan can't be a comment, or the token may more than it needs.",
        pipeline_checks.check_permissions,
        of="pipelines",
        well="no token may more, or less, than it needs",
    ),
    Check(
        "pipeline-depth",
        "A pipeline that sees a part of the history holds specs that it can't date.",
        pipeline_checks.check_depth,
        of="pipelines",
        well="each clones the whole history",
    ),
    Check(
        "pipeline-concurrency",
        "An apply is cancelled midway, left out, or meets another one.",
        pipeline_checks.check_concurrency,
        of="pipelines",
        well="one apply at a time, and each in its turn",
    ),
    Check(
        "pipeline-version",
        "The pipeline and this machine may plan different things.",
        pipeline_checks.check_version,
        of="pipelines",
        well="the version that is here",
    ),
    Check("plan", "An apply would not do, or would refuse, what git says.", plan_checks.check_plan, "plan"),
    Check("duplicates", "The same spec is paid for twice.", plan_checks.check_duplicates, "plan"),
    Check("orphans", "A job that no manifest wants any more is paid for.", plan_checks.check_orphans, "plan"),
    Check("held", "What is merged does not run until somebody says so.", plan_checks.check_held, "plan"),
    Check("unmanaged", "Jobs that git knows nothing of use GPUs, too.", plan_checks.check_unmanaged, "plan"),
    Check("statuses", "A job with a status that is not known counts as live.", plan_checks.check_statuses, "plan"),
)
"""A verdict that is not ok is told with what its check means."""


_ON_PATHS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"validate": (), "plan": (), "apply": (), "doctor": (), "stop": ("-f",), "adopt": ("-f",)}
)
"""Our commands that a remedy may name, and what stands before each path of theirs."""


def findings(readings: Readings) -> tuple[Finding, ...]:
    """What all checks find; what could not be read is a finding of the checks that need it, and hides no other."""
    return tuple(finding for check in CHECKS for finding in _found(check, readings))


def _found(check: Check, readings: Readings) -> Iterator[Finding]:
    if (missing := _missing(check, readings)) is not None:
        told = f"not checked: {missing.reason}"
        yield Finding(check.id, Level.WARN, told, check.means, _anew(missing, readings), unread=True)
        return
    if (check.of == "git" and isinstance(readings.git, NotInGit)) or (check.of == "pipelines" and not _runs(readings)):
        return
    for verdict in tuple(check.look(readings)) or ((ok(check.well),) if check.well else ()):
        means = "" if verdict.level is Level.OK else check.means
        yield Finding(check.id, verdict.level, verdict.told, means, _whole(verdict.remedy, readings))


def _whole(remedy: str, readings: Readings) -> str:
    """A remedy that is a command of ours, with the API and the paths that are meant; any other as it is."""
    words = remedy.split()
    if words[:1] != ["baseten-jobs"] or words[1] not in _ON_PATHS:
        return remedy
    paths = () if readings.manifests.paths == readings.tool.paths else readings.manifests.paths
    named = [word for path in paths for word in (*_ON_PATHS[words[1]], path)]
    return shlex.join([*words, *(() if words[1] == "validate" else readings.tool.options), *named])


def _anew(missing: Unread, readings: Readings) -> str:
    """What lets be read what could not be: another key, or another try; empty where another check says it."""
    if missing.unsent:
        return ""
    return "export BASETEN_API_KEY=KEY" if missing.refused else _whole("baseten-jobs doctor", readings)


def _runs(readings: Readings) -> bool:
    return any(pipeline.jobs for pipeline in readings.pipelines)


def _missing(check: Check, readings: Readings) -> Unread | None:
    """Why what a check needs was not read; None if it was."""
    if check.needs == "plan":
        return readings.plan if isinstance(readings.plan, Unread) else None
    return account_checks.read_of(readings.account, check.needs) if check.needs else None
