"""A config is read as Python runs it, or not at all: each of these is worked out both ways, and must come out alike."""

import os
from typing import Any

import pytest

from baseten_jobs.importing.from_body import Given
from baseten_jobs.importing.truss.confined import read_here
from baseten_jobs.importing.truss.environment import Variables
from baseten_jobs.importing.truss.project import Read

HEAD = """import os, sys
CMDS = ["bash run.sh"]
ENV = {"A": "1"}
N = 1
GIVEN = int(os.environ["GIVEN"])
UNSET = os.environ.get("UNSET")
"""
TAIL = """from truss_train import definitions as d
job = d.TrainingJob(
    image=d.Image(base_image="python:3.12-slim"), compute=d.Compute(node_count=N),
    runtime=d.Runtime(start_commands=CMDS, environment_variables=ENV))
project = d.TrainingProject(name="demo", job=job)
"""
ADD = "def add(c): CMDS.append(c)\n"

SHAPES = {
    # What is not run may change what it reaches
    "a helper in a block": ADD + "with open(os.devnull): add('x')\n",
    "a helper in a try": ADD + "try:\n    add(os.environ['NOPE'])\nexcept KeyError:\n    add('y')\n",
    "a helper in a while": ADD + "while len(CMDS) < 3:\n    add('x')\n",
    "a helper in a loop that ends early": ADD + "for c in 'abc':\n    add(c)\n    if c == 'b': break\n",
    "a helper in a match": ADD + "match N:\n    case 1: add('x')\n",
    "a helper in a finally": ADD + "try:\n    x = int('1')\nfinally:\n    add('x')\n",
    "a helper under a condition": ADD + "if os.path.exists(os.devnull): add('x')\n",
    "a helper of a helper": ADD + "def more(): add('x')\nif os.path.exists(os.devnull): more()\n",
    "a method under a condition": "add = CMDS.append\nif os.path.exists(os.devnull): add('x')\n",
    "a lambda under a condition": "add = lambda c: CMDS.append(c)\nif os.path.exists(os.devnull): add('x')\n",
    "a table of helpers": ADD + "TABLE = {'a': add}\nif os.path.exists(os.devnull): TABLE['a']('x')\n",
    "a helper in an expression": ADD + "add('x') if os.path.exists(os.devnull) else None\n",
    "a helper behind and": ADD + "os.path.exists(os.devnull) and add('x')\n",
    "a helper behind or": ADD + "os.path.exists('/no/such/path') or add('x')\n",
    "a helper in a comprehension": ADD + "[add(c) for c in os.listdir('/dev/fd') if c in '012']\n",
    "a helper given away": "list(map(CMDS.append, ['x', 'y']))\n",
    "a partial": "import functools\nadd = functools.partial(CMDS.append, 'x')\nadd()\n",
    "recursion": "def add(n):\n    CMDS.append(str(n))\n    if n: add(n - 1)\nadd(30)\n",
    "another name of a list": "for each in (ENV, {}):\n    if 'SKIP' in each: continue\n    each['B'] = '2'\n",
    "another name in a block": "with open(os.devnull):\n    more = CMDS\n    more += ['x']\n",
    "a list that grows in a block": "with open(os.devnull):\n    CMDS += ['x']\n",
    "one of several": "ALL = {'a': ENV}\nALL[os.path.basename('/x/a')]['B'] = '2'\n",
    "one that is not known": "ALL = {'a': ENV, 'b': {}}\nALL['a' if os.path.exists(os.devnull) else 'b']['B'] = '2'\n",
    "one of a function": "def env():\n    for each in (ENV,):\n        return each\nenv()['B'] = '2'\n",
    "a decorator": "def step(f):\n    CMDS.append(f.__name__)\n    return f\n@step\ndef train(): pass\n",
    "a decorator that is made": "def step(n):\n    CMDS.append(n)\n    return lambda f: f\n@step('x')\ndef f(): pass\n",
    "a class body": "class Setup:\n    CMDS.append('x')\n",
    "a method of a class": "class Setup:\n    @staticmethod\n    def add(c): CMDS.append(c)\nSetup.add('x')\n",
    "a default": "def f(x=CMDS.append('x')): pass\n",
    "a global": "def f():\n    global N\n    N = 2\ndef main(): f()\nmain()\n",
    "a global in a comprehension": "def f(n):\n    global N\n    N = n\n[f(n) for n in (2, 3)]\n",
    "a default that is changed": "def add(c, to=CMDS): to.append(c)\nif os.path.exists(os.devnull): add('x')\n",
    "a global of a class": "class S:\n    @staticmethod\n    def f():\n        global N\n        N = 2\nS.f()\n",
    "a class below another": "class A:\n    def __init_subclass__(c): CMDS.append('x')\nclass B(A): pass\n",
    "the environment replaced": "os.environ = {'LR': '2'}\nENV['LR'] = os.environ.get('LR', '1')\n",
    # What is set
    "entries of a tuple": "ENV['A'], ENV['B'] = '2', '3'\n",
    "an entry in a loop": "for ENV['A'] in ('2', '3'): pass\n",
    "a list times two": "more = CMDS\nmore *= 2\n",
    "a walrus in a comprehension": "[N := n for n in (2, 3)]\n",
    "the environment": "os.environ['LR'] = '2'\nENV['LR'] = os.environ.get('LR', '1')\n",
    "the environment by a method": "os.environ.setdefault('LR', '2')\nENV['LR'] = os.environ.get('LR', '1')\n",
    "the environment as a whole": "os.environ.update(LR='2')\nENV['LR'] = os.environ.get('LR', '1')\n",
    "the environment without": "os.environ['LR'] = '2'\ndel os.environ['LR']\nENV['LR'] = os.environ.get('LR', '1')\n",
    # Scopes
    "a name before it is set": "def f():\n    if N > 5: N = 2\n    return N\nENV['N'] = str(f())\n",
    "a name of a loop": "ENV['L'] = ' '.join(f'{n}' for n in (1, 2))\nENV['N'] = str(N)\n",
    "a lambda of a loop": "fs = [lambda: c for c in 'ab']\nCMDS = [f() for f in fs]\n",
    # Values
    "join": "CMDS = [os.path.join('s3://bucket', 'run'), os.path.join('./out', 'x'), os.path.join('/data/', '')]\n",
    "dirname": "CMDS = [os.path.dirname(p) for p in ('../data/x', '../x', '.cache/x', '/data/out/', 's3://b/x')]\n",
    "a tuple in words": "ENV['T'] = repr((1, 2)) + str([(1, 2)][0] == [1, 2]) + '%s' % [(1,)]\n",
    "a path in words": "from pathlib import Path\nENV['T'] = f'{Path(\"a\")!r}' + '%r' % Path('a') + f'{\"x\"!a}'\n",
    "is": "ENV['T'] = str([] is [])\n",
    "zip twice": "z = zip('ab', '12')\nCMDS = [a + b for a, b in z] + [a for a, b in z]\n",
    "a generator twice": "g = (c for c in 'ab')\nCMDS = list(g) + list(g) + ['x']\n",
    "the largest": "n, name = max([(1, 'a'), (2, 'b')])\nENV['T'] = f'{n}{name}'\n",
    "an unknown spread": "F = {'a': 1, **({'b': 2} if os.path.exists('/no/such') else {})}\nCMDS = [k for k in F]\n",
    "an unknown star": "CMDS = ['x', *sorted(n for n in os.listdir('/proc/self') if n in ('fd', 'maps'))]\n",
    # Errors
    "a missing key": "M = {'L4': 1}\nprint(M['H100'])\n",
    "a division": "x = 1 // (N - 1)\n",
    "no number": "x = int('four')\n",
    "an index": "x = CMDS[3]\n",
    "too many values": "a, b = 1, 2, 3\n",
    "a missing argument": "def f(a, b): return a\nx = f(1)\n",
    "a number too large": "assert GIVEN < 3, 'two at most'\n",
    "a dictionary that changes": "for k in ENV: ENV[k + 'x'] = '1'\n",
    "a name taken away twice": "del N\ndel N\n",
    "a key taken away": "del ENV['B']\n",
    "a result that is None": "ENV = {'B': '2'}.update(A='1')\n",
    "pop": "ENV.pop('B')\n",
    # What is the same
    "a helper": ADD + "add('x')\n",
    "a helper with a guard": "def check(n):\n    if n > 3: raise ValueError(n)\n    return n\nN = check(GIVEN)\n",
    "reads under a condition": "if os.path.exists(os.devnull): print(ENV.get('A'), len(CMDS))\n",
    "or with a default": "ENV['LR'] = UNSET or ENV.get('LR') or '1e-5'\n",
    "closures": "def maker(n):\n    def f(x): return x + n\n    return f\nN = maker(2)(1)\n",
    "numbers": "N = int(2 ** 3 // 3 + (-7) // 2 % 3 + True)\n",
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_a_config_means_what_python_makes_of_it_or_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIVEN", "3")
    monkeypatch.delenv("UNSET", raising=False)
    monkeypatch.delenv("LR", raising=False)
    code = HEAD + SHAPES[name]
    read = read_here("c.py", f"{code}{TAIL}".encode(), Given(), Variables({"GIVEN": "3"}, defaults=True), partial=False)
    made: dict[str, Any] = {"__name__": "c"}
    before = dict(os.environ)
    try:
        exec(compile(code, "c.py", "exec"), made)
    except (Exception, SystemExit):  # noqa: BLE001 - whatever ends it
        assert read.diagnostics, "Python ends it with an error"
        return
    finally:
        os.environ.clear()
        os.environ.update(before)
    if not read.diagnostics:
        assert _said(read) == (made["N"], made["CMDS"], made["ENV"])
    else:
        assert {each.rule for each in read.diagnostics} == {"not-constant"}


WHOLE = (
    "a helper", "a helper with a guard", "reads under a condition", "or with a default", "closures", "numbers",
    "entries of a tuple", "a list times two", "the environment", "join", "dirname", "zip twice", "the largest",
)  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
def test_what_can_be_worked_out_is(name: str) -> None:
    code = f"{HEAD}{SHAPES[name]}{TAIL}"
    read = read_here("c.py", code.encode(), Given(), Variables({"GIVEN": "3"}, defaults=True), partial=False)
    assert (len(read.drafts), read.diagnostics) == (1, ())


def _said(read: Read) -> tuple[Any, Any, Any]:
    spec = read.drafts[0].spec.plain()
    runtime = spec.get("runtime", {})
    nodes = spec.get("compute", {}).get("node_count", 1)
    return nodes, runtime.get("start_commands", []), runtime.get("environment_variables", {})
