"""What a shell completes: names of manifests, from whatever files can be read."""

from collections.abc import Iterator, Sequence

from baseten_jobs import manifest
from baseten_jobs.sources import STDIN, read_sources


def manifest_names(paths: Sequence[str]) -> list[str]:
    """The names in these files, each once and in order; what can't be read is passed over."""
    from io import BytesIO

    read = read_sources([path for path in paths if path != STDIN], BytesIO())
    return sorted({name for source in read.sources for name in _names(source.path, source.text)})


def _names(path: str, text: str) -> Iterator[str]:
    for document in manifest.load(path, text).documents:
        metadata = document.data.get("metadata") if isinstance(document.data, dict) else None
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if isinstance(name, str) and name.isprintable():
            yield name
