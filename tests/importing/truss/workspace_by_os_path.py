import os

from truss_train import Workspace, definitions

HERE = os.path.dirname(os.path.abspath(__file__))
job = definitions.TrainingJob(
    image=definitions.Image(base_image="python:3.12.4-slim"),
    runtime=definitions.Runtime(
        start_commands=["python a.py"], environment_variables={"NAME": os.path.join("data", "x")}
    ),
    workspace=Workspace(workspace_root=os.path.join(HERE, ".."), exclude_dirs=["../big"]),
)
project = definitions.TrainingProject(name="workspace by os.path", job=job)
