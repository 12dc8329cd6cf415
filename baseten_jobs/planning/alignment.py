"""Two lists -> which element of the one is which of the other: equal ones first, then those that are most alike."""

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import product
from json import dumps
from math import sqrt
from typing import Any

_ALIKE = 0.3
"""Two elements that are at least so alike, from 0 to 1, count as one element with changes."""

_COMPARED = 160_000
"""The longest common order is searched for only among at most so many pairs of equal elements."""

_RARE = 256
"""A trait that more pairs of elements share than this is left out: it distinguishes none of them."""

_READ = 1000
"""Characters at the start and at the end of a text whose words are traits."""

_WORD = re.compile(r"\w+")

Trait = tuple[str, Any]


@dataclass(frozen=True)
class Alignment:
    """Indices: `changed` are (old, new) of the same element with changes, `moved` of elements out of order."""

    changed: tuple[tuple[int, int], ...]
    moved: tuple[tuple[int, int], ...]
    removed: tuple[int, ...]
    added: tuple[int, ...]


def align(old: Sequence[Any], new: Sequence[Any]) -> Alignment:
    """Each element has at most one partner; the time grows with the number of elements and of rare traits."""
    before, after = ([dumps(each, sort_keys=True, default=str) for each in side] for side in (old, new))
    equal = _equal(before, after)
    taken = set(equal.values())
    alike = _alike(
        {i: each for i, each in enumerate(old) if i not in equal},
        {j: each for j, each in enumerate(new) if j not in taken},
    )
    pairs = sorted([*equal.items(), *alike.items()], key=lambda pair: pair[1])
    return Alignment(
        tuple(pair for pair in pairs if pair[0] in alike),
        _out_of_order(pairs),
        tuple(sorted({*range(len(old))} - {i for i, _ in pairs})),
        tuple(sorted({*range(len(new))} - {j for _, j in pairs})),
    )


def _equal(before: Sequence[str], after: Sequence[str]) -> dict[int, int]:
    """Equal elements: those in a common order, then the others."""
    counts, others = Counter(before), Counter(after)
    partners: dict[int, int] = {}
    if sum(number * others[each] for each, number in counts.items()) <= _COMPARED:
        blocks = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
        partners = {block.a + n: block.b + n for block in blocks for n in range(block.size)}
    taken = set(partners.values())
    places = defaultdict(list)
    for j in reversed(range(len(after))):
        if j not in taken:
            places[after[j]].append(j)
    for i, each in enumerate(before):
        if i not in partners and places[each]:
            partners[i] = places[each].pop()
    return partners


def _alike(before: Mapping[int, Any], after: Mapping[int, Any]) -> dict[int, int]:
    """The most alike pairs of elements without an equal one; of equally alike pairs, those closest together."""
    partners: dict[int, int] = {}
    taken = set()
    likeness = _likeness(*({i: set(_traits(each)) for i, each in side.items()} for side in (before, after)))
    for _, _, i, j in sorted((-alike, abs(i - j), i, j) for (i, j), alike in likeness.items() if alike >= _ALIKE):
        if i not in partners and j not in taken:
            partners[i] = j
            taken.add(j)
    return partners


def _likeness(before: Mapping[int, set[Trait]], after: Mapping[int, set[Trait]]) -> dict[tuple[int, int], float]:
    """How much of their traits two elements share, from 0 to 1; rare traits have more weight."""
    having, others = _by_trait(before), _by_trait(after)
    pairs = {
        trait: max(1, len(having.get(trait, ()))) * max(1, len(others.get(trait, ()))) for trait in (*having, *others)
    }
    weights = {trait: round(1_000_000 / sqrt(number)) for trait, number in pairs.items()}
    shared: Counter[tuple[int, int]] = Counter()
    for trait in having.keys() & others.keys():
        if pairs[trait] <= _RARE:
            shared.update(dict.fromkeys(product(having[trait], others[trait]), weights[trait]))
    of_old, of_new = ({i: sum(weights[t] for t in own) for i, own in side.items()} for side in (before, after))
    return {(i, j): 2 * number / (of_old[i] + of_new[j]) for (i, j), number in shared.items()}


def _by_trait(traits: Mapping[int, set[Trait]]) -> Mapping[Trait, Sequence[int]]:
    owners: dict[Trait, list[int]] = {}
    for index, own in traits.items():
        for trait in own:
            owners.setdefault(trait, []).append(index)
    return owners


def _traits(value: Any, at: str = "") -> Iterator[Trait]:
    """Every value inside of a value, by its field, and the words of its texts."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _traits(each, f"{at}.{name}")
    elif isinstance(value, list):
        for each in value:
            yield from _traits(each, f"{at}[]")
    elif isinstance(value, str):
        yield (at, value)
        yield from ((f"{at} ", word) for word in _WORD.findall(f"{value[:_READ]} {value[_READ:][-_READ:]}"))
    else:
        yield (at, repr(value))


def _out_of_order(pairs: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The fewest pairs to leave out so that the rest is in order: all but a longest increasing run of old indices."""
    ends: list[int] = []
    length = []
    for i, _ in pairs:
        place = bisect_left(ends, i)
        ends[place : place + 1] = [i]
        length.append(place + 1)
    wanted, kept = len(ends), set()
    for (i, _), own in zip(reversed(pairs), reversed(length), strict=True):
        if own == wanted:
            kept.add(i)
            wanted -= 1
    return tuple(pair for pair in pairs if pair[0] not in kept)
