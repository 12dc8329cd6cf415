"""A sweep's text with an entry of `matrix.adopts` in it: the cell adopts, and nothing else of the file moves."""

import json
import re
import textwrap
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.manifest.document import Document, load
from baseten_jobs.manifest.edit import adopting, section, written
from baseten_jobs.manifest.matrix.expansion import expanded

ADOPTS = {"job": "wfmmjzx", "digest": "123456789012"}
LINE = 'adopts: {job: "wfmmjzx", digest: "123456789012"}'
ENTRY = f"{{lr: a, seed: 2, {LINE}}}"
OTHER = '{lr: a, seed: 1, adopts: {job: p7qr9qv, digest: "0"}}'
REST = """\
metadata: {name: "x-${{ matrix.lr }}-${{ matrix.seed }}", project: P}  # all of them
spec: {image: {base_image: i}}
"""

CASES: Mapping[str, str] = {
    "a block": """
        matrix:
          lr: [a, b]  # rates
          seed:
            - 1
            - 2  # two
        «|  adopts:
            - ENTRY
        »  # the end
        """,
    "braces": """
        matrix: {lr: [a, b], seed: [1, 2]«|, adopts: [ENTRY]»}  # ours
        """,
    "braces over lines": """
        matrix: {
          lr: [a, b],  # rates
          seed: [1, 2]«|,»  # seeds
        «|  adopts: [ENTRY]
        »}
        """,
    "braces over lines, with a comma at the end": """
        matrix: {
          lr: [a, b],
          seed: [1, 2],  # seeds
        «|  adopts: [ENTRY],
        »  }
        """,
    "braces over lines, closed on the last": """
        matrix: {lr: [a, b],
                 seed: [1, 2]«|, adopts: [ENTRY]», }
        """,
    "include as a block": """
        matrix:
          include:
          - lr: a
            seed: 2
          # b
          - {seed: 1, lr: b}
        «|  adopts:
            - ENTRY
        »""",
    "anchors": """
        matrix: &m
          lr: &l [a, 1]
          seed: [1, 2, 3]
          include: [{lr: b, seed: 2}]
          exclude:
            - &e {lr: 1}
        «|  adopts:
            - ENTRY
        »""",
    "aliases at the end": """
        matrix:
          include:
            - &one {lr: b, seed: &two 2}
          lr: [a, c]
          seed: [*two, 1]
          exclude:
            - &e {lr: c, seed: 1}
            - seed: *two
              lr: c
          attempts:
            - {lr: b, attempt: *two}
        «|  adopts:
            - ENTRY
        »""",
    "a list that is empty": """
        matrix:
          adopts: [ «|ENTRY»]  # none
          lr: [a]
          seed: [2]
        """,
    "a list that is not there": """
        matrix:
          lr: [a]
          seed: [2]
          adopts:«| [ENTRY]»  # none
        """,
    "a list that is null": """
        matrix: {adopts: «null|[ENTRY]», lr: [a], seed: [2]}
        """,
    "a list of one": """
        matrix: {lr: [a], seed: [1, 2], adopts: [OTHER«|, ENTRY»]}
        """,
    "a list over lines": """
        matrix:
          adopts: [
              # theirs
              OTHER«|,»  # Ada's
        «|      ENTRY
        »  ]
          lr: [a]
          seed: [1, 2]
        """,
    "a list as a block": """
        matrix:
          adopts:
          - lr: a
            seed: 1
            adopts:
              job: p7qr9qv  # Ada's
              digest: '0'  # old
        «|  - ENTRY
        »
          # rates
          lr: [a]
          seed: [1, 2]
        """,
    "an entry of before": """
        matrix: {lr: [a], seed: [1, 2],
                 adopts: [{seed: 2, adopts: {digest: «'0'|"123456789012"», job: «old|"wfmmjzx"»}}]}
        """,
    "an entry of before as a block": """
        matrix:
          lr: [a]
          seed: [1, 2]
          adopts:
            - seed: 2
              adopts:
                job: «old|"wfmmjzx"»  # by Ada
                # of Monday
                digest: «'0'|"123456789012"»
            - seed: 1
              adopts: {job: p7qr9qv, digest: '1'}
        """,
}
"""The text of a matrix, and in it `«before|after»`."""
_CHANGE = re.compile(r"«(.*?)\|(.*?)»", re.DOTALL)


def before_and_after(case: str) -> tuple[str, str]:
    text = textwrap.dedent(CASES[case]).removeprefix("\n").replace("ENTRY", ENTRY).replace("OTHER", OTHER)
    return _CHANGE.sub(r"\1", text), _CHANGE.sub(r"\2", text)


def cell(text: str, **values: Any) -> Document:
    """The cell of the only sweep in a file that has these values."""
    (found,) = [each for each in expanded(load("x.yaml", text).documents).documents
                if each.cell and dict(each.cell.values) == values]  # fmt: skip
    return found


def adopted(text: str) -> dict[str, Any]:
    """What the manifests of a file adopt, by their names."""
    made = expanded(load("x.yaml", text).documents)
    assert not made.diagnostics
    return {each.data["metadata"]["name"]: each.data["metadata"].get("adopts") for each in made.documents}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("where", ["first", "last", "second of two"])
@pytest.mark.parametrize("case", CASES)
def test_an_entry_stands_behind_the_others(case: str, where: str, newline: str) -> None:
    before, after = before_and_after(case)
    around = {
        "first": f"# é\n{{}}\n{REST}",
        "last": f"# head\n{REST}{{}}",
        "second of two": f"metadata: {{name: y}}\n---\n{REST}{{}}\n---\n---\n# and\nmetadata: {{name: z}}\n",
    }[where]
    front, back = around.split("{}")
    text, wanted = (f"{front}{each}{back}".replace("\n", newline) for each in (before, after))
    assert adopting(cell(text, lr="a", seed=2), text, ADOPTS) == wanted
    was, now = adopted(text), adopted(wanted)
    assert now == {**was, "x-a-2": ADOPTS}


_PLACES: Mapping[str, tuple[str, bool]] = {
    "a matrix that is an alias": ("a: &m {lr: [a], seed: [2]}\nmatrix: *m\n", False),
    "a list that is an alias": ("a: &l []\nmatrix: {lr: [a], seed: [2], adopts: *l}\n", True),
    "keys with marks": ("? matrix\n: ? lr\n  : [a]\n  ? seed\n  : [2]\n", True),
    "a merge": ("matrix:\n  <<: {lr: [a]}\n  seed: [2]\n", True),
    "a merge at the end": ("matrix:\n  seed: [2]\n  <<:\n    lr: [a]\n    # more\n", True),
    "nothing at the end": ("matrix: {include: [{lr: a, seed: 2, }, ], exclude: }\n", True),
    "a block of text": ("matrix:\n  seed: [2]\n  lr:\n    - |-\n      a\n\n", True),
    "a dash of its own": ("matrix:\n  lr: [a]\n  seed:\n    -\n      2\n", True),
    "a merge in an entry of before": (
        "a: &a {job: b, digest: c}\nmatrix: {lr: [a], seed: [2], adopts: [{seed: 2, adopts: {<<: *a}}]}\n",
        True,
    ),
    "an alias in an entry of before": (
        "a: &a {job: b, digest: c}\nmatrix: {lr: [a], seed: [2], adopts: [{seed: 2, adopts: *a}]}\n",
        False,
    ),
    "an entry below its dash": (
        "matrix:\n  lr: [a]\n  seed: [2, 3]\n  adopts:\n    -\n      seed: 3\n      adopts: {job: b, digest: c}\n",
        False,
    ),
}


@pytest.mark.parametrize("case", _PLACES)
def test_what_has_no_simple_place_is_left_to_a_person(case: str) -> None:
    matrix, has_place = _PLACES[case]
    text = matrix + REST
    amended = adopting(cell(text, lr="a", seed=2), text, ADOPTS)
    assert (amended is not None) is has_place
    if amended is not None:
        assert adopted(amended) == {**adopted(text), "x-a-2": ADOPTS}


def test_the_only_cell_keeps_what_it_adopts_in_the_metadata() -> None:
    text = textwrap.dedent("""\
        matrix: {lr: [a], seed: [2]}
        metadata:
          name: x-${{ matrix.lr }}-${{ matrix.seed }}
          adopts: {job: old, digest: '0'}
        """)
    document = cell(text, lr="a", seed=2)
    assert (section(document), written(document, ADOPTS)) == ("metadata", LINE)
    amended = adopting(document, text, ADOPTS)
    assert amended is not None
    assert "adopts" not in load("x.yaml", amended).documents[0].data["matrix"]
    assert adopted(amended) == {"x-a-2": ADOPTS}


@pytest.mark.parametrize("attempt", [{}, {"attempt": 3}])
@pytest.mark.parametrize("old", ["{job: old, digest: '0'}", "{job: old, attempt: 2, digest: '0'}",
                                 "{job: old, digest: '0', attempt: null}"])  # fmt: skip
def test_an_attempt_of_before_is_none_of_now(old: str, attempt: dict[str, Any]) -> None:
    text = f"matrix: {{lr: [a], seed: [2], adopts: [{{seed: 2, adopts: {old}}}]}}\n{REST}"
    amended = adopting(cell(text, lr="a", seed=2), text, {**ADOPTS, **attempt})
    assert amended is not None
    (found,) = adopted(amended).values()
    assert {"attempt": 1, **found} == {"attempt": 1, **ADOPTS, **attempt}


@pytest.mark.parametrize(
    "now",
    [
        "",
        "[",
        "3\n",
        "metadata: {name: x}\n",
        "matrix: 3\n" + REST,
        "matrix: {lr: [a], seed: [2]}\nmetadata: 3\n",
        "matrix: {lr: [a], seed: [3, 4], adopts: []}\n" + REST,
        "# down\nmatrix: {lr: [a], seed: [2]}\n" + REST,
    ],
)
def test_a_file_that_is_another_by_now_is_left_alone(now: str) -> None:
    assert adopting(cell("matrix: {lr: [a], seed: [2]}\n" + REST, lr="a", seed=2), now, ADOPTS) is None


_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
_ODD = [
    "on",
    "null",
    "1e-5",
    "0x1",
    "1",
    "1.0",
    "- a",
    "a: b",
    "#",
    "'",
    '"',
    "\\",
    "*a",
    " a",
    "a\nb",
    "\x7f",
    "\u2028",
]
_VALUES = st.one_of(st.booleans(), st.integers(-99, 99), _TEXT, st.sampled_from(_ODD)).filter(
    lambda value: "${{" not in str(value)
)
_CELLS = st.integers(1, 4).flatmap(
    lambda count: st.dictionaries(
        st.sampled_from(["lr", "on", "n", "null", "seed"]), st.lists(_VALUES, min_size=count, max_size=count)
    ).map(lambda axes: [{"k": at, **{name: values[at] for name, values in axes.items()}} for at in range(count)])
)


def in_yaml(value: Any) -> str:
    return json.dumps(value) if isinstance(value, int) else '"' + "".join(f"\\U{ord(c):08x}" for c in value) + '"'


@given(_CELLS, st.booleans(), st.data())
def test_every_cell_is_named_by_its_values(cells: list[dict[str, Any]], block: bool, draw: st.DataObject) -> None:
    """Whatever these are: one cell after another adopts a job, and each has its own."""
    spelled = ["{" + ", ".join(f'"{name}": {in_yaml(value)}' for name, value in cell.items()) + "}" for cell in cells]
    include = "\n    - ".join(["", *spelled]) if block else f" [{', '.join(spelled)}]"
    used = "-".join(f"${{{{ matrix.{name} }}}}" for name in cells[0])
    matrix = f"matrix:\n  include:{include}\n" if block else f"matrix: {{include:{include}}}\n"
    text = f'{matrix}metadata: {{name: "x-${{{{ matrix.k }}}}", project: "{used}"}}\n'
    jobs = {
        f"x-{number}": {"job": f"job{number}", "digest": f"{number:012}"}
        for number in draw.draw(st.permutations(range(len(cells))))
    }
    for name, adopts in jobs.items():
        made = expanded(load("x.yaml", text).documents)
        (document,) = [each for each in made.documents if each.data["metadata"]["name"] == name]
        amended = adopting(document, text, adopts)
        assert amended is not None
        text = amended
    assert adopted(text) == jobs
