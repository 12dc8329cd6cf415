import json
import shlex

from truss_train import definitions

OPTIONS = {"lr": 1e-5, "layers": [1, 2], "deep": {"a": None, "b": True}}
runtime = definitions.Runtime(
    start_commands=[
        shlex.join(["python", "a.py", "--name", "two words"]),
        "python b.py " + shlex.quote(json.dumps({"a": 1})),
    ],
    environment_variables={"OPTIONS": json.dumps(OPTIONS, sort_keys=True)},
)
job = definitions.TrainingJob(image=definitions.Image(base_image="python:3.12.4-slim"), runtime=runtime)
project = definitions.TrainingProject(name="json in a variable", job=job)
