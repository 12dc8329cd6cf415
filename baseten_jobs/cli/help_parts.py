"""A command, or an option -> the parts of a help that it does not hold itself: group, environment, example, link."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import click

from baseten_jobs.distribution import OURS

DOCS = f"{OURS.repository}/blob/v{OURS.version}/.github/docs"
"""Where the pages of `.github/docs` are read."""

_GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "What it is about": "file job allow-outside set strict only-ours kind api-version rules merged repository all "
        "env defaults run python since by limits-only plan checkpoint latest include extend project name team partial "
        "ci level node tail until orphans",
        "Guards": "max-submits max-gpus max-cost-per-hour if-tip create retry-failed prune history owner-too "
        "force yes failed probe",
        "Waiting": "wait timeout follow watch settle concurrency",
        "Output": "output out to verbose show-values mask-values detailed-exitcode exit-status",
        "Connection": "local local-db connect-timeout read-timeout insecure-http host port allow-host api-key",
        "What it plays": "db seed capacity fault queue fail deploy-fail preempt stall secret speed latency "
        "link-seconds created-seconds deploying-seconds run-seconds line-seconds file-bytes "
        "checkpoint-files checkpoint-seconds",
        "Help": "help version",
    }
)
GROUPS = tuple(_GROUPS)
"""The titles, in their order."""

_GROUP_OF = {word: group for group, words in _GROUPS.items() for word in words.split()}

ENVIRONMENT: Mapping[str, str] = MappingProxyType(
    {
        "BASETEN_API_KEY": "The key; not needed with --local.",
        "BASETEN_BASE_URL": "The API's address, if it is not Baseten's own.",
        "BASETEN_JOBS_OWNER": "Whose the jobs are: the repository's address, if git's remote is another.",
        "NO_COLOR, FORCE_COLOR": "Never, or always, print colours; also CLICOLOR and CLICOLOR_FORCE.",
    }
)
"""The variables that any command reads which calls the API; options name their own."""


@dataclass(frozen=True)
class Part:
    """What the help of a command ends with: a command line, and the page that tells more."""

    example: str
    page: str

    @property
    def link(self) -> str:
        return f"{DOCS}/{self.page}.md"


_PARTS: Mapping[str, Part] = MappingProxyType(
    {
        "": Part("baseten-jobs plan --local specs", "start"),
        "init": Part("baseten-jobs init --ci github", "start"),
        "validate": Part("baseten-jobs validate --strict specs", "manifests"),
        "render": Part("baseten-jobs render -v specs/train.yaml", "identity"),
        "plan": Part("baseten-jobs plan --out plan.json --max-cost-per-hour 200 specs", "ci"),
        "apply": Part("baseten-jobs apply --wait --timeout 2h specs", "ci"),
        "status": Part("baseten-jobs status --watch 'qwen3-*'", "operate"),
        "report": Part("baseten-jobs report -o json specs", "operate"),
        "describe": Part("baseten-jobs describe qwen3-8b-sft", "operate"),
        "runs": Part("baseten-jobs runs --since 7d --by project", "runs"),
        "runs diff": Part("baseten-jobs runs diff j7k2m9q p3x8w1c", "runs"),
        "logs": Part("baseten-jobs logs 'lr-*' --tail 20 --level warning -f", "operate"),
        "checkpoints": Part("baseten-jobs checkpoints qwen3-sft --latest", "operate"),
        "checkpoints list": Part("baseten-jobs checkpoints list qwen3-sft --latest -o json", "operate"),
        "checkpoints download": Part("baseten-jobs checkpoints download qwen3-sft --latest --to weights", "operate"),
        "checkpoints deploy": Part("baseten-jobs checkpoints deploy qwen3-sft --checkpoint checkpoint-500", "operate"),
        "code": Part("baseten-jobs code qwen3-sft --out submitted", "code"),
        "metrics": Part("baseten-jobs metrics qwen3-8b-sft --since 3h", "operate"),
        "session": Part("baseten-jobs session qwen3-8b-sft --extend 60", "operate"),
        "capacity": Part("baseten-jobs capacity -o json", "operate"),
        "stop": Part("baseten-jobs stop 'lr-*' --yes", "operate"),
        "adopt": Part("baseten-jobs adopt qwen3-8b-sft --job abc123", "adopt"),
        "doctor": Part("baseten-jobs doctor -o json specs", "ci"),
        "explain": Part("baseten-jobs explain spec.compute.accelerator", "manifests"),
        "import": Part("baseten-jobs import truss config.py --out specs", "adopt"),
        "import truss": Part("baseten-jobs import truss config.py --out specs", "adopt"),
        "import request": Part("baseten-jobs import request body.json --project demo", "adopt"),
        "import job": Part("baseten-jobs import job abc123 --out specs", "adopt"),
        "schema": Part("baseten-jobs schema --out training-job.schema.json", "manifests"),
        "emulator": Part("baseten-jobs emulator --capacity H100=16 --fault rate-limit=0.2,2", "rehearsals"),
    }
)


def group_of(option: click.Option) -> str:
    """The title of the group of an option; raises KeyError for one that is in none."""
    return _GROUP_OF[max(option.opts, key=len).lstrip("-")]


def part_of(path: str) -> Part:
    """What ends the help of a command, by its path from `baseten-jobs` on."""
    return _PARTS[path.removeprefix("baseten-jobs").strip()]


def environment_of(command: click.Command) -> Mapping[str, str]:
    """The variables that a command reads, each with its meaning; none for a command that calls no API."""
    names = {name for each in command.params for name in each.opts}
    return ENVIRONMENT if "--connect-timeout" in names else {}
