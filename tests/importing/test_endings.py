"""A config that refuses its own values is refused here too, with its own words: as Python itself ends it."""

import os
import sys
from pathlib import Path

import pytest

from baseten_jobs.cli.main import run
from baseten_jobs.importing.from_body import Given
from baseten_jobs.importing.truss.confined import read_here
from baseten_jobs.importing.truss.environment import Variables
from baseten_jobs.importing.truss.project import Read

HEAD = "import os, sys\nfrom truss_train import definitions as d\n"
JOB = 'd.TrainingJob(image=d.Image(base_image="python:3.12.4-slim"), runtime=d.Runtime(start_commands=["go"]))'
TAIL = f'project = d.TrainingProject(name="p", job={JOB})\n'

GUARDS = {
    "raise": 'if N not in (1, 2, 4): raise ValueError(f"no {N}")\n',
    "raise a class": "if N == 3: raise RuntimeError\n",
    "else": "if N < 3: pass\nelif N < 4: pass\nelse: raise ValueError('too many')\n",
    "assert": 'assert N % 2 == 0, f"{N} is odd"\n',
    "assert without words": "assert N < 3\n",
    "exit": 'if N > 2: sys.exit("too many")\n',
    "exit by a code": "if N > 2: sys.exit(N - 3)\n",
    "SystemExit": 'if N > 2: raise SystemExit("too many")\n',
    "SystemExit by a code": "if N > 2: raise SystemExit(N - 3)\n",
    "exit of the builtins": "if N > 2: exit(1)\n",
    "a function": "def check(n):\n    if n > 2:\n        raise ValueError('too many')\ncheck(N)\n",
    "a value": "def need(n):\n    if n > 2:\n        raise ValueError('too many')\n    return n\nM = need(N)\n",
    "a function in a function": "def no():\n    raise ValueError('no')\ndef check(n):\n    if n > 2: no()\ncheck(N)\n",
    "a lambda": "def no(): raise ValueError('no')\ncheck = lambda n: no() if n > 2 else n\ncheck(N)\n",
    "a loop": "for each in (1, 2, 3):\n    if each * N > 8: raise ValueError(f'{each}')\n",
    "a comprehension": "def check(n):\n    assert n < 9\n    return n\nALL = [check(n * N) for n in (1, 2, 3)]\n",
    "a variable": "if 'EXTRA' not in os.environ: raise KeyError('EXTRA')\n",
    "a function that is not called": "def check(): raise ValueError('no')\n",
    "the name of the file": "if __name__ == '__main__': sys.exit('this is no script')\n",
}  # fmt: skip


@pytest.mark.parametrize("number", range(1, 5))
@pytest.mark.parametrize("name", GUARDS)
def test_a_file_ends_here_where_python_ends_it(name: str, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    code = f"N = int(os.environ['N'])\n{GUARDS[name]}"
    monkeypatch.setenv("N", str(number))
    read = _read(f"{HEAD}{code}{TAIL}", N=str(number))
    try:
        exec(compile(code, "c.py", "exec"), {"os": os, "sys": sys, "__name__": "c"})
    except (ValueError, KeyError, RuntimeError, AssertionError, SystemExit) as error:
        done = isinstance(error, SystemExit) and error.code in (0, None)
        assert [each.rule for each in read.diagnostics] == ([] if done else ["own-error"])
        assert not read.drafts
    else:
        assert (len(read.drafts), read.diagnostics) == (1, ())
        assert read.drafts[0].remarks == ()


def _read(code: str, **variables: str) -> Read:
    return read_here("c.py", code.encode(), Given(), Variables(variables, defaults=True), partial=False)


def test_its_own_words_stand_at_the_line_that_ends_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.py").write_text(
        f"{HEAD}def need(name, why):\n    value = os.environ.get(name)\n    if not value:\n"
        f"        raise RuntimeError(f'set {{name}}: {{why}}')\n    return value\n"
        f"BUCKET = need('BUCKET', 'where the team keeps its data')\n{TAIL}"
    )
    path = str(tmp_path / "c.py")
    assert run(["import", "truss", path, "--defaults"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert (
        f"{path}:6:9: error: the file ends here, by an error of its own: set BUCKET: where the team keeps its data; "
        "--env BUCKET=VALUE gives what it asks for [own-error]\n"
    ) in told.err
    assert run(["import", "truss", path, "--defaults", "--env", "BUCKET=b"]) == 0


HINTS = {
    "none given": ((), "--env A=VALUE --env B=VALUE gives what it asks for"),
    "one given": (("A",), "--env B=VALUE gives what it asks for"),
    "the other given": (("B",), "--env A=VALUE gives what it asks for"),
    "one given beside another": (("A", "C"), "--env B=VALUE gives what it asks for"),
    "all given": (("A", "B"), "--env A=... --env B=... was given; maybe another value gives what it asks for"),
}


@pytest.mark.parametrize("case", HINTS)
def test_the_options_that_an_own_error_hints_at_are_those_that_were_not_given(case: str) -> None:
    given, hint = HINTS[case]
    code = f"{HEAD}a, b = os.environ.get('A'), os.environ.get('B')\nraise RuntimeError('bad numbers')\n{TAIL}"
    read = _read(code, **dict.fromkeys(given, "1"))
    assert [each.hint for each in read.diagnostics] == [hint]


def test_an_own_error_of_a_file_that_asks_for_nothing_has_no_hint() -> None:
    (told,) = _read(f"{HEAD}raise RuntimeError('bad')\n{TAIL}", A="1").diagnostics
    assert told.hint == ""


def test_the_end_of_a_file_beside_is_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "settings.py").write_text("import os\nN = int(os.environ['N'])\nassert N < 3, 'two at most'\n")
    (tmp_path / "c.py").write_text(f"{HEAD}import settings\n{TAIL}")
    path = str(tmp_path / "c.py")
    assert run(["import", "truss", path, "--env", "N=3"]) == 1
    told = capsys.readouterr().err
    assert f"{path}:3:1: error: the file ends here, by an error of its own, in settings.py:3: two at most; " in told


@pytest.mark.parametrize(
    "guard",
    [
        "if shutil.which('git') is None: raise RuntimeError('no git')\n",
        "assert shutil.which('git')\n",
        "try:\n    x = int(os.environ['X'])\nexcept KeyError:\n    raise SystemExit('set X')\n",
        "while shutil.which('git'):\n    sys.exit(1)\n",
        "def check():\n    if shutil.which('git') is None:\n        raise RuntimeError('no git')\ncheck()\n",
        "def check():\n    global done\n    raise RuntimeError('no git')\ncheck()\n",
        "class Settings:\n    def __init__(self):\n        raise RuntimeError('no git')\nsettings = Settings()\n",
    ],
)
def test_a_check_that_is_not_run_is_a_note(guard: str) -> None:
    read = _read(f"{HEAD}import shutil\n{guard}{TAIL}")
    assert read.diagnostics == ()
    assert [each.rule for each in read.drafts[0].remarks] == ["guard-not-known"]


def test_what_is_asked_of_a_push_is_no_check_of_the_job() -> None:
    code = f"{TAIL}from truss_train import push\ngot = push(project)\nif not got['id']: sys.exit('nothing came')\n"
    read = _read(HEAD + code)
    assert (len(read.drafts), read.diagnostics, read.drafts[0].remarks) == (1, (), ())


def test_a_script_that_ends_with_the_code_of_its_main_function_made_its_job() -> None:
    body = TAIL.replace("project", "    project", 1)
    code = f"{HEAD}from truss_train import push\ndef main():\n{body}    return push(project)\n"
    read = _read(f"{code}if __name__ == '__main__':\n    sys.exit(main())\n")
    assert (len(read.drafts), read.diagnostics) == (1, ())


def test_no_secret_is_in_the_words() -> None:
    token = "of-nobody-else-7d1"
    read = _read(f"{HEAD}raise ValueError('bad ' + os.environ['HF_TOKEN'])\n{TAIL}", HF_TOKEN=token)
    assert [each.rule for each in read.diagnostics] == ["own-error"]
    assert "bad ***" in read.diagnostics[0].message
