from truss.base.truss_config import WeightsAuth, WeightsAuthMethod
from truss_train import Image, Runtime, TrainingJob, TrainingProject, WeightsSource

REVISION = "9c925d64d72725edaf899c6cb9c377fd0709d9c5"
job = TrainingJob(
    image=Image(base_image="python:3.12.4-slim"),
    runtime=Runtime(start_commands=["python a.py"]),
    weights=[
        WeightsSource(source=f"hf://Qwen/Qwen3-8B@{REVISION}", mount_location="/app/base", auth_secret_name="hf_token"),
        WeightsSource(
            source="s3://bucket/data",
            mount_location="/app/data",
            allow_patterns=["*.parquet", "*.json"],
            ignore_patterns=None,
        ),
        WeightsSource(
            source="gs://bucket/more",
            mount_location="/app/more",
            auth=WeightsAuth(auth_method=WeightsAuthMethod.CUSTOM_SECRET, auth_secret_name="gcs_key"),
        ),
        WeightsSource(
            source="s3://bucket/roles",
            mount_location="/app/roles",
            auth=WeightsAuth(
                auth_method=WeightsAuthMethod("AWS_OIDC"),
                aws_oidc_role_arn="arn:aws:iam::123456789012:role/weights",
                aws_oidc_region="us-west-2",
            ),
        ),
    ],
)
project = TrainingProject(name="weights", job=job)
