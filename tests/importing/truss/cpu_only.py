from truss_train import definitions

job = definitions.TrainingJob(
    image=definitions.Image(base_image="python:3.12.4-slim"),
    compute=definitions.Compute(cpu_count=4, memory="16Gi", accelerator=None, node_count=1),
    runtime=definitions.Runtime(
        start_commands=["python a.py"],
        environment_variables={},
        cache_config=definitions.CacheConfig(enabled=False),
        checkpointing_config=definitions.CheckpointingConfig(enabled=False),
    ),
    weights=[],
)
project = definitions.TrainingProject(name="cpu only", job=job)
