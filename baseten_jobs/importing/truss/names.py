"""The names of the incumbent client: its classes, enumerations and factories, and the defaults that it sends."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from baseten_jobs.importing.truss.values import Imported, Member

ROOTS = ("truss_train", "truss")
"""Its top-level modules; whatever lies between one of them and a name does not matter."""

PROJECT = "TrainingProject"
PUSHES = ("truss_train.push", "truss_train.public_api.push")
"""What submits a project, and changes nothing of it."""

_CHECKPOINTS: Mapping[str, str] = MappingProxyType(
    {
        "_BasetenLatestCheckpoint": "baseten_latest_checkpoint",
        "_BasetenNamedCheckpoint": "baseten_named_checkpoint",
        "_LoopsCheckpoint": "loops_checkpoint",
    }
)
"""Each class that the factories return, with its `typ`."""

CLASSES: Mapping[str, str] = MappingProxyType(
    {
        PROJECT: "",
        "TrainingJob": "",
        "Image": "image",
        "Compute": "compute",
        "AcceleratorSpec": "compute.accelerator",
        "Runtime": "runtime",
        "SecretReference": "runtime.environment_variables.*",
        "CacheConfig": "runtime.cache_config",
        "CheckpointingConfig": "checkpointing",
        "LoadCheckpointConfig": "",
        "InteractiveSession": "interactive_session",
        "WeightsSource": "weights.*",
        "WeightsAuth": "weights.*.auth",
        "Workspace": "",
        "DockerAuth": "",
        "AWSIAMDockerAuth": "",
        "AWSOIDCDockerAuth": "",
        "AWSAssumeRoleDockerAuth": "",
        "GCPOIDCDockerAuth": "",
        "GCPServiceAccountJSONDockerAuth": "",
        "RegistrySecretDockerAuth": "",
    }
)
"""Each class with the section of the spec that has its fields in the same order, if one has."""

FACTORIES: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        **{name: (typ, ()) for name, typ in _CHECKPOINTS.items()},
        "BasetenCheckpoint.from_latest_checkpoint": ("baseten_latest_checkpoint", ("project_name", "job_id")),
        "BasetenCheckpoint.from_named_checkpoint": ("baseten_named_checkpoint", ("checkpoint_name", "job_id")),
        "LoopsCheckpoint.from_checkpoint": ("loops_checkpoint", ("run_id", "checkpoint_name", "target")),
    }
)
"""Each factory of a checkpoint with the checkpoint's `typ` and the order of its parameters."""

_ENUMS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "Accelerator": lambda name: name.removeprefix("_"),
        "DockerAuthType": str,
        "WeightsAuthMethod": str,
        "AvailabilityModel": str.lower,
        "InteractiveSessionTrigger": str.lower,
        "InteractiveSessionProvider": str.lower,
        "InteractiveSessionAuthProvider": str.lower,
    }
)
"""Each enumeration with how a member's name becomes its value; the schema knows which there are."""


def ours(imported: Imported) -> str:
    """The name of one of the client's classes or functions without its modules; empty for a name of others."""
    root, _, rest = imported.name.partition(".")
    if root not in ROOTS:
        return ""
    parts = [part for part in rest.split(".") if part.lstrip("_")[:1].isupper() or part.startswith("from_")]
    return ".".join(parts)


def member_of(imported: Imported, attribute: str) -> Member | None:
    """A member of an enumeration, by its name."""
    value = _ENUMS.get(ours(imported))
    return Member(attribute, value(attribute)) if value and attribute.isupper() else None


def is_enum(imported: Imported) -> bool:
    return ours(imported) in _ENUMS
