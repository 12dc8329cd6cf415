"""Texts that are no YAML and what is said of them, whichever parser reads them: in our words, at the exact place."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from baseten_jobs.manifest import yaml_reader
from baseten_jobs.manifest.document import load

PARSERS = {"libyaml's": yaml.CSafeLoader, "PyYAML's own": yaml.SafeLoader}

_COMMA = "a comma is missing, or a bracket is not closed"
_CHECK = "check the indentation and the quotes above"
_QUOTE = "check the indentation, or quote a value that holds ': '"
_ESCAPE = "write the backslash twice, or use single quotes"
_NEVER = "the quoted text that begins here never ends"
_TAG = "leave it out, or quote a value that begins with '!'"
_DIRECTIVE = "leave it out, or quote a value that begins with '%'"

BROKEN = {
    'a: "x\\qy"': ("1:6", "'\\q' is not an escape", _ESCAPE),
    'a: "\\xZZ"': ("1:5", "'\\xZZ' is not an escape", _ESCAPE),
    'a: "b\nc: d': ("1:4", _NEVER, ""),
    "a: 'b\nc: d": ("1:4", _NEVER, ""),
    'a: "b\\\n---\nc: d': ("1:4", _NEVER, ""),
    "a: 'it's'": ("1:8", "this can't stand here", _CHECK),
    "a: @x": ("1:4", "'@' can't begin a value", "quote the value"),
    "a: `x`": ("1:4", "'`' can't begin a value", "quote the value"),
    "a: %(x)s": ("1:4", "'%' can't begin a value", "quote the value"),
    "a: [|x]": ("1:5", "'|' can't begin a value", "quote the value"),
    "a: ,b": ("1:4", "',' can't begin a value", "quote the value"),
    "]": ("1:1", "']' can't begin a value", "quote the value"),
    "a: b: c": ("1:5", "a ':' can't stand here", _QUOTE),
    "a:\n  b: 1\n   c: 2": ("3:5", "a ':' can't stand here", _QUOTE),
    "a:\n  b: 1\n c: 2": ("3:2", "this can't stand here", _CHECK),
    "a: - b": ("1:4", "a list can't begin here", "put it on the line below its key"),
    "a: 1\n- b": ("2:1", "this can't stand here", _CHECK),
    "- a\nb: 1": ("2:1", "this can't stand here", _CHECK),
    "a: 1\nb\nc: 2": ("2:1", "this key has no ':'", "a key ends in ': '"),
    "a: 1\nb": ("2:1", "this key has no ':'", "a key ends in ': '"),
    "a: {b: 1 c: 2}": (
        "1:11",
        "',' or '}' was expected, for the '{' at 1:4",
        "a comma is missing, or a value that holds ':' is not quoted",
    ),
    "a: [1, 2\nb: 3": ("2:2", "',' or ']' was expected, for the '[' at 1:4", _COMMA),
    "a: [1, 2": ("1:9", "',' or ']' was expected, for the '[' at 1:4", _COMMA),
    "a: [1, 2}": ("1:9", "',' or ']' was expected, for the '[' at 1:4", _COMMA),
    "a: [": ("1:5", "the text ends where a value was expected", "is a bracket not closed?"),
    "a:\n\tb: 1": ("2:1", "a tab can't indent", "indent with spaces"),
    "a:\n  b: 1\n\tc: 2": ("3:1", "a tab can't indent", "indent with spaces"),
    "a: |\n\tb": ("2:1", "a tab can't indent", "indent with spaces"),
    "a: |x\n  b": ("1:5", "this can't follow '|'", "the text begins on the next line"),
    "a: & b": ("1:4", "no name follows the '&'", "quote a value that begins with '&'"),
    "a: *.py": ("1:4", "no name follows the '*'", "quote a value that begins with '*'"),
    "a: !e!x y": ("1:4", "this tag can't be read", _TAG),
    "a: !<x y": ("1:4", "this tag can't be read", _TAG),
    "%YAML 9.9\n---\na: 1": ("1:1", "this directive can't be read", _DIRECTIVE),
    "%TAG x\n---\na: 1": ("1:1", "this directive can't be read", _DIRECTIVE),
    "a: 1\n... b": ("2:5", "this can't stand here", _CHECK),
    "é: 🚀\r\n b: c: d": ("2:3", "a ':' can't stand here", _QUOTE),
}


@pytest.fixture(params=PARSERS.values(), ids=PARSERS)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(yaml_reader, "_Parser", request.param)
    return request.param


@pytest.mark.parametrize("text", BROKEN)
@pytest.mark.usefixtures("parser")
def test_what_is_wrong_is_told_alike_whoever_reads_it(text: str) -> None:
    (found,) = load("x", text).diagnostics
    assert (str(found.position), found.message, found.hint) == (f"x:{BROKEN[text][0]}", *BROKEN[text][1:])
    assert found.rule == "yaml-syntax"


@pytest.mark.slow
@pytest.mark.parametrize("text", ["[", "{", "- ", "? ", "[\n", "{a: "], ids=repr)
def test_too_many_levels_are_told_alike_whoever_counts_them(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Limited(yaml.SafeLoader):
        """Reads ahead, and gives up in words of its own, as libyaml does since 0.2.6."""

        limit = 0

        def fetch_flow_collection_start(self, TokenClass: Any) -> None:
            if self.flow_level >= self.limit:
                raise yaml.scanner.ScannerError("here", self.get_mark(), "enough is enough", self.get_mark())
            super().fetch_flow_collection_start(TokenClass)

    def told(parser: type) -> str:
        monkeypatch.setattr(yaml_reader, "_Parser", parser)
        (found,) = load("x", text * 1100).diagnostics
        return f"{found.position}: {found.message} [{found.rule}]"

    (as_it_comes,) = {told(each) for each in PARSERS.values()}
    assert as_it_comes.endswith("more than 64 levels of nesting [depth]")
    for Limited.limit in (70, 1000, 1 << 20):
        assert told(Limited) == as_it_comes, Limited.limit


def test_what_is_broken_only_behind_its_depth_is_too_deep_first() -> None:
    (found,) = load("x", "[" * 100 + "@").diagnostics
    assert (found.rule, str(found.position)) == ("depth", "x:1:66")


def test_no_golden_holds_words_of_the_parser() -> None:
    goldens = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("bad/*.out")]
    for text in BROKEN:
        for each in PARSERS.values():
            with pytest.raises(yaml.MarkedYAMLError) as caught:
                list(yaml.parse(text, each))
            assert not [golden for golden in goldens if str(caught.value.problem) in golden]
