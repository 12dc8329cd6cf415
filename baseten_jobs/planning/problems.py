"""Manifests + what was observed of their projects -> diagnostics at the manifests' places."""

from collections.abc import Iterable, Iterator, Sequence

from baseten_jobs.job.claims import not_there
from baseten_jobs.job.observation import Observation
from baseten_jobs.job.project_resolution import Unresolved
from baseten_jobs.job.request import CompiledManifest
from baseten_jobs.manifest.diagnostics import Diagnostic, field_name
from baseten_jobs.manifest.document import Document
from baseten_jobs.manifest.rules import errors

_ADOPTED = ("metadata", "adopts", "job")


def misplaced(
    manifests: Sequence[CompiledManifest], observation: Observation, unresolved: Iterable[Unresolved]
) -> tuple[Diagnostic, ...]:
    """Manifests whose project can't be told from its name, or turns out to be that of another of the same name."""
    return (*_unresolved(manifests, unresolved), *_conflicts(manifests, observation))


def _unresolved(manifests: Iterable[CompiledManifest], unresolved: Iterable[Unresolved]) -> Iterator[Diagnostic]:
    problems = {problem.ref: problem for problem in unresolved}
    for each in manifests:
        if problem := problems.get(each.request.project):
            at = ("metadata", problem.field)
            yield Diagnostic("project", problem.message, each.document.position(at), field_name(at), problem.hint)


def _conflicts(manifests: Iterable[CompiledManifest], observation: Observation) -> list[Diagnostic]:
    """Two manifests of one name whose projects turn out to be the same."""
    claims: dict[tuple[str, str], list[tuple[Document, str]]] = {}
    for each in manifests:
        project = observation.projects.get(each.request.project)
        if project is not None and project.id:
            for name in each.request.names:
                claims.setdefault((project.id, name), []).append((each.document, name))
    return [d for claim in claims.values() if len(claim) > 1 for d in errors.clash(claim)]


def not_adoptable(manifests: Iterable[CompiledManifest], observation: Observation) -> tuple[Diagnostic, ...]:
    """A diagnostic for each adopted job that its project does not show."""
    return tuple(
        Diagnostic(
            "adopts", f"there is no job '{adopts.job_id}' in the project '{each.request.project}'",
            each.document.position(_ADOPTED), each.document.shown(field_name(_ADOPTED)),
            "is it another project's? without `adopts` the spec is submitted",
        )
        for each in manifests
        if (adopts := each.request.adopts) and not_there(observation, (each.request,))
    )  # fmt: skip
