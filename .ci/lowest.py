"""Print the lowest versions that pyproject.toml promises to work with, as constraints for pip."""

import re
import sys
import tomllib
from itertools import chain
from pathlib import Path

FORM = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(\[[a-z0-9,]+\])?>=(?P<version>[0-9][0-9A-Za-z.]*)")


def main() -> None:
    """Every requirement is NAME>=VERSION; anything else ends this with an error."""
    tables = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))
    project = tables["project"]
    optional = chain.from_iterable(project["optional-dependencies"].values())
    for requirement in chain(tables["build-system"]["requires"], project["dependencies"], optional):
        if requirement.startswith(f"{project['name']}["):
            continue
        if not (found := FORM.fullmatch(requirement)):
            sys.exit(f"pyproject.toml: '{requirement}' is not of the form NAME>=VERSION")
        print(f"{found['name']}=={found['version']}")


if __name__ == "__main__":
    main()
