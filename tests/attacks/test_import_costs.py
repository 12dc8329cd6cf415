"""Files of the truss client that cost far more to work out than to write: refused soon, and in one line."""

import resource
import sys
import time
from pathlib import Path

import pytest

from baseten_jobs.cli.main import run
from baseten_jobs.importing.from_body import Given
from baseten_jobs.importing.truss import confined, costs, evaluator
from baseten_jobs.importing.truss.carried import packed, unpacked
from baseten_jobs.importing.truss.confined import read_confined, read_here
from baseten_jobs.manifest.diagnostics import Diagnostic

CONFIGS = sorted((Path(__file__).parents[1] / "importing" / "truss").glob("*.py"))
HEAD = "import json, shlex, textwrap\nfrom truss_train import definitions as d\n"
REFUSED = ("it is too large", "there is too much to work out", "an expression is nested too deep to be read")
TAIL = """
job = d.TrainingJob(image=d.Image(base_image=str(x)), runtime=d.Runtime(start_commands=["go"]))
project = d.TrainingProject(name="p", job=job)
"""
LIST = "r = list(range(3000))\n"
TEXT = "s = 'a' * 90000\n"
DEEP = "a = ['x'] * 20\nb = [a] * 20\nc = [b] * 10\nr = [c] * 2\n"
TABLE = "r = {str(i): i for i in range(300)}\n"

COSTLY = {
    "an indent": "x = json.dumps([[[[1]]]], indent=1000)\n",
    "an indent below a limit": "x = json.dumps([[[1]] * 20] * 20, indent=16)\n",
    "an indent of text": "x = json.dumps([1], indent='a' * 10000)\n",
    "separators": "x = json.dumps([1] * 4, separators=('a' * 10000, ':'))\n",
    "sums": LIST + "x = sum(r) + min(r) + max(r)\n" * 4,
    "sums within one line": LIST + "x = " + "sum(r) + " * 10 + "1\n",
    "sums in a loop": LIST + "for i in range(10):\n    x = sum(r)\n",
    "sums in a comprehension": LIST + "x = [sum(r) for i in range(10)][0]\n",
    "sorting": LIST + "x = sorted(r)\n" * 10,
    "comparing": LIST + "q = r\n" + "x = r == q\n" * 6,
    "looking up": LIST + "x = -1 in r\n" * 10,
    "looking up in a text": TEXT + "x = 'b' in s\n" * 5,
    "zipping": LIST + "x = zip(r, r)\n" * 5,
    "counting": LIST + "x = enumerate(r)\n" * 10,
    "reversing": LIST + "x = reversed(r)\n" * 10,
    "ranges": "x = range(3000)\n" * 40,
    "slices": LIST + "x = r[1:]\n" * 20,
    "unpacking": LIST + "y, *x = r\n" * 10,
    "stars": LIST + "x = [*r]\n" * 10,
    "adding in place": LIST + "x = []\nx += r\n" * 10,
    "adding texts": "x = ''\n" + "x += 'a' * 900\n" * 60,
    "adding lists": LIST + "x = r + [1]\n" * 10,
    "many times a list": "x = [1] * 6000\n" * 10,
    "many times a tuple": "x = (1,) * 6000\n" * 10,
    "merging": TABLE + "x = r | r\n" * 100,
    "merging in place": TABLE + "x = {}\n" + "x |= r\n" * 100,
    "double stars": TABLE + "x = {**r}\n" * 100,
    "copies": TABLE + "x = r.copy()\n" * 100,
    "a DAG written out": DEEP + "x = json.dumps(r)\n" * 10,
    "a DAG compared": DEEP + "x = r == r\n" * 10,
    "a DAG as text": DEEP + "x = repr(r)\n" * 10,
    "a DAG interpolated": DEEP + "x = '%s' % (r,)\n" * 10,
    "a DAG as a key": DEEP + "r = [c] * 100\n" + "x = {r: 1}\n" * 800,
    "one text many times": TEXT + "x = shlex.join([s] * 20)\n",
    "joins": "s = 'a' * 900\nx = s.join(['b'] * 120)\n",
    "replacing": "s = 'a' * 330\nx = s.replace('a', s)\n",
    "replacing nothing": "s = 'a' * 36000\nx = s.replace('', 'bb')\n",
    "upper": TEXT + "x = s.upper()\n" * 5,
    "stripping": "s = 'a' * 40000\nx = s.strip('b' * 40000 + 'a')\n",
    "dedent": TEXT + "x = textwrap.dedent(s)\n" * 5,
    "widths": "x = '" + "%999d" * 44 + "' % (" + "1," * 44 + ")\n",
    "widths of f-strings": "x = f'" + "{1:>999}" * 105 + "'\n",
    "powers": "x = 9 ** 9 ** 6\n",
    "shifts": "x = 1 << 10 ** 6\n",
    "powers in a row": "x = 3\n" + "x = x * x\n" * 15,
    "nested comprehensions": "x = [[i for i in range(60)] for j in range(60)]\n",
    "nested loops": "for i in range(60):\n  for j in range(60):\n    x = i\n",
    "calls of the unknown": LIST + "x = unknown(r)\n" * 10,
    "calls of the unknown with tuples": "r = tuple(range(3000))\n" + "x = unknown(r)\n" * 10,
    "methods of the unknown": LIST + "x = r.unknown()\n" * 20,
    "a long line": "x = [" + "1," * 6000 + "]\n",
    "a long line of other letters": "x = ['\u00e9'," + "1," * 30000 + "]\n",
    "a deep sum": "x = " + "1+" * 100000 + "1\n",
    "deep brackets": "x = " + "(" * 100000 + ")" * 100000 + "\n",
    "deep unary": "x = " + "-" * 100000 + "1\n",
    "deep attributes": "x = d" + ".a" * 100000 + "\n",
    "a large body that is never run": "for i in range(100):\n  for j in []:\n    x = [" + "1," * 6000 + "]\n",
}
"""Each would be read, at a tenth of the limits, where only the number of expressions counts."""
IN_FULL = {
    "an indent": "x = json.dumps([[[[1]]]], indent=10**9)\n",
    "separators": "x = json.dumps([1] * 40000, separators=('a' * 1000000, ':'))\n",
    "sums": "r = list(range(30000))\n" + "x = sum(r) + min(r) + max(r)\n" * 9,
    "one text many times": "s = 'a' * 900000\nx = shlex.join([s] * 60000)\n",
    "joins": "s = 'a' * 900000\nx = s.join([s] * 1000)\n",
    "a DAG as text": "a = ['x'] * 20\nb = [a] * 20\nc = [b] * 20\nr = [c] * 20\nx = repr(r)\n",
}
"""Each is refused by the limits as they are."""


@pytest.fixture
def tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits at a tenth, so that a file of a tenth of the size meets them."""
    monkeypatch.setattr(evaluator, "STEPS", evaluator.STEPS // 10)
    monkeypatch.setattr(costs, "_MAX_SIZE", costs._MAX_SIZE // 10)


@pytest.mark.usefixtures("tenth")
@pytest.mark.parametrize("costly", COSTLY.values(), ids=COSTLY)
def test_what_costs_too_much_is_refused_before_it_is_done(costly: str) -> None:
    """In this process, by its own account, so that the limits of the other are never what ends it."""
    raw = (HEAD + costly + TAIL).encode()
    assert len(raw) < 1 << 20
    before = time.process_time()
    told = read_here("c.py", raw, Given(), partial=False).diagnostics
    assert time.process_time() - before < 4
    assert any(each.message.endswith(REFUSED) for each in told), told


@pytest.mark.parametrize("costly", IN_FULL.values(), ids=IN_FULL)
def test_it_is_told_in_one_line_at_its_place(
    costly: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.py").write_text(HEAD + costly + TAIL)
    assert run(["import", "truss", "c.py"]) == 1
    *lines, last = capsys.readouterr().err.splitlines()
    assert last == "error: nothing was imported"
    assert any("it is too large" in line or "there is too much to work out" in line for line in lines)
    assert "Traceback" not in "".join(lines)


def test_what_a_config_needs_is_still_worked_out() -> None:
    config = (
        "steps = []\nfor i in range(300):\n    steps.append(f'python train.py --shard {i}')\n"
        "x = ' && '.join(steps[:3])\ntable = {str(i): i for i in range(500)}\n"
        "y = json.dumps(table, indent=2, sort_keys=True)\n"
    )
    read = read_here("c.py", (HEAD + config + TAIL).encode(), Given(), partial=False)
    assert read.diagnostics == ()
    assert read.draft is not None
    assert "shard 2" in read.draft.manifest["spec"]["image"]["base_image"]


def test_the_process_that_reads_gets_no_key_and_nothing_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BASETEN_API_KEY", "s3cr3t")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    told = tmp_path / "told"
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nenv > "{told}"\npwd >> "{told}"\necho "$1" >> "{told}"\nexit 1\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    read = read_confined("c.py", b"", Given(), partial=False)
    assert [each.rule for each in read.diagnostics] == ["too-costly"]
    lines = told.read_text().splitlines()
    assert "s3cr3t" not in told.read_text()
    assert not any(line.startswith(("BASETEN", "PYTHON", "HOME")) for line in lines)
    assert lines[-2:] == ["/", "-I"]


def test_no_module_of_the_folder_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("json", "ast", "resource", "subprocess", "sitecustomize", "baseten_jobs"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert read_confined("c.py", (HEAD + "x = 'i:1'\n" + TAIL).encode(), Given(), partial=False).draft is not None
    assert not (tmp_path / "ran").exists()


def test_a_process_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined, "SECONDS", 0.001)
    (told,) = read_confined("c.py", b"", Given(), partial=False).diagnostics
    assert (told.rule, told.message) == ("too-costly", "to work this file out takes more than 0.001 s")


def test_the_process_has_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked of the process itself, in the place of the work."""
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import resource\n"
        "from baseten_jobs.importing.truss import confined\n"
        "def told(*a, **k):\n"
        "    limits = (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)\n"
        "    print([resource.getrlimit(each)[1] for each in limits]); sys.exit(1)\n"
        "confined.read_here = told\nconfined.answer()\n"
    )
    found: list[bytes] = []
    monkeypatch.setattr(confined, "_CHILD", script)
    monkeypatch.setattr(confined, "_too_costly", lambda path, cost: found.append(cost.encode()))
    read_confined("c.py", b"", Given(), partial=False)
    assert found == [b"more than 20 s or 1024 MiB"]
    assert resource.getrlimit(resource.RLIMIT_CPU)[1] == resource.RLIM_INFINITY


@pytest.mark.parametrize(
    "answer",
    [b"", b"null", b"[]", b"[1, []]", b"[null, [[1]]]", b'["a", []]', b'[null, {"a": 1}]', b"[" * 100_000, b"\xff"],
)
def test_an_answer_that_is_not_what_was_asked_for_is_not_believed(answer: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        unpacked(answer)


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[1] / "importing" / "truss").glob("*.py")), ids=lambda p: p.stem
)
def test_what_is_carried_over_is_the_same(path: Path) -> None:
    read = read_here("c.py", path.read_bytes(), Given(), partial=True)
    assert unpacked(packed(read).encode()) == read
    assert not any(isinstance(each, Diagnostic) and each.rule == "too-costly" for each in read.diagnostics)
