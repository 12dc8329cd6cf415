"""Files of the truss client that cost far more to work out than to write: refused soon, and in one line."""

import resource
import sys
import time
from pathlib import Path

import pytest

from baseten_jobs.cli.main import run
from baseten_jobs.importing.from_body import Given
from baseten_jobs.importing.truss import confined, evaluator
from baseten_jobs.importing.truss.carried import packed, unpacked
from baseten_jobs.importing.truss.confined import read_confined, read_here
from baseten_jobs.manifest.diagnostics import Diagnostic

CONFIGS = sorted((Path(__file__).parents[1] / "importing" / "truss").glob("*.py"))
HEAD = "import json, shlex, textwrap\nfrom truss_train import definitions as d\n"
TAIL = """
job = d.TrainingJob(image=d.Image(base_image=str(x)), runtime=d.Runtime(start_commands=["go"]))
project = d.TrainingProject(name="p", job=job)
"""
LIST = "r = list(range(60000))\n"
TEXT = "s = 'a' * 900000\n"
DEEP = "a = ['x'] * 20\nb = [a] * 20\nc = [b] * 20\nr = [c] * 20\n"

COSTLY = {
    "an indent": "x = json.dumps([[[[1]]]], indent=10**9)\n",
    "an indent below a limit": "x = json.dumps([[[[1]]] * 9000] * 6, indent=16)\n",
    "an indent of text": "x = json.dumps([1], indent='a' * 1000000)\n",
    "separators": "x = json.dumps([1] * 40000, separators=('a' * 1000000, ':'))\n",
    "sums": LIST + "x = sum(r) + min(r) + max(r)\n" * 250,
    "sums within one line": LIST + "x = " + "sum(r) + " * 2000 + "1\n",
    "sums in a loop": LIST + "for i in r:\n    x = sum(r)\n",
    "sums in a comprehension": LIST + "x = [sum(r) for i in r][0]\n",
    "sorting": LIST + "x = sorted(r)\n" * 3000,
    "comparing": LIST + "q = list(r)\n" + "x = r == q\n" * 3000,
    "looking up": LIST + "x = -1 in r\n" * 3000,
    "looking up in a text": TEXT + "x = 'b' in s\n" * 3000,
    "zipping": LIST + "x = zip(r, r)\n" * 3000,
    "counting": LIST + "x = enumerate(r)\n" * 3000,
    "reversing": LIST + "x = reversed(r)\n" * 3000,
    "ranges": "x = range(65000)\n" * 3000,
    "slices": LIST + "x = r[1:]\n" * 3000,
    "unpacking": LIST + "y, *x = r\n" * 3000,
    "stars": LIST + "x = [*r]\n" * 3000,
    "adding in place": LIST + "x = []\n" + "x = []\nx += r\n" * 3000,
    "adding texts": "x = ''\n" + "x += 'a' * 900\n" * 20000,
    "adding lists": LIST + "x = r + [1]\n" * 3000,
    "many times a list": "x = [1] * 65000\n" * 3000,
    "many times a tuple": "x = (1,) * 65000\n" * 3000,
    "merging": "r = {i: i for i in range(6000)}\n" + "x = r | r\n" * 20000,
    "merging in place": "r = {i: i for i in range(6000)}\nx = {}\n" + "x |= r\n" * 20000,
    "double stars": "r = {str(i): i for i in range(6000)}\n" + "x = {**r}\n" * 20000,
    "copies": "r = {str(i): i for i in range(6000)}\n" + "x = r.copy()\n" * 20000,
    "a DAG written out": DEEP + "x = json.dumps(r)\n" * 500,
    "a DAG compared": DEEP + "x = r == r\n" * 500,
    "a DAG as text": DEEP + "x = repr(r)\n" * 500,
    "a DAG interpolated": DEEP + "x = '%s' % (r,)\n" * 500,
    "a DAG as a key": DEEP + "x = {r: 1}\n" * 5000,
    "one text many times": TEXT + "x = shlex.join([s] * 60000)\n",
    "joins": TEXT + "x = s.join([s] * 1000)\n",
    "replacing": TEXT + "x = s.replace('a', s)\n",
    "replacing nothing": TEXT + "x = s.replace('', 'bb')\n",
    "upper": TEXT + "x = s.upper()\n" * 5000,
    "stripping": "s = 'a' * 400000\nx = s.strip('b' * 400000 + 'a')\n",
    "dedent": TEXT + "x = textwrap.dedent(s)\n" * 5000,
    "widths": "x = '" + "%999d" * 20000 + "' % (" + "1," * 20000 + ")\n",
    "widths of f-strings": "x = f'" + "{1:>999}" * 20000 + "'\n",
    "powers": "x = 9 ** 9 ** 9\n",
    "shifts": "x = 1 << 10 ** 9\n",
    "powers in a row": "x = 3\n" + "x = x * x\n" * 3000,
    "nested comprehensions": "x = [[i for i in range(60000)] for j in range(60000)]\n",
    "nested loops": LIST + "for i in r:\n  for j in r:\n    x = i\n",
    "calls of the unknown": LIST + "x = unknown(r)\n" * 5000,
    "calls of the unknown with tuples": "r = tuple(range(60000))\n" + "x = unknown(r)\n" * 5000,
    "methods of the unknown": LIST + "x = r.unknown()\n" * 5000,
    "names": "".join(f"n{i} = 1\n" for i in range(5000)) + "x = [1 for i in [1]]\n" * 5000,
    "a long line": "x = [" + "1," * 60000 + "]\n",
    "a long line of other letters": "x = ['\u00e9'," + "1," * 60000 + "]\n",
    "a deep sum": "x = " + "1+" * 100000 + "1\n",
    "deep brackets": "x = " + "(" * 100000 + ")" * 100000 + "\n",
    "deep unary": "x = " + "-" * 100000 + "1\n",
    "deep attributes": "x = d" + ".a" * 100000 + "\n",
    "a large body that is never run": "for i in range(60000):\n  if 0:\n    x = [" + "1," * 100000 + "]\n",
}
"""Each takes a second or gigabytes, and some for ever, where only the number of expressions counts."""


@pytest.mark.parametrize("costly", COSTLY.values(), ids=COSTLY)
def test_what_costs_too_much_is_refused_before_it_is_done(costly: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, by its own account, so that the limits of the other are never what ends it; a tenth of it."""
    monkeypatch.setattr(evaluator, "STEPS", evaluator.STEPS // 10)
    raw = (HEAD + costly + TAIL).encode()
    assert len(raw) < 1 << 20
    before = time.process_time()
    read_here("c.py", raw, Given(), partial=False)
    assert time.process_time() - before < 4


@pytest.mark.parametrize("name", ["an indent", "separators", "sums", "one text many times", "joins", "a DAG as text"])
def test_it_is_told_in_one_line_at_its_place(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.py").write_text(HEAD + COSTLY[name] + TAIL)
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
        "import sys; sys.path.append(sys.argv[1]); import resource\n"
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
