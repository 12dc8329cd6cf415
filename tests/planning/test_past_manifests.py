"""What a file of any age says, however badly it was written."""

import json
from typing import Any

import pytest
from hypothesis import given
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
