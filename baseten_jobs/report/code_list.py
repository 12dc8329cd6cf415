"""The code that a job was submitted with, and whose it is -> a page, or the fields of a document."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from baseten_jobs.job.content import File
from baseten_jobs.job.identity import SHOWN
from baseten_jobs.phrases import Page, count, human, one_line, page
from baseten_jobs.planning.diff import FILE, Change
from baseten_jobs.planning.history.verdict import Provenance, Verdict
from baseten_jobs.report.job_fields import document as with_format
from baseten_jobs.report.style import PLAIN, Look
from baseten_jobs.report.text import revision

_FILES = 20
"""Files that are told of one by one, unless all are asked for."""

_SAID: Mapping[Verdict, str] = MappingProxyType(
    {
        Verdict.COMMITTED: "the code of {}",
        Verdict.WORK_TREE: "the code of the work tree as it is; no commit in this history has it with this spec",
        Verdict.PROVEN: "the code that the job's name stands for, with the spec of {}; no commit holds it whole",
        Verdict.OTHER: "not the code of {}",
        Verdict.UNKNOWN: "whose code it is can't be told: {}",
    }
)


@dataclass(frozen=True)
class Submitted:
    """The code of a job; `digest` has 64 hex digits, `out` is where it was unpacked, empty for nowhere."""

    name: str
    run: str
    job_id: str
    files: tuple[File, ...]
    digest: str
    provenance: Provenance
    out: str = ""

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


def text(of: Submitted, look: Look = PLAIN) -> Page:
    """What there is, whose it is, and where it went; with all files, if they are asked for."""
    colour = {Verdict.OTHER: "red", Verdict.UNKNOWN: "yellow"}.get(of.provenance.verdict, "green")
    return page(
        [
            f"job {of.job_id} of {one_line(of.name, 80)}: {count(len(of.files), 'file')}, {human(of.size)}, "
            f"digest {of.digest[:SHOWN]}",
            look.paint(verdict(of.provenance), colour),
            *_changes(of.provenance.changes, look),
            *(f"  {_listed(file)}" for file in (of.files if look.verbose else ())),
            *([f"unpacked into {one_line(of.out, 1024)}"] if of.out else []),
        ]
    )


def verdict(of: Provenance) -> str:
    which = of.reason if of.verdict is Verdict.UNKNOWN else revision(of.revision) if of.revision else "the work tree"
    return _SAID[of.verdict].format(which)


def document(of: Submitted) -> Page:
    return with_format(_data(of))


def _data(of: Submitted) -> Mapping[str, Any]:
    told = of.provenance
    return {
        "name": of.name,
        "job_name": of.run,
        "job_id": of.job_id,
        "digest": of.digest,
        "size_bytes": of.size,
        "verdict": told.verdict.value,
        "reason": verdict(told),
        "commit": told.revision
        and {
            "commit": told.revision.commit,
            "author": told.revision.author,
            "date": told.revision.date,
            "path": told.revision.path,
        },
        "changes": [
            {"path": each.field.removeprefix(FILE), "committed": each.old, "submitted": each.new}
            for each in told.changes
        ],
        "files": [
            {"path": f.path, "size_bytes": f.size, "executable": f.executable, "sha256": f.sha256, "target": f.target}
            for f in of.files
        ],
        "out": of.out or None,
    }


def _changes(changes: Sequence[Change], look: Look) -> Iterator[str]:
    shown = changes if look.verbose else changes[:_FILES]
    for each in shown:
        yield f"  {each.field}: committed {each.old or 'nothing'}, submitted {each.new or 'nothing'}"
    if len(shown) < len(changes):
        yield f"  … and {len(changes) - len(shown)} more"


def _listed(file: File) -> str:
    if file.target is not None:
        return f"{one_line(file.path, 300)} -> {one_line(file.target, 300)}"
    return f"{one_line(file.path, 300)}  {human(file.size)}{', executable' if file.executable else ''}"
