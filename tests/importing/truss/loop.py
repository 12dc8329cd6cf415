from truss_train import definitions

commands, env = [], {}
for index, split in enumerate(["train", "test"], start=1):
    commands.append(f"python prepare.py --split {split} --part {index:02d}")
    env[f"SPLIT_{index}"] = split
job = definitions.TrainingJob(
    image=definitions.Image(base_image="python:3.12.4-slim"),
    runtime=definitions.Runtime(start_commands=commands, environment_variables=env),
)
project = definitions.TrainingProject(name="loop", job=job)
