"""A real git repository in a temporary folder, beside a provider in process."""

import os
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from baseten_jobs.applying.carry_out import carry_out
from baseten_jobs.git.repository import open_repository
from baseten_jobs.pipeline import make
from baseten_jobs.planning.history.review import Inquiry
from baseten_jobs.planning.plan import Plan, Policy
from tests.support.world import START, World

_HERE = Path(__file__).parent
QUICK = {
    "GIT_CONFIG_GLOBAL": str(_HERE / "git.config"), "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_TEMPLATE_DIR": str(_HERE / "git_template"),
}  # fmt: skip
"""Has git set repositories up without upkeep, without waiting for the disk, and without the samples of hooks."""
ENVIRONMENT = QUICK | {
    "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.com", "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com", "PATH": os.environ["PATH"], "HOME": os.devnull,
}  # fmt: skip


def git(folder: Path, *arguments: str, **environment: str) -> str:
    ran = subprocess.run(
        ("git", *arguments), cwd=folder, env={**ENVIRONMENT, **environment}, capture_output=True, text=True, check=True
    )
    return ran.stdout.strip()


def _head(folder: Path) -> str:
    """The commit that is checked out; read, since a process for each commit adds up."""
    within = folder / ".git"
    head = (within / "HEAD").read_text().strip()
    return (within / head.removeprefix("ref: ")).read_text().strip() if head.startswith("ref: ") else head


class Repository(World):
    """A world whose manifests lie in git; commits are dated by the world's clock."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        folder.mkdir(exist_ok=True)
        super().__init__(folder, settings)
        git(folder, "init", "-q", "-b", "main")
        (folder / ".gitignore").write_text("emulator.db*\n")

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(START + self.clock.time, UTC)

    def commit(self, message: str = "change") -> str:
        """Commit everything as it is, a minute after whatever was before."""
        self.clock.time += 60
        git(self.folder, "add", "-A")
        date = self.now.isoformat()
        git(self.folder, "commit", "-qm", message, GIT_COMMITTER_DATE=date, GIT_AUTHOR_DATE=date)
        self.clock.time += 60
        return _head(self.folder)

    def asked(
        self, *, limit: int = 1000, prune: bool = False, missing: bool = False, policy: Policy | None = None
    ) -> Plan:
        policy = replace(policy or self.policy, history=limit, prune=prune)
        inquiry = Inquiry(self.now, policy, missing)
        planned = make(self.api, self.compiled(), policy, inquiry)
        assert planned.valid, planned.diagnostics
        return planned.plan

    def apply_asked(self, **asked: Any) -> list[str]:
        """Apply as the command does; what became of each action."""
        from baseten_jobs.applying.execute import Execution

        plan = self.asked(**asked)
        result = carry_out(self.api, plan, self.policy, Execution(1, self.windows), self.ledger)
        return [outcome.fate.value for outcome in result.outcomes]


def days(number: float) -> float:
    return timedelta(days=number).total_seconds()


def cloned(world: Repository, folder: Path, *options: str) -> Repository:
    """A clone of the world's repository, before the same provider; `options` are those of `git clone`."""
    git(world.folder.parent, "clone", "-q", *options, f"file://{world.folder}", str(folder))
    other = object.__new__(Repository)
    other.__dict__.update(world.__dict__)
    other.folder = folder
    return other


__all__ = ["Repository", "cloned", "days", "git", "open_repository"]
