"""A revision that loads checkpoints of others' jobs -> the digests that these had in its own commit."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from baseten_jobs.git.log import Version
from baseten_jobs.job.identity import SHOWN, Identity, Origin
from baseten_jobs.job.request import JobRequest
from baseten_jobs.manifest.chains.entries import Entry
from baseten_jobs.manifest.diagnostics import field_name
from baseten_jobs.planning.diff import Change
from baseten_jobs.planning.history.bases import Bases, Held
from baseten_jobs.planning.history.past_manifests import PastFile, PastManifest

DEEPEST = 50
"""How many stages of a chain are followed back; the digest of a longer one is not known."""


class Upstreams:
    """Finds manifests by their names among the files of a commit, or of the work tree for a version of no commit.

    `paths` returns the files in which a name may be found, `held` what a version holds, given its bytes, and `content`
    the digest of the code of a manifest, empty if it can't be told. Every method may raise NotWhole.
    """

    def __init__(
        self,
        bases: Bases,
        held: Callable[[Version, bytes], PastFile],
        paths: Callable[[str, Version], Iterable[str]],
        content: Callable[[Version, PastManifest], str],
    ) -> None:
        self._bases, self._held, self._paths, self._content = bases, held, paths, content
        self._runs: dict[tuple[Version, str], set[tuple[str | None, Origin]]] = {}
        self._pending: list[tuple[Version, str]] = []

    def of(self, version: Version, written: PastManifest) -> Mapping[int, Origin] | None:
        """The runs that a manifest of this version loads from, by the numbers of its entries.

        None if one of them can't be told: it is not there, or there are several, or its own digest is not known.
        """
        commit = self._bases.commit_of(version)
        if (version.commits and commit is None) or len(self._pending) >= DEEPEST:
            return None
        at = version._replace(commits=(commit,) if commit else ())
        found: dict[int, Origin] = {}
        for entry in written.loads:
            origins = self._named(at, entry)
            if len(origins) != 1:
                return None
            (found[entry.number],) = origins
        return found if all(origin.digest for origin in found.values()) else None

    def _named(self, at: Version, entry: Entry) -> set[Origin]:
        found: set[Origin] = set()
        for path in self._paths(entry.name, at):
            there = self._bases.at(at, path)
            if there is not None:
                runs = self._runs_in(at._replace(path=path, blob=there.blob), entry.name, there)
                found |= {origin for project, origin in runs if entry.project in (None, project)}
        return found

    def _runs_in(self, version: Version, name: str, there: Held) -> set[tuple[str | None, Origin]]:
        """The manifests of a name in a version, each with its project; one of a cycle has no digest."""
        key = version, name
        if key in self._pending:
            return {(None, Origin("", 0))}
        if key not in self._runs:
            self._pending.append(key)
            try:
                named = self._held(version, there.raw).named(name)
                self._runs[key] = {
                    (each.project or each.project_id, Origin(self._digest(version, each), each.attempt))
                    for each in named
                }
            finally:
                self._pending.pop()
        return self._runs[key]

    def _digest(self, version: Version, written: PastManifest) -> str:
        if written.workspace is None:
            return written.digest
        content = self._content(version, written)
        return replace(written, content=content).digest if content else ""


def changed_origins(was: PastManifest, now: JobRequest) -> Iterator[Change]:
    """A change for each entry that names the same manifest as before, and means another run of it."""
    origins = was.origins() if was.loads else None
    before = {entry.number: entry for entry in was.loads} if origins else {}
    for upstream in now.upstreams:
        entry, origin = before.get(upstream.number), (origins or {}).get(upstream.number)
        if entry is None or origin is None or entry.name != upstream.name:
            continue
        if origin != (upstream.digest, upstream.attempt):
            old = Identity(entry.name, origin.digest[:SHOWN], origin.attempt)
            yield Change(field_name(entry.path), old.job_name, upstream.identity.job_name, path=entry.path)
