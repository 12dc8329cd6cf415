"""Small trees of files, the manifests in them, and what is made of both."""

import io
import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from baseten_jobs.compilation import Compiled, compile_all
from baseten_jobs.job.content import Content
from baseten_jobs.manifest.diagnostics import Severity
from baseten_jobs.manifest.inputs import Inputs
from tests.support.repository import git

MANIFEST = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata: {{name: {name}, project: Demo}}
spec:
  image: {{base_image: "i:1"}}
  workspace: {workspace}
  enable_baseten_workdir: true
  runtime: {{start_commands: ["./run.sh"]}}
{more}"""

CODE = {"run.sh": "#!/bin/sh\npython train.py\n", "train.py": "LR = 1\n", "lib/layers.py": "WIDTH = 8\n"}


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        if name.endswith(".sh"):
            path.chmod(0o755)
    return folder


def manifest(folder: Path, workspace: str = ".", name: str = "x", more: str = "") -> None:
    write(folder, {f"{name}.yaml": MANIFEST.format(name=name, workspace=workspace, more=more)})


def compiled(folder: Path, *allowed: Path) -> Compiled:
    """As a command sees it, with folders that `--allow-outside` names; no test remembers another's hashes."""
    return compile_all(Inputs([str(folder)], allowed=tuple(map(str, allowed))), io.BytesIO())


def content(folder: Path, *allowed: Path) -> Content:
    """What the first manifest's workspace holds; it must be sound."""
    found = compiled(folder, *allowed)
    assert found.valid, found.diagnostics
    held = found.requests[0].content
    assert held is not None
    return held


def paths(folder: Path, *allowed: Path) -> list[str]:
    return [file.path for file in content(folder, *allowed).files]


def digest(folder: Path) -> str:
    content(folder)
    return compiled(folder).requests[0].digest


def told(folder: Path, severity: Severity = Severity.ERROR, allowed: Iterable[Path] = ()) -> list[str]:
    """What the diagnostics of this severity say, without their places."""
    return [f"{d.message} [{d.rule}]" for d in compiled(folder, *allowed).diagnostics if d.severity is severity]


def commit(folder: Path) -> None:
    if not (folder / ".git").exists():
        git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "change")


def unpacked(archive: Path, folder: Path) -> Path:
    """By the system's own tar, which has another idea of the format than Python's."""
    folder.mkdir()
    subprocess.run(["tar", "-xf", str(archive), "-C", str(folder)], check=True, env={"PATH": os.environ["PATH"]})
    return folder
