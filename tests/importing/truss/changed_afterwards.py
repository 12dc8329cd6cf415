from truss_train import definitions

job: definitions.TrainingJob = definitions.TrainingJob(image=definitions.Image(base_image="python:3.12.4-slim"))
job.runtime = definitions.Runtime(start_commands=["python a.py"])
job.runtime.environment_variables = {"A": "1"}
job.runtime.environment_variables["B"] = "2"
job.priority = -3
project = definitions.TrainingProject(name="changed afterwards", job=job)
same = project.job
