"""Patterns that would make a matcher go back for ever, patterns without a meaning, and very many of them."""

import os
import time
from pathlib import Path

import pytest

from baseten_jobs.workspace.globs import pattern_in
from baseten_jobs.workspace.ignore_files import Ignored
from baseten_jobs.workspace.selection import Selection
from tests.soaks.patterns import difference
from tests.support.trees import CODE, manifest, paths, told, write

SECONDS = 1.0
_LONG = "a" * 200
_HOSTILE = {
    "stars": ("*a" * 13 + "b", _LONG),
    "stars and any letter": ("*?a" * 40 + "*b", _LONG),
    "stars and sets": ("*[ab]*[!c]" * 40 + "z", _LONG),
    "stars over folders": ("**/" + "*a" * 13 + "/**/" + "*a" * 13 + "/**/b", f"{_LONG}/" * 10 + _LONG),
    "folders of any depth": ("**/a/" * 60 + "b", "a/" * 200 + "a"),
    "one star for each letter": ("*" + "*a" * 2000 + "*b", _LONG),
    "stars only": ("*" * 100_000 + "b", _LONG),
    "sets only": ("[" * 100_000, _LONG),
    "an open set": ("[a-" * 50_000, _LONG),
    "a set of everything": ("[" * 100_000 + "]", _LONG),
    "classes that are none": ("[[:" + "[:" * 50_000 + "]", _LONG),
    "backslashes": ("\\" * 100_001, _LONG),
    "spaces": (" " * 100_000 + "x", _LONG),
    "folders": ("a/" * 10_000 + "b", "a/" * 100 + "a"),
}
each_hostile = pytest.mark.parametrize(("pattern", "path"), _HOSTILE.values(), ids=_HOSTILE.keys())


@pytest.mark.slow
@each_hostile
def test_no_pattern_takes_long(pattern: str, path: str) -> None:
    before = time.process_time()
    assert not Ignored().within("", f"{pattern}\n").covers(path)
    selection = Selection((pattern,), (pattern,))
    assert not selection.includes(path)
    assert not selection.excludes(path)
    selection.reaches(f"{path}/")
    selection.prunes(f"{path}/")
    assert time.process_time() - before < SECONDS


_MANY = {
    "names": "data{}.bin", "ends": "*.x{}", "starts": "/run{}*", "stars": "*a*a*a*{}*b", "folders": "d{}/*.py",
    "below": "**/d{}/**/x.py", "any letter": "a?{}?a", "sets": "[ab]*{}[x-z]", "brought back": "!k{}",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("form", _MANY.values(), ids=_MANY.keys())
def test_twenty_thousand_patterns_take_less_than_a_second(form: str) -> None:
    """Twice that is allowed for where other tests run beside it."""
    text = "\n".join(form.format(number) for number in range(20_000))
    before = time.process_time()
    ignored = Ignored().within("", text)
    for number in range(10):
        assert not ignored.covers(f"lib/aaab{number}")
    assert time.process_time() - before < 2 * SECONDS


@pytest.mark.parametrize("place", ["ignore file", "include", "exclude"])
def test_a_hostile_pattern_holds_wherever_it_is_written(place: str, tmp_path: Path) -> None:
    pattern = "*a" * 13 + "b"
    write(tmp_path, {**CODE, f"{_LONG}.txt": "", "a" * 13 + "b": ""})
    if place == "ignore file":
        write(tmp_path, {".basetenignore": pattern})
    manifest(tmp_path, "." if place == "ignore file" else f"{{{place}: ['{pattern}']}}")
    before = time.process_time()
    found = paths(tmp_path)
    assert time.process_time() - before < SECONDS
    assert f"{_LONG}.txt" in found
    assert ("a" * 13 + "b" in found) == (place == "include")


@pytest.mark.parametrize("pattern", ["run[9-0].log", "run[a-Z].log", "[z-a", "[[:nope:]]x", "x\\"])
@pytest.mark.parametrize("place", ["ignore file", "include", "exclude"])
def test_a_pattern_without_a_meaning_is_passed_over(pattern: str, place: str, tmp_path: Path) -> None:
    write(tmp_path, {**CODE, "run5.log": ""})
    if place == "ignore file":
        write(tmp_path, {".basetenignore": pattern})
    manifest(tmp_path, "." if place == "ignore file" else f"{{{place}: ['{pattern}']}}")
    assert told(tmp_path) == []
    assert {*CODE, "run5.log"} <= {*paths(tmp_path)}


def test_a_set_means_what_git_makes_of_it_byte_by_byte() -> None:
    fits = {
        "[a-Z]": "a", "[9-0]": "9", "[]-a]": "]^_`a", "[--0]": "-.0", "[[:digit:]-x]": "-0123456789x",
        "[\\]-a]": "]^_`a", "[a-c-e]": "-abce", "[[:]": ":[", "[!!-`b-~]": "a", "[^!-y]": "z{|}~",
    }  # fmt: skip
    for text, expected in fits.items():
        pattern = pattern_in(text.encode())
        assert pattern is not None
        names = (bytes([code]) for code in range(ord("!"), ord("~") + 1) if chr(code) != "/")
        assert b"".join(name for name in names if pattern.fits([name], False)).decode() == expected, text
    question = pattern_in(b"?")
    assert question is not None
    assert not question.fits(["é".encode()], False)


@pytest.mark.parametrize("seed", range(int(os.environ.get("TREES", "25"))))
def test_git_reads_a_random_tree_as_we_do(seed: int) -> None:
    """`python -m tests.soaks.patterns 400` tries more of them."""
    assert difference(seed) == ""
