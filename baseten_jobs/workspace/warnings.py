"""The files of a workspace that travel -> what a person should know before they do, as warnings and errors."""

from collections.abc import Iterable, Iterator, Sequence
from os.path import relpath

from baseten_jobs.manifest.diagnostics import Diagnostic, Position, Severity
from baseten_jobs.manifest.paths import path_name
from baseten_jobs.phrases import listed, one_line
from baseten_jobs.workspace.conversion import converted
from baseten_jobs.workspace.hashing import Held
from baseten_jobs.workspace.problems import Remarks
from baseten_jobs.workspace.scan import CORE, LFS, LOCKED, SECRET
from baseten_jobs.workspace.selection import Selection
from baseten_jobs.workspace.walk import TravellingFile, Tree, loose

MOST = 20
"""Secrets, or faults, of one workspace that have a diagnostic each; the rest are counted."""

Travelling = Sequence[tuple[TravellingFile, Held | None]]
"""Each file that travels with what it holds, and each link."""


def tell(remarks: Remarks, include: Sequence[str], trees: Sequence[Tree], travelling: Travelling) -> None:
    """Add to the remarks all that is worth a word about what travels, and about what does not."""
    paths = {found.path for found, _ in travelling}
    _of_patterns(remarks, include, paths)
    _of_git(remarks, trees, paths)
    if changed := _changed_by_git(travelling):
        message = f"{_count(len(changed))} not byte for byte as in git, by line endings or filters: {listed(changed)}"
        hint = "another checkout may have another digest; `* -text` in .gitattributes keeps the bytes of each file"
        remarks.warn("workspace-converted", message, hint)
    if links := loose(found for found, _ in travelling):
        message = f"links that lead to nothing that travels: {listed(links)}"
        remarks.warn("workspace-link", message, "include what they lead to, or exclude them")
    if pointers := _with_note(travelling, LFS):
        message = f"pointers of Git LFS would travel, not what they stand for: {listed(pointers)}"
        remarks.error("workspace-lfs", message, "`git lfs pull` fetches that; or exclude them")
    if locked := _with_note(travelling, LOCKED):
        message = f"{_count(len(locked))} locked by git-crypt: {listed(locked)}"
        remarks.error("workspace-locked", message, "`git-crypt unlock` opens them; or exclude them")
    _of_secrets(remarks, travelling)


def tell_of_cores(remarks: Remarks, files: Travelling, chosen: Iterable[TravellingFile]) -> None:
    """Say which files stay out because they are what a process left of its memory."""
    if cores := sorted({*_with_note(files, CORE)} - {found.path for found in chosen}):
        message = f"a process's memory never travels: {listed(cores)}"
        remarks.warn("workspace-withheld", message, "spell it out in `include` if the job needs it")


def _of_patterns(remarks: Remarks, include: Sequence[str], paths: set[str]) -> None:
    for index in Selection(include).unused(paths):
        pattern = include[index]
        hint = "patterns hold below the root, as in .gitignore"
        hint = "git's own folder never travels" if ".git" in pattern.split("/") else hint
        remarks.warn("workspace-include", f"no file fits '{one_line(pattern)}'", hint, ("include", index))


def _of_git(remarks: Remarks, trees: Sequence[Tree], paths: set[str]) -> None:
    if untracked := [path for tree in trees for path in tree.untracked if path in paths]:
        message = f"{_count(len(untracked))} not in git: {listed(untracked)}"
        remarks.warn("workspace-untracked", message, "another checkout has another digest; commit or ignore them")
    if withheld := [path for tree in trees for path in tree.withheld]:
        message = f"git tracks what never travels: {listed(withheld)}"
        remarks.warn("workspace-withheld", message, "spell it out in `include` if the job needs it")
    if absent := [path for tree in trees for path in tree.absent]:
        message = f"{_count(len(absent))} in git, but not here: {listed(absent)}"
        hint = "another checkout has another digest; check them out, or commit that they are gone"
        remarks.warn("workspace-absent", message, hint)


def _changed_by_git(travelling: Travelling) -> list[str]:
    """By checkout: submodules have an index of their own."""
    files: dict[str, list[tuple[TravellingFile, Held]]] = {}
    for found, held in travelling:
        if held and found.entry:
            files.setdefault(found.checkout, []).append((found, held))
    return sorted(path for checkout, of_it in files.items() for path in converted(checkout, of_it))


def _with_note(travelling: Travelling, kind: str) -> list[str]:
    return [found.path for found, held in travelling if held and any(note.kind == kind for note in held.notes)]


def _of_secrets(remarks: Remarks, travelling: Travelling) -> None:
    secrets = list(_secrets(travelling))
    for position in secrets[:MOST]:
        message = "this holds what looks like a secret, and travels with the job"
        hint = "keep it in Baseten, and the file out by .basetenignore"
        remarks.found.append(Diagnostic("workspace-secret", message, position, "", hint, severity=Severity.WARNING))
    if len(secrets) > MOST:
        remarks.warn("workspace-secret", f"{len(secrets) - MOST} more lines look like secrets")


def _secrets(travelling: Travelling) -> Iterator[Position]:
    for found, held in travelling:
        lines = [note.line for note in held.notes if note.kind == SECRET] if held else []
        yield from (Position(path_name(relpath(found.source)), line) for line in lines)


def _count(number: int) -> str:
    return "1 file is" if number == 1 else f"{number} files are"
