"""NAME: one name, or a glob as fnmatch has it, for names of lower case letters, digits and hyphens."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.compilation import Compiled
from baseten_jobs.job.request import CompiledManifest, JobRequest, ProjectRef
from baseten_jobs.manifest.document import load
from baseten_jobs.manifest.name_globs import EVERY, is_glob, means, unmet

NAMES = st.from_regex(r"[ab1]([ab1-]{0,4}[ab1])?", fullmatch=True)
GLOBS = st.text("ab1-*?[]!", min_size=1, max_size=8)
(DOCUMENT,) = load("x.yaml", "kind: TrainingJob\n").documents


def compiled(*names: str) -> Compiled:
    requests = (JobRequest("x.yaml", 1, ProjectRef("P"), name, 1, "0" * 64, {}) for name in names)
    return Compiled(tuple(CompiledManifest(DOCUMENT, request) for request in requests), ())


@given(GLOBS, NAMES)
def test_a_glob_means_what_fnmatch_says_and_anything_else_one_name(given: str, name: str) -> None:
    assert means(given, name) == fnmatchcase(name, given)
    if not is_glob(given):
        assert means(given, name) == (given == name)


@given(NAMES)
def test_a_name_is_no_glob_and_means_itself(name: str) -> None:
    assert not is_glob(name)
    assert means(name, name)


@given(st.lists(GLOBS | NAMES, max_size=3), st.lists(NAMES, max_size=5))
def test_manifests_are_chosen_in_their_order_and_a_name_that_means_none_is_told(
    given: list[str], names: list[str]
) -> None:
    chosen, no = compiled(*names).named(given)
    assert [r.name for r in chosen.requests] == [n for n in names if any(fnmatchcase(n, each) for each in given)]
    lacking = [each for each in given if each != EVERY and not any(fnmatchcase(n, each) for n in names)]
    assert [each.message.rpartition(" '")[2].rstrip("'") for each in no] == lacking


@given(GLOBS, NAMES)
def test_only_a_whole_name_is_that_of_several(given: str, name: str) -> None:
    assert bool(compiled(name, name).ambiguous([given])) == (given == name)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("qwen3-8b", ""),
        ("qwen3-*", ""),
        ("qwen?-[0-9]b", ""),
        ("*", ""),
        ("qwen3-9b", "no manifest has the name 'qwen3-9b'; did you mean 'qwen3-8b'?"),
        ("qwn3-8*", "no manifest has a name that matches 'qwn3-8*'; did you mean 'qwen3-8b'?"),
        ("qwen3-[!8]b", "no manifest has a name that matches 'qwen3-[!8]b'; did you mean 'qwen3-8b'?"),
        ("qwen3-8b[", "no manifest has a name that matches 'qwen3-8b['; did you mean 'qwen3-8b'?"),
        ("llama*", "no manifest has a name that matches 'llama*'"),
        ("Q*", "no manifest has a name that matches 'Q*'"),
        ("\x1b[31m*", "no manifest has a name that matches '\\x1b[31m*'"),
        ("", "no manifest has the name ''"),
    ],
)
def test_a_name_that_means_nothing_is_told_with_the_nearest(given: str, told: str) -> None:
    assert str(unmet(given, ["qwen3-8b", "gemma"]) or "") == told


def test_every_manifest_may_be_none() -> None:
    assert unmet(EVERY, []) is None
    assert str(unmet("**", [])) == "no manifest has a name that matches '**'"


def test_a_long_glob_is_matched_at_once() -> None:
    assert not means("*a" * 500 + "b", "a" * 40)
