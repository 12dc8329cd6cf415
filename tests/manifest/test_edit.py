"""A manifest's text with `metadata.adopts` in it: nothing else of the file moves."""

import pytest

from baseten_jobs.manifest.document import load
from baseten_jobs.manifest.edit import adopting

ADOPTS = {"job": "wfmmjzx", "digest": "123456789012"}
LINE = 'adopts: {job: "wfmmjzx", digest: "123456789012"}'
REST = "spec: {image: {base_image: i}}\n"

CASES = {
    "a block": ("metadata:\n  name: x  # ours\n  team: t\n", f"metadata:\n  name: x  # ours\n  {LINE}\n  team: t\n"),
    "a name in quotes": ('metadata:\n    name: "x"\n', f'metadata:\n    name: "x"\n    {LINE}\n'),
    "braces": ("metadata: {name: x, project: P}  # ours\n", f"metadata: {{name: x, {LINE}, project: P}}  # ours\n"),
    "braces and quotes": ("metadata: {project: P, name: 'x' }\n", f"metadata: {{project: P, name: 'x', {LINE} }}\n"),
    "braces over lines": ("metadata: {\n  name: x,\n}\n", f"metadata: {{\n  name: x,\n  {LINE},\n}}\n"),
    "lines of Windows": ("metadata:\r\n  name: x\r\n", f"metadata:\r\n  name: x\r\n  {LINE}\r\n"),
    "one of before": (
        "metadata:\n  adopts:\n    job: old\n    digest: '0123'\n  # kept\n  name: x\n",
        f"metadata:\n  # kept\n  name: x\n  {LINE}\n",
    ),
    "one of before in braces": (
        "metadata:\n  name: x\n  adopts: {job: old, digest: '0'}\n  team: t\n",
        f"metadata:\n  name: x\n  {LINE}\n  team: t\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_line_stands_beside_the_name(case: str) -> None:
    before, after = CASES[case]
    text = "# head\n" + before + REST
    (document,) = load("x.yaml", text).documents
    amended = adopting(document, text, ADOPTS)
    if case == "braces over lines":  # an entry behind the name needs its comma: there is no simple place
        assert amended is None or load("x.yaml", amended).documents[0].data["metadata"]["adopts"] == ADOPTS
        return
    assert amended == "# head\n" + after + REST


def test_only_the_document_that_is_meant_is_written() -> None:
    text = "metadata: {name: x}\n" + REST + "---\nmetadata:\n  name: y\n" + REST
    amended = adopting(load("x.yaml", text).documents[1], text, ADOPTS)
    assert amended == "metadata: {name: x}\n" + REST + f"---\nmetadata:\n  name: y\n  {LINE}\n" + REST


@pytest.mark.parametrize(
    "text",
    [
        "a: &m {name: x}\nmetadata: *m\n",
        "metadata:\n  <<: {name: x}\n",
        "metadata:\n  name: &n x\n  team: *n\n  adopts: {job: a, digest: b}  # and\n    # more\n  other: 1\n",
        "metadata: {name: x, adopts: {job: a, digest: b}}\n",
    ],
    ids=["an alias", "a merge", "anchors beside it", "braces that have it"],
)
def test_what_has_no_simple_place_is_left_to_a_person_or_written_right(text: str) -> None:
    (document,) = load("x.yaml", text).documents
    amended = adopting(document, text, ADOPTS)
    if amended is not None:
        data = load("x.yaml", amended).documents[0].data
        assert data == {**document.data, "metadata": {**document.data["metadata"], "adopts": ADOPTS}}
