"""Checkpoints of a job -> the Python file from which the truss client deploys them.

`truss train deploy_checkpoints --config FILE` imports the file, and takes the one `DeployCheckpointsConfig` in it
(truss 0.18, `truss_train/loader.py` and `definitions.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from baseten_jobs.job.checkpoint import Checkpoint
from baseten_jobs.phrases import Page

KINDS: Mapping[str, str] = MappingProxyType(
    {"lora": "LoRACheckpoint", "full": "FullCheckpoint", "whisper": "WhisperCheckpoint"}
)
"""The types of checkpoints that truss deploys, with its class for each."""


@dataclass(frozen=True)
class Deployment:
    """What truss is to deploy, and on what: `gpu_type` is empty where the job had no GPU, so that truss asks."""

    model: str
    job_id: str
    run: str
    checkpoints: tuple[Checkpoint, ...]
    gpu_type: str = ""
    gpu_count: int = 0
    base_model: str = ""
    secret: str = ""

    @property
    def fault(self) -> str:
        """Why truss would not deploy these together; empty if it would."""
        for each in self.checkpoints:
            if each.kind.lower() not in KINDS:
                return f"truss deploys {', '.join(KINDS)} checkpoints, and '{each.id}' is of the type '{each.kind}'"
        if len(self.checkpoints) > 1 and any(each.kind.lower() != "lora" for each in self.checkpoints):
            return "truss deploys several checkpoints only if each is of the type 'lora'; choose one with --checkpoint"
        return ""

    @property
    def gaps(self) -> tuple[str, ...]:
        """What the job does not tell, in sentences."""
        lora = any(each.kind.lower() == "lora" for each in self.checkpoints)
        return tuple(
            told
            for lacks, told in (
                (not self.gpu_type, "the job had no GPU: truss asks for one, or fill in `compute`"),
                (lora and not self.base_model, "the base model is not told: fill in `base_model_id`"),
                (not self.secret, "the manifest names no secret as HF_TOKEN: truss asks for one, or fill in `runtime`"),
            )
            if lacks
        )


def text(of: Deployment) -> Page:
    """The file; every text from outside is a literal in it, so that it runs nothing but this."""
    return Page("\n".join(_lines(of)))


def _lines(of: Deployment) -> Iterator[str]:
    yield from (f"# {_comment(line)}" for line in _heading(of))
    yield from ("from truss.base import truss_config", "from truss_train import definitions", "")
    yield "deployment = definitions.DeployCheckpointsConfig("
    yield f"    model_name={of.model!a},"
    yield "    checkpoint_details=definitions.CheckpointList("
    if of.base_model:
        yield f"        base_model_id={of.base_model!a},"
    yield "        checkpoints=["
    for each in of.checkpoints:
        yield from _checkpoint(of, each)
    yield from ("        ],", "    ),")
    if of.gpu_type:
        spec = f"accelerator={of.gpu_type.replace('-', '_')!a}, count={of.gpu_count}"
        yield from ("    compute=definitions.Compute(", "        cpu_count=0,", '        memory="0Mi",')
        yield from (f"        accelerator=truss_config.AcceleratorSpec({spec}),", "    ),")
    if of.secret:
        yield "    runtime=definitions.DeployCheckpointsRuntime("
        yield f'        environment_variables={{"HF_TOKEN": definitions.SecretReference(name={of.secret!a})}},'
        yield "    ),"
    yield ")"


def _heading(of: Deployment) -> Sequence[str]:
    return (
        "Written by `baseten-jobs checkpoints deploy`, which deploys nothing:",
        "truss train deploy_checkpoints --config FILE",
        f"Job {of.job_id}, the run {of.run}.",
    )


def _checkpoint(of: Deployment, each: Checkpoint) -> Iterator[str]:
    yield f"            definitions.{KINDS[each.kind.lower()]}("
    yield f"                training_job_id={of.job_id!a},"
    yield f"                checkpoint_name={each.id!a},"
    if each.kind.lower() == "lora" and each.lora_rank:
        yield f"                lora_details=definitions.LoRADetails(rank={each.lora_rank}),"
    yield "            ),"


def _comment(line: str) -> str:
    """A line that ends where it ends for Python, too."""
    return ascii(line)[1:-1]
