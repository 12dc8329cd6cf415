"""Which manifests load checkpoints of which -> the order in which their jobs run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from baseten_jobs.manifest.chains.entries import Entry
from baseten_jobs.manifest.diagnostics import Diagnostic
from baseten_jobs.manifest.document import Document, DocumentPlace


class Link(NamedTuple):
    """An entry of a manifest, and the place of the manifest that it names."""

    entry: Entry
    to: DocumentPlace


@dataclass(frozen=True)
class Chains:
    """The links of each manifest that has any; `elsewhere` are linked manifests that were not among those given.

    `faults` are what is wrong with entries, each with its manifest.
    """

    links: Mapping[DocumentPlace, Sequence[Link]] = field(default_factory=dict)
    elsewhere: tuple[Document, ...] = ()
    faults: tuple[tuple[Document, Diagnostic], ...] = ()

    def upstream_first(self, places: Sequence[DocumentPlace]) -> tuple[DocumentPlace, ...]:
        """Returns the places, and those that they link to, each after all that it links to."""
        done: dict[DocumentPlace, None] = {}
        begun: set[DocumentPlace] = set()
        pending = list(reversed(places))
        while pending:
            place = pending.pop()
            if place in begun:
                done[place] = None
                continue
            begun.add(place)
            pending += [place, *(link.to for link in self.links.get(place, ()) if link.to not in begun)]
        return tuple(done)
