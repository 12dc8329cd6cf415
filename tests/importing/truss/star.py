from truss_train import *

rt = Runtime(start_commands=["python a.py"])
p = TrainingProject(name="star", job=TrainingJob(image=Image(base_image="python:3.12.4-slim"), runtime=rt))
