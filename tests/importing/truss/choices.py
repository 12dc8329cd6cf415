from truss_train import definitions

BIG = True
NODES = 2 if BIG else 1
GPU = {"big": "H200", "small": "L4"}["big" if BIG else "small"]
SIZES = [1, 2, 4, 8]
if NODES > 1 and not (GPU == "L4"):
    SCRIPT = "multi.sh"
elif NODES == 1:
    SCRIPT = "single.sh"
else:
    SCRIPT = "other.sh"
FALLBACK = "" or "default"
NAME = SCRIPT.removesuffix(".sh").upper()
job = definitions.TrainingJob(
    image=definitions.Image(base_image="python:3.12.4-slim"),
    compute=definitions.Compute(node_count=NODES, accelerator=f"{GPU}:{SIZES[-1]}", cpu_count=min(SIZES[1:3]) * 2**2),
    runtime=definitions.Runtime(
        start_commands=[f"bash {SCRIPT}"],
        environment_variables={k: str(v) for k, v in zip(["A", "B", "C"], SIZES) if v != 2}
        | {"D": FALLBACK, "N": NAME},
    ),
)
project = definitions.TrainingProject(name="choices", job=job)
