"""A matrix expands to the manifests that one would write by hand, and to nothing where anything about it is wrong."""

import io
import json
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.compilation import Compiled, compile_all
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.manifest.matrix.placeholders import Misspelt, folded, parts_of
from baseten_jobs.manifest.overrides import parse_override
from baseten_jobs.manifest.yaml_scalars import Odd, spelled

HEAD = "apiVersion: baseten-jobs/v1\nkind: TrainingJob\n"
BODY = """\
metadata:
  name: sft-${{ matrix.lr }}-s${{matrix.seed}}
  project: demo ${{ matrix.size }}
spec:
  image: {base_image: "i:1"}
  compute: {accelerator: "H100:8", node_count: "${{ matrix.seed }}"}
  checkpointing: {enabled: "${{ matrix.save }}"}
  runtime:
    start_commands: ["train --lr ${{ matrix.lr }} --seed ${{ matrix.seed }} # $${{ x }}"]
    environment_variables: {SEED: "${{ matrix.seed }}", SAVE: "${{ matrix.save }}", SIZE: "${{ matrix.size }}"}
policy: {suspend: "${{ matrix.save }}"}
"""


def compiled(text: str, *overrides: str) -> Compiled:
    inputs = Inputs(["-"], overrides=tuple(map(parse_override, overrides)))
    return compile_all(inputs, io.BytesIO(text.encode()))


def problems(text: str, *overrides: str) -> list[str]:
    return [f"{d.position.line}: {d.rule}: {d.message}" for d in compiled(text, *overrides).diagnostics]


def by_hand(values: Mapping[str, Any]) -> str:
    """One cell of `BODY`, written out."""
    lr, seed, save, size = (spelled(values[axis]) for axis in ("lr", "seed", "save", "size"))
    return HEAD + (
        f"metadata:\n  name: sft-{folded(values['lr'])}-s{folded(values['seed'])}\n"
        f"  project: {json.dumps(f'demo {size}')}\n"
        'spec:\n  image: {base_image: "i:1"}\n'
        f'  compute: {{accelerator: "H100:8", node_count: {seed}}}\n'
        f"  checkpointing: {{enabled: {save}}}\n"
        "  runtime:\n    start_commands:\n"
        f"      - {json.dumps(f'train --lr {lr} --seed {seed} # ${{{{ x }}}}')}\n"
        f'    environment_variables: {{SEED: "{seed}", SAVE: "{save}", SIZE: {json.dumps(size)}}}\n'
        f"policy: {{suspend: {save}}}\n"
    )


_RATES = st.lists(st.sampled_from(["1e-5", "3e-5", "A_b", 1, 2]), min_size=1, max_size=3, unique_by=spelled)
_SEEDS = st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True)
_FLAGS = st.sampled_from([[True], [False]])
_SIZES = st.lists(st.text("aZ 9:#'\"-", min_size=1, max_size=6).map(str.strip).filter(bool), min_size=1, max_size=1)


@given(_RATES, _SEEDS, _FLAGS, _SIZES)
def test_a_matrix_is_what_one_would_write_by_hand(
    lrs: list[Any], seeds: list[int], save: list[bool], size: list[str]
) -> None:
    axes = {"lr": lrs, "seed": seeds, "save": save, "size": size}
    made = compiled(HEAD + f"matrix: {json.dumps(axes)}\n" + BODY)
    assert made.valid, made.diagnostics
    written = [by_hand(dict(zip(axes, values, strict=True))) for values in product(*axes.values())]
    hand = compiled("---\n".join(written))
    assert hand.valid, hand.diagnostics
    assert [(r.digest, r.body, r.project, r.suspended) for r in made.requests] == [
        (r.digest, r.body, r.project, r.suspended) for r in hand.requests
    ]


@given(_RATES, _SEEDS)
def test_cells_of_include_and_other_orders_are_the_same_jobs(lrs: list[Any], seeds: list[int]) -> None:
    """Reordering axes and values, or turning cells into entries, starts nothing that ran."""
    rest = {"save": True, "size": "m"}
    axes = {"lr": lrs, "seed": seeds, "save": [True], "size": ["m"]}
    turned = {name: values[::-1] for name, values in reversed(axes.items())}
    cells = [{"lr": lr, "seed": seed, **rest} for lr, seed in product(lrs, seeds)]
    made = [
        {r.job_name: r.body for r in compiled(HEAD + f"matrix: {json.dumps(matrix)}\n" + BODY).requests}
        for matrix in (axes, turned, {"include": cells})
    ]
    assert made[0] == made[1] == made[2]
    assert len(made[0]) == len(cells)


SWEEP = """\
metadata: {name: "x-${{ matrix.lr }}-${{ matrix.seed }}", project: p}
spec: {image: {base_image: "i:1"}, runtime: {start_commands: ["t ${{ matrix.lr }} ${{ matrix.seed }}"]}}
"""


def names(matrix: str) -> list[str]:
    made = compiled(HEAD + f"matrix: {matrix}\n" + SWEEP)
    assert made.valid, made.diagnostics
    return [request.name for request in made.requests]


def test_exclude_leaves_cells_out_and_include_adds_some() -> None:
    assert names("{lr: [a, b], seed: [1, 2], exclude: [{lr: a, seed: 2}]}") == ["x-a-1", "x-b-1", "x-b-2"]
    assert names("{lr: [a, b], seed: [1, 2], exclude: [{lr: a}]}") == ["x-b-1", "x-b-2"]
    assert names("{lr: [a], seed: [1], include: [{lr: c, seed: 9}]}") == ["x-a-1", "x-c-9"]
    assert names("{include: [{lr: c, seed: 9}, {seed: 3, lr: d}]}") == ["x-c-9", "x-d-3"]


def test_an_entry_of_attempts_raises_one_cell() -> None:
    made = compiled(HEAD + "matrix: {lr: [a], seed: [1, 2], attempts: [{seed: 2, attempt: 3}]}\n" + SWEEP)
    assert [(request.name, request.attempt) for request in made.requests] == [("x-a-1", 1), ("x-a-2", 3)]
    assert [request.attempt_field for request in made.requests] == [
        "`attempt` of lr=a, seed=1 in `matrix.attempts` (<stdin>:3)",
        "`attempt` of lr=a, seed=2 in `matrix.attempts` (<stdin>:3)",
    ]


def adopted(made: Compiled) -> dict[str, tuple[str, str]]:
    """The jobs that manifests adopt, and what these count as."""
    return {r.name: (r.adopts.job_id, r.adopts.identity.job_name) for r in made.requests if r.adopts}


@given(_RATES, _SEEDS, st.data())
def test_a_cell_adopts_what_the_same_manifest_by_hand_does(
    lrs: list[Any], seeds: list[int], data: st.DataObject
) -> None:
    """The other cells are as they were, and no digest moves."""
    axes = {"lr": lrs, "seed": seeds, "save": [True], "size": ["m"]}
    cells = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    chosen = data.draw(st.lists(st.sampled_from(range(len(cells))), unique=True))
    jobs = {at: {"job": f"job{at}", "digest": f"{at:012x}", "attempt": at + 1} for at in chosen}
    matrix = {**axes, "adopts": [{**cells[at], "adopts": job} for at, job in jobs.items()]}
    made = compiled(HEAD + f"matrix: {json.dumps(matrix)}\n" + BODY)
    written = [
        by_hand(cell).replace("\nspec:", f"\n  adopts: {json.dumps(jobs[at])}\nspec:" if at in jobs else "\nspec:")
        for at, cell in enumerate(cells)
    ]
    hand, without = compiled("---\n".join(written)), compiled(HEAD + f"matrix: {json.dumps(axes)}\n" + BODY)
    assert made.valid, made.diagnostics
    assert adopted(made) == adopted(hand)
    assert len(adopted(made)) == len(jobs)
    assert [(r.digest, r.body) for r in made.requests] == [(r.digest, r.body) for r in without.requests]


JOB = '{job: wfmmjzx, digest: "0123456789ab"}'


def test_the_only_cell_of_a_matrix_may_adopt_a_job_in_the_metadata() -> None:
    sweep = SWEEP.replace("project: p", f"project: p, adopts: {JOB}")
    made = compiled(HEAD + "matrix: {lr: [a], seed: [1]}\n" + sweep)
    assert adopted(made) == {"x-a-1": ("wfmmjzx", "x-a-1--0123456789ab")}
    assert [each.rule for each in compiled(HEAD + "matrix: {lr: [a], seed: [1, 2]}\n" + sweep).diagnostics] == [
        "matrix-adopts"
    ]


def test_a_cell_adopts_beside_defaults_and_beside_its_attempt(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(
        'apiVersion: baseten-jobs/v1\nkind: TrainingJobDefaults\nspec: {image: {base_image: "i:1"}}\n'
    )
    matrix = f"matrix: {{seed: [1, 2], attempts: [{{seed: 2, attempt: 3}}], adopts: [{{seed: 2, adopts: {JOB}}}]}}\n"
    (tmp_path / "x.yaml").write_text(
        HEAD + f'extends: base.yaml\n{matrix}metadata: {{name: "x-${{{{ matrix.seed }}}}", project: p}}\n'
        'spec: {runtime: {start_commands: ["t ${{ matrix.seed }}"]}}\n'
    )
    made = compile_all(Inputs([str(tmp_path)]), io.BytesIO())
    assert made.valid, made.diagnostics
    assert adopted(made) == {"x-2": ("wfmmjzx", "x-2--0123456789ab")}
    assert [request.attempt for request in made.requests] == [1, 3]
    (document,) = [each for each in made.documents if "adopts" in each.data["metadata"]]
    assert document.position(("metadata", "adopts", "job")).column == matrix.index("job:") + len("job: ") + 1
    assert document.position(("metadata", "adopts", "job")).line == 4


def test_a_stage_after_an_adopted_cell_is_the_stage_after_a_cell() -> None:
    """What a cell adopts is no part of the digests of those that load its checkpoints."""
    saving = SWEEP.replace("spec: {", "spec: {checkpointing: {enabled: true}, ")
    load = "{typ: baseten_latest_checkpoint, manifest: x-a-2}"
    second = (
        f'---\n{HEAD}metadata: {{name: y, project: p}}\nspec: {{image: {{base_image: "i:1"}}, checkpointing: '
        f"{{load: {{enabled: true, checkpoints: [{load}]}}}}, runtime: {{start_commands: [t]}}}}\n"
    )
    plain, adopting = (
        compiled(HEAD + f"matrix: {{lr: [a], seed: [1, 2]{more}}}\n" + saving + second)
        for more in ("", f", adopts: [{{seed: 2, adopts: {JOB}}}]")
    )
    assert adopting.valid, adopting.diagnostics
    assert [request.digest for request in adopting.requests] == [request.digest for request in plain.requests]
    assert adopted(adopting) == {"x-a-2": ("wfmmjzx", "x-a-2--0123456789ab")}


@pytest.mark.parametrize("metadata", ["", "metadata: 3\n", "metadata: [x]\n", "metadata: null\n", "metadata: {}\n"])
def test_a_cell_with_entries_has_metadata_or_is_told_that_it_has_none(metadata: str) -> None:
    spec = SWEEP.partition("\n")[2]
    raised, adopting = "attempts: [{seed: 2, attempt: 3}]", f"adopts: [{{seed: 2, adopts: {JOB}}}]"
    made = compiled(HEAD + f"matrix: {{lr: [a], seed: [1, 2], {raised}, {adopting}}}\n" + metadata + spec)
    assert not made.valid
    assert all(each.field.startswith("metadata") or "metadata" in each.message for each in made.diagnostics)


def test_the_matrix_is_not_hashed() -> None:
    """A value that an axis gains changes nothing about the other cells."""
    one, more = (
        {r.name: r.digest for r in compiled(HEAD + f"matrix: {matrix}\n" + SWEEP).requests}
        for matrix in ("{lr: [a], seed: [1, 2]}", "{seed: [3, 1, 2], lr: [b, a]}")
    )
    assert one.items() <= more.items()


@pytest.mark.parametrize(("number", "good"), [(256, True), (257, False)])
def test_a_matrix_has_at_most_256_cells(number: int, good: bool) -> None:
    made = compiled(HEAD + f"matrix: {{lr: [a], seed: {list(range(number))}}}\n" + SWEEP)
    assert made.valid is good
    assert len(made.requests) == (number if good else 0)


def test_set_is_laid_over_single_cells() -> None:
    text = HEAD + "matrix: {lr: [a], seed: [1, 2]}\n" + SWEEP
    made = compiled(text, "x-a-2:spec.image.base_image=j:2", "*:metadata.attempt=4")
    assert [(r.training_job["image"]["base_image"], r.attempt) for r in made.requests] == [("i:1", 4), ("j:2", 4)]


def test_what_one_cell_breaks_is_said_of_it_and_what_all_break_once() -> None:
    text = (
        HEAD
        + "matrix: {lr: [a, b], seed: [0, 1]}\n"
        + SWEEP.replace("spec: {", 'spec: {compute: {accelerator: "H100:0", node_count: "${{ matrix.seed }}"}, ')
    )
    said = problems(text)
    assert [line for line in said if "minimum" in line] == [
        "5: minimum: 0 is less than the minimum of 1 (in the cell lr=a, seed=0 and 1 more)"
    ]
    assert len([line for line in said if "H100:0" in line]) == 1
    assert "cell" not in next(line for line in said if "H100:0" in line)


def test_a_literal_stays_and_other_documents_are_as_they_were() -> None:
    plain = HEAD + SWEEP.replace("${{ matrix.lr }}", "a").replace("${{ matrix.seed }}", "1")
    text = plain.replace('"t a 1"', '"t $${{ x }} ${{ y }}"')
    (request,) = compiled(text).requests
    assert request.training_job["runtime"]["start_commands"] == ["t $${{ x }} ${{ y }}"]


# Names

GOLDEN_NAMES = {
    "1e-5": "1e-5", "0.1": "0-1", "A_b": "a-b", "a  b": "a-b", "hf://x/Y": "hf-x-y", "-1": "-1", "v1.": "v1-",
    "true": "true", "x--y": "x-y", "100%": "100-",
}  # fmt: skip


@pytest.mark.parametrize("text", GOLDEN_NAMES)
def test_values_fold_into_names_as_they_always_did(text: str) -> None:
    """These are frozen: another folding would submit every cell again."""
    assert folded(text) == GOLDEN_NAMES[text]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("x-${{ matrix.a }}", "-1", "x-1"), ("x${{ matrix.a }}", "-1", "x-1"), ("${{ matrix.a }}-x", "_v_", "v-x"),
        ("x-${{ matrix.a }}", "v1.", "x-v1"), ("${{ matrix.a }}", "A", "a"), ("x-${{ matrix.a }}y", "1.", "x-1-y"),
    ],
)  # fmt: skip
def test_a_hyphen_of_a_value_that_meets_another_is_dropped(name: str, value: str, told: str) -> None:
    text = f"matrix: {{a: [{json.dumps(value)}]}}\nmetadata: {{name: {json.dumps(name)}, project: p}}\n"
    spec = 'spec: {image: {base_image: "i:1"}, runtime: {start_commands: [t]}}\n'
    (request,) = compiled(HEAD + text + spec).requests
    assert request.name == told


@pytest.mark.parametrize("text", ["1e+5", "+", "é", "", "-", "...", "\u200b"])
def test_a_value_that_no_name_can_tell_is_refused(text: str) -> None:
    with pytest.raises(Misspelt):
        folded(text)


@given(st.text("ab-_.A1+é"))
def test_what_a_value_folds_to_can_stand_in_a_name(text: str) -> None:
    try:
        found = folded(text)
    except Misspelt:
        return
    assert set(found) <= set("ab1-")
    assert "--" not in found
    assert found == folded(found)


@given(st.text("$ {}matrix.ab\n"))
def test_text_without_a_placeholder_is_itself(text: str) -> None:
    try:
        parts = parts_of(text)
    except Misspelt:
        assert "${{" in text
        return
    if all(isinstance(part, str) for part in parts):
        assert "".join(map(str, parts)) == text.replace("$${{", "${{")


def test_a_number_with_a_fraction_keeps_its_spelling() -> None:
    made = compiled(HEAD + "matrix: {lr: [0.10, 1.5e-3], seed: [1]}\n" + SWEEP)
    assert [r.training_job["runtime"]["start_commands"] for r in made.requests] == [["t 0.10 1"], ["t 1.5e-3 1"]]
    assert spelled(Odd("0.10", "number")) == "0.10"


def test_anchors_and_merges_work_in_a_matrix(tmp_path: Path) -> None:
    text = HEAD + (
        "matrix: {lr: &rates [a, b], seed: [1], include: [{lr: c, seed: 2}]}\n"
        'metadata: &who {name: "x-${{ matrix.lr }}", project: p}\n'
        'spec: {image: {base_image: "i:1"}, runtime: {start_commands: ["t ${{ matrix.seed }}"]}}\n'
    )
    (tmp_path / "x.yaml").write_text(text)
    made = compile_all(Inputs([str(tmp_path)]), io.BytesIO())
    assert [request.name for request in made.requests] == ["x-a", "x-b", "x-c"]
