"""How long a plan takes in a repository with a long history: python -m tests.bench.long_history"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.repository import ENVIRONMENT

MANIFEST = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata: {{name: x, project: Demo / one}}
spec:
  image: {{base_image: "hello-world:1"}}
  compute: {{accelerator: "H100:8"}}
  runtime: {{start_commands: ["train --step {step}"]}}
"""


def fill(folder: Path, commits: int, revisions: int) -> None:
    """So many commits, each so-many-th of which changes the manifest; written by one fast-import."""
    lines: list[bytes] = []
    every = commits // revisions
    for number in range(commits):
        step = number // every
        lines.append(
            f"commit refs/heads/main\ncommitter Ada <ada@example.com> {1_700_000_000 + number} +0000\n".encode()
        )
        lines.append(b"data 1\nc\n")
        content = f"{number}\n".encode()
        path = "notes.txt" if number % 2 else "values.yaml"
        lines.append(f"M 644 inline {path}\ndata {len(content)}\n".encode() + content)
        if number % every == 0:
            content = MANIFEST.format(step=step).encode()
            lines.append(f"M 644 inline specs/x.yaml\ndata {len(content)}\n".encode() + content)
    subprocess.run(
        ("git", "fast-import", "--quiet", "--force"), cwd=folder, env=ENVIRONMENT, input=b"".join(lines), check=True
    )
    subprocess.run(("git", "checkout", "-qf", "main"), cwd=folder, env=ENVIRONMENT, check=True)


def main() -> None:
    from tests.support.repository import Repository

    for commits, revisions, back in ((20_000, 2_000, 900), (20_000, 2_000, 1)):
        with tempfile.TemporaryDirectory() as folder:
            world = Repository(Path(folder) / "repository")
            fill(world.folder, commits, revisions)
            world.write(command=f"train --step {revisions - back}")
            world.apply()
            world.write(command="train --step last")
            began = time.perf_counter()
            (action,) = world.asked().actions
            took = time.perf_counter() - began
            where = action.previous.commit[:8] if action.previous else action.history
            print(f"{commits} commits, {revisions} revisions, the one that runs is {back} back: {took:.2f} s ({where})")


if __name__ == "__main__":
    sys.exit(main())
