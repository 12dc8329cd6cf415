"""What people write in the incumbent client's Python files -> what is imported of it, and what is said."""

from pathlib import Path
from typing import Any

import pytest

from baseten_jobs.cli.main import run
from baseten_jobs.importing.from_body import Given
from baseten_jobs.importing.truss import files as truss_files
from baseten_jobs.importing.truss.carried import packed, unpacked
from baseten_jobs.importing.truss.confined import read_here
from baseten_jobs.importing.truss.project import Read
from baseten_jobs.manifest import document as manifest

HEAD = "import os\nfrom truss_train import definitions as d\n"
TAIL = (
    'job = d.TrainingJob(image=d.Image(base_image="python:3.12.4-slim"), '
    'runtime=d.Runtime(start_commands=["go"], environment_variables=env))\n'
    'project = d.TrainingProject(name="p", job=job)\n'
)


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Files are read in this process as their own would read them."""

    def read(path: str, raw: bytes, given: Given, *more: Any, partial: bool) -> Read:
        return unpacked(packed(read_here(path, raw, given, *more, partial=partial)).encode("ascii"))

    monkeypatch.setattr(truss_files, "read_confined", read)
    monkeypatch.chdir(tmp_path)


def _imported(source: str, *options: str) -> list[Any]:
    """The manifests of a file that is imported whole."""
    Path("c.py").write_text(source)
    assert run(["import", "truss", "c.py", "--out", "m.yaml", "--force", *options]) == 0
    return [document.data for document in manifest.load("m.yaml", Path("m.yaml").read_text()).documents]


def _variables(env: str, *options: str) -> dict[str, Any]:
    (document,) = _imported(f"{HEAD}env = {env}\n{TAIL}", *options)
    return dict(document["spec"]["runtime"].get("environment_variables", {}))


GIVEN = ("--env", "LR=2e-5")
VARIABLES: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {
    "get": ('{"A": os.environ.get("LR")}', GIVEN, {"A": "2e-5"}),
    "get before a default": ('{"A": os.environ.get("LR", "1")}', (*GIVEN, "--defaults"), {"A": "2e-5"}),
    "getenv": ('{"A": os.getenv("LR", default="1")}', GIVEN, {"A": "2e-5"}),
    "item": ('{"A": os.environ["LR"]}', GIVEN, {"A": "2e-5"}),
    "the default": ('{"A": os.environ.get("LR", "1")}', ("--defaults",), {"A": "1"}),
    "the default by name": ('{"A": os.environ.get(key="LR", default="1")}', ("--defaults",), {"A": "1"}),
    "an empty value": ('{"A": os.getenv("LR", "1")}', ("--env", "LR="), {"A": ""}),
    "a value with =": ('{"A": os.getenv("LR", "1")}', ("--env", "LR=a=b"), {"A": "a=b"}),
    "several": ('{"A": os.getenv("X") + os.getenv("Y")}', ("--env", "X=1", "--env", "Y=2"), {"A": "12"}),
    "or": ('{"A": os.getenv("LR") or "3"}', ("--defaults",), {"A": "3"}),
    "in": ('{"A": "1" if "LR" in os.environ else "2"}', GIVEN, {"A": "1"}),
    "not in": ('{"A": "1" if "LR" not in os.environ else "2"}', ("--defaults",), {"A": "1"}),
    "worked with": ('{"A": str(int(os.getenv("N", "4")) * 2)}', ("--defaults",), {"A": "8"}),
    "a spread that is on": ('{**({"B": "2"} if os.getenv("X") else {})}', ("--env", "X=1"), {"B": "2"}),
    "a spread that is off": ('{"A": "1", **({"B": "2"} if os.getenv("X") else {})}', ("--defaults",), {"A": "1"}),
}  # fmt: skip


@pytest.mark.parametrize("name", VARIABLES)
def test_environment_variables_have_the_values_that_options_give(name: str) -> None:
    env, options, variables = VARIABLES[name]
    assert _variables(env, *options) == variables


def test_a_default_that_is_taken_is_said_at_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    _variables('{"A": os.environ.get("LR", "1e-4")}', "--defaults")
    told = capsys.readouterr().err
    assert "c.py:3:13: note: 'LR' is not given, so its default '1e-4' is taken; --env LR=VALUE" in told


def test_without_an_option_the_message_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    Path("c.py").write_text(HEAD + 'env = {"A": os.getenv("LR", "1"), "B": os.environ["LR"]}\n' + TAIL)
    assert run(["import", "truss", "c.py"]) == 1
    told = capsys.readouterr().err
    assert "environment variables are not read; --env LR=VALUE gives it; --defaults takes the default" in told
    assert run(["import", "truss", "c.py", "--defaults"]) == 1
    assert "c.py:3:40: error: 'os.environ[\"LR\"]' is not a constant" in capsys.readouterr().err


def test_a_secret_of_env_is_warned_of_and_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    token = "hf_" + "a1B2" * 8
    _variables('{"A": "x " + os.environ["HF_TOKEN"]}', "--env", f"HF_TOKEN={token}")
    told = capsys.readouterr()
    assert "the value of --env HF_TOKEN looks like a secret" in told.err
    assert token not in told.err + told.out


def test_the_shell_has_no_part_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LR", "of the shell")
    assert _variables('{"A": os.getenv("LR", "1")}', "--defaults") == {"A": "1"}


SPREADS = {
    "a condition": '{"A": "1", **({"B": "2"} if unknown else {})}',
    "either of two": '{"A": "1", **({"B": "2"} if unknown else {"B": "3"})}',
    "and": '{"A": "1", **(unknown and {"B": "2"} or {})}',
    "one in another": '{"A": "1", **({"B": "2"} if unknown else {} if unknown else {})}',
    "what stands before": '{"A": "1", "B": "0", **({"B": "2"} if unknown else {})}',
}


@pytest.mark.parametrize("name", SPREADS)
def test_a_conditional_spread_loses_only_what_it_holds(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("c.py").write_text(f"{HEAD}env = {SPREADS[name]}\n{TAIL}")
    assert run(["import", "truss", "c.py"]) == 1
    assert "c.py:3:" in capsys.readouterr().err
    assert run(["import", "truss", "c.py", "--partial", "--out", "m.yaml"]) == 0
    (document,) = manifest.load("m.yaml", Path("m.yaml").read_text()).documents
    variables = document.data["spec"]["runtime"]["environment_variables"]
    assert (set(variables), variables["A"]) == ({"A", "B"}, "1")
    assert Path("m.yaml").read_text().count("!todo") == 1


def test_what_is_set_after_a_spread_is_known() -> None:
    assert _variables('{**({"A": "1"} if unknown else {}), "A": "2"}') == {"A": "2"}


def test_external_folders_inside_of_the_root_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    workspace = 'job.workspace = d.Workspace(workspace_root="..", external_dirs=["src", "../other", "../../lib"])\n'
    Path("deep/config").mkdir(parents=True)
    Path("deep/config/c.py").write_text(f"{HEAD}env = {{}}\n{TAIL}{workspace}")
    assert run(["import", "truss", "deep/config/c.py"]) == 0
    told = capsys.readouterr()
    (document,) = manifest.load("m.yaml", told.out).documents
    assert document.data["spec"]["workspace"] == {
        "root": "..", "external": ["../../lib"], "outside": True,
    }  # fmt: skip
    assert told.err.count("is left out: it is inside of workspace_root") == 2


def test_the_classes_of_checkpoints_are_known() -> None:
    load = (
        "from truss_train.definitions import _BasetenLatestCheckpoint, _LoopsCheckpoint\n"
        "job.runtime.load_checkpoint_config = d.LoadCheckpointConfig(enabled=True, checkpoints=["
        '_BasetenLatestCheckpoint(job_id="abc1234"), d._BasetenNamedCheckpoint(checkpoint_name="c", job_id="abc1234"),'
        ' _LoopsCheckpoint(run_id="r", checkpoint_name="c")])\n'
    )
    (document,) = _imported(f"{HEAD}env = {{}}\n{TAIL}{load}")
    assert [each["typ"] for each in document["spec"]["checkpointing"]["load"]["checkpoints"]] == [
        "baseten_latest_checkpoint", "baseten_named_checkpoint", "loops_checkpoint",
    ]  # fmt: skip


def test_configs_of_one_name_get_names_from_their_folders() -> None:
    paths = ["x/a/training/config.py", "x/b/training/config.py", "y/b/training/config.py", "z/config.py"]
    for path in paths:
        Path(path).parent.mkdir(parents=True)
        Path(path).write_text(f"{HEAD}env = {{}}\n{TAIL}")
    assert run(["import", "truss", ".", "--out", "specs"]) == 0
    assert sorted(path.name for path in Path("specs").iterdir()) == [
        "p-a-training.yaml", "p-x-b-training.yaml", "p-y-b-training.yaml", "p-z.yaml",
    ]  # fmt: skip


def test_a_file_that_imports_the_client_and_has_no_project_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("c.py").write_text(f"{HEAD}env = {{}}\n{TAIL}")
    Path("other.py").write_text("import os, truss_train\n")
    Path("train.py").write_text("# after truss_train\n")
    assert run(["import", "truss", ".", "--out", "specs"]) == 0
    told = capsys.readouterr()
    assert "other.py:1:1: warning: there is no TrainingProject in this file" in told.err
    assert "1 file written, 1 other Python file passed over." in told.out


BESIDE: dict[str, tuple[dict[str, str], str]] = {
    "a constant": ({"settings.py": 'A = "1"\n'}, "from settings import A\nenv = {'A': A}"),
    "a constant by its module": ({"settings.py": 'A = "1"\n'}, "import settings\nenv = {'A': settings.A}"),
    "by another name": ({"settings.py": 'B = "1"\n'}, "from settings import B as b\nenv = {'A': b}"),
    "all of them": ({"settings.py": 'A = "1"\n'}, "from settings import *\nenv = {'A': A}"),
    "a mapping": ({"settings.py": 'E = {"A": "1"}\n'}, "from settings import E\nenv = {**E}"),
    "a package": ({"lib/__init__.py": 'A = "1"\n'}, "from lib import A\nenv = {'A': A}"),
    "a module of a package": ({"lib/__init__.py": "", "lib/s.py": 'A = "1"\n'}, "from lib.s import A\nenv = {'A': A}"),
    "a folder without __init__": ({"lib/s.py": 'A = "1"\n'}, "from lib import s\nenv = {'A': s.A}"),
    "a dotted name": ({"lib/__init__.py": "", "lib/s.py": 'A = "1"\n'}, "import lib.s\nenv = {'A': lib.s.A}"),
    "its whole name": ({"lib/s.py": 'A = "1"\n'}, "import lib.s as s\nenv = {'A': s.A}"),
    "beside, by a dot": ({"s.py": 'A = "1"\n'}, "from .s import A\nenv = {'A': A}"),
    "above, by two dots": ({"../s.py": 'A = "1"\n'}, "from ..s import A\nenv = {'A': A}"),
    "above, by its name": ({"../common/s.py": 'A = "1"\n'}, "from common.s import A\nenv = {'A': A}"),
    "through another": ({"s.py": "from t import A\n", "t.py": 'A = "1"\n'}, "from s import A\nenv = {'A': A}"),
    "in a circle": ({"s.py": "import t\nA = '1'\n", "t.py": "import s\nB = 2\n"}, "from s import A\nenv = {'A': A}"),
    "a relative one of a package": (
        {"lib/__init__.py": "from .s import A\n", "lib/s.py": 'A = "1"\n'}, "from lib import A\nenv = {'A': A}",
    ),
    "a function": ({"s.py": "def f(a, b='1'):\n    return {a: b}\n"}, "from s import f\nenv = f('A')"),
    "a function with its constants": (
        {"s.py": "X = '1'\ndef f(**more):\n    return {**more, 'A': X}\n"}, "import s\nenv = s.f(A='2')",
    ),
    "a function that chooses": (
        {"s.py": "def f(n):\n    if n > 3:\n        return '1'\n    return '2'\n"},
        "from s import f\nenv = {'A': f(4)}",
    ),
    "a function that collects": (
        {"s.py": "def f(names):\n    e = {}\n    for n in names:\n        e[n] = '1'\n    return e\n"},
        "from s import f\nenv = f(['A'])",
    ),
    "a function of the file": ({}, "def f(a):\n    '''Text.'''\n    b = a\n    return b\nenv = {'A': f('1')}"),
    "a function that changes it": ({}, "env = {}\ndef f():\n    env['A'] = '1'\nf()"),
    "a function in a function": ({}, "def f():\n    def g(x):\n        return x\n    return g('1')\nenv = {'A': f()}"),
    "a lambda": ({}, "f = lambda a, *, b=1: str(a * b)\nenv = {'A': f(1)}"),
    "the rest of the arguments": ({}, "def f(*a, **k):\n    return {a[0]: k['v']}\nenv = f('A', v='1')"),
    "a variable of the environment": (
        {"s.py": "import os\nA = os.environ.get('X', '1')\n"}, "from s import A\nenv = {'A': A}",
    ),
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a checkout."""
    (tmp_path / "one" / ".git").mkdir(parents=True)
    (tmp_path / "one" / "jobs").mkdir()
    monkeypatch.chdir(tmp_path / "one" / "jobs")
    return tmp_path / "one" / "jobs"


@pytest.mark.parametrize("name", BESIDE)
def test_constants_and_functions_of_files_beside_are_read(name: str, project: Path) -> None:
    files, source = BESIDE[name]
    for path, text in files.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text)
    (document,) = _imported(f"{HEAD}{source}\n{TAIL}", "--defaults")
    assert document["spec"]["runtime"]["environment_variables"] == {"A": "1"}


OUTSIDE = {
    "above the checkout": ("../../s.py", "from ...s import A"),
    "through a link": ("../../s.py", "from linked import A"),
    "through the name of a module of Python": ("json.py", "from json import A"),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_other_files_are_not_read(name: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, source = OUTSIDE[name]
    (project / path).write_text('A = "1"\n')
    (project / "linked.py").symlink_to("../../s.py")
    (project / "c.py").write_text(f"{HEAD}{source}\nenv = {{'A': A}}\n{TAIL}")
    assert run(["import", "truss", "c.py"]) == 1
    assert "it is not a value that a job takes" in capsys.readouterr().err


def test_what_is_not_known_in_a_file_beside_is_said_with_its_place(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "s.py").write_text("import os\n\nA = os.environ['A']\n")
    (project / "c.py").write_text(f"{HEAD}from s import A\nenv = {{'A': A}}\n{TAIL}")
    assert run(["import", "truss", "c.py"]) == 1
    assert (
        "c.py:3:1: error: 'os.environ['A']' is not a constant: environment variables are not read, in s.py:3;"
        " --env A=VALUE gives it; --defaults takes the default"
    ).partition("; --defaults")[0] in capsys.readouterr().err


def test_a_file_beside_is_never_run(project: Path) -> None:
    (project / "s.py").write_text(
        "open('ran', 'w')\nimport os\nos.system('touch ran')\ndef f():\n    open('ran', 'w')\n"
    )
    (project / "c.py").write_text(f"{HEAD}import s\ns.f()\nenv = {{}}\n{TAIL}")
    run(["import", "truss", "c.py"])
    assert not (project / "ran").exists()


def test_functions_that_call_themselves_come_to_an_end(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "c.py").write_text(f"{HEAD}def f(n):\n    return f(n + 1)\nenv = {{'A': f(1)}}\n{TAIL}")
    assert run(["import", "truss", "c.py"]) == 1
    assert "is not a constant" in capsys.readouterr().err


def test_what_truss_ignore_names_is_excluded(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".truss_ignore").write_text("# big\ndata/\n\n*.ckpt\n!keep.ckpt\n")
    (document,) = _imported(f"{HEAD}env = {{}}\n{TAIL}")
    assert document["spec"]["workspace"] == {"exclude": ["data/", "*.ckpt"]}
    assert "2 patterns of .truss_ignore became excludes of spec.workspace" in capsys.readouterr().err
    assert run(["validate", "m.yaml"]) == 0
