from truss_train import definitions

runtime = definitions.Runtime(
    start_commands=["python a.py"], load_checkpoint_config=definitions.LoadCheckpointConfig(enabled=False)
)
job = definitions.TrainingJob(image=definitions.Image(base_image="python:3.12.4-slim"), runtime=runtime)
project = definitions.TrainingProject(name="load left off", job=job)
