import truss_train

training_project = truss_train.TrainingProject(
    name="module whole",
    job=truss_train.TrainingJob(
        image=truss_train.definitions.Image(base_image="python:3.12.4-slim"),
        runtime=truss_train.definitions.Runtime(start_commands=["python a.py"]),
    ),
)
