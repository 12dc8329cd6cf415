"""The changes of a plan -> those that one edit of Defaults makes in several jobs, each with its jobs."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from baseten_jobs.phrases import count, listed, one_line
from baseten_jobs.planning.diff import Change
from baseten_jobs.planning.plan import Action

_NAMES = 5
"""How many of the jobs are named."""


@dataclass(frozen=True)
class SharedChange:
    """One change of a file of Defaults, and the actions that it leads to."""

    change: Change
    actions: tuple[Action, ...]

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
        self._shared: Mapping[object, SharedChange] = {
            key: SharedChange(change, tuple(having)) for key, (change, having) in found.items() if len(having) > 1
        }

    def __iter__(self) -> Iterator[SharedChange]:
        return iter(self._shared.values())

    def own(self, action: Action) -> Sequence[Change]:
        """The changes that an action has alone."""
        return [change for change in action.changes if _key(change) not in self._shared]

    def told_elsewhere(self, action: Action) -> str:
        """`2 changes of specs/base.yaml are told below`; empty where an action has all of its changes alone."""
        found = [change for change in action.changes if _key(change) in self._shared]
        files = tuple(dict.fromkeys(one_line(change.source, 200) for change in found))
        verb = "is" if len(found) == 1 else "are"
        return f"{count(len(found), 'change')} of {listed(files)} {verb} told below" if found else ""


def _key(change: Change) -> object:
    return change.source, change.field, json.dumps([change.old, change.new], sort_keys=True, default=str)
