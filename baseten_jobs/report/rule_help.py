"""What the registry says of a rule, or the list of all rules -> str."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from baseten_jobs.manifest.diagnostics import Severity
from baseten_jobs.manifest.folder_policies.written import settable
from baseten_jobs.phrases import Page, page
from baseten_jobs.report.problems import COLOURS
from baseten_jobs.report.style import PLAIN, Look

if TYPE_CHECKING:
    from baseten_jobs.manifest.rules.registry import Rule

_WIDEST = 100


def text(rule: Rule, look: Look = PLAIN) -> Page:
    """All there is to know of one rule."""
    width = min(look.width or _WIDEST, _WIDEST)
    lines = [f"{look.paint(rule.id, 'cyan')} ({look.paint(rule.severity.value, COLOURS[rule.severity])}{_but(rule)})"]
    for paragraph in (rule.what, rule.why, rule.remedy):
        lines += [*textwrap.wrap(paragraph, width, initial_indent="  ", subsequent_indent="  "), ""]
    for title, example in (("wrong", rule.wrong), ("right", rule.right)):
        lines += [f"  {title}:", *(f"    {line}" for line in example.splitlines()), ""]
    return page(lines[:-1])


def _but(rule: Rule) -> str:
    """When the severity is another one."""
    if rule.severity is Severity.WARNING:
        return "; an error with --strict" + ("; a Policy may set it" if rule.id in settable() else "")
    return f"; a warning {rule.warns}" if rule.warns else ""


def table(rules: Iterable[Rule], look: Look = PLAIN) -> Page:
    """A line for each rule: its id, its severity and what is wrong, cut to the terminal."""
    listed = tuple(rules)
    widest = max(len(rule.id) for rule in listed)
    room = max(look.width - widest - len("  warning  "), 20)
    return page(
        look.paint(f"{rule.id:<{widest}}", "cyan")
        + look.paint(f"  {rule.severity.value:<7}  ", COLOURS[rule.severity])
        + (textwrap.shorten(rule.what, room, placeholder="…") if look.width else rule.what)
        for rule in listed
    )


def data(rule: Rule) -> Mapping[str, Any]:
    """The same for a program."""
    return {
        "rule": rule.id,
        "severity": rule.severity.value,
        "warns": rule.warns,
        "settable": rule.id in settable(),
        "what": rule.what,
        "why": rule.why,
        "remedy": rule.remedy,
        "language": rule.language,
        "wrong": rule.wrong,
        "right": rule.right,
    }


def markdown(rule: Rule) -> str:
    """The help of one rule as Markdown, for code scanning."""
    examples = (("Wrong", rule.wrong), ("Right", rule.right))
    blocks = (f"{title}:\n\n```{rule.language}\n{lines}\n```" for title, lines in examples)
    return "\n\n".join((rule.remedy, *blocks))
