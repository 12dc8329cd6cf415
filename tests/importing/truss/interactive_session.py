from truss.base.truss_config import AcceleratorSpec
from truss_train import Compute, Image, Runtime, TrainingJob, TrainingProject
from truss_train.definitions import (
    InteractiveSession,
    InteractiveSessionAuthProvider,
    InteractiveSessionProvider,
    InteractiveSessionTrigger,
)

training_job = TrainingJob(
    name="a name of its own",
    priority=5,
    image=Image(base_image="python:3.12.4-slim"),
    compute=Compute(accelerator=AcceleratorSpec(accelerator="A10G", count=1)),
    runtime=Runtime(start_commands=[]),
    interactive_session=InteractiveSession(
        trigger=InteractiveSessionTrigger.ON_STARTUP,
        session_provider=InteractiveSessionProvider.SSH,
        auth_provider=InteractiveSessionAuthProvider.GITHUB,
        timeout_minutes=2 * 60,
    ),
)
training_project = TrainingProject(name="interactive", job=training_job)
