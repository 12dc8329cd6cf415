from truss_train import definitions

COMMON = {"NCCL_DEBUG": "INFO", "SEED": "1"}
env = {**COMMON, "SEED": "2"}
env["EPOCHS"] = "3"
env.update({"LR": "1e-5"}, EXTRA="yes")
env |= {"LAST": "on"}
env.setdefault("SEED", "9")
env["HF_TOKEN"] = definitions.SecretReference(name="hf_token")
del env["EXTRA"]
COMMON["LATER"] = "not seen"
commands = ["pip install -r requirements.txt"]
commands.append("python prepare.py")
commands += ["python train.py"]
commands.extend([f"python eval.py --split {split}" for split in ("dev", "test")])
commands.insert(0, "set -e")
if "SEED" in env and len(commands) > 3:
    commands.append("echo all")
runtime = definitions.Runtime(start_commands=commands, environment_variables=env)
commands.append("too late to be seen")
job = definitions.TrainingJob(image=definitions.Image(base_image="python:3.12.4-slim"), runtime=runtime)
project = definitions.TrainingProject(name="environment built up", job=job)
