"""What a file of any age says, however badly it was written."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.planning.history.past_manifests import Contents, manifests_in
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


@given(specs(), st.lists(st.integers(0, 9), max_size=6), ANYTHING)
def test_a_spec_that_was_never_valid_is_read_without_harm(spec: dict[str, Any], path: list[int], by: Any) -> None:
    metadata = {"name": "x", "project": "Demo"}
    whole = {"apiVersion": API_VERSION, "kind": "TrainingJob", "metadata": metadata, "spec": spec}
    manifests_in("x.yaml", json.dumps(spoiled(whole, path, by)).encode())


@pytest.mark.parametrize("accelerator", ["H100:2:3", "H100:many", "H100:²", "H100:" + "9" * 5000, "H100:-1"])
def test_an_accelerator_that_is_none_is_read_without_harm(accelerator: str) -> None:
    spec = {"compute": {"accelerator": accelerator}}
    raw = json.dumps({"apiVersion": API_VERSION, "metadata": {"name": "x"}, "spec": spec})
    assert [written.name for written in manifests_in("x.yaml", raw.encode())] == ["x"]


@pytest.mark.parametrize(
    ("text", "mentioned"),
    [("name: qwen", True), ("name: qwen-sft", False), ("name: my-qwen", False), ("{name: 'qwen'}", True), ("", False)],
)
def test_a_name_is_mentioned_where_it_stands_alone(text: str, mentioned: bool) -> None:
    contents = Contents(lambda blobs: [f"apiVersion: {API_VERSION}\n{text}".encode() for _ in blobs])
    assert contents.mentions("a blob", "qwen") is mentioned
