"""What a source says of a job, in the manifest's sections: a draft, and what schema and rules find in it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from baseten_jobs.importing.placed import Gap, Placed, document_of, placed
from baseten_jobs.importing.tidying import tidied
from baseten_jobs.importing.yaml_writer import Todo, yaml_text
from baseten_jobs.manifest.diagnostics import Diagnostic, FieldPath, Position, in_order
from baseten_jobs.manifest.document import Document, load
from baseten_jobs.manifest.rules import errors
from baseten_jobs.manifest.schema import check as schema
from baseten_jobs.manifest.schema.fields import KIND, SUPPORTED, shape_of

API_VERSION = SUPPORTED[-1]


@dataclass(frozen=True)
class Draft:
    """A manifest before it is written: each value has its place in `path`; `remarks` are warnings.

    `as_written` says that the source held only what a person wrote, so that even a default is kept.
    """

    path: str
    metadata: Placed
    spec: Placed
    remarks: tuple[Diagnostic, ...] = ()
    as_written: bool = False

    @property
    def name(self) -> str:
        return self.metadata.text("name") or ""

    @property
    def project(self) -> str:
        return self.metadata.text("project") or self.metadata.text("project_id") or ""

    @property
    def document(self) -> Document:
        head = {"apiVersion": placed(API_VERSION), "kind": placed(KIND)}
        return document_of(Placed({**head, "metadata": self.metadata, "spec": self.spec}, self.spec.at), self.path)

    @property
    def manifest(self) -> dict[str, Any]:
        """What is to be written: tidy, in the schema's order."""
        shape = shape_of(API_VERSION)
        return {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": tidied(self.metadata.plain(), shape.properties["metadata"], self.as_written),
            "spec": tidied(self.spec.plain(), shape.properties["spec"], self.as_written),
        }


@dataclass(frozen=True)
class ManifestText:
    """The text of a manifest file, and the diagnostics that forbid it, such as its size."""

    text: str
    diagnostics: tuple[Diagnostic, ...] = ()


def check(draft: Draft) -> tuple[Diagnostic, ...]:
    """What the schema and the rules say of it, at the places of its source."""
    document = draft.document
    found = schema.check(document)
    told = (*draft.remarks, *found, *errors.check(document, found))
    return in_order(replace(d, hint=_OPTIONS.get((d.rule, d.message), d.hint)) for d in told)


_OPTIONS = {
    ("required", "'name' is missing"): "--name NAME gives one",
    ("project-or-id", "'project' or 'project_id' is missing"): "--project NAME gives one",
}
"""What to do about a name that the source does not tell; in a manifest these say enough by themselves."""


def written(
    drafts: Sequence[Draft], modeline: str, fold: Callable[[list[dict[str, Any]]], Sequence[Mapping[str, Any]]] = list
) -> ManifestText:
    """The text of a file with these manifests, which `fold` may make fewer, and why it can't be one."""
    manifests = fold([draft.manifest for draft in drafts])
    text = yaml_text([_marked(manifest) for manifest in manifests], modeline)
    found = load(drafts[0].path, text).diagnostics
    return ManifestText(text, tuple(replace(d, position=Position(drafts[0].path)) for d in found if d.rule != "todo"))


def _marked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _marked(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_marked(each) for each in value]
    return Todo(value.reason) if isinstance(value, Gap) else value


def gaps(value: Placed, path: FieldPath = ()) -> Iterable[tuple[FieldPath, Gap]]:
    """Each gap of a value, with its field."""
    if isinstance(value.value, Gap):
        yield path, value.value
    for name, entry in value.entries.items():
        yield from gaps(entry, (*path, name))
    for index, entry in enumerate(value.value if isinstance(value.value, list) else ()):
        yield from gaps(entry, (*path, index))
