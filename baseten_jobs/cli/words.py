"""Words of other tools, and slips -> what this tool has for them."""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

_MEANT: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("cancel", "delete", "destroy", "down", "halt", "kill", "remove", "rm", "terminate"), "stop"),
        **dict.fromkeys(("get", "list", "ls", "ps", "show", "top"), "status"),
        **dict.fromkeys(("diff", "dry-run", "preview"), "plan"),
        **dict.fromkeys(("create", "deploy", "launch", "push", "run", "submit", "sync", "train", "up"), "apply"),
        **dict.fromkeys(("check", "lint"), "validate"),
        **dict.fromkeys(("history", "cost"), "runs"),
        **dict.fromkeys(("download", "pull"), "checkpoints"),
        **dict.fromkeys(("log", "tail"), "logs"),
        **dict.fromkeys(("new", "start"), "init"),
    }
)
"""What people call commands who come from Terraform, kubectl, docker, truss and their like."""

_PLAN = "`baseten-jobs plan` shows what apply would do"
_OPTIONS: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("--check", "--diff", "--dry-run", "--dryrun", "--preview"), _PLAN)
)
_FORMATS = frozenset({"--json", "--format", "--junit", "--markdown", "--sarif"})
_JOBS = frozenset({"--job", "--job-id", "--name"})

DANGEROUS = frozenset({
    "--allow-outside", "--create", "--extend", "--force", "--insecure-http", "--orphans", "--owner-too", "--probe",
    "--prune", "--retry-failed", "--show-values", "--yes",
})  # fmt: skip
"""Options that stop, start, overwrite or show something: one who mistypes is not told to try one of them."""


def command_meant(word: str, commands: Iterable[str]) -> str:
    """The command that somebody means who types another word; empty if none is likely."""
    near = get_close_matches(word, list(commands), n=1)
    return _MEANT.get(word) or (near[0] if near else "")


def instead_of(option: str, options: Collection[str], arguments: Collection[str]) -> str:
    """What to type in the place of an option that a command does not have; empty where that can't be told.

    `options` and `arguments` are those that the command has.
    """
    if option in _OPTIONS:
        return _OPTIONS[option]
    if option == "--all" and "names" in arguments:
        return "'*' as a NAME means every manifest"
    if option == "--all" and "paths" in arguments:
        return "without a PATH it is about every manifest in specs"
    if option in _FORMATS and "--output" in options:
        return "`-o` chooses the format, as in `-o json`"
    if option in _JOBS and "paths" in arguments:
        return "give the file that holds the manifest; `baseten-jobs status` takes names, and ids by --job"
    near = get_close_matches(option, [each for each in options if each not in DANGEROUS], n=1, cutoff=0.75)
    return f"did you mean {near[0]}?" if near else ""
