"""Findings -> lines for people: one where all is well, else with what it means and what mends it below."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from baseten_jobs.doctor.findings import Finding, Level
from baseten_jobs.phrases import Page, columns, count, escaped, padded, page
from baseten_jobs.report.style import PLAIN, Look

_COLOURS: Mapping[Level, str] = MappingProxyType({Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"})
_GAP = 2
_LEAST = 30
"""Columns that text has at least, however narrow the terminal is."""


def findings(found: Sequence[Finding], look: Look = PLAIN) -> Page:
    """A line for each finding, wrapped to the terminal; commands are not wrapped, so that they can be copied."""
    found = tuple(_together(found))
    first, second = 4, max((columns(each.check) for each in found), default=0)
    margin = " " * (first + second + 2 * _GAP)
    lines: list[str] = []
    for each in found:
        head = look.paint(padded(each.level.value, first), _COLOURS[each.level])
        lines += wrapped(f"{head}  {padded(escaped(each.check), second)}  ", each.told, margin, look.width)
        lines += wrapped(margin, each.means, margin, look.width) if each.means else []
        lines += [f"{margin}→ {each.remedy}"] if each.remedy else []
    return page([*lines, "", _summary(found)])


def _together(found: Iterable[Finding]) -> Iterator[Finding]:
    """The findings, with those that one failed reading left open as a single one behind the rest."""
    open_ones: dict[str, list[Finding]] = {}
    for each in found:
        if each.unread:
            open_ones.setdefault(each.told, []).append(each)
        else:
            yield each
    for told, several in open_ones.items():
        if len(several) == 1:
            yield several[0]
        else:
            names = ", ".join(each.check for each in several)
            yield Finding(
                "not checked", Level.WARN, f"{names}: {told.removeprefix('not checked: ')}", "", several[0].remedy
            )


def _summary(found: Sequence[Finding]) -> str:
    counts = {level: sum(each.level == level for each in found) for level in Level}
    if not counts[Level.WARN] and not counts[Level.FAIL]:
        return f"All is well: {count(len(found), 'check')}."
    return ", ".join(f"{number} {level.value}" for level, number in counts.items() if number) + "."


def wrapped(head: str, text: str, margin: str, width: int) -> list[str]:
    """One line, or several that fit a terminal of so many columns; a single word is never broken. 0 wraps nothing."""
    room = max(_LEAST, width - len(margin)) if width else 0
    lines: list[str] = [""]
    for word in escaped(text).split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if room and lines[-1] and columns(longer) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return [head + lines[0], *(margin + line for line in lines[1:])]
