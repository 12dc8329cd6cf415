from truss_train import definitions

_ = definitions.TrainingProject(
    name="RL/agents (v2): GRPO, long name which is cut somewhere",
    job=definitions.TrainingJob(
        image=definitions.Image(base_image="python:3.12.4-slim"),
        runtime=definitions.Runtime(start_commands=["python a.py"]),
    ),
)
