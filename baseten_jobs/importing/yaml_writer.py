"""Manifest data -> YAML as a person would write it: block style, quotes only where they are needed."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from baseten_jobs.manifest.document import BLANK
from baseten_jobs.phrases import Page, shown, without_commands

_PREFIX = "tag:yaml.org,2002:"

_READ_OTHERWISE = re.compile(
    r"y|n|yes|no|on|off|true|false|null|~|\.nan|[-+]?\.inf"
    r"|[-+]?(0x[0-9a-f_]+|0b[01_]+|0o?[0-7_]+|[0-9][0-9_]*(:[0-9]+)*(\.[0-9_]*)?(e[-+]?[0-9]+)?|\.[0-9_]+(e[-+]?[0-9]+)?)",
    re.IGNORECASE,
)
"""Text that some version of YAML takes for a number, a boolean or null."""

_ESCAPED = re.compile("[\x85\u2028\u2029\ufeff]")
"""What YAML takes for the end of a line, or drops, unless it is escaped."""


def yaml_text(manifests: Iterable[Mapping[str, Any]], modeline: str) -> str:
    """Each manifest as a document of one file; its first line tells editors where the schema is, for it alone."""
    return "---\n".join(f"# yaml-language-server: $schema={modeline}\n{document_text(each)}" for each in manifests)


def document_text(manifest: Mapping[str, Any]) -> str:
    """One manifest as a document."""
    return yaml.serialize(_node(manifest), Dumper=_Indented, allow_unicode=True, width=1 << 30)


class Todo(str):
    """Why a value is missing: it is written under a tag that no manifest may hold."""


class _Indented(yaml.SafeDumper):
    """Lists stand two columns right of their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _node(value: Any) -> yaml.Node:
    if isinstance(value, Mapping):
        pairs = [(_text(name, key=True), _node(each)) for name, each in value.items()]
        only = next(iter(value.values())) if len(value) == 1 and "name" in value else None
        reference = isinstance(only, str) and not isinstance(only, Todo) and "\n" not in only
        return yaml.MappingNode(_PREFIX + "map", pairs, flow_style=not value or reference)
    if isinstance(value, list):
        return yaml.SequenceNode(_PREFIX + "seq", [_node(each) for each in value], flow_style=not value)
    if isinstance(value, Todo):
        return yaml.ScalarNode(BLANK, str(value), style='"')
    if isinstance(value, str):
        return _text(value)
    kind = "bool" if isinstance(value, bool) else "int"
    return yaml.ScalarNode(_PREFIX + kind, str(value).lower())


def _text(text: str, *, key: bool = False) -> yaml.ScalarNode:
    return yaml.ScalarNode(_PREFIX + "str", text, style=_style(text, key))


def _style(text: str, key: bool) -> str | None:
    """Block for several lines, double quotes for what would be read otherwise, else as plain as the emitter can."""
    if _ESCAPED.search(text) or _is_escaped_when_printed(text):
        return '"'
    if "\n" in text and not key:
        return "|"
    if not text or "\n" in text or _READ_OTHERWISE.fullmatch(text) or _resolves(text):
        return '"'
    return None


def _resolves(text: str) -> bool:
    return any(pattern.match(text) for _, pattern in yaml.SafeLoader.yaml_implicit_resolvers.get(text[:1], ()))


def _is_escaped_when_printed(text: str) -> bool:
    """Only between double quotes it then means the same."""
    return without_commands(shown(Page(text))) != text
