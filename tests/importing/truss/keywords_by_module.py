"""The shape of the published examples: one object a variable, everything by keyword."""

from truss.base import truss_config
from truss_train import definitions

BASE_IMAGE = "pytorch/pytorch:2.6.0-cuda12.4-cudnn9-runtime"

training_runtime = definitions.Runtime(
    start_commands=["/bin/sh -c 'chmod +x ./start.sh && ./start.sh'"],
    environment_variables={
        "HF_TOKEN": definitions.SecretReference(name="hf_token"),  # a secret of the workspace
        "RUN_LABEL": "first",
    },
    cache_config=definitions.CacheConfig(enabled=True),
    checkpointing_config=definitions.CheckpointingConfig(enabled=True),
)
training_compute = definitions.Compute(
    accelerator=truss_config.AcceleratorSpec(accelerator=truss_config.Accelerator.H100, count=2),
)
training_job = definitions.TrainingJob(
    image=definitions.Image(base_image=BASE_IMAGE), compute=training_compute, runtime=training_runtime
)
training_project = definitions.TrainingProject(name="Sentiment - LoRA", job=training_job)
