"""The house: which room may import which, each room's face, what is pure, and where each library lives."""

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

_BELOW = "phrases secrecy manifest job git workspace"
ROOMS = {
    "phrases": "",
    "distribution": "",
    "secrecy": "phrases",
    "manifest": "phrases secrecy",
    "job": "phrases manifest",
    "git": "phrases secrecy manifest",
    "provider": "phrases distribution secrecy job",
    "workspace": "phrases secrecy manifest job git",
    "planning": _BELOW,
    "importing": _BELOW,
    "applying": "phrases secrecy manifest job provider planning workspace",
    "compilation": "phrases manifest job git workspace",
    "doctor": f"{_BELOW} distribution provider planning applying compilation",
    "report": f"{_BELOW} distribution provider planning importing applying doctor",
    "pipeline": f"{_BELOW} provider planning applying compilation",
    "emulator": "",
    "cli": f"{_BELOW} distribution provider planning importing applying compilation doctor report pipeline emulator",
    "__main__": "cli",
}
"""Every room, and page of the story, with those that it may import, in reading order from the bottom."""

DOORS = {
    "planning.preflight": "provider",
    "provider.api.local_database": "git manifest",
    "provider.api.connection": "emulator",
}
"""Modules that may import more than their room: what each of them is for."""

TO_THE_EMULATOR = {"provider.api.connection", "cli.commands.emulator"}
"""Where the embedded API is reached, and no sooner than it is called for."""

_EFFECTFUL = """
    manifest.paths manifest.folder_policies.files manifest.defaults.files manifest.chains.files
    manifest.sources manifest.own_sources manifest.missing_paths cli.repository_paths
    git.process git.ignored git.objects git.repository git.index git.listing workspace.user_cache workspace.hashing
    workspace.places workspace.walk workspace.archive workspace.boundary workspace.conversion
    workspace.warnings workspace.start_commands workspace.pack importing.adopt importing.truss.beside
    importing.truss.confined importing.truss.ignored importing.truss.runner importing.truss.running
    importing.truss.files compilation
    provider.api.local_database planning.history.commit_files git.remote planning.history.branch_tip
    planning.history.code_revisions planning.history.line_counts
    planning.history.lookup planning.history.orphans planning.history.missing_jobs
    planning.history.review planning.history.limit_proof emulator provider.api provider.checkpoints provider.observe
    provider.run_spending provider.gpu_uses applying.second_look planning.preflight planning.history.provenance
    provider.downloads.listing provider.downloads.links provider.downloads.places provider.downloads.partial
    provider.downloads.fetching provider.downloads.tries provider.downloads.archive workspace.unpacking
    planning.history.spec_commits planning.history.unclaimed_jobs provider.particulars_reader
    planning.history.run_commits provider.bills
    applying.object_store applying.upload provider.outages provider.presence provider.log_reader
    provider.log_tail provider.metrics_reader provider.session_reader
    provider.capacity_reader
    provider.status_reader provider.snapshot provider.stop applying.submit applying.settle applying.in_flight
    applying.twin_stops applying.create applying.execute applying.carry_out applying.intent applying.stages
    applying.wait git.setup doctor.account doctor.pipeline_files
    doctor.probe_jobs doctor.probe pipeline cli __main__
"""
EFFECTFUL = set(_EFFECTFUL.split())
"""Modules, and whole packages, that touch the disk, the network, the clock, processes or streams."""

OWN_FILES = {"manifest.rules.registry", "manifest.schema.fields", "report.html.run_page"}
"""Pure, but for the files of the package that they read."""

HOMES = {
    "yaml": {"manifest.yaml_scalars", "manifest.yaml_reader", "manifest.yaml_extents", "importing.yaml_writer"},
    "jsonschema": {"manifest.schema.check"},
    "deepdiff": {"planning.diff"},
    "boto3": {"applying.object_store"},
    "botocore": {"applying.object_store"},
    "httpx": {"provider.api"},
    "click": {"cli"},
    "wcwidth": {"phrases"},
    "subprocess": {"git.process", "importing.truss.confined", "importing.truss.running"},
    "flask": {"emulator"},
    "werkzeug": {"emulator"},
    "waitress": {"emulator"},
    "sqlite3": {"emulator"},
}
"""Where each library may be imported; a name for type checkers alone may be imported anywhere."""

LONGEST = 300
"""Lines that a module may have."""

MOST_ENTRIES = 19
"""Rooms and pages that may lie at the top of the package."""


def _unit(name: str) -> str:
    """A module's name as it is listed here: without that of the package, and of its `__init__`."""
    return name.removeprefix("baseten_jobs").removeprefix(".").removesuffix("__init__").removesuffix(".")


PATHS = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
}
"""Every module of ours, by its whole name."""


@dataclass(frozen=True)
class Import:
    """One name that a module imports: absolute, and how."""

    name: str
    lazy: bool
    typing: bool
    bound: str = ""

    @property
    def root(self) -> str:
        return self.name.partition(".")[0]

    @property
    def unit(self) -> str:
        """Our own module that it names, or nothing for a library and for the package itself."""
        return _unit(self.name) if self.root == "baseten_jobs" else ""

    @property
    def room(self) -> str:
        return self.unit.partition(".")[0]


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

    @property
    def room(self) -> str:
        return self.unit.partition(".")[0]

    @property
    def pure(self) -> bool:
        return not _is_in(self.unit, EFFECTFUL)

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
                    found, bound = (inner, "") if inner in PATHS else (start, alias.name)
                    yield Import(found, lazy, typing, bound)
            else:
                function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                for_types = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
                yield from self._imports(child, lazy=lazy or function, typing=typing or for_types)


def _is_in(unit: str, listed: set[str]) -> bool:
    """True if a module, or a package around it, is listed."""
    parts = unit.split(".")
    return any(".".join(parts[:end]) in listed for end in range(1, len(parts) + 1))


def _modules() -> Iterator[Module]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        yield Module(".".join(parts), path.read_text(encoding="utf-8"))


MODULES = tuple(_modules())
OURS = tuple(module for module in MODULES if module.unit)
PACKAGES = {module.unit: module for module in OURS if module.name.endswith(".__init__")}


def _from_elsewhere() -> Iterator[tuple[Module, str]]:
    """Each module and a module that it imports of another room, or of a room within a room."""
    for module in OURS:
        for found in module.imports:
            if found.unit and found.unit != module.unit:
                yield module, found.unit


def test_the_top_of_the_package_holds_the_rooms_and_little_else() -> None:
    entries = {module.room or "__init__" for module in MODULES}
    assert entries == {*ROOMS, "__init__"}
    assert len(entries) <= MOST_ENTRIES


def test_a_room_imports_only_the_rooms_that_it_may() -> None:
    wrong = []
    for module in OURS:
        allowed = {module.room, *ROOMS[module.room].split(), *DOORS.get(module.unit, "").split()}
        wrong += [
            f"{module.unit} -> {found.unit}" for found in module.imports if found.room and found.room not in allowed
        ]
    assert wrong == []


def test_rooms_depend_on_each_other_in_one_direction() -> None:
    order = list(ROOMS)
    up = [
        (room, each) for room, below in ROOMS.items() for each in below.split() if order.index(each) > order.index(room)
    ]
    assert up == []


def test_modules_import_each_other_in_one_direction() -> None:
    left = {module.unit: {found.unit for found in module.imports} - {module.unit} for module in OURS}
    while free := [name for name, imported in left.items() if not imported & left.keys()]:
        for name in free:
            del left[name]
    assert left == {}


def test_a_door_is_still_needed() -> None:
    unused = [
        (name, room)
        for name, rooms in DOORS.items()
        for room in rooms.split()
        if room not in {found.room for module in OURS if module.unit == name for found in module.imports}
    ]
    assert unused == []


def _face(package: str) -> list[str]:
    """The `__all__` of a package, in order."""
    for node in PACKAGES[package].tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return [str(name) for name in ast.literal_eval(node.value)]
    return []


def test_a_face_names_just_the_modules_that_others_import() -> None:
    """Of a room within a room, its own parent is one of the others."""
    needed: dict[str, set[str]] = {package: set() for package in PACKAGES}
    for module, unit in _from_elsewhere():
        parts = unit.split(".")
        for depth in range(1, len(parts)):
            package = ".".join(parts[:depth])
            if not _is_in(module.unit, {package}):
                needed[package].add(parts[depth])
    assert {package: _face(package) for package in PACKAGES} == {name: sorted(each) for name, each in needed.items()}


def test_a_face_is_a_sentence_and_its_list_and_costs_nothing() -> None:
    """It says what goes in and what comes out. The embedded API stands apart."""
    more = [
        name
        for name, package in PACKAGES.items()
        if not name.startswith("emulator.")
        if "->" not in (ast.get_docstring(package.tree) or "")
        or not all(isinstance(node, ast.Expr | ast.Assign) for node in package.tree.body)
        or len(package.tree.body) > 2
    ]
    assert more == []


def test_a_name_with_an_underscore_stays_in_its_module() -> None:
    taken = [
        f"{module.unit} imports {found.unit}.{found.bound}"
        for module in OURS
        for found in module.imports
        if found.unit and found.bound.startswith("_") and not found.bound.startswith("__")
    ]
    assert taken == []


def test_the_embedded_api_stands_apart() -> None:
    wrong = []
    for module in OURS:
        for found in module.imports:
            if found.room == "emulator" and module.room != "emulator":
                in_time = module.unit in TO_THE_EMULATOR and (found.lazy or found.typing)
                wrong += [] if in_time else [module.unit]
    assert wrong == []


_EFFECTS = {"httpx", "click", "os", "time", "socket", "subprocess", "sys", "threading", "random", "shutil", "tempfile"}


def _effects(module: Module) -> set[str]:
    """What a module that should be pure has of effects. An import works out what a path would be."""
    files = set() if module.room == "importing" else {"pathlib", "io"}
    calls = (node.func for node in ast.walk(module.tree) if isinstance(node, ast.Call))
    called = {call.id for call in calls if isinstance(call, ast.Name)} & {"open", "print", "input"}
    found = {found.root for found in module.imports} & (_EFFECTS | files) | called
    found -= {"os", "open", "pathlib"} if module.unit in OWN_FILES else set()
    return found | {each.unit for each in module.imports if each.unit and _is_in(each.unit, EFFECTFUL)}


def test_a_pure_module_has_no_effects_and_imports_none_that_has() -> None:
    assert {module.unit: _effects(module) for module in OURS if module.pure and _effects(module)} == {}


def test_what_is_listed_as_effectful_is_there_and_is() -> None:
    units = {module.unit for module in OURS}
    assert {name for name in EFFECTFUL if name not in units} == set()
    assert [module.unit for module in OURS if module.unit in EFFECTFUL - set(PACKAGES) and not _effects(module)] == []


def test_a_library_has_one_home() -> None:
    users: dict[str, set[str]] = {library: set() for library in HOMES}
    for module in OURS:
        for found in module.imports:
            if found.root in HOMES and not found.typing:
                homes = HOMES[found.root]
                users[found.root].add(next((home for home in homes if _is_in(module.unit, {home})), module.unit))
    assert users == HOMES


def test_a_module_says_first_what_it_is_for() -> None:
    silent = [
        module.unit
        for module in MODULES
        if module.tree.body[0].lineno != 1
        or not (ast.get_docstring(module.tree) or "").partition("\n")[0].endswith((".", "?"))
    ]
    assert silent == []


def test_modules_stay_short() -> None:
    assert [module.unit for module in OURS if len(module.source.splitlines()) > LONGEST] == []


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
        (["--version"], {"httpx", "jsonschema", "deepdiff", "flask", "yaml", "sqlite3", "ssl", "asyncio", "wcwidth"}),
        (["--help"], {"httpx", "jsonschema", "deepdiff", "flask", "yaml", "sqlite3", "ssl", "asyncio", "wcwidth"}),
        (["schema"], {"httpx", "jsonschema", "deepdiff", "flask", "sqlite3", "ssl", "wcwidth"}),
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
                "wcwidth",
            },
        ),
        (["validate", "bad.yaml"], {"httpx", "deepdiff", "flask", "sqlite3", "ssl", "tarfile", "wcwidth"}),
        (["render", "good.yaml"], {"httpx", "deepdiff", "flask", "sqlite3", "ssl", "tarfile", "wcwidth"}),
        (["plan", "bad.yaml"], {"deepdiff", "flask", "sqlite3", "wcwidth"}),
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
