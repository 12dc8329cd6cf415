"""A loop of the incumbent client's Python file -> one manifest with a matrix where that means its jobs, else each."""

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.cli.main import run
from baseten_jobs.importing.adopt import Target, adopt
from baseten_jobs.importing.adoption import ReadSource
from baseten_jobs.importing.from_body import Given
from baseten_jobs.importing.sweep import folded
from baseten_jobs.importing.truss import files as truss_files
from baseten_jobs.importing.truss.confined import read_here
from baseten_jobs.importing.truss.files import read_config
from baseten_jobs.importing.truss.project import Read
from baseten_jobs.importing.yaml_writer import yaml_text
from baseten_jobs.manifest import document as manifest
from baseten_jobs.manifest.matrix.expansion import expanded

HEAD = "import os\nfrom truss_train import definitions as d, push\n"
MAKE = (
    "def make(lr, rank=8, name='sweep'):\n"
    '    job = d.TrainingJob(image=d.Image(base_image="python:3.12.4-slim"), runtime=d.Runtime(\n'
    '        start_commands=[f"train --lr {lr} --out run-{lr} --rank {rank}"],\n'
    '        environment_variables={"LR": str(lr)}))\n'
    "    return d.TrainingProject(name=name, job=job)\n"
)
FOR = "for lr in ['1e-4', '2e-5']:\n"


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: str, raw: bytes, given: Given, *more: Any, partial: bool) -> Read:
        return read_here(path, raw, given, *more, partial=partial)

    monkeypatch.setattr(truss_files, "read_confined", read)


def _text(source: str) -> str:
    """The manifests that are written of a file."""
    found = read_config("-", io.BytesIO((HEAD + MAKE + source).encode()), Given(), partial=False)
    done = adopt([found], Target())
    assert done.whole, done.diagnostics
    return done.adopted[0].text


def _documents(text: str) -> list[Any]:
    return [document.data for document in manifest.load("m.yaml", text).documents]


def _variables(text: str) -> list[Any]:
    cells = expanded(manifest.load("m.yaml", text).documents)
    assert cells.diagnostics == ()
    return [cell.data["spec"]["runtime"]["environment_variables"]["LR"] for cell in cells.documents]


LOOPS = {
    "pushed": FOR + "    push(make(lr))\n",
    "a name that is bound again": FOR + "    project = make(lr)\n",
    "a list": "projects = [make(lr) for lr in ('1e-4', '2e-5')]\n",
    "a mapping": "projects = {lr: make(lr) for lr in ('1e-4', '2e-5')}\n",
    "appended": f"projects = []\n{FOR}    projects.append(make(lr))\n",
    "with names of their own": FOR + "    push(make(lr, name=f'sweep-{lr}'))\n",
    "within a function": f"def main():\n    {FOR}        push(make(lr))\nmain()\n",
    "within a script": f"def main():\n    {FOR}        push(make(lr))\nif __name__ == '__main__':\n    main()\n",
    "printed": FOR + "    project = make(lr)\n    print(project)\n    push(config=project)\n",
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_over_learning_rates_is_a_matrix(name: str) -> None:
    text = _text(LOOPS[name])
    (document,) = _documents(text)
    assert document["matrix"] == {"lr": ["1e-4", "2e-5"]}
    assert document["metadata"]["name"] == "sweep-${{ matrix.lr }}"
    assert _variables(text) == ["1e-4", "2e-5"]


def test_loops_within_loops_are_axes() -> None:
    (document,) = _documents(_text(FOR + "    for rank in (8, 16):\n        push(make(lr, rank))\n"))
    assert document["matrix"] == {"lr": ["1e-4", "2e-5"], "rank": ["8", "16"]}


def test_pairs_are_included_each() -> None:
    (document,) = _documents(_text("for lr, rank in [('1e-4', 8), ('2e-5', 16)]:\n    push(make(lr, rank))\n"))
    assert document["matrix"] == {"include": [{"lr": "1e-4", "rank": "8"}, {"lr": "2e-5", "rank": "16"}]}


def test_jobs_of_another_shape_are_manifests_of_their_own() -> None:
    source = FOR + "    p = make(lr)\n    if lr == '2e-5':\n        p.job.priority = 3\n    push(p)\n"
    documents = _documents(_text(source))
    assert [document["metadata"]["name"] for document in documents] == ["sweep-1", "sweep-2"]
    assert [document["spec"].get("priority") for document in documents] == [None, 3]


def test_an_object_that_a_loop_changes_is_not_taken_for_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    job = (
        'job = d.TrainingJob(image=d.Image(base_image="python:3.12.4-slim"), runtime=d.Runtime(start_commands=["a"]))\n'
    )
    loop = "for n in (1, 2):\n    job.priority = n\n    push(d.TrainingProject(name='p', job=job))\n"
    Path("c.py").write_text(HEAD + job + loop)
    assert run(["import", "truss", "c.py"]) == 1
    assert "this makes the same job more than once" in capsys.readouterr().err


words = st.text("abz019.-_ /=", min_size=1, max_size=12)
rates = st.lists(words, min_size=2, max_size=6, unique=True)


@given(rates, st.lists(st.integers(1, 99), min_size=1, max_size=3, unique=True))
def test_a_loop_means_the_jobs_that_it_makes(lrs: list[str], ranks: list[int]) -> None:
    """Whatever is written for a loop, its cells are the jobs written out one by one."""
    found = [
        read_here("c.py", f"{HEAD}{MAKE}p = make({lr!r}, {rank})\n".encode(), Given(), partial=False).drafts
        for lr in lrs
        for rank in ranks
    ]
    ours = [draft.manifest["spec"] for drafts in found for draft in drafts]
    source = f"{HEAD}{MAKE}for lr in {lrs!r}:\n    for rank in {ranks!r}:\n        push(make(lr, rank))\n"
    read = read_here("c.py", source.encode(), Given(), partial=False)
    done = adopt([ReadSource("c.py", read.drafts, read.diagnostics, sweep=True)], Target())
    assert done.whole
    cells = expanded(manifest.load("m.yaml", done.adopted[0].text).documents)
    assert cells.diagnostics == ()
    plain = manifest.load("m.yaml", yaml_text([{"spec": each} for each in ours], "")).documents
    assert [_spec(cell.data["spec"]) for cell in cells.documents] == [_spec(each.data["spec"]) for each in plain]


def _spec(spec: Any) -> Any:
    return {name: each for name, each in spec.items() if name != "workspace"}


def test_one_manifest_is_left_as_it_is() -> None:
    assert folded([{"spec": {}}]) == [{"spec": {}}]
