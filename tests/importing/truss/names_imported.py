from truss.base.truss_config import Accelerator, AcceleratorSpec
from truss_train import CacheConfig, Compute, Image, Runtime, TrainingJob, TrainingProject

project = TrainingProject(
    name="nested-at-once",
    job=TrainingJob(
        image=Image(base_image="python:3.12.4-slim"),
        compute=Compute(
            node_count=2,
            cpu_count=12,
            memory="64Gi",
            accelerator=AcceleratorSpec(accelerator=Accelerator.H200, count=8),
        ),
        runtime=Runtime(
            start_commands=["bash go.sh"], cache_config=CacheConfig(enabled=True, require_cache_affinity=False)
        ),
    ),
)
