"""The body of a create call -> a draft: the inverse of `request`, for bodies of any client."""

from dataclasses import dataclass, replace

from baseten_jobs.importing.draft import Draft
from baseten_jobs.importing.placed import Placed, placed
from baseten_jobs.job.names import parse_job_name
from baseten_jobs.job.request import run_to_come
from baseten_jobs.manifest.diagnostics import Diagnostic, Position, Severity
from baseten_jobs.manifest.names import manifest_name
from baseten_jobs.secrecy import quoted

_OTHERS_FIELDS = ("truss_user_env", "workspace")
"""What another client sends of itself; a manifest has no place for it."""


@dataclass(frozen=True)
class Given:
    """The options that were given beside the source; empty where one was not given."""

    name: str = ""
    project: str = ""

    def placed(self, field: str) -> Placed | None:
        value = getattr(self, field)
        return placed(value, source=f"--{field}") if value else None


def drafts_of(body: Placed, path: str, given: Given, project_id: Placed | None = None) -> list[Draft]:
    """A draft for each job: of a whole body, of a bare job, or of the list that `render` prints."""
    if not isinstance(body.value, list):
        return [_draft(body, path, given, project_id)]
    rows = [Placed({n: each for n, each in row.entries.items() if n == "project"}, row.at) for row in body.value]
    jobs = [(row.get("request") or row).entries for row in body.value]
    return [_draft(row.holding(**job), path, given) for row, job in zip(rows, jobs, strict=True)]


def _draft(body: Placed, path: str, given: Given, project_id: Placed | None = None) -> Draft:
    job = body.get("training_job")
    beside = () if job is None else [n for n in body.entries if n not in ("training_job", "project")]
    job = body.holding(project=None) if job is None else job
    spec, remarks = spec_of(job, path)
    remarks += [_misplaced(name, path, body.entries[name]) for name in beside]
    job_name, project = job.get("name"), given.placed("project") or body.get("project")
    identity = parse_job_name(job.text("name"))
    if project is None and project_id is None and job_name is not None:
        project, hint = job_name, "--project NAME says another"
        remarks.append(_remark("project", "no project is named, so the job's name is taken", path, job_name, hint))
    metadata = placed({}, body.at).holding(
        name=given.placed("name") or _name(identity.name if identity else "", job_name, project),
        project=project,
        project_id=project_id if project is None else None,
        attempt=placed(identity.attempt, job_name.at) if identity and job_name and identity.attempt > 1 else None,
    )
    return Draft(path, metadata, spec, tuple(remarks), as_written=identity is not None)


def _misplaced(name: str, path: str, entry: Placed) -> Diagnostic:
    position = Position(path, *(entry.key or entry.at))
    return Diagnostic(
        "unknown-field", f"{quoted(name)} is not a field here", position, hint="is it one of training_job?"
    )


def _name(known: str, *sources: Placed | None) -> Placed | None:
    """The first name that can be made; all of them belong to what the manifest stands for."""
    for source in filter(None, sources):
        name = known or (manifest_name(source.value) if isinstance(source.value, str) else "")
        if name:
            return Placed(name, source.at, source.key)
    return None


def _remark(rule: str, message: str, path: str, at: Placed, hint: str = "") -> Diagnostic:
    return Diagnostic(rule, message, Position(path, *at.at), hint=hint, severity=Severity.WARNING)


def spec_of(job: Placed, path: str) -> tuple[Placed, list[Diagnostic]]:
    """The sections of a manifest's spec, and remarks on what does not go into one."""
    job = _without_nulls(job)
    remarks = []
    runtime = job.get("runtime")
    if (left := job.get("workspace")) is not None:
        message = "paths of another client's machine are left out"
        remarks.append(_remark("workspace", message, path, left, "add spec.workspace where code is needed"))
    if runtime is not None and (artifacts := runtime.get("artifacts")) is not None and artifacts.value:
        message = "code that another client uploaded is left out"
        remarks.append(_remark("artifacts", message, path, artifacts, "add spec.workspace, which uploads a folder"))
    job = job.holding(name=None, **dict.fromkeys(_OTHERS_FIELDS))
    if runtime is None or not isinstance(runtime.value, dict):
        return job, remarks
    checkpointing = _checkpointing(runtime.get("checkpointing_config"), runtime.get("load_checkpoint_config"))
    enable_cache, cache = runtime.get("enable_cache"), runtime.get("cache_config")
    rest = runtime.holding(
        artifacts=None,
        checkpointing_config=None,
        load_checkpoint_config=None,
        enable_cache=None,
        cache_config=cache or (enable_cache and _cache_of(enable_cache)),
    )
    kept = rest if rest.value or not checkpointing else None
    return job.holding(runtime=kept, checkpointing=job.get("checkpointing") or checkpointing), remarks


def _checkpointing(config: Placed | None, load: Placed | None) -> Placed | None:
    if load is None:
        return config
    load = _chained_again(load)
    whole = config if config is not None else placed({}, load.at)
    return whole.holding(load=load) if isinstance(whole.value, dict) else whole


def _chained_again(load: Placed) -> Placed:
    """What is loaded, with the name of a manifest where `render` could not tell yet which job of it that is."""
    checkpoints = load.get("checkpoints")
    if checkpoints is None or not isinstance(checkpoints.value, list):
        return load
    return load.holding(checkpoints=replace(checkpoints, value=[_with_manifest(each) for each in checkpoints.value]))


def _with_manifest(checkpoint: Placed) -> Placed:
    job = checkpoint.get("job_id")
    name = run_to_come(job.value) if job is not None and isinstance(job.value, str) else ""
    return (
        checkpoint.holding(job_id=None, manifest=replace(job, value=name)) if job is not None and name else checkpoint
    )


def _cache_of(enable_cache: Placed) -> Placed:
    """What the deprecated switch means, by the incumbent client's own reading of it."""
    switches = {"enabled": enable_cache, "enable_legacy_hf_mount": enable_cache}
    return Placed(switches, enable_cache.at, enable_cache.key)


def _without_nulls(value: Placed, variables: bool = False) -> Placed:
    """Removes keys whose value is null; an environment variable that is null stays, and gets a diagnostic."""
    if isinstance(value.value, dict):
        entries = {
            name: _without_nulls(each, name == "environment_variables")
            for name, each in value.value.items()
            if variables or each.value is not None
        }
        return replace(value, value=entries)
    if isinstance(value.value, list):
        return replace(value, value=[_without_nulls(each) for each in value.value])
    return value
