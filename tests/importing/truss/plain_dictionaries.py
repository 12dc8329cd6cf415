from truss_train import definitions

job = definitions.TrainingJob(
    image={"base_image": "python:3.12.4-slim"},
    compute={"accelerator": {"accelerator": "H100", "count": 2}, "node_count": 1},
    runtime={"start_commands": ["python a.py"], "environment_variables": {"T": {"name": "token"}}},
    interactive_session={"timeout_minutes": 60},
)
project = definitions.TrainingProject(name="plain dictionaries", job=job)
