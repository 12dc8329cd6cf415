"""The files that a job was submitted with + the digest in its name -> the commit whose code they are, or the doubt."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

from baseten_jobs.git.log import Revision
from baseten_jobs.git.objects import NotWhole
from baseten_jobs.git.process import GitError
from baseten_jobs.git.repository import NotInGit, Repository
from baseten_jobs.job.content import File, content_digest
from baseten_jobs.job.identity import Identity
from baseten_jobs.job.request import JobRequest
from baseten_jobs.planning.history.code_revisions import CodeHistory, file_changes
from baseten_jobs.planning.history.lookup import Evidence
from baseten_jobs.planning.history.verdict import Provenance, Verdict


def provenance(
    repository: Repository | NotInGit,
    request: JobRequest | None,
    identity: Identity | None,
    files: Sequence[File],
    limit: int,
) -> Provenance:
    """`identity` is the one in the job's name, `request` that of its manifest, if there is one still.

    At most `limit` revisions are looked through.
    """
    if identity is None:
        return Provenance(Verdict.UNKNOWN, reason="the job's name tells no digest, so that nothing ties it to a commit")
    told = Provenance(Verdict.UNKNOWN)
    if isinstance(repository, NotInGit):
        told = replace(told, reason=repository.reason)
    else:
        try:
            told = _in_history(repository, request, identity, files, limit)
        except (GitError, NotWhole) as error:
            told = replace(told, reason=f"the history can't be read: {error}")
    here = _here(request, identity, files)
    return here if here and told.verdict in (Verdict.UNKNOWN, Verdict.PROVEN) else told


def _here(request: JobRequest | None, identity: Identity, files: Sequence[File]) -> Provenance | None:
    """What the work tree tells: it has just the spec and the code that the job's name names, or has not."""
    if request is None or request.content is None or request.identity.digest != identity.digest:
        return None
    changes = tuple(file_changes(request.content.files, files))
    return Provenance(Verdict.OTHER if changes else Verdict.WORK_TREE, changes=changes)


def _in_history(
    repository: Repository, request: JobRequest | None, identity: Identity, files: Sequence[File], limit: int
) -> Provenance:
    evidence = Evidence(repository, [request] if request else [], limit, datetime.now(UTC))
    history = evidence.of(identity.name)
    found = history.find(identity)
    if found is not None and isinstance(history, CodeHistory) and found.written.workspace is not None:
        changes = tuple(file_changes(history.files(found), files))
        return Provenance(Verdict.OTHER if changes else Verdict.COMMITTED, found.revision, changes=changes)
    proven = next(_specs(evidence, identity, content_digest(files), limit), None)
    if proven is not None:
        return Provenance(Verdict.PROVEN, proven)
    shallow = ", in this shallow clone" if repository.shallow else ""
    reason = f"no revision of {identity.name} in this history has a spec that gives the job's digest with this code"
    return Provenance(Verdict.UNKNOWN, reason=f"{reason}{shallow}")


def _specs(evidence: Evidence, identity: Identity, content: str, limit: int) -> Iterator[Revision]:
    """The revisions whose spec gives the digest of a job's name together with this code, the newest first."""
    for change in islice(evidence.history.naming(identity.name), limit):
        for written in evidence.contents.held(change.new).named(identity.name):
            if written.workspace is None:
                continue
            if replace(written, content=content).identity.digest == identity.digest:
                yield change.revision
