"""CONTRIBUTING keeps its word: what it names is there."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`([^`]+)`", PAGE)


def test_every_path_that_is_named_exists() -> None:
    paths = {name for name in NAMED if re.fullmatch(r"[\w.*/-]+", name) and ("/" in name or "." in name)}
    folders = (ROOT, ROOT / "baseten_jobs" / "emulator")
    absent = [
        name
        for name in sorted(paths - {".venv", "__init__.py", "dist/"})
        if not any(any(f.glob(name)) for f in folders)
    ]
    assert absent == []
    assert len(paths) >= 25


def test_every_chore_is_named_as_it_is_and_no_other() -> None:
    shown = subprocess.run([ROOT / ".ci" / "run", "--help"], capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"`\.ci/run ([a-z]+)", PAGE)) == set(re.findall(r"^  ([a-z]+) ", shown, re.M))


def test_the_table_has_a_row_for_each_thing_that_is_added() -> None:
    rows = re.findall(r"^\| (an? [^|]+?) \|", PAGE, re.M)
    assert rows == [
        "a field of the spec", "an updatable field", "a rule", "a command", "a check of `doctor`", "a report format",
        "a fault of the embedded API",
    ]  # fmt: skip


def test_the_readme_leads_here() -> None:
    assert "(.github/CONTRIBUTING.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
