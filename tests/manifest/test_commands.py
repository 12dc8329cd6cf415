"""Start commands: what they run, what launchers are told, and which files they name, by tables and on any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.manifest.commands import shell
from baseten_jobs.manifest.commands.reading import read

SIMPLE = {
    "python train.py": [["python", "train.py"]],
    "a && b || c; d | e & f": [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]],
    "a 'b c' \"d $E\" f\\ g": [["a", "b c", "d $E", "f g"]],
    'a "$(b "c d")" `e f`': [["a", '$(b "c d")', "`e f`"]],
    "a ${B:-c d} $((1 + 2))": [["a", "${B:-c d}", "$((1 + 2))"]],
    "a \\\n  --b c": [["a", "--b", "c"]],
    "a # b\nc#d": [["a"], ["c#d"]],
    "a <<'EOF' b\nc\nEOF\nd": [["a", "b"], ["d"]],
    "a 2>&1 > b >>c &>d < e": [["a"]],
    "a 'never ends": [["a", "never ends"]],
    'a "never $(ends': [["a", "never $(ends"]],
    "(cd a; b)": [["("], ["cd", "a"], ["b"], [")"]],
    "": [],
}


@pytest.mark.parametrize("text", SIMPLE)
def test_a_text_is_read_as_a_shell_does(text: str) -> None:
    assert [list(step.words) for step in shell.steps(text)] == SIMPLE[text]


def test_what_output_goes_to_is_what_a_command_writes() -> None:
    (step,) = shell.steps("a > b 2> c 2>&1 < d")
    assert step.writes == ("b", "c")


NEEDED: dict[str, list[str]] = {
    "python train.py": ["train.py"],
    "python3.11 -u -W ignore ./src/train.py --lr 1": ["src/train.py"],
    "bash run.sh": ["run.sh"],
    "bash -euo pipefail run.sh": ["run.sh"],
    "./run.sh": ["run.sh"],
    "chmod +x ./run.sh && ./run.sh": ["run.sh", "run.sh"],
    "/bin/sh -c 'chmod +x ./run.sh && ./run.sh'": ["run.sh", "run.sh"],
    "source env.sh; python train.py": ["env.sh", "train.py"],
    "cd src && python train.py": ["src/train.py"],
    "(cd src && python a.py); python b.py": ["src/a.py", "b.py"],
    "cd $BT_WORKING_DIR/src && python train.py": ["src/train.py"],
    "python $BT_WORKING_DIR/train.py": ["train.py"],
    "accelerate launch --config_file accelerate.yml --num_processes 8 train.py": ["train.py", "accelerate.yml"],
    "torchrun --standalone --nproc-per-node=8 train.py --config c.yaml": ["train.py"],
    "python -m torch.distributed.run --nproc_per_node 8 train.py": ["train.py"],
    "uv run --with torch torchrun --nproc-per-node 8 train.py": ["train.py"],
    "HF_HOME=/x CUDA_VISIBLE_DEVICES=0 timeout 12h python train.py": ["train.py"],
    "deepspeed --num_gpus 8 train.py --deepspeed ds.json": ["train.py"],
    "axolotl train config.yaml": ["config.yaml"],
    "llamafactory-cli train sft.yaml": ["sft.yaml"],
    "pip install -r requirements.txt": ["requirements.txt"],
    "python prepare.py && axolotl train made.yaml": ["prepare.py"],
    # what is not known to be missing
    "python /app/train.py": [],
    "python $DIR/train.py": [],
    "python -m trl.scripts.sft": [],
    "python -c 'import torch'": [],
    "python - <<EOF\nopen('train.py')\nEOF": [],
    "torchrun -m axolotl.cli.train": [],
    "cd /opt/code && python train.py": [],
    "cd $HOME && ./run.sh": [],
    # what a command before makes
    "git clone --depth 1 https://github.com/a/b.git && cd b && python train.py": [],
    "git clone https://github.com/a/b c\npython c/train.py": [],
    "git clone https://github.com/a/b . && python train.py": [],
    "wget https://a.example/train.py?x=1 && python train.py": [],
    "curl -L https://a.example/x -o train.py && python train.py": [],
    "cat > train.py <<'EOF'\nimport torch\nEOF\npython train.py": [],
    "tar xf code.tgz && python train.py": [],
    "aws s3 cp --recursive s3://a/b . && python train.py": [],
    "aws s3 cp s3://a/b /data && python train.py": ["train.py"],
    "hf download a/b --local-dir model && python train.py": ["train.py"],
    "axolotl fetch examples && axolotl train examples/a.yaml": [],
    "cp /opt/train.py . && python train.py": [],
}


@pytest.mark.parametrize("command", NEEDED)
def test_the_files_that_a_command_can_not_do_without(command: str) -> None:
    files = [file for file in read((command,)).files if file.needed]
    assert [path for file in files for path in file.paths] == NEEDED[command]


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("python train.py --data data/a.jsonl --config=c.yaml", ["data/a.jsonl", "c.yaml"]),
        ("python train.py --output out.json --save_to a.bin --log=b.txt", []),
        ("python train.py model.lr=0.1 data=a.csv hf://a/b.bin 1.5", ["a.csv"]),
        ("echo train.py", []),
    ],
)
def test_arguments_that_look_like_files_are_named_and_not_needed(command: str, named: list[str]) -> None:
    assert [file.written for file in read((command,)).files if not file.needed] == named


def test_a_folder_that_one_command_enters_may_be_that_of_the_next() -> None:
    assert [file.paths for file in read(("cd src", "python train.py")).files] == [("train.py", "src/train.py")]


LAUNCHES = {
    "torchrun --nnodes 2 --nproc-per-node=8 train.py --nnodes 9": [("--nnodes", "2"), ("--nproc-per-node", "8")],
    "torchrun --nproc_per_node gpu train.py": [("--nproc_per_node", "gpu")],
    "python -m torch.distributed.launch --nproc_per_node 4 train.py": [("--nproc_per_node", "4")],
    "accelerate launch --multi_gpu --num_processes 8 train.py": [("--num_processes", "8")],
    "deepspeed --num_gpus=4 --num_nodes 2 train.py": [("--num_gpus", "4"), ("--num_nodes", "2")],
    "axolotl train /a.yaml --launcher torchrun -- --nnodes 2": [("--nnodes", "2")],
    "axolotl train /a.yaml --num-processes 8": [("--num-processes", "8")],
    "accelerate config": None,
    "python train.py --nnodes 2": None,
    "echo torchrun --nnodes 2": None,
}


@pytest.mark.parametrize("command", LAUNCHES)
def test_what_launchers_are_told(command: str) -> None:
    counts = [[(c.option, c.value) for c in each.launch.counts] for each in read((command,)).launches]
    assert counts == ([] if LAUNCHES[command] is None else [LAUNCHES[command]])


SHELL = st.text(st.sampled_from("ab ./-=$(){}[]'\"\\`<>|&;#\n\tcd"), max_size=60)
PARTS = (
    "cd python -m a.py torchrun --nnodes 2 && ( ) bash -c 'x git clone -C .. ./ <<E > axolotl train -- "
    "--launcher env A=b curl -o tar -r pip accelerate launch --config_file c.yaml source "
    "$BT_WORKING_DIR /b10/workspace ~ ; &"
)
WORDS = st.lists(st.sampled_from(PARTS.split()), max_size=12).map(" ".join)


@given(st.lists(SHELL | WORDS | st.text(max_size=40), max_size=4))
def test_any_text_is_read(commands: list[str]) -> None:
    found = read(tuple(commands))
    assert all(0 <= file.command < len(commands) and file.paths for file in found.files)
    assert set(found.scripts) <= set(found.files)


@given(st.text(max_size=80))
def test_what_is_quoted_is_one_word(text: str) -> None:
    quoted = "'" + text.replace("'", "'\\''") + "'"
    assert [step.words for step in shell.steps(f"a {quoted}")] == [("a", text)]
