"""The incumbent client's Python files -> manifests: golden pairs, hostile files that are never run, and whole trees.

In `truss` stands beside `x.py` the manifest `x.yaml` that is written of it, and `x.json`, the body that the
incumbent client itself made of it.
"""

import io
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from baseten_jobs.cli.main import run
from baseten_jobs.importing.from_body import Given, drafts_of
from baseten_jobs.importing.json_reader import lines_of, read_json
from baseten_jobs.importing.placed import Placed
from baseten_jobs.importing.truss import files as truss_files
from baseten_jobs.importing.truss.carried import packed, unpacked
from baseten_jobs.importing.truss.confined import read_here
from baseten_jobs.importing.truss.files import read_config
from baseten_jobs.importing.truss.project import Read
from baseten_jobs.job.request import compile_request
from baseten_jobs.manifest import document as manifest
from baseten_jobs.manifest.diagnostics import Severity
from baseten_jobs.manifest.names import distinct, manifest_name
from baseten_jobs.manifest.rules import errors
from baseten_jobs.manifest.schema import check
from tests.support.golden import Golden

FOLDER = Path(__file__).parent / "truss"
CONFIGS = sorted(FOLDER.glob("*.py"))
each_config = pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)

IMAGE = '"python:3.12.4-slim"'
HEAD = "from truss_train import definitions as d\n"
TAIL = 'job = d.TrainingJob(image=d.Image(base_image="python:3.12.4-slim"), runtime=d.Runtime(start_commands=["go"]))\n'
LAST = 'project = d.TrainingProject(name="p", job=job)\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder two levels deep in a checkout."""
    inner = tmp_path / "repository" / "jobs" / "one"
    inner.mkdir(parents=True)
    (tmp_path / "repository" / ".git").mkdir()
    monkeypatch.chdir(inner)
    return inner


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read files in this process as its own process would; that one is tried in tests/attacks/test_import_costs.py."""

    def read(path: str, raw: bytes, given: Given, *more: Any, partial: bool) -> Read:
        return unpacked(packed(read_here(path, raw, given, *more, partial=partial)).encode("ascii"))

    monkeypatch.setattr(truss_files, "read_confined", read)


in_this_process = pytest.mark.usefixtures("here")


@in_this_process
@each_config
def test_a_config_becomes_the_manifest_beside_it(
    path: Path, folder: Path, golden: Golden, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(path, folder)
    assert run(["import", "truss", path.name]) == 0
    golden.text(path.with_suffix(".yaml"), capsys.readouterr().out)


@each_config
def test_the_manifest_means_what_the_incumbent_sends(path: Path) -> None:
    text = path.with_suffix(".json").read_text(encoding="utf-8")
    body = read_json(text, "x.json", lines_of(text))
    assert isinstance(body, Placed)
    (theirs,) = drafts_of(body, "x.json", Given())
    (ours,) = manifest.load("x.yaml", path.with_suffix(".yaml").read_text(encoding="utf-8")).documents
    assert _sent(ours.data) == _sent(theirs.manifest)


def _sent(data: Any) -> dict[str, Any]:
    """The body but for its name; a load that is off loads nothing, whatever it names."""
    nowhere = manifest.Spot((1, 1), (1, 1), None, {})
    job: dict[str, Any] = dict(compile_request(manifest.Document("x.yaml", 1, data, nowhere)).training_job)
    runtime = job.get("runtime", {})
    if not runtime.get("load_checkpoint_config", {}).get("enabled"):
        runtime.pop("load_checkpoint_config", None)
    return {name: value for name, value in job.items() if name != "name"}


DESERVED = {
    "interactive_session": {"no-start-command"}, "keywords_unpacked": {"partial-nodes"},
    "checkpoints_loaded": {"mutable-checkpoint"}, "no_workdir_and_spot": {"workspace-workdir"},
    "values_yaml_would_change": {"unexpanded-variable"},
}  # fmt: skip
"""Warnings that a source deserves, by its name."""


@each_config
def test_a_written_manifest_is_valid_without_a_warning_of_its_own(path: Path) -> None:
    loaded = manifest.load("x.yaml", path.with_suffix(".yaml").read_text(encoding="utf-8"))
    found = [*loaded.diagnostics, *(d for doc in loaded.documents for d in (*check.check(doc), *errors.check(doc)))]
    assert {d.rule for d in found} == DESERVED.get(path.stem, set())
    assert all(d.severity is Severity.WARNING for d in found)


REFUSED = ("1 / 0", '"abc"[9]', '{}["a"]', 'int("four")', "[].pop()", "max([])")


@in_this_process
@pytest.mark.parametrize("expression", REFUSED)
def test_what_python_refuses_ends_the_file(expression: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (told,) = _told(_image(expression), capsys)
    assert told.startswith("c.py:2:5: error: the file ends here, by an error of its own: Python refuses it: ")
    assert _python_says(expression) in told


def _told(source: str | bytes, capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    """What is said of a file that can't be imported."""
    Path("c.py").write_bytes(source if isinstance(source, bytes) else source.encode())
    assert run(["import", "truss", "c.py", *options]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    *lines, last = told.err.splitlines()
    assert last == "error: nothing was imported"
    return lines


def _image(expression: str) -> str:
    """A whole file whose image is this expression, which begins at 2:5."""
    return f"{HEAD}x = {expression}\n{TAIL.replace(IMAGE, 'x')}{LAST}"


_PARTIAL = "; --partial leaves a marked gap; --run runs the file, if you trust it [not-constant]"


def _python_says(code: str) -> str:
    """What this very Python says of a text that is no Python, or of an expression that fails: each words it anew."""
    try:
        exec(compile(code, "c.py", "exec"), {})
    except SyntaxError as error:
        said = str(error.msg).partition("; consider ")[0]
        return f"{error.lineno}:{error.offset}: error: {said[:1].lower()}{said[1:]}"
    except (ArithmeticError, LookupError, ValueError) as error:
        return str(error)
    raise AssertionError(code)


NOT_CONSTANT = {
    'os.environ["X"]': "no constant of this name is set above",
    '__import__("os").environ["X"]': "nothing is run",
    'open("image.txt").read()': "files are not read",
    'eval("1")': "nothing is run",
    'getattr(d, "x")': "nothing is run",
    "undefined": "no constant of this name is set above",
    "lambda: 1": "it is not a value that a job takes",
    "d.Image": "it is not a value that a job takes",
    "d.NoSuchThing()": "the client's 'NoSuchThing' is not known here",
    '"a" * 10**12': "it is too large",
    "10**10**10": "it is too large",
    "1 << 10**9": "it is too large",
    '"%1000000000d" % 1': "its format is not a simple one",
    '"{:1000000000}".format(1)': "its format is not a simple one",
    '"{0.__class__}".format(1)': "its format is not a simple one",
    'f"{1:>1000000000}"': "its format is not a simple one",
    '"a".replace("", "b" * 1000000) * 9': "it is too large",
    "[i for i in range(9**9)][0]": "it is too large",
    '"".join("a" for a in range(50000) for b in range(50000))': "there is too much to work out",
    "{1, 2}": "a set has no order",
    '"a" + 1': "only running it would tell",
    "[1, 2][5:'x']": "only running it would tell",
    'd.SecretReference("a", "b").name': "it takes at most 1 values",
    'd.TrainingJob("x")': "it takes its fields by name",
    "(await x)": "it is awaited",
    "f(x := 1)": "no constant of this name is set above",
}  # fmt: skip


@in_this_process
@pytest.mark.parametrize("expression", NOT_CONSTANT, ids=lambda expression: str(expression)[:30])
def test_what_only_running_would_tell_is_an_error_at_its_place(
    expression: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.process_time()
    (told,) = _told(_image(expression), capsys)
    assert time.process_time() - began < 5
    assert told.startswith("c.py:2:")
    assert told.endswith(f" is not a constant: {NOT_CONSTANT[expression]}{_PARTIAL}")


def _nested(count: int) -> str:
    return f"{HEAD}x = {'f(' * count}1{')' * count}\n"


_NO_TEXT = "this is no text in the encoding that it declares, or in UTF-8; save the file as UTF-8 [encoding]"
_NO_CALL = f"{HEAD}x = (1,\ny = 2 =\n"
_PYTHON_2 = f"{HEAD}print 'starting'\n"
_NO_PROJECT = (
    "c.py:1:1: error: there is no TrainingProject in this file;"
    " the file needs one as a variable: project = TrainingProject(...) [no-project]"
)

UNREADABLE: dict[str, tuple[str | bytes, str]] = {
    "syntax": (_NO_CALL, f"c.py:{_python_says(_NO_CALL)} [python-syntax]"),
    "python 2": (_PYTHON_2, f"c.py:{_python_says(_PYTHON_2)}; is it a file of Python 2? [python-syntax]"),
    "10,000 nested calls": (_nested(10_000), ": an expression is nested too deep to be read [python-syntax]"),
    "a million nested calls": (_nested(300_000), ": an expression is nested too deep to be read [python-syntax]"),
    "a long chain of attributes": (
        f"{HEAD}x = a{'.b' * 300_000}\n",
        "c.py:1:1: error: an expression is nested too deep to be read [python-syntax]",
    ),
    "a long row of signs": (
        f"{HEAD}x = {'-' * 300_000}1\n",
        "c.py:1:1: error: an expression is nested too deep to be read [python-syntax]",
    ),
    "a NUL byte": (f"{HEAD}x = 1\0\n", "c.py:2:1: error: a NUL byte can't stand in Python [python-syntax]"),
    "no text": (b"\x89PNG\r\n\x1a\n\0\0\xff", _NO_TEXT),
    "UTF-16": ("x = 1".encode("utf-16"), _NO_TEXT),
    "unknown encoding": (b"# coding: klingon\n", "only UTF-8, latin-1 and ASCII are read here"),
    "an encoding of Python's alone": (b"# coding: punycode\n", "only UTF-8, latin-1 and ASCII are read here"),
    "a mark against the words": (b"\xef\xbb\xbf# coding: latin-1\n", "only UTF-8, latin-1 and ASCII are read here"),
    "no project": ("x = 1\n", _NO_PROJECT),
    "empty": ("", _NO_PROJECT),
    "two projects": (
        HEAD + TAIL + LAST + LAST.replace("project", "other"),
        "c.py:4:9: error: there is a second training project in this file; the first is at 3:11 [projects]",
    ),
    "made by a function": (
        f"{HEAD}@cached\ndef make():\n    return d.TrainingProject(name='x', job=None)\nproject = make()\n",
        f"c.py:5:11: error: 'make()' is not a constant: functions and classes of the file are not run{_PARTIAL}",
    ),
    "too large": (
        b"#" * (1 << 20) + b"\n",
        "c.py:1:1: error: 1048577 bytes are more than the 1048576 that such a file may have [too-large]",
    ),
    "no name": (
        HEAD + TAIL + LAST.replace('"p"', '"日本語"'),
        "c.py:3:11: error: metadata: 'name' is missing; --name NAME gives one [required]",
    ),
    "unknown field": (
        HEAD + TAIL.replace("image=d", "imge=d") + LAST,
        "c.py:2:21: error: spec: 'imge' is not a field here; did you mean 'image'? [unknown-field]",
    ),
    "a number that is none": (
        HEAD + TAIL + "job.compute = d.Compute(node_count=0)\n" + LAST,
        "c.py:3:36: error: spec.compute.node_count: 0 is less than the minimum of 1 [minimum]",
    ),
    "a misspelt GPU count": (
        f'{HEAD}N = "two"\n{TAIL}job.compute = d.Compute(accelerator={{"accelerator": "H100", "count": N}})\n{LAST}',
        "c.py:2:5: error: spec.compute.accelerator.count: 'two' is not an integer; write it in digits: 2 [type]",
    ),
    "the latest checkpoint of nothing": (
        HEAD + TAIL + "job.runtime.load_checkpoint_config = d.LoadCheckpointConfig(enabled=True)\n" + LAST,
        "c.py:3:38: error: spec.checkpointing.load.checkpoints[0]: 'project_name', 'job_id' or 'manifest' is missing;"
        " the latest checkpoint of what? [latest-checkpoint-scope]",
    ),
}  # fmt: skip


@in_this_process
@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_holds_no_sound_job_is_told_of(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, message = UNREADABLE[name]
    told = _told(source, capsys)
    assert any(message in line for line in told)
    assert len(told) <= 3


ENDLESS = {
    "a list that holds itself": "x = []\nx.append(x)\n",
    "a mapping that holds itself": "x = {}\nx['a'] = x\n",
    "a list that doubles inside": "x = ['a']\n" + "x = [x, x]\n" * 60,
    "a list that doubles": "x = ['a']\n" + "x.extend(x)\n" * 60,
    "a text that doubles": "x = 'a'\n" + "x = x + x\n" * 60,
    "a path that doubles": "from pathlib import Path\nx = Path('a')\n" + "x = x / x\n" * 60,
    "a list in a list in a list": "x = 'a'\nfor _ in range(3000):\n    x = [x]\n",
    "functions that call each other": "".join(f"def f{i}(*_):\n f{i + 1}(x)\n" for i in range(2000)) + "x = []\nf0()\n",
    "a doubling list that a call is given": "x = ['a']\n" + "x = [x, x]\n" * 60 + "undefined(x)\n",
}


@pytest.mark.slow
@in_this_process
@pytest.mark.parametrize("name", ENDLESS)
def test_what_would_never_end_is_refused_soon(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    began = time.process_time()
    told = _told(f"{HEAD}{ENDLESS[name]}{TAIL.replace(IMAGE, 'x')}{LAST}", capsys)
    assert time.process_time() - began < 10
    assert any(line.endswith(_PARTIAL) for line in told)


TRAP = """
import os, sys, subprocess
open("ran", "w").close()
__import__("os").system("touch ran")
os.system("touch ran")
subprocess.run(["touch", "ran"])
getattr(os, "system")("touch ran")
class Trap(type(os)):
    open("ran", "w")
    def __init_subclass__(cls): open("ran", "w")
@os.system
def trap(x=os.system("touch ran")): pass
[os.system("touch ran") for _ in range(3)]
(lambda: os.system("touch ran"))()
f"{os.system('touch ran')}"
from pathlib import Path
Path("ran").touch()
Path("ran").write_text("x")
sys.exit(os.system("touch ran"))
"""
WATCH = """
import sys
def watch(event, arguments):
    started = event.startswith(("subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork"))
    if started or (event == "open" and arguments[0] == "ran"):
        print("RAN", event)
sys.addaudithook(watch)
from pathlib import Path
from baseten_jobs.importing.truss.confined import read_here
from baseten_jobs.importing.from_body import Given
read = read_here("c.py", Path("c.py").read_bytes(), Given(), partial=False)
print(*(each.message for each in read.diagnostics), file=sys.stderr)
sys.exit(bool(read.diagnostics))
"""


@pytest.mark.parametrize(("more", "code"), [("", 0), ("exec(\"open('ran', 'w')\")\neval(\"open('ran', 'w')\")\n", 1)])
def test_nothing_of_a_file_is_ever_run(more: str, code: int, folder: Path) -> None:
    """Watched by Python's own audit in the process that reads; what `exec` may do makes all before it uncertain."""
    (folder / "c.py").write_text(HEAD + TAIL + LAST + more + TRAP)
    ran = subprocess.run([sys.executable, "-c", WATCH], cwd=folder, capture_output=True, text=True, timeout=60)
    assert "RAN" not in ran.stdout
    assert sorted(path.name for path in folder.iterdir()) == ["c.py"]
    assert (ran.returncode, "Traceback" in ran.stderr) == (code, False)
    assert ("'exec(" in ran.stderr) is bool(more)


CHANGED = {
    "a function that changes it": "def add():\n    env['B'] = helper\n    helper.wait()\n    yield\nadd()\n",
    "a function that calls one": "@helper\ndef add():\n    env.update(B='2')\ndef more():\n    add()\nmore()\n",
    "a function that may not come to an end": "def add():\n  if helper:\n    return\n  env['B'] = '2'\nadd()\n",
    "a function that is given it": "helper(env)\n",
    "a module that is given it": "import helper\nhelper.add(env)\n",
    "a method with what is not known": "env.update(helper)\n",
    "an item that is not known": "env[helper] = '2'\n",
    "a branch that is not known": "if helper:\n    env['B'] = '2'\n",
    "a loop that is not known": "for name in helper:\n    env[name] = '2'\n",
    "a loop that may end early": "for name in ['B']:\n    env[name] = '2'\n    break\n",
    "what may fail": "try:\n    env['B'] = helper\nexcept Exception:\n    env = {}\n",
    "a while": "while True:\n    env['B'] = '2'\n",
    "exec": "exec('env[\"B\"] = 2')\n",
    "another name of it": "other = env\nhelper(other)\n",
    "a list that holds it": "both = [env]\nhelper(both)\n",
    "a name that is set again": "if helper:\n    env = {'C': '3'}\n",
    "a global that is set again": "def reset():\n    global env\n    env = {}\nreset()\n",
}


@in_this_process
@pytest.mark.parametrize("name", CHANGED)
def test_a_value_that_something_unread_may_have_changed_is_not_taken_for_constant(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use = TAIL.replace('["go"]', '["go"], environment_variables=env')
    told = _told(f"{HEAD}env = {{'A': '1'}}\n{CHANGED[name]}{use}{LAST}", capsys)
    assert told
    assert all(line.endswith(_PARTIAL) for line in told)


def test_what_cannot_be_read_is_a_gap_where_that_is_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = _image('__import__("os").environ["IMAGE"]').replace('["go"]', '["go", make("x"), f"run {x}"]')
    Path("c.py").write_text(source)
    assert run(["import", "truss", "c.py", "--partial", "--out", "m.yaml"]) == 0
    assert capsys.readouterr().out == (
        "m.yaml  from c.py\n\n1 file written.\n3 values still to be filled in: search for '!todo'.\n"
        "spec.workspace uploads a folder, as truss does: `baseten-jobs render -v` lists its files.\n"
        "next: `baseten-jobs validate m.yaml`\n"
    )
    assert run(["validate", "m.yaml"]) == 1
    told = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[2] for line in told if line.endswith("[todo]")] == [
        f"error: a value is missing: {gap}; write it in the place of !todo [todo]"
        for gap in (
            'c.py:2:5: __import__("os") is not a constant: nothing is run',
            "c.py:3:90: make is not a constant: no constant of this name is set above",
            'c.py:2:5: __import__("os") is not a constant: nothing is run',
        )
    ]


def test_a_token_is_warned_of_and_never_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    token = "hf_" + "a1B2" * 8
    use = TAIL.replace('["go"]', f'["go"], environment_variables={{"HF_TOKEN": "{token}", "X": os.getenv("{token}")}}')
    Path("c.py").write_text(f"import os\n{HEAD}{use}{LAST}")
    assert run(["import", "truss", "c.py", "--partial"]) == 0
    told = capsys.readouterr()
    assert f"HF_TOKEN: {token}\n" in told.out
    assert told.out.count(token) == 1
    assert "[literal-secret]" in told.err
    assert token not in told.err
    assert run(["import", "truss", "c.py"]) == 1
    assert token not in capsys.readouterr().err


ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "a mark of byte order": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "lines of Windows": lambda text: text.replace("\n", "\r\n").encode(),
    "latin-1": lambda text: b"# -*- coding: latin-1 -*-\n" + text.encode("latin-1"),
}


@in_this_process
@pytest.mark.parametrize("name", ENCODINGS)
def test_other_encodings_are_read(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = HEAD + TAIL.replace('"go"', '"""caf\xe9\nrun"""') + LAST
    Path("c.py").write_bytes(ENCODINGS[name](source))
    assert run(["import", "truss", "c.py"]) == 0
    (document,) = manifest.load("m.yaml", capsys.readouterr().out).documents
    assert document.data["spec"]["runtime"]["start_commands"] == ["caf\xe9\nrun"]


def test_columns_count_characters(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = _told(_image('"日本語" + undefined'), capsys)
    assert told[0].startswith("c.py:2:13: error: 'undefined' is not a constant")


def _config(name: str) -> str:
    return HEAD + TAIL + LAST.replace('"p"', json.dumps(name))


@pytest.mark.slow
def test_a_tree_becomes_one_manifest_a_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a summary, and the code of each found from where its manifest lies."""
    root = tmp_path / "repository"
    files = {
        "a/config.py": _config("One"),
        "b/config.py": _config("Two/x"),
        "c/config.py": _config("Two x"),
        "c/config_big.py": _config("Two x"),
        "d/train.py": "print 'no config'",
        "d/helper.py": "from truss_train import TrainingProject\ndef make(): return TrainingProject(name='x')\n",
        "d/broken.py": HEAD + "x = TrainingProject(",
        "d/config.py": _config("Bad").replace("base_image=", "base_imag="),
        ".venv/config.py": _config("hidden"),
        "env/pyvenv.cfg": "",
        "env/config.py": _config("hidden"),
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    (root / "loop").symlink_to(root)
    (root / "a" / "same.py").symlink_to("config.py")
    (root / "schemas" / "v1").mkdir(parents=True)
    (root / "schemas" / "v1" / "training-job.schema.json").touch()
    specs = root / "deep" / "specs"
    assert run(["import", "truss", str(root), "--out", str(specs)]) == 1
    told = capsys.readouterr()
    names = ["one.yaml", "two-x-b.yaml", "two-x-c.yaml", "two-x-config-big.yaml"]
    assert sorted(path.name for path in specs.iterdir()) == names
    assert "4 files written, 2 failed, 2 other Python files passed over.\n" in told.out
    assert re.search(r"d/helper.py:1:1: warning: there is no TrainingProject in this file.* \[no-project\]", told.err)
    assert f"{root}/d/broken.py:{_python_says(files['d/broken.py'])} [python-syntax]\n" in told.err
    assert "'base_imag' is not a field here; did you mean 'base_image'? [unknown-field]\n" in told.err
    text = (specs / "two-x-b.yaml").read_text()
    assert "$schema=../../schemas/v1/training-job.schema.json\n" in text
    assert "  workspace: ../../b\n" in text
    assert run(["validate", str(specs)]) == 0
    capsys.readouterr()
    (specs / "two-x-b.yaml").write_text("mine")
    assert run(["import", "truss", str(root), "--out", str(specs), "-o", "json"]) == 1
    summary = json.loads(capsys.readouterr().out)
    assert (len(summary["imported"]), summary["failed"], summary["skipped"]) == (3, 3, 2)
    assert (specs / "two-x-b.yaml").read_text() == "mine"


def test_a_manifest_elsewhere_says_that_its_code_is_outside(folder: Path, tmp_path: Path) -> None:
    Path("c.py").write_text(_config("p"))
    out = tmp_path / "elsewhere"
    assert run(["import", "truss", "c.py", "--out", str(out)]) == 0
    assert "  workspace:\n    root: ../repository/jobs/one\n    outside: true\n" in (out / "p.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([".", "--out", "x.yaml"], "a folder needs --out FOLDER"),
        (["."], "a folder needs --out FOLDER"),
        ([".", "--out", "x", "--name", "y"], "--name and --project go with one file"),
    ],
)
def test_wrong_usage_is_64(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", "truss", *arguments]) == 64
    assert told in capsys.readouterr().err


def test_an_empty_folder_is_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", "truss", str(tmp_path), "--out", str(tmp_path / "x")]) == 1
    assert "there is no *.py file in this folder [empty-folder]" in capsys.readouterr().err


def test_names_are_made_as_the_manual_says() -> None:
    assert manifest_name("RL/agents (v2): GRPO") == "rl-agents-v2-grpo"
    assert manifest_name("x" * 39 + "-yz") == "x" * 39
    assert manifest_name("日本語") == ""
    assert distinct([("a", "x"), ("b", "y"), ("a", "z")]) == ["a-x", "b", "a-z"]
    assert all(len(name) <= 40 for name in distinct([("n" * 40, "m" * 40), ("n" * 40, "k" * 30)]))


def test_a_config_on_standard_input_is_read() -> None:
    found = read_config("-", io.BytesIO(_config("p").encode()), Given(name="mine"), partial=False)
    assert [draft.name for draft in found.drafts] == ["mine"]
