"""Document -> diagnostics, by the schema of its apiVersion. Only this module imports jsonschema."""

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any

from baseten_jobs.manifest.diagnostics import Diagnostic
from baseten_jobs.manifest.document import Document
from baseten_jobs.manifest.schema.fast_check import fits, pattern_of, verdict_of
from baseten_jobs.manifest.schema.fields import KIND, KINDS, SUPPORTED, schema_of
from baseten_jobs.secrecy import quoted

_MAX_PROBLEMS = 200
"""How many problems of one document are shown; only a file that was never meant to be a manifest has more."""


def check(document: Document) -> tuple[Diagnostic, ...]:
    """Returns all diagnostics of a document by the schema."""
    data = document.data
    if not isinstance(data, dict):
        found = "a list" if isinstance(data, list) else "a single value"
        return (
            Diagnostic(
                "type",
                f"{found} is not a manifest",
                document.position(),
                hint="a manifest is a mapping with apiVersion, kind, metadata and spec",
            ),
        )
    if not (data.get("apiVersion") in SUPPORTED and data.get("kind") in KINDS):
        return _wrong_version(document, data)
    if fits(verdict_of(data["apiVersion"], data["kind"]), data):
        return ()
    from baseten_jobs.manifest.schema.messages import worded, worth_telling

    diagnostics: list[Diagnostic] = []
    errors = judge(data["apiVersion"], data["kind"]).iter_errors(data)
    for error in worth_telling(islice(errors, _MAX_PROBLEMS)):
        diagnostics += worded(error, document)
    if next(errors, None):
        told = "this manifest has more problems; they are not shown"
        diagnostics.append(Diagnostic("too-many-problems", told, document.position()))
    return tuple(diagnostics)


def supports(document: Document) -> bool:
    """True for a manifest of a version that the rules are for."""
    data = document.data
    return isinstance(data, dict) and data.get("apiVersion") in SUPPORTED and data.get("kind") == KIND


def _wrong_version(document: Document, data: Mapping[str, Any]) -> tuple[Diagnostic, ...]:
    return tuple(
        _unsupported(document, data, name, supported)
        for name, supported in (("apiVersion", SUPPORTED), ("kind", KINDS))
        if data.get(name) not in supported
    )


def _unsupported(document: Document, data: Mapping[str, Any], name: str, supported: tuple[str, ...]) -> Diagnostic:
    choice = "supported: " + " or ".join(f"'{one}'" for one in supported)
    if name in data:
        from baseten_jobs.manifest.schema.messages import as_written

        message = f"{as_written(document, (name,), data[name])} is not supported"
        return Diagnostic("unsupported", message, document.position((name,)), name, choice)
    near = next((key for key in data if key.lower().replace("_", "") == name.lower()), None)
    if near is None:
        return Diagnostic("required", f"'{name}' is missing", document.position(), hint=choice)
    message = f"{quoted(near)} is not a field here"
    return Diagnostic("unknown-field", message, document.position((near,), of_key=True), hint=f"did you mean '{name}'?")


@cache
def judge(api_version: str, kind: str = KIND) -> Any:
    """Returns jsonschema's validator of a version and kind: all messages are made from its errors."""
    from jsonschema import Draft202012Validator, ValidationError
    from jsonschema.validators import extend

    checker = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)

    def pattern(_: Any, wanted: str, value: object, schema: Any) -> Iterator[ValidationError]:
        if isinstance(value, str) and not pattern_of(wanted).search(value):
            yield ValidationError(f"{value!r} does not match {wanted!r}")

    return extend(  # type: ignore[no-untyped-call]
        Draft202012Validator, {"pattern": pattern}, type_checker=checker
    )(schema_of(api_version, kind))
