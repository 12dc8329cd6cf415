"""Valid manifest -> JobRequest: the exact body of the create call, and whom it is for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any

from baseten_jobs.job.content import Content
from baseten_jobs.job.identity import SHOWN, Identity, Origin, digest_of
from baseten_jobs.job.retry_policy import RetryPolicy, retry_policy
from baseten_jobs.job.run_limits import RunLimits, run_limits
from baseten_jobs.job.settings import Setting, settings_of_spec
from baseten_jobs.manifest.diagnostics import FieldPath
from baseten_jobs.manifest.document import Cell, Document
from baseten_jobs.manifest.names import former_names
from baseten_jobs.manifest.normalisation import accelerator_of


@dataclass(frozen=True)
class ProjectRef:
    """A training project as a manifest names it: by id, or by name and perhaps team."""

    name: str | None = None
    id: str | None = None
    team: str | None = None

    def __str__(self) -> str:
        return (self.name or self.id or "") + (f" (team {self.team})" if self.team else "")


@dataclass(frozen=True)
class Adopts:
    """A job that was started without this tool, and the identity that it counts as."""

    job_id: str
    identity: Identity


@dataclass(frozen=True)
class Upstream:
    """A run whose checkpoint a job loads: `number` is that of the entry, `path` the file of the run's manifest.

    `checkpoint` is the name of the checkpoint; None for the newest one.
    """

    number: int
    project: ProjectRef
    name: str
    digest: str
    attempt: int
    checkpoint: str | None = None
    path: str = ""

    @property
    def identity(self) -> Identity:
        return Identity(self.name, self.digest[:SHOWN], self.attempt)


def _in_the_manifest(path: FieldPath) -> str:
    return ""


@dataclass(frozen=True)
class JobRequest:
    """The job that a manifest asks for: `training_job` is the only member of the body, `digest` has all 64 hex digits.

    `settings` are the fields that the API changes on a waiting job, as far as they are written. `manifest` is the
    document's data, `overrides` are the fields that were set by options, `content` are the workspace's files. Jobs
    with a name in `renamed_from` count as this manifest's. The job loads checkpoints of those of `upstreams`, and the
    body is whole once it is `loading` them. Its runs are stopped beyond its `limits`, and retried as `retries` says;
    `retry` is the number of the retry that it is, 0 for the first run of its attempt, and `resumes` the job and the
    checkpoint that it begins with in the place of all others. `cell` is set on one of a matrix; `attempt_field` says
    where the attempt is raised, and `stands_in` which file of Defaults the value of a field is in; empty for none.
    """

    path: str
    line: int
    project: ProjectRef
    name: str
    attempt: int
    digest: str
    training_job: Mapping[str, Any]
    settings: tuple[Setting, ...] = ()
    stop_superseded: bool = False
    suspended: bool = False
    manifest: Mapping[str, Any] = field(default_factory=dict, repr=False)
    overrides: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    content: Content | None = field(default=None, repr=False)
    adopts: Adopts | None = None
    renamed_from: tuple[str, ...] = ()
    upstreams: tuple[Upstream, ...] = ()
    limits: RunLimits | None = None
    retries: RetryPolicy | None = None
    retry: int = 0
    resumes: tuple[str, str] | None = None
    cell: Cell | None = None
    attempt_field: str = "`metadata.attempt`"
    stands_in: Callable[[FieldPath], str] = field(default=_in_the_manifest, repr=False, compare=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The manifest's name, then its former ones."""
        return tuple(dict.fromkeys((self.name, *self.renamed_from)))

    @property
    def identity(self) -> Identity:
        return Identity(self.name, self.digest[:SHOWN], self.attempt)

    @property
    def job_name(self) -> str:
        return self.identity.job_name + (f"-r{self.retry}" if self.retry else "")

    @property
    def body(self) -> Mapping[str, Any]:
        """The whole body of the create call."""
        return {"training_job": self.training_job}

    def with_artifact(self, artifact: Mapping[str, str]) -> "JobRequest":
        """Returns the same request with the object in its body to which the workspace was uploaded."""
        runtime = {**self.training_job.get("runtime", {}), "artifacts": [dict(artifact)]}
        return replace(self, training_job={**self.training_job, "runtime": runtime})

    def as_retry(self, number: int) -> "JobRequest":
        """Returns the same request as the retry of this number, which its job's name carries."""
        numbered = replace(self, retry=number)
        return replace(numbered, training_job={**self.training_job, "name": numbered.job_name})

    def loading(self, jobs: Mapping[int, str]) -> "JobRequest":
        """Returns the same request with ids of jobs in its body, by the numbers of the entries that load from them."""
        return replace(self, training_job=_loading(self.training_job, jobs))

    def resuming(self, job_id: str, checkpoint: str) -> "JobRequest":
        """Returns the same request with one checkpoint of an earlier run in the place of all that it would load."""
        entry = {"typ": "baseten_named_checkpoint", "checkpoint_name": checkpoint, "job_id": job_id}
        load = self.training_job.get("runtime", {}).get("load_checkpoint_config", {})
        resuming = self._with_load({**load, "enabled": True, "checkpoints": [entry]})
        return replace(resuming, resumes=(job_id, checkpoint))

    def _with_load(self, load: Mapping[str, Any] | None) -> "JobRequest":
        runtime = {**self.training_job.get("runtime", {}), "load_checkpoint_config": load}
        return replace(self, training_job=_without_nulls({**self.training_job, "runtime": runtime}))

    @property
    def unloaded(self) -> "JobRequest":
        """The same request before any job was known that it loads from."""
        if self.resumes is not None:
            written = _training_job(self.manifest["spec"]).get("runtime", {})
            return replace(self._with_load(written.get("load_checkpoint_config")), resumes=None).unloaded
        return self.loading(_stand_ins({each.number: each.identity.job_name for each in self.upstreams}))

    @property
    def nodes(self) -> int:
        return int(self._compute.get("node_count", 1))

    @property
    def gpus(self) -> int:
        """GPUs of all nodes together."""
        accelerator = self._compute.get("accelerator")
        return self.nodes * int(accelerator["count"]) if accelerator else 0

    @property
    def saves_checkpoints(self) -> bool:
        """True if Baseten keeps the job's checkpoints, so that they can be listed."""
        config: Mapping[str, Any] = self.training_job.get("runtime", {}).get("checkpointing_config", {})
        return bool(config.get("enabled"))

    @property
    def _compute(self) -> Mapping[str, Any]:
        compute: Mapping[str, Any] = self.training_job.get("compute", {})
        return compute


@dataclass(frozen=True)
class CompiledManifest:
    """One valid manifest: the document that was read, and the request that it compiles to."""

    document: Document
    request: JobRequest


Loaded = Mapping[int, JobRequest]
"""The request of each manifest whose checkpoint another one loads, by the number of the entry."""


_NOTHING: Loaded = MappingProxyType({})


def compiled(document: Document, content: Content | None = None, loaded: Loaded = _NOTHING) -> CompiledManifest:
    """A document that schema and rules accept, with its request."""
    return CompiledManifest(document, compile_request(document, content, loaded))


def compile_request(document: Document, content: Content | None = None, loaded: Loaded = _NOTHING) -> JobRequest:
    """Returns the request of a document that schema and rules accept; `content` is None without a workspace."""
    metadata, spec = _without_nulls(document.data["metadata"]), document.data["spec"]
    policy = _without_nulls(document.data.get("policy") or {})
    origins = {number: Origin(request.digest, request.attempt) for number, request in loaded.items()}
    digest = digest_of(spec, document.data["apiVersion"], content.digest if content else None, origins)
    identity = Identity(metadata["name"], digest[:SHOWN], metadata.get("attempt", 1))
    return JobRequest(
        path=document.path,
        line=document.line,
        project=ProjectRef(metadata.get("project"), metadata.get("project_id"), metadata.get("team")),
        name=identity.name,
        attempt=identity.attempt,
        digest=digest,
        training_job=_loading(
            {"name": identity.job_name, **_training_job(spec)},
            _stand_ins({number: request.job_name for number, request in loaded.items()}),
        ),
        settings=settings_of_spec(spec, document.data["apiVersion"]),
        stop_superseded=policy.get("on_change") == "stop",
        suspended=policy.get("suspend", False),
        manifest=document.data,
        overrides=document.overrides,
        content=content,
        adopts=_adopts(identity.name, metadata.get("adopts")),
        renamed_from=former_names(metadata.get("renamed_from")),
        upstreams=tuple(_upstream(number, request, spec) for number, request in loaded.items()),
        limits=run_limits(policy),
        retries=retry_policy(policy, document.data["apiVersion"]),
        cell=document.cell,
        attempt_field=_attempt_of(document, document.cell) if document.cell else JobRequest.attempt_field,
        stands_in=partial(_base_of, document) if document.bases else _in_the_manifest,
    )


def _upstream(number: int, request: JobRequest, spec: Mapping[str, Any]) -> Upstream:
    checkpoint = spec["checkpointing"]["load"]["checkpoints"][number].get("checkpoint_name")
    of = request
    return Upstream(number, of.project, of.name, of.digest, of.attempt, checkpoint, of.path)


_TO_COME = "<job of {}>"
"""Stands for the id of a job that is not there yet, by the name that the job will have."""


def _stand_ins(job_names: Mapping[int, str]) -> Mapping[int, str]:
    return {number: _TO_COME.format(name) for number, name in job_names.items()}


def run_to_come(job_id: str) -> str:
    """Returns the name of the manifest whose job this stands for, in the place of an id; empty for an id."""
    begin, end = _TO_COME.split("{}")
    whole = job_id.startswith(begin) and job_id.endswith(end)
    return job_id.removeprefix(begin).partition("--")[0] if whole else ""


def _loading(body: Mapping[str, Any], jobs: Mapping[int, str]) -> Mapping[str, Any]:
    """A body with these jobs in its checkpoints, in the place of the names of manifests."""
    if not jobs:
        return body
    load = body["runtime"]["load_checkpoint_config"]
    checkpoints = list(load["checkpoints"])
    for number, job_id in jobs.items():
        entry = {name: each for name, each in checkpoints[number].items() if name not in ("manifest", "project")}
        checkpoints[number] = {**entry, "job_id": job_id}
    return {**body, "runtime": {**body["runtime"], "load_checkpoint_config": {**load, "checkpoints": checkpoints}}}


def _base_of(document: Document, path: FieldPath) -> str:
    source = document.position(path).path
    return source if source in document.bases else ""


def _attempt_of(document: Document, cell: Cell) -> str:
    place = document.position(cell.attempt_at)
    return f"`attempt` of {cell.label} in `matrix.attempts` ({place.path}:{place.line})"


def _adopts(name: str, written: Mapping[str, Any] | None) -> Adopts | None:
    if written is None:
        return None
    return Adopts(written["job"], Identity(name, written["digest"], written.get("attempt", 1)))


def _training_job(spec: Mapping[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = _without_nulls(spec)
    body.pop("workspace", None)
    if "accelerator" in body.get("compute", {}):
        body["compute"]["accelerator"] = accelerator_of(body["compute"]["accelerator"])
    if "checkpointing" in body:
        checkpointing = body.pop("checkpointing")
        runtime = body.setdefault("runtime", {})
        load = checkpointing.pop("load", None)
        if load is not None:
            runtime["load_checkpoint_config"] = load
        if checkpointing or load is None:
            runtime["checkpointing_config"] = checkpointing
    return body


def _without_nulls(value: Any) -> Any:
    """Returns a copy without the keys that are null."""
    if isinstance(value, dict):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_nulls(each) for each in value]
    return value
