"""The changes of a job, or of the cells of a matrix -> the first few for a table's cell, and how many more."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from baseten_jobs.job.request import JobRequest
from baseten_jobs.phrases import count
from baseten_jobs.planning.diff import FILE, Change
from baseten_jobs.planning.masking import is_of_the_environment
from baseten_jobs.report.markdown_escape import code, prose
from baseten_jobs.report.new_job import WIDTH, parts_of_new
from baseten_jobs.report.style import Look
from baseten_jobs.report.word_diff import Mark, lines_told, reads_better_by_words, reordered, told, word_diff

FEW = 3
"""How many changes stand in a cell; one does in a table of many rows."""

_VALUE = 48
"""Characters of a value in a cell."""

_COMPARED = 600
"""Characters of two texts that are compared for a cell."""

_OPTION = re.compile(r"--?[A-Za-z][\w.-]*")

_SECTIONS = ("spec.runtime.environment_variables.", "spec.runtime.", "spec.compute.", FILE, "spec.")


def brief(changes: Iterable[Change], look: Look, few: int = FEW) -> str:
    """`LR 2e-5 → 1e-5 · node_count 2 → 4 · train.py changed · and 4 more`: files come last."""
    found = sorted(changes, key=lambda change: change.field.startswith(FILE))
    return _joined([brief_change(change) for change in look.shown(_first(found, few))], len(found))


def brief_of_new(request: JobRequest, look: Look) -> str:
    """What a job that never ran is: what it runs, its image, and the weights that it begins with."""
    return " · ".join(code(each, WIDTH) for each in parts_of_new(request, look))


def brief_of_cells(cells: Sequence[Sequence[Change]], look: Look) -> str:
    """The changes of several cells, each once: those of all cells first, others with the number of their cells."""
    counted: dict[str, int] = {}
    for changes in cells:
        for said in dict.fromkeys(brief_change(change) for change in look.shown(changes)):
            counted[said] = counted.get(said, 0) + 1
    ordered = sorted(counted.items(), key=lambda item: item[1] < len(cells))
    parts = [said if number == len(cells) else f"{said} in {count(number, 'cell')}" for said, number in ordered]
    return _joined(parts[:FEW], len(parts))


def _first(found: Sequence[Change], few: int) -> Sequence[Change]:
    """The first few: one of a file is among them if files changed, since code is what a reviewer must not miss."""
    files = [change for change in found if change.field.startswith(FILE)]
    others = [change for change in found if not change.field.startswith(FILE)]
    room = few - 1 if files and few > 1 else few
    return [*others[:room], *files][:few]


def _joined(parts: Sequence[str], number: int) -> str:
    more = [f"and {number - len(parts)} more"] if number > len(parts) else []
    return " · ".join((*parts, *more))


def brief_change(change: Change) -> str:
    """One change, which may be shown, in a few words."""
    name = code(_name(change.field), 60)
    if change.field.startswith(FILE):
        return f"{name} {_of_file(change)}"
    if change.moved:
        return f"{name} {prose(reordered(change), 80)}"
    if reads_better_by_words(change):
        return f"{name} {_words(change)}"
    old, new = (_value(value, is_of_the_environment(change.field)) for value in (change.old, change.new))
    return f"{name} {old} → <b>{new}</b>"


def _name(field: str) -> str:
    """The field as people call it, without the sections that every manifest has."""
    return next((field.removeprefix(each) for each in _SECTIONS if field.startswith(each)), field)


def _of_file(change: Change) -> str:
    if change.lines:
        return prose(lines_told(change).replace("-", "\u2212"))
    return "added" if change.old is None else "removed" if change.new is None else "changed"


def _words(change: Change) -> str:
    """The first words of a long text that went, and that came, behind the option of which they are the value."""
    option = _option_before(change.old, _alike(change.old, change.new))
    pieces = [
        piece for piece in word_diff(*_differing(change.old, change.new)) if piece.mark in (Mark.REMOVED, Mark.ADDED)
    ]
    shown = [
        f"<del>{prose(piece.text.strip(), _VALUE)}</del>" if piece.mark is Mark.REMOVED
        else f"<ins>{prose(piece.text.strip(), _VALUE)}</ins>"
        for piece in pieces[:4] if piece.text.strip()
    ]  # fmt: skip
    told = " ".join((*shown, *(["…"] if len(pieces) > 4 else [])))
    return " ".join(filter(None, (option and code(option, _VALUE), told))) if told else "changed"


def _option_before(text: str, at: int) -> str:
    """`--lr` where the word at this place is its value; empty where there is no option before."""
    before = text[: text.rfind(" ", 0, at) + 1].split()
    return before[-1] if before and _OPTION.fullmatch(before[-1]) else ""


def _differing(old: str, new: str) -> tuple[str, str]:
    """Both texts from the first word that differs to the last, cut: a cell shows only their beginnings."""
    start = old.rfind(" ", 0, _alike(old, new)) + 1
    old, new = old[start:], new[start:]
    alike = _alike(old[::-1], new[::-1])
    space = old.find(" ", len(old) - alike) if alike else -1
    kept = len(old) - space if space >= 0 else 0
    return old[: len(old) - kept][:_COMPARED], new[: len(new) - kept][:_COMPARED]


def _alike(old: str, new: str) -> int:
    """How many characters two texts have in common at their beginnings."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(old), len(new)))


def _value(value: Any, of_variable: bool = False) -> str:
    """A value in a cell; a text that is a variable's needs no quotes, since each of them is a text."""
    if of_variable and isinstance(value, str) and value.strip():
        return prose(value.strip(), _VALUE)
    if isinstance(value, dict) and set(value) == {"name"} and isinstance(value["name"], str):
        return f"secret {code(value['name'], _VALUE)}"
    if isinstance(value, dict) and isinstance(value.get("source"), str):
        mount = value.get("mount_location")
        return code(value["source"], 100) + (f" at {code(mount, _VALUE)}" if isinstance(mount, str) else "")
    return prose(told(value), _VALUE)
