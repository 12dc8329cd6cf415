from pathlib import Path, PurePosixPath

from truss_train import WeightsSource, definitions

MODELS = Path("/app") / "models"
OUT = PurePosixPath("/mnt", "ckpts")
job = definitions.TrainingJob(
    image=definitions.Image(base_image="python:3.12.4-slim"),
    runtime=definitions.Runtime(
        start_commands=[f"python a.py --out {OUT / 'run'} --model {MODELS}"],
        checkpointing_config=definitions.CheckpointingConfig(enabled=True, checkpoint_path=str(OUT)),
    ),
    weights=[WeightsSource(source="s3://bucket/base", mount_location=str(MODELS / "base"))],
)
project = definitions.TrainingProject(name="mounts by pathlib", job=job)
