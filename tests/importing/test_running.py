"""`import truss --run`: only by the explicit word, in a process of its own that sends nothing and has no key."""

import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from baseten_jobs.cli.main import run
from baseten_jobs.importing.truss import running
from baseten_jobs.manifest import document as manifest

CLIENT = """
class Plain:
    def __init__(self, **fields): self.fields = fields
    def model_dump(self, **how):
        return {n: v.model_dump() if isinstance(v, Plain) else v for n, v in self.fields.items() if n != "job"}
    def __getattr__(self, name): return self.__dict__["fields"][name]
class TrainingProject(Plain): pass
class TrainingJob(Plain): pass
"""
PYTHON = """#!{python}
import runpy, sys
sys.path.insert(0, {client!r})
assert sys.argv[1] == "-I"
if sys.argv[2] == "-c":
    exec(sys.argv[3])
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
HEAD = "import os\nfrom truss_train import TrainingJob, TrainingProject, push\n"
JOB = (
    'def job(value="1"):\n    return TrainingJob(image={"base_image": "python:3.12.4-slim"}, runtime='
    '{"start_commands": ["go"], "environment_variables": {"A": str(value)}})\n'
)
PROJECT = 'project = TrainingProject(name="p", job=job())\n'


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An interpreter in whose environment a client of this name is."""
    client = tmp_path / "client" / "truss_train"
    client.mkdir(parents=True)
    (client / "__init__.py").write_text("from .definitions import *\nfrom .public_api import push\n")
    (client / "definitions.py").write_text(CLIENT)
    (client / "public_api.py").write_text("def push(*a, **k): raise AssertionError('sent')\n")
    script = tmp_path / "python"
    script.write_text(PYTHON.format(python=sys.executable, client=str(client.parent)))
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return str(script)


def _run(source: str, python: str, *options: str) -> int:
    Path("c.py").write_text(HEAD + JOB + source)
    return run(["import", "truss", "c.py", "--out", "m.yaml", "--run", "--python", python, *options])


def _variables() -> Any:
    (document,) = manifest.load("m.yaml", Path("m.yaml").read_text()).documents
    return document.data["spec"]["runtime"]["environment_variables"]


def test_it_is_not_run_without_the_word(python: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("open('ran', 'w')\n" + PROJECT, python) == 8
    assert not Path("ran").exists()
    assert "the file was not run; --yes runs it where nobody can be asked" in capsys.readouterr().err


MADE = {
    "a project": PROJECT,
    "what is worked out": "import math\n" + PROJECT.replace("job()", "job(math.gcd(1, 3))"),
    "what is pushed": 'push(TrainingProject(name="p", job=job()))\n',
    "what is pushed by a script": 'if __name__ == "__main__":\n    push(TrainingProject(name="p", job=job()))\n',
    "a file beside it": "from beside import VALUE\n" + PROJECT.replace("job()", "job(VALUE)"),
    "a variable of --env": PROJECT.replace("job()", 'job(os.environ["V"])'),
    "its own output": "print('x' * 100000)\n" + PROJECT,
}


@pytest.mark.parametrize("name", MADE)
def test_what_the_file_makes_is_imported(name: str, python: str) -> None:
    Path("beside.py").write_text("VALUE = 1\n")
    assert _run(MADE[name], python, "--yes", "--env", "V=1") == 0
    assert _variables() == {"A": "1"}
    assert "  workspace: .\n" in Path("m.yaml").read_text()


REFUSED = {
    "a connection": "import socket\nsocket.create_connection(('127.0.0.1', 9))\n",
    "a name": "import socket\nsocket.getaddrinfo('localhost', 80)\n",
    "a process": "import subprocess\nsubprocess.run(['true'])\n",
    "a shell": "os.system('true')\n",
}


@pytest.mark.parametrize("name", REFUSED)
def test_nothing_is_sent_or_started(name: str, python: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(REFUSED[name] + PROJECT, python, "--yes") == 1
    assert "sends nothing and starts nothing" in capsys.readouterr().err


def test_the_key_is_not_where_it_looks(python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASETEN_API_KEY", "s3cr3t")
    monkeypatch.setenv("A_THING", "x")
    assert (
        _run(PROJECT.replace("job()", "job([n for n in os.environ if 'BASETEN' in n or 'A_' in n])"), python, "--yes")
        == 0
    )
    assert _variables() == {"A": "[]"}


FAILS = {
    "a crash": ("1 / 0\n", "ZeroDivisionError: division by zero"),
    "an escape": ("raise SystemExit('\\x1b[2Jx')\n", r"\x1b[2Jx"),
    "no project": ("", "there is no TrainingProject in this file"),
    "an exit": ("os._exit(3)\n", "it ended with 3 and made nothing"),
    "a value of --env": ("raise ValueError(os.environ['PASS_WORD'])\n", "ValueError: ***"),
}


def test_a_variable_that_is_missing_is_named_with_its_option(python: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(PROJECT.replace("job()", 'job(os.environ["BUCKET"])'), python, "--yes") == 1
    assert "KeyError: 'BUCKET'; --env BUCKET=VALUE gives it [not-run]" in capsys.readouterr().err
    assert _run("{}['BUCKET']\n", python, "--yes") == 1
    assert "KeyError: 'BUCKET'; --env NAME=VALUE gives a variable that it asks for" in capsys.readouterr().err


FOLDERS = {
    "os.path.dirname(os.path.abspath(__file__)) + '/src'": "src",
    "os.path.abspath(__file__ + '/../../lib')": "../lib",
    "os.path.join(os.path.dirname(__file__), '../../far')": "../../far",
    "'src'": "src",
}


@pytest.mark.parametrize("folder", FOLDERS)
def test_folders_are_told_from_that_of_the_file(folder: str, python: str) -> None:
    Path("../.git").mkdir()
    assert _workspace(folder, python) == 0
    (document,) = manifest.load("m.yaml", Path("m.yaml").read_text()).documents
    assert document.data["spec"]["workspace"]["external"] == [FOLDERS[folder]]


def test_a_folder_of_one_machine_is_refused(python: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _workspace("'/private/data'", python) == 1
    told = "'/private/data' is not a constant: it is a path of one machine; write it as a path from the folder"
    assert told in capsys.readouterr().err


def _workspace(folder: str, python: str) -> int:
    workspace = f"{{'workspace_root': 'src/inner', 'external_dirs': [{folder}]}}"
    project = f"made = job()\nmade.fields['workspace'] = {workspace}\n{PROJECT.replace('job()', 'made')}"
    return _run(project, python, "--yes")


@pytest.mark.parametrize("name", FAILS)
def test_a_run_that_fails_is_told_by_its_last_lines(name: str, python: str, capsys: pytest.CaptureFixture[str]) -> None:
    source, message = FAILS[name]
    assert _run(source, python, "--yes", "--env", "PASS_WORD=abcdefgh") == 1
    told = capsys.readouterr().err
    assert message in told
    assert "\x1b" not in told


def test_a_run_is_ended(python: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(running, "_has_client", bool)
    monkeypatch.setattr(running, "SECONDS", 0.01)
    assert _run("while True: pass\n", python, "--yes") == 1
    assert "it did not end within 0.01 s" in capsys.readouterr().err


def test_an_interpreter_without_the_client_is_told_of(python: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(PROJECT, "/no/such/python", "--yes") == 1
    assert "truss can't be imported with /no/such/python; --python PATH names one" in capsys.readouterr().err


def test_a_secret_of_env_is_warned_of(python: str, capsys: pytest.CaptureFixture[str]) -> None:
    token = "hf_" + "a1B2" * 8
    assert _run(PROJECT.replace("job()", 'job(os.environ["T"])'), python, "--yes", "--env", f"T={token}") == 0
    told = capsys.readouterr().err
    assert "the value of --env T looks like a secret" in told
    assert token not in told


@pytest.mark.parametrize("arguments", [["."], ["-"]])
def test_one_file_is_run_at_a_time(arguments: list[str]) -> None:
    assert run(["import", "truss", *arguments, "--run", "--yes", "--out", "x"]) == 64


def test_python_and_yes_go_with_run() -> None:
    assert run(["import", "truss", "c.py", "--yes"]) == 64
