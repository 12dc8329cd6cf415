"""A job as the API shows it -> a draft: what it reveals, and a marked gap for all that it does not."""

from collections.abc import Mapping
from typing import Any

from baseten_jobs.importing.draft import API_VERSION, Draft
from baseten_jobs.importing.from_body import Given
from baseten_jobs.importing.placed import Gap, Placed, placed
from baseten_jobs.job.names import parse_job_name
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.manifest.names import is_made_up, manifest_name
from baseten_jobs.manifest.schema.fields import Shape, shape_of


def draft_of_job(job: ObservedJob, data: Mapping[str, Any], given: Given) -> Draft:
    """`data` is the job as the API sent it. Every section that is not in it becomes one gap."""
    source = f"job {job.id}"
    identity = parse_job_name(job.name)
    project = _mapping(data.get("training_project")).get("name")
    own = "" if is_made_up(job.name) else manifest_name(job.name or "")
    name = given.name or (identity.name if identity else own or manifest_name(project or job.id))
    metadata: dict[str, Any] = {"name": name}
    metadata |= {"project": given.project or project} if given.project or project else {"project_id": job.project_id}
    metadata |= {"attempt": identity.attempt} if identity and identity.attempt > 1 else {}
    known = _revealed(job, _mapping(data.get("instance_type")))
    spec = _with_gaps(known, shape_of(API_VERSION).properties["spec"], source)
    return Draft(source, placed(metadata), spec)


def _revealed(job: ObservedJob, instance: Mapping[str, Any]) -> dict[str, Any]:
    """What the API says of the spec; memory and CPUs are those of the machine, which may be more than was asked for."""
    cpus, memory = instance.get("millicpu_limit"), instance.get("memory_limit_mib")
    per_node = instance.get("gpu_count")
    gpus = isinstance(per_node, int) and per_node > 0 and bool(job.gpu_type)
    compute = {
        "node_count": job.node_count,
        "cpu_count": _allocated(f"{cpus // 1000} CPUs") if isinstance(cpus, int) else None,
        "memory": _allocated(f"{memory}Mi") if isinstance(memory, int) else None,
        "accelerator": {"accelerator": job.gpu_type, "count": per_node} if gpus else None,
    }
    without_gpu = {"accelerator"} if isinstance(per_node, int) and not gpus else set()
    kept = {name: value for name, value in compute.items() if value is not None or name in without_gpu}
    known: dict[str, Any] = {"compute": kept}
    for setting in job.settings:
        *sections, name = setting.field.path
        within = known
        for section in sections:
            within = within.setdefault(section, {})
        within[name] = setting.value
    return known


def _allocated(what: str) -> Gap:
    return Gap(f"what was asked for is not told; the machine has {what}")


def _with_gaps(known: Mapping[str, Any], shape: Shape, source: str) -> Placed:
    """A gap for each field that is not known; within a section only where a part of it is known, or it is required."""
    entries: dict[str, Placed] = {}
    for name, child in shape.properties.items():
        value = known.get(name)
        inner = child.properties if not child.fold else {}
        if isinstance(value, dict) and inner:
            entries[name] = _with_gaps(value, child, source)
        elif name in known and value is None:
            continue
        elif value is not None:
            entries[name] = placed(value)
        elif inner and name in shape.schema.get("required", ()):
            entries[name] = _with_gaps({}, child, source)
        else:
            parts = f" ({', '.join(inner)})" if inner else ""
            entries[name] = placed(Gap(f"the API does not tell this of {source}{parts}"))
    return Placed(entries)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
