from pathlib import Path

from truss_train import Workspace, definitions

ROOT = Path(__file__).resolve().parent.parent
SKIPPED = ("docs", "notebooks")
job = definitions.TrainingJob(
    image=definitions.Image(base_image="python:3.12.4-slim"),
    runtime=definitions.Runtime(start_commands=["python -m jobs.train"]),
    workspace=Workspace(
        workspace_root=str(ROOT),
        exclude_dirs=[str(ROOT / name) for name in SKIPPED],
        external_dirs=["../../common"],
    ),
)
project = definitions.TrainingProject(name="workspace above", job=job)
