"""Start commands beside what travels: what a job would miss once it runs, and what it would not."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from baseten_jobs.compilation import validate
from baseten_jobs.manifest.inputs import Inputs
from tests.support.trees import commit, write

RULES = ("file-left-behind", "no-rendezvous", "process-count")
FILES = {
    "train.py": "LR = 1\n",
    "src/main.py": "LR = 1\n",
    "meets.py": "import os\nos.environ['BT_NODE_RANK']\n",
    "run.sh": "set -e\ntorchrun --nproc-per-node 4 train.py\n",
    "unknown.sh": "/opt/launch train.py\n",
    "data.jsonl": "{}\n",
    "logs.txt": "",
    ".gitignore": "data.jsonl\nlogs.txt\n",
}


def _manifest(commands: Sequence[str], **spec: Any) -> str:
    runtime = {"start_commands": list(commands), **spec.pop("runtime", {})}
    whole = {"image": {"base_image": "i:1"}, "runtime": runtime, **spec}
    head = {"apiVersion": "baseten-jobs/v1", "kind": "TrainingJob", "metadata": {"name": "x", "project": "p"}}
    return json.dumps({**head, "spec": whole})


def _told(folder: Path, files: Mapping[str, str]) -> list[tuple[str, str]]:
    commit(write(folder, {**FILES, **files}))
    found = validate(Inputs([str(folder)]), io.BytesIO()).diagnostics
    return [(d.rule, d.message) for d in found if d.rule in RULES]


WITH = {"workspace": ".", "enable_baseten_workdir": True}
TWO = {"compute": {"node_count": 2, "accelerator": "H100:8"}}
EIGHT = {"compute": {"accelerator": "H100:8"}}

CASES: dict[str, tuple[list[str], dict[str, Any], list[str]]] = {
    "travels": (["python train.py && bash -c 'cd src; python main.py'"], WITH, []),
    "no workspace": (["python train.py"], {}, ["file-left-behind"]),
    "in the image": (["python /app/train.py", "python other.py"], {}, []),
    "ignored": (["python train.py --data data.jsonl"], WITH, ["file-left-behind"]),
    "ignored and written": (["python train.py --log logs.txt > logs.txt"], WITH, []),
    "included": (["python train.py --data data.jsonl"], {**WITH, "workspace": {"include": ["data.jsonl"]}}, []),
    "nowhere": (["python main.py"], WITH, ["file-left-behind"]),
    "made before": (["git clone https://a.example/b", "cd b && python main.py"], WITH, []),
    "each once": (["chmod +x go.sh && ./go.sh", "bash ./go.sh"], WITH, ["file-left-behind"]),
    "two nodes": (["python train.py"], {**WITH, **TWO}, ["no-rendezvous"]),
    "two nodes and a script that meets": (["python meets.py"], {**WITH, **TWO}, []),
    "two nodes and a program of the image": (["/opt/launch"], TWO, []),
    "two nodes and a module": (["python -m trainer"], TWO, []),
    "two nodes and a script that runs one": (
        ["bash unknown.sh"],
        {**TWO, "enable_baseten_workdir": True, "workspace": {"exclude": ["meets.py"]}},
        [],
    ),
    "two nodes that meet by a variable": (
        ["torchrun /app/train.py"],
        {**TWO, "runtime": {"environment_variables": {"PET_MASTER_ADDR": "from BT_LEADER_ADDR"}}},
        [],
    ),
    "a launcher": (["torchrun --nnodes 2 --nproc-per-node 8 /app/train.py"], TWO, ["no-rendezvous"]),
    "a launcher that meets": (["torchrun --nnodes 2 --master-addr $BT_LEADER_ADDR /app/train.py"], TWO, []),
    "a script that launches": (["bash run.sh"], {**WITH, **EIGHT}, ["process-count"]),
    "a launcher that follows the compute": (["torchrun --nproc-per-node gpu /a.py"], EIGHT, []),
    "fewer": (["torchrun --nproc-per-node 4 /a.py"], EIGHT, ["process-count"]),
    "more": (["deepspeed --num_gpus 16 /a.py"], EIGHT, ["process-count"]),
    "fewer beside all": (["torchrun --nproc-per-node 8 /a.py", "torchrun --nproc-per-node 1 /b.py"], EIGHT, []),
    "some of them": (["CUDA_VISIBLE_DEVICES=0 torchrun --nproc-per-node 1 /a.py"], EIGHT, []),
    "two at once": (["torchrun --nproc-per-node 4 /a.py & torchrun --nproc-per-node 4 /b.py"], EIGHT, []),
    "without GPUs": (["torchrun --nproc-per-node 4 /a.py"], {}, []),
    "more nodes": (["torchrun --nnodes 2 /a.py"], EIGHT, ["process-count"]),
    "a range of nodes": (["torchrun --nnodes 1:4 --node-rank $BT_NODE_RANK /a.py"], TWO, []),
    "all processes": (["accelerate launch --num_processes 16 --machine_rank $BT_NODE_RANK /a.py"], TWO, []),
    "those of a node": (
        ["accelerate launch --num_processes 8 --machine_rank $BT_NODE_RANK /a.py"], TWO, ["process-count"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_a_job_would_miss_is_told_and_nothing_else(case: str, tmp_path: Path) -> None:
    commands, spec, rules = CASES[case]
    files = {"x.yaml": _manifest(commands, **spec)}
    if case.startswith("two nodes") and "meets" not in case:
        files["meets.py"] = ""
    assert [rule for rule, _ in _told(tmp_path, files)] == rules


def test_a_file_outside_of_the_checkout_is_not_looked_for(tmp_path: Path) -> None:
    write(tmp_path, {"secret.py": ""})
    (tmp_path / "a").mkdir()
    assert _told(tmp_path / "a", {"x.yaml": _manifest(["python ../secret.py"])}) == []


def test_cells_and_heirs_are_told_once_where_the_command_stands(tmp_path: Path) -> None:
    base = '{"apiVersion": "baseten-jobs/v1", "kind": "TrainingJobDefaults", "spec": {"runtime": '
    heir = _manifest([]).replace('{"apiVersion"', '{"extends": "base.yaml", "apiVersion"')
    heir = heir.replace(', "runtime": {"start_commands": []}', "")
    cells = _manifest(["python train.py ${{ matrix.s }}"]).replace('"metadata"', '"matrix": {"s": [1, 2]}, "metadata"')
    files = {
        "base.yaml": base + '{"start_commands": ["python train.py"]}}}',
        **{f"{n}.yaml": heir.replace('"x"', f'"{n}"') for n in "ab"},
        "c.yaml": cells.replace('"x"', '"c-${{ matrix.s }}"'),
    }
    commit(write(tmp_path, {**FILES, **files}))
    found = validate(Inputs([str(tmp_path)]), io.BytesIO()).diagnostics
    assert [Path(d.position.path).name for d in found if d.rule == "file-left-behind"] == ["base.yaml", "c.yaml"]


def test_what_a_manifest_allows_is_a_note(tmp_path: Path) -> None:
    text = _manifest(["python train.py"])[:-1] + ', "policy": {"allow": ["file-left-behind"]}}'
    commit(write(tmp_path, {**FILES, "x.yaml": text}))
    found = validate(Inputs([str(tmp_path)], strict=True), io.BytesIO()).diagnostics
    assert [(d.rule, d.severity.value) for d in found] == [("file-left-behind", "note")]
