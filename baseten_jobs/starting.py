"""A folder -> the same with a first manifest, its schema and a pipeline, and nothing overwritten."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from baseten_jobs.shape import SUPPORTED, schema_text

_PACKAGED = Path(__file__).parent / "starter"
_IGNORED = ".baseten-jobs/"

PIPELINES = {
    "github": ("github.yml", Path(".github", "workflows", "training.yml")),
    "gitlab": ("gitlab.yml", Path(".gitlab-ci.yml")),
}
MANIFEST = Path("specs", "first-job.yaml")
SCHEMA = Path("schemas", "v1", "training-job.schema.json")


@dataclass(frozen=True)
class Started:
    """Files below the folder: those that were written, or added to, and those that were there and were left alone."""

    written: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def start(folder: Path, pipeline: str | None) -> Started:
    """Write what is missing; raises OSError. Each file is made whole or not at all, and never over another."""
    written: list[str] = []
    kept: list[str] = []
    for path, text in _files(folder, pipeline):
        (written if _write(folder / path, text) else kept).append(path.as_posix())
    if _in_git(folder):
        (written if _ignore(folder / ".gitignore") else kept).append(".gitignore")
    return Started(tuple(written), tuple(kept))


def _files(folder: Path, pipeline: str | None) -> Iterator[tuple[Path, str]]:
    """A folder with manifests needs no first one."""
    others = [path for path in folder.glob("specs/**/*.y*ml") if path != folder / MANIFEST]
    if not others:
        yield MANIFEST, (_PACKAGED / MANIFEST.name).read_text(encoding="utf-8")
    yield SCHEMA, schema_text(SUPPORTED[-1])
    if pipeline is not None:
        source, target = PIPELINES[pipeline]
        yield target, (_PACKAGED / source).read_text(encoding="utf-8")


def _write(path: Path, text: str) -> bool:
    """Whether the file was not there, and is now."""
    if os.path.lexists(path):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True


def _in_git(folder: Path) -> bool:
    return any((parent / ".git").exists() for parent in (folder.resolve(), *folder.resolve().parents))


def _ignore(path: Path) -> bool:
    """Whether git was told, only now, that the embedded API's database is nobody else's."""
    text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
    if any(line.strip().strip("/") == _IGNORED.strip("/") for line in text.splitlines()):
        return False
    with open(path, "a", encoding="utf-8", errors="surrogateescape") as file:
        file.write(("" if text.endswith("\n") or not text else "\n") + _IGNORED + "\n")
    return True
