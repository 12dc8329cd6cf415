from truss.base import truss_config
from truss_train import definitions

GPU = truss_config.Accelerator.H100
KIND = GPU.value
job = definitions.TrainingJob(
    image=definitions.Image(base_image="python:3.12.4-slim"),
    compute=definitions.Compute(
        accelerator=truss_config.AcceleratorSpec(accelerator=truss_config.Accelerator("A100_40GB"), count=4),
        availability_model=definitions.AvailabilityModel("dedicated"),
    ),
    runtime=definitions.Runtime(start_commands=[f"echo {KIND} {GPU.name}"]),
)
project = definitions.TrainingProject(name="enum spellings", job=job)
