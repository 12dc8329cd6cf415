"""Golden files: what a test made is compared with a file that is kept, or written to it by `pytest --golden`."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Golden:
    """Compares, or with `write` first writes what differs."""

    write: bool = False

    def text(self, file: Path, actual: str) -> None:
        if self.write and not (file.exists() and _text(file) == actual):
            file.parent.mkdir(exist_ok=True)
            file.write_text(actual, encoding="utf-8")
        assert actual == _text(file)

    def json(self, file: Path, actual: Any) -> None:
        """The same for a value, as JSON with indents of two."""
        self.text(file, json.dumps(actual, indent=2, ensure_ascii=False) + "\n")


def _text(file: Path) -> str:
    assert file.exists(), f"there is no {file.name} in {file.parent}; .ci/run golden writes it"
    return file.read_text(encoding="utf-8")
