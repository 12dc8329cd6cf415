import textwrap

from truss_train import definitions

SETUP = textwrap.dedent(
    """\
    set -euo pipefail
    pip install -r requirements.txt

    export NCCL_DEBUG=INFO
    """
)
TRAIN = """
torchrun \\
    --nproc-per-node 8 \\
    train.py --lr 1e-5
""".strip()
RAW = r"""awk -F'\t' '{print $1}' data.tsv"""
runtime = definitions.Runtime(start_commands=[SETUP, TRAIN, RAW, "echo 'it''s' \"done\"", ("python -m eval")])
job = definitions.TrainingJob(image=definitions.Image(base_image="python:3.12.4-slim"), runtime=runtime)
project = definitions.TrainingProject(name="commands of many lines", job=job)
