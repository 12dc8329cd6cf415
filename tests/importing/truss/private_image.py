from truss.base.truss_config import DockerAuthType
from truss_train import (
    DockerAuth,
    Image,
    RegistrySecretDockerAuth,
    Runtime,
    SecretReference,
    TrainingJob,
    TrainingProject,
)

login = DockerAuth(
    auth_method=DockerAuthType.REGISTRY_SECRET,
    registry="ghcr.io",
    registry_secret_docker_auth=RegistrySecretDockerAuth(secret_ref=SecretReference(name="ghcr_login")),
)
job = TrainingJob(
    image=Image(base_image="ghcr.io/acme/train:4.2", docker_auth=login), runtime=Runtime(start_commands=["python a.py"])
)
project = TrainingProject(name="private image", job=job)
