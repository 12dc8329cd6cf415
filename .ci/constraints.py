"""Write the versions and hashes of all that the action installs: the newest that pyproject.toml allows. Needs `uv`."""

import os
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parent.parent
MADE = ROOT / ".github" / "actions" / "baseten-jobs" / "constraints.txt"
EXTRAS = ("local", "s3")


def requirements() -> list[str]:
    """What the tool needs, its extras but for the tests', and what builds it."""
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = tables["project"]
    optional = (project["optional-dependencies"][extra] for extra in EXTRAS)
    return sorted(chain(tables["build-system"]["requires"], project["dependencies"], *optional))


def main() -> None:
    """For every Python and system that we support at once: what only some need has a marker behind it."""
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    command = [
        "uv", "pip", "compile", "--quiet", "--no-config", "--universal", "--python-version", oldest.removeprefix(">="),
        "--generate-hashes", "--no-annotate", "--upgrade", "--exclude-newer", "1 week", "--only-binary", ":all:",
        "--custom-compile-command", "python3 .ci/constraints.py", "--output-file", str(MADE), "-",
    ]  # fmt: skip
    given = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
    ran = subprocess.run(command, input="\n".join(requirements()), text=True, cwd=ROOT, env=given, stdout=subprocess.DEVNULL)
    sys.exit(ran.returncode)


if __name__ == "__main__":
    main()
