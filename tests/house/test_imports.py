"""The house: which module may import which, what is pure, where each library lives, and what a start costs."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

import baseten_jobs

PACKAGE = Path(baseten_jobs.__file__).parent

PURE = """
    phrases manifest.diagnostics cli.exits manifest.names job.times manifest.yaml_scalars manifest.yaml_errors
    manifest.yaml_reader manifest.document manifest.edit importing.yaml_writer secrecy manifest.normalisation git.log
    job.content workspace.globs workspace.ignore_files workspace.default_excludes workspace.selection
    workspace.lfs_pointers workspace.own_files workspace.scan manifest.schema.fields manifest.ownership
    manifest.schema.fast_check manifest.schema.explain manifest.schema.messages manifest.schema.check
    manifest.overrides manifest.rules.lookup manifest.rules.weight_sources manifest.confusables
    manifest.rules.confusable_projects manifest.rules.warnings manifest.rules.errors manifest.secret_references
    job.identity job.request job.cost planning.capacity job.observation provider.merging job.project_resolution
    provider.standstill job.claims importing planning.history.past_manifests planning.history.revisions
    planning.alignment planning.diff planning.plan planning.holds planning.decide planning.guards applying.waiting
    applying.outcome planning.terms planning.saved_plan applying.plausibility provider.status cli.exit_rules
    provider.log_pages report
"""
EFFECTS = """
    manifest.folders manifest.checkout manifest.overlooked manifest.sources cli.repository_paths manifest.landing
    cli.starting git.process git.objects git.repository git.index git.listing workspace.user_cache workspace.hashing
    workspace.links workspace.places workspace.walk workspace.archive workspace.problems workspace.boundary
    workspace.conversion workspace.warnings workspace.pack importing.adopt importing.truss.confined
    importing.truss.files compilation provider.api.local_database planning.history.commit_files git.remote
    planning.history.branch_tip planning.history.code_revisions planning.history.lookup planning.history.orphans
    planning.history.missing_jobs planning.history.review emulator provider.api provider.observe applying.second_look
    planning.preflight applying.object_store applying.upload provider.outages provider.presence provider.log_reader
    provider.status_reader provider.snapshot provider.stop applying.submit applying.settle applying.in_flight
    applying.create applying.execute applying.wait pipeline cli __main__
"""
ORDER = [*PURE.split(), *EFFECTS.split()]
"""Each module, or package, imports only from those before it. A new one gets its place here."""

HOMES = {
    "yaml": {"manifest.yaml_scalars", "manifest.yaml_reader", "importing.yaml_writer"},
    "jsonschema": {"manifest.schema.check"},
    "deepdiff": {"planning.diff"},
    "boto3": {"applying.object_store"},
    "botocore": {"applying.object_store"},
    "httpx": {"provider.api"},
    "click": {"cli"},
    "subprocess": {"git.process", "importing.truss.confined"},
    "flask": {"emulator"},
    "werkzeug": {"emulator"},
    "waitress": {"emulator"},
    "sqlite3": {"emulator"},
}
"""Where each library may be imported; a name for type checkers alone may be imported anywhere."""

OWN_FILES = {"manifest.schema.fields"}
"""Pure, but for the files of the package that they read."""

TO_THE_EMULATOR = {"provider.api.connection", "cli.commands.emulator"}
"""Where the embedded API is reached, and no sooner than it is called for."""

PATHS = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
}
"""Every module of ours, by its whole name."""

LONGER: set[str] = set()
"""Modules with more than 300 lines. The list only gets shorter."""


def _unit(name: str) -> str:
    """The module or package in ORDER that a module is or is in; nothing for a package that holds several of them."""
    parts = name.split(".")
    prefixes = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
    return next((prefix for prefix in prefixes if prefix in ORDER), "")


@dataclass(frozen=True)
class Import:
    """One name that a module imports: absolute, and how."""

    name: str
    lazy: bool
    typing: bool

    @property
    def root(self) -> str:
        return self.name.partition(".")[0]

    @property
    def unit(self) -> str:
        """What ORDER calls our own module that it names, or nothing."""
        return _unit(self.name.removeprefix("baseten_jobs.")) if self.root == "baseten_jobs" else ""


@dataclass(frozen=True)
class Module:
    name: str
    source: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @property
    def unit(self) -> str:
        return _unit(self.name)

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        return tuple(self._imports(self.tree, lazy=False, typing=False))

    def _imports(self, node: ast.AST, *, lazy: bool, typing: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from (Import(alias.name, lazy, typing) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                package = ["baseten_jobs", *self.name.split(".")][: -child.level or None] if child.level else []
                start = ".".join([*package, child.module] if child.module else package)
                for alias in child.names:
                    inner = f"{start}.{alias.name}"
                    yield Import(inner if inner in PATHS else start, lazy, typing)
            else:
                function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                for_types = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
                yield from self._imports(child, lazy=lazy or function, typing=typing or for_types)


def _modules() -> Iterator[Module]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        yield Module(".".join(parts), path.read_text(encoding="utf-8"))


MODULES = tuple(_modules())
OURS = tuple(module for module in MODULES if module.unit)

each_module = pytest.mark.parametrize("module", OURS, ids=[module.name for module in OURS])
pure_modules = [module for module in OURS if module.unit in PURE.split()]
each_pure_module = pytest.mark.parametrize("module", pure_modules, ids=[module.name for module in pure_modules])


def test_every_module_has_its_place_in_the_order() -> None:
    assert {module.unit for module in OURS} == set(ORDER)
    rooms = (module for module in MODULES if not module.unit)
    assert not [room.name for room in rooms if not room.name.endswith("__init__") or room.imports]


@each_module
def test_a_module_imports_only_from_modules_above_it(module: Module) -> None:
    above = {*ORDER[: ORDER.index(module.unit)], module.unit}
    assert {found.unit for found in module.imports if found.unit} <= above


def test_modules_of_one_package_import_each_other_in_one_direction() -> None:
    graph = {
        f"baseten_jobs.{module.name.removesuffix('.__init__')}": {found.name for found in module.imports}
        for module in OURS
        if "." in module.name
    }
    left = dict(graph)
    while free := [name for name, imported in left.items() if not (imported - {name}) & left.keys()]:
        for name in free:
            del left[name]
    assert left == {}


@each_module
def test_the_embedded_api_stands_apart(module: Module) -> None:
    imported = [found for found in module.imports if found.unit]
    if module.unit == "emulator":
        assert {found.unit for found in imported} <= {"emulator"}
    elif module.name in TO_THE_EMULATOR:
        assert all(found.lazy or found.typing for found in imported if found.unit == "emulator")
    else:
        assert "emulator" not in {found.unit for found in imported}


_EFFECTS = {"httpx", "click", "os", "time", "socket", "subprocess", "sys", "threading", "random", "shutil", "tempfile"}


@each_pure_module
def test_a_pure_module_has_no_effects(module: Module) -> None:
    """The schema reads its own file, and an import works out what a path would be."""
    own_file = {"os", "open"} if module.name in OWN_FILES else set()
    files = set() if module.name.startswith("importing.") else {"pathlib", "io"}
    assert {found.root for found in module.imports} & (_EFFECTS | files) <= own_file
    calls = (node.func for node in ast.walk(module.tree) if isinstance(node, ast.Call))
    assert {call.id for call in calls if isinstance(call, ast.Name)} & {"open", "print", "input"} <= own_file


@pytest.mark.parametrize("library", HOMES)
def test_a_library_has_one_home(library: str) -> None:
    users = {m.unit for m in MODULES for found in m.imports if found.root == library and not found.typing}
    assert users == HOMES[library]


@each_module
def test_a_module_says_first_what_it_is_for(module: Module) -> None:
    said = ast.get_docstring(module.tree)
    assert said
    assert module.tree.body[0].lineno == 1
    assert said.splitlines()[0].endswith((".", "?"))


def test_modules_stay_short() -> None:
    assert {module.name for module in OURS if len(module.source.splitlines()) > 300} == LONGER


def _loaded(*arguments: str, cwd: Path) -> set[str]:
    """The top-level modules that a command imports on its way."""
    return _imported("-m", "baseten_jobs", *arguments, cwd=cwd)


def _imported(*python: str, cwd: Path) -> set[str]:
    ran = subprocess.run([sys.executable, "-X", "importtime", *python], cwd=cwd, capture_output=True, text=True)
    assert ran.returncode in (0, 1), ran.stderr
    assert "Traceback" not in ran.stderr
    lines = (line for line in ran.stderr.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


_GOOD = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata: {name: good, project: demo}
spec:
  image: {base_image: "python:3.11-slim"}
  runtime: {start_commands: [python train.py]}
"""


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["--version"], {"httpx", "jsonschema", "deepdiff", "flask", "yaml", "sqlite3", "ssl", "asyncio"}),
        (["--help"], {"httpx", "jsonschema", "deepdiff", "flask", "yaml", "sqlite3", "ssl", "asyncio"}),
        (["schema"], {"httpx", "jsonschema", "deepdiff", "flask", "sqlite3", "ssl"}),
        (
            ["validate", "good.yaml"],
            {
                "httpx",
                "jsonschema",
                "deepdiff",
                "flask",
                "sqlite3",
                "ssl",
                "tarfile",
                "hashlib",
                "fractions",
            },
        ),
        (["validate", "bad.yaml"], {"httpx", "deepdiff", "flask", "sqlite3", "ssl", "tarfile"}),
        (["render", "good.yaml"], {"httpx", "deepdiff", "flask", "sqlite3", "ssl", "tarfile"}),
        (["plan", "bad.yaml"], {"deepdiff", "flask", "sqlite3"}),
    ],
    ids=lambda value: " ".join(value if isinstance(value, list) else sorted(value)),
)
def test_a_command_does_not_pay_for_what_it_does_not_need(
    arguments: list[str], unwanted: set[str], tmp_path: Path
) -> None:
    (tmp_path / "good.yaml").write_text(_GOOD)
    (tmp_path / "bad.yaml").write_text(_GOOD.replace("metadata", "metdata"))
    loaded = _loaded(*arguments, cwd=tmp_path)
    assert "baseten_jobs" in loaded
    if "jsonschema" in loaded:  # before 4.26 it brought what it needs to fetch schemas
        unwanted = unwanted - _imported("-c", "import jsonschema", cwd=tmp_path)
    assert loaded & unwanted == set()
