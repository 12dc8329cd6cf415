"""Digests of trees of code that are frozen: what moves one of these buys every such job again."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.trees import commit, digest, manifest, write

TREES: Mapping[str, Any] = yaml.safe_load((Path(__file__).parent / "digests.trees.yaml").read_text(encoding="utf-8"))
FROZEN: Mapping[str, str] = json.loads((Path(__file__).parent / "digests.trees.json").read_text(encoding="utf-8"))

WORKDIR = "  enable_baseten_workdir: true\n"
"""A line that the manifests of these digests do without."""


def _grown(folder: Path, tree: Mapping[str, Any]) -> Path:
    folder.mkdir()
    for name, content in {**tree.get("files", {}), **tree.get("executable", {})}.items():
        write(folder, {name: content})
        (folder / name).chmod(0o755 if name in tree.get("executable", {}) else 0o644)
    for name, target in tree.get("links", {}).items():
        (folder / name).symlink_to(target)
    manifest(folder, tree.get("workspace", "."))
    path = folder / "x.yaml"
    path.write_text(path.read_text().replace(WORKDIR, ""))
    return folder


@pytest.mark.parametrize("in_git", [True, False], ids=["in git", "without git"])
@pytest.mark.parametrize("name", TREES)
def test_the_digest_of_a_tree_never_moves(name: str, in_git: bool, tmp_path: Path) -> None:
    folder = _grown(tmp_path / "tree", TREES[name])
    if in_git:
        commit(folder)
    assert digest(folder) == FROZEN[name]


def test_trees_that_differ_have_frozen_digests_that_differ() -> None:
    assert FROZEN.keys() == TREES.keys()
    alike = {name: name.removeprefix("same-").partition("-with-")[0] for name in FROZEN if name.startswith("same-")}
    assert all(FROZEN[name] == FROZEN[other] for name, other in alike.items())
    assert len(set(FROZEN.values())) == len(FROZEN) - len(alike)
