"""Exit codes: one table, that `--help`, the README and the code keep to."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import baseten_jobs.cli
from baseten_jobs.cli.exits import Exit, worst
from baseten_jobs.cli.main import COMMANDS, command_of
from tests.support.commands import Cli, called
from tests.support.pages import EVERY_PAGE, PAGES

__all__ = ["called"]

ROOT = Path(__file__).parents[2]
STEPS = ROOT / ".github" / "actions" / "baseten-jobs" / "steps.sh"
SOURCES = sorted(Path(baseten_jobs.cli.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize(
    ("several", "code"),
    [
        ([], Exit.DONE),
        ([Exit.DONE, Exit.FAILED], Exit.FAILED),
        ([Exit.FAILED, Exit.REFUSED], Exit.REFUSED),
        ([Exit.REFUSED, Exit.UNAUTHORISED], Exit.UNAUTHORISED),
        ([Exit.UNAUTHORISED, Exit.UNCLEAR], Exit.UNCLEAR),
        ([Exit.INTERRUPTED, Exit.UNCLEAR], Exit.INTERRUPTED),
        ([Exit.CHANGES], Exit.DONE),
    ],
)  # fmt: skip
def test_of_several_codes_one_comes_first(several: list[Exit], code: Exit) -> None:
    assert worst(several) is code
    assert worst(several[::-1]) is code


def test_the_help_lists_each_code_with_its_meaning(called: Cli) -> None:
    _, _, section = called("--help").out.partition("Exit codes:\n")
    assert dict(re.findall(r"^  (\d+) +(.+)$", section, re.MULTILINE)) == {
        str(code.value): code.meaning for code in Exit
    }


def test_the_table_of_the_readme_gives_each_code_the_same_meaning() -> None:
    """A row may say more than the table of the code does."""
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", PAGES[".github/docs/exit-codes.md"], re.MULTILINE)
    assert [number for number, _ in rows] == [str(code.value) for code in Exit]
    other = [number for number, told in rows if not told.replace("`", "").startswith(Exit(int(number)).meaning)]
    assert other == []


def test_the_readme_tells_which_of_several_codes_comes_first() -> None:
    ranked = sorted((code for code in Exit if code.precedence), key=lambda code: -code.precedence)
    assert f"when several hold, the first of {', '.join(str(code.value) for code in ranked)})" in EVERY_PAGE


def _texts() -> Iterator[str]:
    yield EVERY_PAGE
    yield STEPS.read_text()
    for name in COMMANDS:
        known = command_of(name)
        for each in (known, *(known.commands.values() if isinstance(known, click.Group) else ())):
            yield each.get_help(click.Context(each))


def test_every_code_that_a_text_names_exists() -> None:
    named = [found for text in _texts() for found in re.findall(r"\b[Ee]xit(?:s| code)?(?: is| with)? (\d+)", text)]
    assert len(named) > 8
    assert {int(number) for number in named} - set(Exit) == set()


_ENDING = {"sys.exit", "os._exit", "exit", "SystemExit", "ctx.exit", "context.exit"}


def _is_number(value: ast.AST | None) -> bool:
    """True if an expression is, or may become, a number that is spelled out in it."""
    match value:
        case ast.Constant(each):
            return type(each) is int
        case ast.IfExp(_, body, orelse):
            return _is_number(body) or _is_number(orelse)
        case ast.BoolOp(_, values):
            return any(map(_is_number, values))
        case ast.BinOp(left, _, right):
            return _is_number(left) or _is_number(right)
    return False


def _bare(path: Path) -> Iterator[int]:
    """Lines on which a function returns a number, or ends the process with what is no member of the table."""
    tree = ast.parse(path.read_text())
    functions = [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)]
    properties = [each for each in functions if "property" in map(ast.unparse, each.decorator_list)]
    exempt = {inner for each in properties for inner in ast.walk(each)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Return) and node not in exempt and _is_number(node.value):
            yield node.lineno
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in _ENDING:
            codes = [ast.unparse(code) for code in node.args if not isinstance(code, ast.Call)]
            if not node.args or not all(code.startswith("Exit.") for code in codes):
                yield node.lineno


def test_no_command_ends_with_a_bare_number() -> None:
    assert [f"{path.name}:{line}" for path in SOURCES for line in _bare(path)] == []


def test_what_runs_a_command_returns_a_code_of_the_table() -> None:
    """The type checker holds all that such a function returns."""
    wrong = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            decorated = isinstance(node, ast.FunctionDef) and any(
                re.search(r"\bcommand\(", ast.unparse(by)) for by in node.decorator_list
            )
            if decorated and ast.unparse(node.returns or ast.Constant(None)) != "Exit":
                wrong.append(f"{path.name}:{node.lineno}")
    assert wrong == []
