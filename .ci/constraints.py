"""Write the newest versions, with hashes, of what the action installs, and of the `uv` that this needs."""

import os
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parent.parent
CONSTRAINTS = Path(".github", "actions", "baseten-jobs", "constraints.txt")
OWN = Path(".ci", "uv.txt")
EXTRAS = ("local",)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def requirements() -> list[str]:
    """What the tool needs, its extras but for the tests', and what builds it."""
    project = PROJECT["project"]
    optional = (project["optional-dependencies"][extra] for extra in EXTRAS)
    return sorted(chain(PROJECT["build-system"]["requires"], project["dependencies"], *optional))


def compile_to(path: Path, wanted: list[str]) -> None:
    """For every Python and system that we support at once; nothing that was published within the last week."""
    command = [
        "uv", "pip", "compile", "--quiet", "--no-config", "--universal", "--generate-hashes", "--only-binary", ":all:",
        "--python-version", PROJECT["project"]["requires-python"].removeprefix(">="),
        "--upgrade", "--exclude-newer", "1 week", "--no-annotate",
        "--custom-compile-command", "python3 .ci/constraints.py", "--output-file", str(path), "-",
    ]  # fmt: skip
    given = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
    subprocess.run(
        command, input="\n".join(wanted), text=True, cwd=ROOT, env=given, stdout=subprocess.DEVNULL, check=True
    )


def main() -> None:
    try:
        compile_to(CONSTRAINTS, requirements())
        compile_to(OWN, ["uv"])
    except FileNotFoundError:
        sys.exit("uv is not installed here: pip install --require-hashes -r .ci/uv.txt")
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)


if __name__ == "__main__":
    main()
