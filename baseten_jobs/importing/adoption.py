"""What became of an import: the manifests that were made, of what, and what is wrong with the rest."""

from dataclasses import dataclass

from baseten_jobs.importing.draft import Draft
from baseten_jobs.manifest.diagnostics import Diagnostic, has_errors


@dataclass(frozen=True)
class ReadSource:
    """One source: a draft for each manifest in it, or the diagnostics with the reason why there is none.

    `folder` is where the paths of its workspaces start, and `mark` tells it from others of the same name.
    `sweep` says that the drafts belong together, as jobs of one loop do.
    """

    source: str
    drafts: tuple[Draft, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    folder: str = ""
    mark: str = ""
    sweep: bool = False


@dataclass(frozen=True)
class Adopted:
    """The manifests of one source; `path` is empty where they went to standard output."""

    source: str
    path: str
    drafts: tuple[Draft, ...]
    text: str
    gaps: int = 0
    workspaces: int = 0


@dataclass(frozen=True)
class Adoption:
    """Everything that one command imported; `skipped` counts the files that hold no job.

    `out` is the file or folder that it was written to; empty for standard output.
    """

    adopted: tuple[Adopted, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    failed: int = 0
    skipped: int = 0
    out: str = ""

    @property
    def whole(self) -> bool:
        return not has_errors(self.diagnostics)
