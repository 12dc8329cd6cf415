"""What git says of manifests -> which revision has a spec's digest, and which commit deleted a manifest."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Revision:
    """A commit that holds a manifest: its full hash, author, committer date (ISO 8601), and the path there."""

    commit: str
    author: str
    date: str
    path: str
