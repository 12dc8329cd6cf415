"""What is said of single actions -> each saying once, with the actions that it is said of."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from baseten_jobs.planning.plan import Action

_TOKEN = re.compile(r"[\w-]+|[^\w-]+")

Saying = tuple[Action, str]


@dataclass(frozen=True)
class Group:
    """One message, with `…` for the words that differ, and the actions that it is about."""

    actions: tuple[Action, ...]
    text: str


def grouped(sayings: Iterable[Saying]) -> tuple[Group, ...]:
    """In the order of the first of each; two messages about the same manifest are never one."""
    groups: dict[tuple[object, int], list[Saying]] = {}
    said: Counter[object] = Counter()
    for action, text in sayings:
        own = _own(action)
        key = tuple("" if alone else token for token, alone in _tokens(text, own))
        of_this = (action.key.of_manifest, key)
        groups.setdefault((key, said[of_this]), []).append((action, text))
        said[of_this] += 1
    return tuple(Group(tuple(action for action, _ in group), _in_common(group)) for group in groups.values())


def _own(action: Action) -> frozenset[str]:
    """Names and ids that tell one job from all others."""
    jobs = (action.job, action.older, *action.superseded, *action.duplicates)
    return frozenset((action.request.name, action.request.job_name, *(job.id for job in jobs if job)))


def _tokens(text: str, own: frozenset[str]) -> Iterable[tuple[str, bool]]:
    """Each word, and whether it is about one job alone: its own, or one that follows `job`, or stands in quotes."""
    before = ""
    for token in _TOKEN.findall(text):
        word = token[0].isalnum() or token[0] in "_-"
        yield token, word and (token in own or before.endswith(("job ", "'")))
        before = (before + token)[-8:]


def _in_common(group: Sequence[Saying]) -> str:
    columns = zip(*(_TOKEN.findall(text) for _, text in group), strict=True)
    return "".join(tokens[0] if len(set(tokens)) == 1 else "…" for tokens in columns)
