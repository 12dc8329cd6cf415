"""What changed between two specs, lists above all: an element is told beside what it was, wherever it stood."""

import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.manifest.schema.fields import SUPPORTED
from baseten_jobs.planning.alignment import align
from baseten_jobs.planning.diff import Change, changes

(API_VERSION,) = SUPPORTED


def weight(name: str, **more: Any) -> dict[str, Any]:
    return {"source": f"hf://acme/{name}@main", "mount_location": f"/app/models/{name}", **more}


def spec(*weights: Any, **sections: Any) -> dict[str, Any]:
    return {"image": {"base_image": "i:1"}, "weights": list(weights), **sections}


def commands(*lines: str) -> dict[str, Any]:
    return spec(runtime={"start_commands": list(lines)})


A, B, C = weight("alpha"), weight("beta"), weight("gamma")
W, R = "spec.weights", "spec.runtime.start_commands"

LISTS: dict[str, tuple[dict[str, Any], dict[str, Any], list[Change]]] = {
    "one is removed while another changes": (
        spec(A, B), spec(weight("beta", allow_patterns=["*.bin"])),
        [Change(f"{W}[0]", A, None), Change(f"{W}[0].allow_patterns", None, ["*.bin"])],
    ),
    "one is put in front": (spec(A, B), spec(C, A, B), [Change(f"{W}[0]", None, C)]),
    "one is put in front of one that changes": (
        spec(A), spec(B, {**A, "source": "hf://acme/alpha@v2"}),
        [Change(f"{W}[0]", None, B), Change(f"{W}[1].source", A["source"], "hf://acme/alpha@v2")],
    ),
    "another one in the same place": (
        spec(A), spec({"source": "s3://x/y", "mount_location": "/data"}),
        [Change(f"{W}[0]", A, {"source": "s3://x/y", "mount_location": "/data"})],
    ),
    "a place of its own, the same source": (
        spec(A, B), spec(A, {**B, "mount_location": "/data/b"}),
        [Change(f"{W}[1].mount_location", B["mount_location"], "/data/b")],
    ),
    "another order": (spec(A, B, C), spec(C, A, B), [Change(W, [A, B, C], [C, A, B], moved=((2, 0),))]),
    "another order, and one of them changes": (
        spec(A, B), spec(B, {**A, "source": "hf://acme/alpha@v2"}),
        [
            Change(W, [A, B], [B, {**A, "source": "hf://acme/alpha@v2"}], moved=((1, 0),)),
            Change(f"{W}[1].source", A["source"], "hf://acme/alpha@v2"),
        ],
    ),
    "another order, and one is removed": (
        spec(A, B, C), spec(C, B),
        [Change(W, [A, B, C], [C, B], moved=((2, 0),)), Change(f"{W}[0]", A, None)],
    ),
    "inside of one that moved up": (
        spec(A, weight("beta", allow_patterns=["a", "b"])), spec(weight("beta", allow_patterns=["b", "c", "d"])),
        [
            Change(f"{W}[0]", A, None),
            Change(f"{W}[0].allow_patterns[0]", "a", None),
            Change(f"{W}[0].allow_patterns[1]", None, "c"),
            Change(f"{W}[0].allow_patterns[2]", None, "d"),
        ],
    ),
    "the first command is removed, the second changes": (
        commands("setup", "train --lr 1 --seed 2"), commands("train --lr 3 --seed 2"),
        [Change(f"{R}[0]", "setup", None), Change(f"{R}[0]", "train --lr 1 --seed 2", "train --lr 3 --seed 2")],
    ),
    "texts that have nothing in common": (
        commands("one", "two"), commands("three", "two", "four"),
        [Change(f"{R}[0]", "one", "three"), Change(f"{R}[2]", None, "four")],
    ),
    "repeated ones": (commands("a", "b", "a"), commands("a", "a"), [Change(f"{R}[1]", "b", None)]),
    "elements are told by number": (
        commands(*"abcdefghijkl"), commands(*"abXdefghijkY"),
        [Change(f"{R}[2]", "c", "X"), Change(f"{R}[11]", "l", "Y")],
    ),
    "all of them": (spec(A), spec(), [Change(f"{W}[0]", A, None)]),
    "kinds that only Python takes for the same": (
        spec({**A, "auth": {"x": 1}}), spec({**A, "auth": {"x": True}}), [Change(f"{W}[0].auth.x", 1, True)]
    ),
    "a list in a spelling": (
        spec(workspace={"root": ".", "include": ["a", "b"]}), spec(workspace={"root": ".", "include": ["b", "a"]}),
        [Change("spec.workspace", {"root": ".", "include": ["a", "b"]}, {"root": ".", "include": ["b", "a"]})],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LISTS)
def test_the_elements_that_changed_are_told(case: str) -> None:
    old, new, expected = LISTS[case]
    assert list(changes(old, new, API_VERSION)) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"workspace": "."}, {"workspace": {"root": ".", "include": ["a"]}},
         Change("spec.workspace", ".", {"root": ".", "include": ["a"]})),
        ({"compute": {"node_count": 1}}, {"compute": {"node_count": 2}}, Change("spec.compute.node_count", 1, 2)),
        ({"compute": {"accelerator": "H100:8"}}, {"compute": {}}, Change("spec.compute.accelerator", "H100:8", None)),
    ],
    ids=["a shorthand becomes an object", "from a value that is the default", "a shorthand is taken away"],
)  # fmt: skip
def test_values_are_told_as_they_were_written(old: Any, new: Any, expected: Change) -> None:
    assert changes(spec(**old), spec(**new), API_VERSION) == (expected,)


MANY = [weight(f"m{i}") for i in range(500)]
RENEWED = [{**each, "source": each["source"].replace("main", "v2")} for each in MANY]
SCRIPTS = [f"python -m train.stage_{i} " + f"--flag x{i % 7} " * 100 for i in range(500)]

LONG: dict[str, tuple[dict[str, Any], dict[str, Any], Callable[[Any], bool]]] = {
    "each one changed": (spec(*MANY), spec(*RENEWED), lambda told: told[499].field == f"{W}[499].source"),
    "each one changed, in reverse": (spec(*MANY), spec(*RENEWED[::-1]), lambda told: len(told) == 501),
    "the first one removed": (spec(*MANY), spec(*MANY[1:]), lambda told: told == (Change(f"{W}[0]", MANY[0], None),)),
    "in reverse": (spec(*MANY), spec(*MANY[::-1]), lambda told: len(told[0].moved) == 499),
    "all the same": (spec(*[A] * 500), spec(*[B] * 499), lambda told: len(told) == 500),
    "two that take turns": (commands(*"ab" * 250), commands(*"ba" * 249), lambda told: len(told) == 2),
    "long texts": (commands(*SCRIPTS), commands(*[f"{each} more" for each in SCRIPTS]), lambda told: len(told) == 500),
    "a text of a megabyte": (commands("x y " * 250_000), commands("x z " * 250_000), lambda told: len(told) == 1),
}  # fmt: skip


@pytest.mark.parametrize("case", LONG)
def test_long_lists_take_no_long_time(case: str) -> None:
    old, new, expected = LONG[case]
    began = time.process_time()
    told = changes(old, new, API_VERSION)
    assert time.process_time() - began < 3
    assert expected(told)


def fields(**values: int) -> dict[str, int]:
    return values


TEN, OTHER_TEN = (dict.fromkeys("abcdefghij", number) for number in (1, 2))
ALIKE: dict[str, tuple[list[Any], list[Any], tuple[tuple[int, int], ...]]] = {
    "one word of two is left": (["b c"], ["c"], ((0, 0),)),
    "one word of three is left": (["d b e"], ["b"], ((0, 0),)),
    "two words have come": (["d"], ["a b d"], ((0, 0),)),
    "one word of two, and of three": (["c a"], ["a b d"], ()),
    "three fields of ten": ([TEN], [OTHER_TEN | fields(a=1, b=1, c=1)], ((0, 0),)),
    "two fields of ten": ([TEN], [OTHER_TEN | fields(a=1, b=1)], ()),
    "three fields of ten, and of eleven": ([TEN], [OTHER_TEN | fields(a=1, b=1, c=1, k=1)], ()),
    "a word of two, and of three, none of which others have": (["d a"], ["a b c", "b c"], ((0, 0),)),
    "a word that two new ones have": (["e a b"], ["a", "a"], ()),
    "a word that two old ones have": (["c", "c"], ["c a b"], ()),
    "a word that two old ones have, of two": (["a", "a"], ["a b"], ((0, 0),)),
    "a word that two old ones have, alone": (["b c", "b a"], ["b"], ((0, 0),)),
    "a word that two old ones have, beside another": (["d e", "d e"], ["d c"], ()),
    "a word that three new ones have": (["a b"], ["a a", "a", "a"], ()),
    "rare words among common ones": (
        ["d f b e e", "b c c b", "d b"], ["f a d", "e", "f", "d c"], ((0, 1), (1, 3)),
    ),
    "the most alike first": (["b"], ["a b", "b b"], ((0, 1),)),
    "of equally alike ones the closest": (["b", "c a c"], ["a", "c"], ((1, 1),)),
    "the same word in another field": ([{"x": "a"}], [{"y": "a"}], ()),
    "a word as the whole of a text and as one of many": (["c b e g"], ["e"], ()),
    "what 16 of 16 have": ([[1, 2]] * 16, [[2, 1]] * 16, tuple((i, i) for i in range(16))),
    "what 257 old ones have": ([[1, 2]] * 257, [[2, 1]], ()),
    "what 257 new ones have": ([[1, 2]], [[2, 1]] * 257, ()),
}  # fmt: skip
"""Which elements are the same with changes hangs on what each trait weighs, and on how alike two must be."""


@pytest.mark.parametrize("case", ALIKE)
def test_those_elements_are_the_same_with_changes_that_are_alike_enough(case: str) -> None:
    old, new, changed = ALIKE[case]
    assert align(old, new).changed == changed


PLAIN = st.sampled_from(["a", "b", "a b", "b c d", "", 1, True])
ELEMENTS = PLAIN | st.lists(PLAIN, max_size=2) | st.dictionaries(st.sampled_from("xyz"), PLAIN, max_size=3)
ANY_LIST = st.lists(ELEMENTS, max_size=8)


@given(ANY_LIST, ANY_LIST)
def test_each_element_is_equal_changed_removed_or_added(old: list[Any], new: list[Any]) -> None:
    found = align(old, new)
    gone, came = {*found.removed, *(i for i, _ in found.changed)}, {*found.added, *(j for _, j in found.changed)}
    left, right = (
        Counter(json.dumps(each, sort_keys=True) for index, each in enumerate(side) if index not in told)
        for side, told in ((old, gone), (new, came))
    )
    assert left == right
    assert len(gone) == len(found.removed) + len(found.changed)
    assert len(came) == len(found.added) + len(found.changed)
    assert all(json.dumps(old[i], sort_keys=True) != json.dumps(new[j], sort_keys=True) for i, j in found.changed)


@given(ANY_LIST)
def test_a_list_differs_in_nothing_from_itself(same: list[Any]) -> None:
    found = align(same, same)
    assert (found.changed, found.moved, found.removed, found.added) == ((), (), (), ())


@given(st.permutations(range(7)))
def test_the_fewest_elements_are_said_to_be_in_another_order(order: list[int]) -> None:
    moved = align(range(7), order).moved
    rest = [i for i in order if i not in {old for old, _ in moved}]
    assert rest == sorted(rest)
    longest = [1] * 7
    for place, i in enumerate(order):
        longest[place] += max((longest[before] for before in range(place) if order[before] < i), default=0)
    assert len(rest) == max(longest)
