from truss_train import definitions

compute = {"node_count": 2, "cpu_count": 4}
compute["memory"] = "32Gi"
session = dict(trigger=definitions.InteractiveSessionTrigger.ON_FAILURE, timeout_minutes=-1)
flags = ["--bf16", *["--seed", "1"]]
runtime = dict(
    start_commands=[" ".join(["python", "train.py", *flags])], cache_config=definitions.CacheConfig(enabled=True)
)
job = definitions.TrainingJob(
    image=definitions.Image(base_image="python:3.12.4-slim"),
    compute=definitions.Compute(**compute),
    runtime=definitions.Runtime(**runtime),
    interactive_session=definitions.InteractiveSession(
        **{**session, "session_provider": definitions.InteractiveSessionProvider.CURSOR}
    ),
)
project = definitions.TrainingProject(name="keywords unpacked", job=job)
