"""All that the checks look at: each reading is a value, or why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from baseten_jobs.doctor.pipelines import Pipeline
from baseten_jobs.git.facts import NotInGit, Setup
from baseten_jobs.job.observation import ObservedProject
from baseten_jobs.manifest.diagnostics import Diagnostic
from baseten_jobs.planning.capacity import GpuCapacity
from baseten_jobs.planning.plan import Plan

T = TypeVar("T")


@dataclass(frozen=True)
class Unread:
    """Why something could not be read; `status` is that of the answer, and None where none came.

    `unsent` is True if there is no connection to ask anything by.
    """

    reason: str
    status: int | None = None
    unsent: bool = False

    @property
    def refused(self) -> bool:
        """True if the server knows what was asked, and does not let this key have it."""
        return self.status in (401, 403)


NOT_ASKED = Unread("not asked")


@dataclass(frozen=True)
class Team:
    name: str
    default: bool = False


@dataclass(frozen=True)
class Projects:
    """The projects that manifests name, and what is wrong with those that can't be told."""

    found: tuple[ObservedProject, ...] = ()
    misnamed: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True)
class Secrets:
    """How many references to secrets were checked; those that are missing, and why the rest could not be checked."""

    checked: int = 0
    missing: tuple[Diagnostic, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Calls:
    """The calls of one endpoint that the client makes in a second at most, and those that were refused with a 429."""

    rate: int
    refused: int = 0


@dataclass(frozen=True)
class Account:
    """What the API showed. `ahead` are the seconds by which its clock is ahead of ours; None if it tells no time."""

    base_url: str
    local: bool = False
    user: Mapping[str, Any] | Unread = NOT_ASKED
    teams: tuple[Team, ...] | Unread = NOT_ASKED
    projects: Projects | Unread = NOT_ASKED
    secrets: Secrets | Unread = NOT_ASKED
    machines: int | Unread = NOT_ASKED
    capacity: GpuCapacity | Unread = NOT_ASKED
    billed: int | Unread = NOT_ASKED
    ahead: float | Unread | None = NOT_ASKED
    calls: Calls | Unread = NOT_ASKED


@dataclass(frozen=True)
class Manifests:
    """How many there are, in which paths, and what is wrong with them."""

    paths: tuple[str, ...]
    number: int
    errors: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True)
class Tool:
    """The versions of this tool and of its Python, and the owner whose letters new jobs carry.

    `options` are those of the command line that say which API is meant; a remedy has them, too, and other paths than
    the usual `paths`.
    """

    version: str
    python: str
    owner: str = ""
    options: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


@dataclass(frozen=True)
class Readings:
    account: Account
    manifests: Manifests
    git: Setup | NotInGit
    tool: Tool
    pipelines: tuple[Pipeline, ...] = ()
    plan: Plan | Unread = field(default=NOT_ASKED)
