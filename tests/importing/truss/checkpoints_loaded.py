from truss_train import BasetenCheckpoint, LoopsCheckpoint, definitions

PARENT = "pretraining"
load = definitions.LoadCheckpointConfig(
    enabled=True,
    download_folder="/tmp/in",
    checkpoints=[
        BasetenCheckpoint.from_latest_checkpoint(project_name=PARENT),
        BasetenCheckpoint.from_latest_checkpoint(job_id="abc123"),
        BasetenCheckpoint.from_named_checkpoint("checkpoint-24", "xyz789"),
        definitions.BasetenCheckpoint.from_named_checkpoint(checkpoint_name="checkpoint-48", job_id="xyz789"),
        LoopsCheckpoint.from_checkpoint("run1", "step-100"),
        LoopsCheckpoint.from_checkpoint(run_id="run1", checkpoint_name="step-200", target="sampler"),
    ],
)
runtime = definitions.Runtime(
    start_commands=["python resume.py"],
    checkpointing_config=definitions.CheckpointingConfig(enabled=True, checkpoint_path="/mnt/out"),
    load_checkpoint_config=load,
)
job = definitions.TrainingJob(image=definitions.Image(base_image="python:3.12.4-slim"), runtime=runtime)
project = definitions.TrainingProject(name="second stage", job=job)
