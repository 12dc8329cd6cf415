"""What a file of any age says, however badly it was written."""

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from baseten_jobs.planning.history.past_manifests import PastFile, PastFiles
from tests.support.strategies import API_VERSION, specs

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def spoiled(value: Any, path: list[int], by: Any) -> Any:
    """The value with another one in the place that the path's numbers lead to."""
    if not path or not isinstance(value, (dict, list)) or not value:
        return by
    keys = sorted(value) if isinstance(value, dict) else list(range(len(value)))
    key = keys[path[0] % len(keys)]
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[key] = spoiled(value[key], path[1:], by)
    return copy


def read(text: str) -> PastFile:
    return PastFiles().read("x.yaml", text.encode())


@given(specs(), st.lists(st.integers(0, 9), max_size=6), ANYTHING)
def test_a_spec_that_was_never_valid_is_read_without_harm(spec: dict[str, Any], path: list[int], by: Any) -> None:
    metadata = {"name": "x", "project": "Demo"}
    whole = {"apiVersion": API_VERSION, "kind": "TrainingJob", "metadata": metadata, "spec": spec}
    for written in read(json.dumps(spoiled(whole, path, by))).manifests:
        assert written.digest == "" or len(written.digest) == 64


@pytest.mark.parametrize("accelerator", ["H100:2:3", "H100:many", "H100:²", "H100:" + "9" * 5000, "H100:-1"])
def test_an_accelerator_that_is_none_is_read_without_harm(accelerator: str) -> None:
    spec = {"compute": {"accelerator": accelerator}}
    text = json.dumps({"apiVersion": API_VERSION, "metadata": {"name": "x"}, "spec": spec})
    assert [written.name for written in read(text).manifests] == ["x"]


@pytest.mark.parametrize(
    ("text", "held"),
    [("name: qwen", True), ("name: qwen-sft", False), ("name: my-qwen", False), ("{name: 'qwen'}", True), ("", False)],
)
def test_what_can_not_be_read_may_hold_a_name_that_stands_alone_in_it(text: str, held: bool) -> None:
    assert read(f"apiVersion: {API_VERSION}\n{text}").may_hold("qwen", lambda written: True) is held


WORKFLOW = """\
jobs:
  plan:
    strategy: {matrix: {folder: [a, b]}}
    steps: [{uses: "me/baseten-jobs/apply@v1", with: {path: "${{ matrix.folder }}"}}]
"""
MATRIX = f"""\
apiVersion: {API_VERSION}
matrix: 1
metadata: {{name: "x-${{{{ matrix.seed }}}}", project: Demo}}
spec: {{}}
"""


@pytest.mark.parametrize(
    ("text", "any_name"),
    [
        (WORKFLOW, False),
        (f"{WORKFLOW}<<<<<<< HEAD\n", False),
        (MATRIX, True),
        (MATRIX.replace("matrix: 1\n", ""), True),
        (MATRIX.replace("v1", "v99"), True),
        (MATRIX.replace("spec: {}", "specc: {}"), True),
        (f"{MATRIX}<<<<<<< HEAD\n", True),
        (f"{WORKFLOW}---\n{MATRIX}", True),
        (f"apiVersion: {API_VERSION}\nmetadata: {{name: y}}\nspecc: {{}}\n", False),
    ],
)
def test_what_would_expand_and_can_not_may_hold_any_name(text: str, any_name: bool) -> None:
    file = read(text)
    assert file.may_hold("of-a-cell", lambda written: True) is any_name
    assert file.may_hold("apply" if "uses" in text else "metadata", lambda written: True)


def test_bytes_that_are_no_text_may_hold_any_name_if_they_would_expand() -> None:
    assert PastFiles().read("x.yaml", b"\xff" + MATRIX.encode()).any_name
    assert not PastFiles().read("x.yaml", b"\xff" + WORKFLOW.encode()).any_name


OTHERS = st.lists(st.sampled_from(["", "# a comment\n", "a: 1\n"]), max_size=4)


@given(st.lists(specs(), min_size=1, max_size=4), OTHERS)
def test_documents_hold_the_same_alone_and_in_one_file(found: list[dict[str, Any]], others: list[str]) -> None:
    metadata = {"name": "x", "project": "Demo"}
    wholes = ({"apiVersion": API_VERSION, "metadata": metadata, "spec": spec} for spec in found)
    texts = [json.dumps(whole, ensure_ascii=False) + "\n" for whole in wholes]
    alone = [read(text) for text in texts]
    assume(all(file.whole for file in alone))
    together = read("---\n".join([*others, *texts]))
    assert together.manifests == tuple(written for file in alone for written in file.manifests)
    assert together.whole is ("a: 1\n" not in others)
