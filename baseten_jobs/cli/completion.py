"""Paths -> names of manifests for a shell to complete, from those files that can be read."""

from collections.abc import Iterator, Sequence

from baseten_jobs.manifest import document as manifest
from baseten_jobs.manifest.schema.fast_check import Verdict, compiled, fits
from baseten_jobs.manifest.schema.fields import SUPPORTED, shape_of
from baseten_jobs.manifest.sources import STDIN, read_sources
from baseten_jobs.phrases import as_counted


def manifest_names(paths: Sequence[str]) -> list[str]:
    """The names in these files that the schema accepts, sorted, each once, those of a matrix's cells among them.

    Files that can't be read are skipped.
    """
    from io import BytesIO

    accepted = compiled(shape_of(SUPPORTED[-1]).properties["metadata"].properties["name"].schema, {})
    read = read_sources([path for path in paths if path != STDIN], BytesIO())
    names = {name for source in read.sources for name in _names(source.path, source.text, accepted)}
    return sorted(names, key=as_counted)


def _names(path: str, text: str, accepted: Verdict) -> Iterator[str]:
    documents = manifest.load(path, text).documents
    if any(document.templated for document in documents):
        from baseten_jobs.manifest.matrix.expansion import expanded

        documents = expanded(documents).documents
    for document in documents:
        metadata = document.data.get("metadata") if isinstance(document.data, dict) else None
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if isinstance(name, str) and fits(accepted, name):
            yield name
