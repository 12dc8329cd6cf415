"""The wheel, built from the checkout and installed away from it, does the tool's main job."""

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCHEMAS = sorted(path.relative_to(ROOT) for path in (ROOT / "schemas" / "v1").iterdir())
PRINTED = {"TrainingJob": "training-job", "any": "manifest"}

MANIFEST = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata: {name: wheel, project: demo}
spec:
  image: {base_image: "python:3.11-slim"}
  runtime: {start_commands: [python train.py]}
"""


def _run(*arguments: str, cwd: Path, packages: Path | None = None) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("BASETEN_", "PYTHON"))}
    if packages:
        environment["PYTHONPATH"] = str(packages)
    ran = subprocess.run([sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    here = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    pip = ["-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet"]
    _run(*pip, "wheel", "--no-deps", *here, "--wheel-dir", str(folder), str(ROOT), cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def packages(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    pip = ["-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet"]
    _run(*pip, "install", "--no-deps", "--no-index", "--target", str(folder), str(wheel), cwd=folder)
    return folder


@pytest.fixture
def somewhere(tmp_path: Path) -> Path:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "job.yaml").write_text(MANIFEST)
    return tmp_path


@pytest.mark.slow
def test_the_wheel_carries_the_package_and_its_schemas_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"baseten_jobs"}
    assert {f"baseten_jobs/{schema.as_posix()}" for schema in SCHEMAS} <= set(names)
    assert "baseten_jobs/py.typed" in names
    assert "baseten_jobs/manifest/rules/registry.yaml" in names
    assert not [name for name in names if "__pycache__" in name or name.startswith("baseten_jobs/tests")]


@pytest.mark.slow
def test_the_installed_schemas_are_those_of_the_checkout(packages: Path, somewhere: Path) -> None:
    for schema in SCHEMAS:
        assert (packages / "baseten_jobs" / schema).read_bytes() == (ROOT / schema).read_bytes()
    for kind, name in PRINTED.items():
        printed = _run("-m", "baseten_jobs", "schema", "--kind", kind, cwd=somewhere, packages=packages)
        assert printed == (ROOT / "schemas" / "v1" / f"{name}.schema.json").read_text(encoding="utf-8")


@pytest.mark.slow
def test_what_runs_is_what_was_installed(packages: Path, somewhere: Path) -> None:
    shown = _run("-c", "import baseten_jobs; print(baseten_jobs.__file__)", cwd=somewhere, packages=packages)
    assert Path(shown.strip()).is_relative_to(packages)


@pytest.mark.slow
def test_it_validates_renders_and_applies(packages: Path, somewhere: Path) -> None:
    def tool(*arguments: str) -> str:
        return _run("-m", "baseten_jobs", *arguments, cwd=somewhere, packages=packages)

    assert tool("validate") == "1 manifest: no problems\n"
    assert "wrote  specs/first-job.yaml" in tool("init", "elsewhere")
    (rendered,) = json.loads(tool("render", "-o", "json"))
    assert rendered["request"]["training_job"]["image"] == {"base_image": "python:3.11-slim"}
    applied = json.loads(tool("apply", "--local", "--yes", "-o", "json"))
    assert [(one["outcome"], one["job_name"]) for one in applied["results"]] == [("submitted", rendered["job_name"])]
    again = json.loads(tool("apply", "--local", "--yes", "-o", "json"))
    assert [one["outcome"] for one in again["results"]] == ["kept"]
