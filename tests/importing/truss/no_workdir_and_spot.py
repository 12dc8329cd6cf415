from truss_train import AvailabilityModel, definitions

job = definitions.TrainingJob(
    image=definitions.Image(base_image="python:3.12.4-slim"),
    compute=definitions.Compute(availability_model=AvailabilityModel.SPOT, accelerator="H100:4", node_count=1),
    runtime=definitions.Runtime(
        start_commands=["python a.py"], checkpointing_config=definitions.CheckpointingConfig(enabled=True)
    ),
    enable_baseten_workdir=False,
)
project = definitions.TrainingProject(name="no workdir and spot", job=job, team_name="research")
