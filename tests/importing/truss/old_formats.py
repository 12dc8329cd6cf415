from truss_train import definitions

IMAGE, TAG = "repo/image", "v3"
COMMAND = "python %s --lr %.1e --gpus %d" % ("train.py", 0.00002, 8)
OTHER = "{0} --name {name} {}".replace(" {}", "").format("python eval.py", name="x")
NAMED = "%(a)s-%(b)s" % {"a": "x", "b": "y"}
runtime = definitions.Runtime(start_commands=[COMMAND, OTHER, NAMED, " && ".join(["cd code", "make"])])
job = definitions.TrainingJob(image=definitions.Image(base_image=f"{IMAGE}:{TAG}"), runtime=runtime)
project = definitions.TrainingProject(name="old formats", job=job)
