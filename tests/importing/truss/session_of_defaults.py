from truss_train import Image, Runtime, TrainingJob, TrainingProject
from truss_train.definitions import InteractiveSession

training_project = TrainingProject(
    name="session of defaults",
    job=TrainingJob(
        image=Image(base_image="python:3.12.4-slim"),
        runtime=Runtime(start_commands=["sleep infinity"]),
        interactive_session=InteractiveSession(),
    ),
)
