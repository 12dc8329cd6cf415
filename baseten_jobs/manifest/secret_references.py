"""Document -> the secrets that it refers to, and a diagnostic for each that its team does not have."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from baseten_jobs.manifest.diagnostics import Diagnostic, FieldPath, field_name
from baseten_jobs.manifest.document import Document
from baseten_jobs.manifest.schema.fields import Shape, shape_of
from baseten_jobs.phrases import nearest
from baseten_jobs.secrecy import quoted

_RULE = "secret"


@dataclass(frozen=True)
class SecretReference:
    """The name of a secret, and its path in the manifest."""

    name: str
    path: FieldPath


def secret_references(document: Document) -> tuple[SecretReference, ...]:
    """Yields each value of a valid document that the schema marks as the name of a secret (`x-secret`)."""
    shape = shape_of(document.data["apiVersion"])
    return tuple(_references(document.data["spec"], shape.properties["spec"], ("spec",)))


def _references(value: Any, shape: Shape, path: FieldPath) -> Iterator[SecretReference]:
    if isinstance(value, dict):
        shape = shape.variant(value)
        for key, each in value.items():
            below = shape.properties.get(key) or shape.values
            if below is not None:
                yield from _references(each, below, (*path, key))
    elif isinstance(value, list) and shape.items is not None:
        for index, each in enumerate(value):
            yield from _references(each, shape.items, (*path, index))
    elif isinstance(value, str) and shape.schema.get("x-secret"):
        yield SecretReference(value, path)


def _plain_name(name: str) -> str:
    """Returns a key that is equal for all names of one secret: Baseten takes `hf_access_token` for `hf-access-token`.

    Source: docs.baseten.co, organization/secrets.
    """
    return "".join(filter(str.isalnum, name)) or name


def missing_secrets(document: Document, held: Collection[str], team: str) -> tuple[Diagnostic, ...]:
    """Returns a diagnostic for each reference to a secret that is not in `held`, the names of the team's secrets."""
    return tuple(_missing(document, each, held, team) for each in unheld(document, held))


def unheld(document: Document, held: Collection[str]) -> tuple[SecretReference, ...]:
    """Returns the references to secrets that are not in `held`."""
    have = frozenset(map(_plain_name, held))
    return tuple(each for each in secret_references(document) if _plain_name(each.name) not in have)


def _missing(document: Document, reference: SecretReference, held: Collection[str], team: str) -> Diagnostic:
    owner = f" of the team {quoted(team)}" if team else ""
    near = nearest(reference.name, sorted(held))
    return Diagnostic(
        _RULE,
        f"{quoted(reference.name)} is not a secret{owner}",
        document.position(reference.path),
        field_name(reference.path),
        f"did you mean {quoted(near)}?" if near else "make it in Baseten first",
    )
