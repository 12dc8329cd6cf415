from truss.base.truss_config import DockerAuthType
from truss_train import definitions

ACCOUNT, REGION = "123456789012", "us-west-2"
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
image = definitions.Image(
    base_image=f"{REGISTRY}/train:4.2",
    docker_auth=definitions.DockerAuth(
        auth_method=DockerAuthType["AWS_IAM"],
        registry=REGISTRY,
        aws_iam_docker_auth=definitions.AWSIAMDockerAuth(
            access_key_secret_ref=definitions.SecretReference(name="aws_access_key_id"),
            secret_access_key_secret_ref=definitions.SecretReference(name="aws_secret_access_key"),
        ),
    ),
)
job = definitions.TrainingJob(image=image, runtime=definitions.Runtime(start_commands=["python a.py"]))
project = definitions.TrainingProject(name="image of ECR", job=job)
