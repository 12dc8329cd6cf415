"""The changes of a plan -> those that an edit of Defaults makes in several jobs, with the jobs."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from baseten_jobs.phrases import count, listed, one_line
from baseten_jobs.planning.diff import Change
from baseten_jobs.planning.plan import Action

_NAMES = 5
"""How many of the jobs are named."""


@dataclass(frozen=True)
class SharedChange:
    """Changes of one file of Defaults that lead to the same actions."""

    changes: tuple[Change, ...]
    actions: tuple[Action, ...]

    @property
    def source(self) -> str:
        return self.changes[0].source

    @property
    def jobs(self) -> str:
        """`40 jobs: a, b, c, d, e and 35 more`."""
        return f"{count(len(self.actions), 'job')}: {listed([each.request.name for each in self.actions], _NAMES)}"


class SharedChanges:
    """The changes that stand in Defaults and that several actions have; each is told once."""

    def __init__(self, actions: Iterable[Action] = ()) -> None:
        found: dict[object, tuple[Change, list[Action]]] = {}
        for action in actions:
            for change in action.changes:
                if change.source:
                    found.setdefault(_key(change), (change, []))[1].append(action)
        self._shared = {key for key, (_, having) in found.items() if len(having) > 1}
        alike: dict[object, tuple[list[Change], list[Action]]] = {}
        for key, (change, having) in found.items():
            if key not in self._shared:
                continue
            alike.setdefault((change.source, tuple(each.key for each in having)), ([], having))[0].append(change)
        self._alike = tuple(SharedChange(tuple(changes), tuple(having)) for changes, having in alike.values())

    def __iter__(self) -> Iterator[SharedChange]:
        return iter(self._alike)

    def own(self, action: Action) -> Sequence[Change]:
        """The changes that an action has alone."""
        return [change for change in action.changes if not self._is_shared(change)]

    def _is_shared(self, change: Change) -> bool:
        return bool(change.source and self._shared) and _key(change) in self._shared

    def told_elsewhere(self, action: Action) -> str:
        """`2 changes of specs/base.yaml are told below`; empty where an action has all of its changes alone."""
        found = [change for change in action.changes if self._is_shared(change)]
        files = tuple(dict.fromkeys(one_line(change.source, 200) for change in found))
        verb = "is" if len(found) == 1 else "are"
        return f"{count(len(found), 'change')} of {listed(files)} {verb} told below" if found else ""


def _key(change: Change) -> object:
    return change.source, change.field, json.dumps([change.old, change.new], sort_keys=True, default=str)
