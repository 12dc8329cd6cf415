import truss.base.truss_config as tc
import truss_train as tt
from truss_train import definitions as d

job = tt.TrainingJob(
    image=d.Image(base_image="python:3.12.4-slim"),
    compute=tt.Compute(accelerator=tc.AcceleratorSpec(accelerator=tc.Accelerator.L4)),
    runtime=d.Runtime(
        start_commands=["python a.py"], checkpointing_config=d.CheckpointingConfig(enabled=True, volume_size_gib=100)
    ),
)
whole = tt.TrainingProject(name="aliases", job=job)
