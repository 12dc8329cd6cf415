"""Bad manifests and what is said of them: golden pairs in `bad`, hostile files, and chance.

Beside `x.yaml` (or a folder `x`) stands `x.out`, what `validate` prints of it, and where that warns `x.strict.out` for
`validate --strict`.
"""

import errno
import io
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from baseten_jobs.cli.main import run
from baseten_jobs.compilation import compile_all
from baseten_jobs.manifest import document
from baseten_jobs.manifest.diagnostics import Severity
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.report import json as as_json
from baseten_jobs.report import problems
from tests.support.golden import Golden

BAD = Path(__file__).parent / "bad"
PACKAGE = Path(document.__file__).parent
GOLDENS = sorted(path.name.removesuffix(".out") for path in BAD.glob("*.out"))
SOURCES = sorted(path.name for path in BAD.iterdir() if path.suffix != ".out")

GOOD = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata: {name: good, project: demo}
spec:
  image: {base_image: "python:3.11-slim"}
  runtime:
    start_commands: [python train.py]
"""

Validate = Callable[..., tuple[int, str]]


@pytest.fixture
def validate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Validate:
    """Run `validate` in an empty folder, or in the one it is given: exit code and output, within a second."""
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()

    def call(*arguments: str, within: Path = tmp_path) -> tuple[int, str]:
        monkeypatch.chdir(within)
        before = time.process_time()
        code = run(["validate", *arguments])
        assert time.process_time() - before < 1
        captured = capsys.readouterr()
        assert captured.err == ""
        return code, captured.out

    return call


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("nothing here may touch the network")

    monkeypatch.setattr(socket, "socket", refuse)


# Golden pairs


@pytest.mark.parametrize("source", SOURCES)
def test_a_bad_manifest_is_told_as_its_golden_says(source: str, validate: Validate, golden: Golden) -> None:
    name = source.removesuffix(".yaml")
    code, out = validate(source, within=BAD)
    golden.text(BAD / f"{name}.out", out)
    assert code == (0 if ": 0 errors, " in out.splitlines()[-1] else 1)
    if ", 0 warnings" not in out.splitlines()[-1]:
        code, out = validate(source, "--strict", within=BAD)
        golden.text(BAD / f"{name}.strict.out", out)
        assert code == 1


def test_every_bad_manifest_has_its_golden_and_is_bad() -> None:
    named = {path.stem if path.is_file() else path.name for path in BAD.iterdir() if path.suffix != ".out"}
    assert named == {golden.removesuffix(".strict") for golden in GOLDENS}
    assert len(named) >= 60
    assert not [golden for golden in GOLDENS if "no problems" in (BAD / f"{golden}.out").read_text(encoding="utf-8")]


def test_whatever_only_warns_is_an_error_when_strict() -> None:
    def last(golden: str) -> str:
        return (BAD / f"{golden}.out").read_text(encoding="utf-8").splitlines()[-1]

    warned = [golden for golden in GOLDENS if ", 0 warnings" not in last(golden)]
    assert warned
    for golden in warned:
        assert ", 0 warnings" in last(f"{golden}.strict")


# Hostile files


def _many(count: int, line: str) -> str:
    return "".join(line.format(i) for i in range(count))


_LONG = "x" * 900_000

HOSTILE: dict[str, tuple[str | bytes, str]] = {
    "binary": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "1:1: error: byte 0x89 is not UTF-8; save the file as UTF-8"),
    "zeros": (bytes(4096), "1:1: error: a NUL byte can't stand in YAML; is this a text file? [yaml-syntax]"),
    "a byte that is not UTF-8": (
        GOOD.encode() + b"# caf\xc3\xa9 caf\xe9\n",
        "8:11: error: byte 0xe9 is not UTF-8; save the file as UTF-8 [encoding]",
    ),
    "a byte that is not UTF-8 behind a mark": (
        b"\xef\xbb\xbfa: \xc3\xa9\r\nb: \xff",
        "2:4: error: byte 0xff is not UTF-8; save the file as UTF-8 [encoding]",
    ),
    "UTF-16 without a mark": (
        GOOD.encode("utf-16-le"),
        "1:2: error: a NUL byte can't stand in YAML; is this a text file? [yaml-syntax]",
    ),
    "1,000 levels of blocks": (_many(1000, "- ") + "a", "1:131: error: more than 64 levels of nesting [depth]"),
    "1,000 levels of mappings": (
        "".join("  " * level + "a:\n" for level in range(1000)),
        "66:131: error: more than 64 levels of nesting [depth]",
    ),
    "1,000 levels of lists": ("[" * 1000 + "]" * 1000, "1:66: error: more than 64 levels of nesting [depth]"),
    "1,000 levels of flow mappings": ("{a: " * 1000, "1:261: error: more than 64 levels of nesting [depth]"),
    "1 MiB of brackets": ("[" * (1 << 20), "1:66: error: more than 64 levels of nesting [depth]"),
    "1 MiB of braces": ("{" * (1 << 20), "1:66: error: more than 64 levels of nesting [depth]"),
    "1 MiB of questions": ("? " * (1 << 19), "1:131: error: more than 64 levels of nesting [depth]"),
    "1 MiB of anchors": (
        "&" * (1 << 20),
        "1:1: error: no name follows the '&'; quote a value that begins with '&' [yaml-syntax]",
    ),
    "1 MiB of blanks": (" " * (1 << 20), "1:1: error: this file is empty [empty-file]"),
    "a mebibyte and one": ("#" * ((1 << 20) + 1), "1:1: error: 1048577 bytes are more than the 1048576 that a"),
    "an anchor that holds itself": ("&a {b: *a}", "1:8: error: the alias '*a' holds itself [alias]"),
    "an anchor that merges itself": ("&a {<<: *a}", "1:9: error: the alias '*a' holds itself [alias]"),
    "an anchor that is its own key": ("&a {*a : 1}", "1:5: error: the alias '*a' holds itself [alias]"),
    "merge keys that double": (
        "a0: &a0 {x: y}\n" + "".join(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}\n" for i in range(1, 12)),
        "6:20: error: more than 50000 values, aliases expanded [too-many-values]",
    ),
    "merge keys in a chain": (
        "a0: &a0 {x: y}\n" + "".join(f"a{i}: &a{i} {{<<: *a{i - 1}, n{i}: 1}}\n" for i in range(1, 3000)),
        "183:18: error: more than 50000 values, aliases expanded [too-many-values]",
    ),
    "a long text, repeated": (
        f"a: &a {_LONG}\n" + "b: [" + "*a, " * 20_000 + "]\n",
        "2:57: error: more than 50000 values, aliases expanded [too-many-values]",
    ),
    "too many items": ("- a\n" * 99_000, "50000:3: error: more than 50000 values, aliases expanded [too-many-values]"),
    "too many documents": ("---\n" * 99_000, "50002:1: error: more than 50000 values, aliases expanded"),
    "a key a thousand times": (
        "k: 1\n" * 1000,
        "102:1: error: this file has more problems; they are not shown [too-many-prob",
    ),
    "a list for a key": ("? [a]\n: b\n", "1:3: error: a key must be a string [key-not-string]"),
    "a tag on the top": (
        "!!python/object/apply:os.system [ls]",
        "1:1: error: the tag '!!python/object/apply:os.system' has no",
    ),
    "an undefined tag": (
        "a: !e!x y\n",
        "1:4: error: this tag can't be read; leave it out, or quote a value that begins with '!' [yaml-syntax]",
    ),
    "a directive of the future": (
        "%YAML 9.9\n---\na: 1\n",
        "1:1: error: this directive can't be read; leave it out, or quote",
    ),
    "a lone surrogate": ('a: "\\uD800"\n', "1:5: error: '\\uD800' is not an escape; write the backslash twice, or"),
    "a long key": (f'? "{_LONG}"\n: 1\n', "1:1: error: 'apiVersion' is missing; supported: 'baseten-jobs/v1'"),
    "many unknown fields": (GOOD + _many(20_000, "k{}: 1\n"), "58:1: error: 19950 more fields are not known here"),
    "many problems of one kind": (
        GOOD + "    environment_variables:\n" + _many(20_000, "      A{}: 8\n"),
        "1:1: error: this manifest has more problems; they are not shown [too-many-problems]",
    ),
    "many mounts": (
        GOOD
        + "  weights:\n"
        + _many(3000, "  - {{source: s3://a/b, mount_location: /m{}}}\n")
        + "  - {source: s3://a/b}",
        "3009:5: error: spec.weights[3000]: 'mount_location' is missing [required]",
    ),
    "a long name": (
        GOOD.replace("good", _LONG),
        f"3:18: error: metadata.name: '{'x' * 59}…' has 900000 characters, at most 40",
    ),
    "a long alias": ("a: *" + _LONG, f"1:4: error: there is no anchor '&{'x' * 119}…' above [alias]"),
    "a long number": (
        GOOD + "    environment_variables: {A: " + "1" * 900_000 + "}\n",
        f"8:32: error: spec.runtime.environment_variables.A: {'1' * 59}… is not a string, quote it",
    ),
    "a long quantity": (
        GOOD + "  compute: {memory: '" + " " * 900_000 + "x'}\n",
        f"8:21: error: spec.compute.memory: '{' ' * 59}…' is not a quantity of memory",
    ),
    "a long choice": (
        GOOD + "  compute: {availability_model: " + "spot" * 200_000 + "}\n",
        f"8:33: error: spec.compute.availability_model: '{('spot' * 15)[:59]}…' is not one of dedicated, spot [enum]",
    ),
    "a long accelerator": (
        GOOD + "  compute: {accelerator: " + "H" * 900_000 + ":0}\n",
        f"8:26: error: spec.compute.accelerator: '{'H' * 59}…' is not allowed; expected a GPU type and a count",
    ),
    "a long command with almost a token": (
        GOOD.replace("python train.py", "eyJ-" * 100_000).replace("demo", "demo, x: y"),
        "3:39: error: metadata: 'x' is not a field here [unknown-field]",
    ),
    "line feeds of another system": (
        GOOD.replace("demo", "demo, x: y").replace("\n", "\r\n"),
        "3:39: error: metadata: 'x' is not a field here [unknown-field]",
    ),
    "line feeds of an old system": (
        GOOD.replace("demo", "demo, x: y").replace("\n", "\r"),
        "3:39: error: metadata: 'x' is not a field here [unknown-field]",
    ),
    "a byte order mark before a problem": (
        "\ufeff" + GOOD.replace("apiVersion", "apiversion"),
        "1:1: error: 'apiversion' is not a field here; did you mean 'apiVersion'? [unknown-field]",
    ),
    "characters beyond the sixteen bits": (
        GOOD.replace("demo", '"\U0001d4b3🚀é", x: y'),
        "3:40: error: metadata: 'x' is not a field here [unknown-field]",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_ends_in_a_clear_message_within_a_second(name: str, tmp_path: Path, validate: Validate) -> None:
    content, expected = HOSTILE[name]
    (tmp_path / "x.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    code, out = validate("x.yaml")
    assert code == 1
    lines = out.splitlines()
    assert any(line.startswith(f"x.yaml:{expected}") for line in lines), out[:2000]
    assert len(lines) < 250
    assert all(len(line) < 500 for line in lines)
    assert os.listdir(tmp_path) == ["x.yaml"]


@pytest.mark.parametrize(
    "content",
    [
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r"),
        f"---\n{GOOD}---\n",
        f"%YAML 1.1\n---\n{GOOD}",
    ],
    ids=["a byte order mark", "CRLF", "CR", "empty documents around it", "a directive"],
)
def test_what_an_editor_or_a_template_leaves_behind_is_accepted(
    content: str, tmp_path: Path, validate: Validate
) -> None:
    (tmp_path / "x.yaml").write_bytes(content.encode())
    assert validate("--strict", "x.yaml") == (0, "1 manifest: no problems\n")


@pytest.mark.parametrize(
    "value", ["0o7", "1e3", "1e-5", "0b2", "12e", "1.2.3", "y", "n", "!!str 8", "! 8", "'8'", "|\n        8"]
)
def test_what_yaml_1_1_reads_as_text_is_a_string(value: str, tmp_path: Path, validate: Validate) -> None:
    (tmp_path / "x.yaml").write_text(f"{GOOD}    environment_variables:\n      A: {value}\n")
    assert validate("x.yaml") == (0, "1 manifest: no problems\n")


# Files and folders


@pytest.mark.parametrize("path", ["nowhere", "nowhere.yaml", "x.yaml/y", "a" * 300, "é訓"])
def test_a_missing_path_is_a_diagnostic(path: str, tmp_path: Path, validate: Validate) -> None:
    (tmp_path / "x.yaml").write_text(GOOD)
    assert validate(path) == (
        1,
        f"{path}:1:1: error: there is no such file or folder [missing-path]\n0 manifests: 1 error, 0 warnings\n",
    )


def test_the_default_path_is_named_when_it_is_missing(validate: Validate) -> None:
    hint = "name the folder or the file of your manifests; `baseten-jobs init` writes a first one"
    assert validate()[1].startswith(f"specs:1:1: error: there is no such file or folder; {hint} [missing-path]\n")


NAMED = "that is the name of a manifest, and paths are wanted here: it is in "


@pytest.mark.parametrize(
    ("here", "path", "hint"),
    [
        ("", "spec", "did you mean 'specs'?"),
        ("", "specs/a.yml", "did you mean 'specs/a.yaml'?"),
        ("", "specs/a.yaml/", "did you mean 'specs/a.yaml'?"),
        ("", "good", NAMED + "'specs/a.yaml'"),
        (
            "src/deep",
            "good",
            NAMED + "'../../specs/a.yaml'",
        ),
        ("src", "specs", "from here it is '../specs'"),
        ("src/deep", "specs/a.yaml", "from here it is '../../specs/a.yaml'"),
        ("", "specs/*.yml", "a pattern is left to the shell; name the folder"),
        ("", "goo", ""),
    ],
)
def test_a_missing_path_is_told_with_what_was_meant(
    here: str, path: str, hint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (".git", "specs", "src/deep"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "specs/a.yaml").write_text(GOOD)
    monkeypatch.chdir(tmp_path / here)
    assert run(["validate", path]) == 1
    told = capsys.readouterr().out.splitlines()[0]
    assert told == f"{path}:1:1: error: there is no such file or folder{'; ' if hint else ''}{hint} [missing-path]"


def test_a_link_to_nothing_or_to_itself_is_unreadable(tmp_path: Path, validate: Validate) -> None:
    (tmp_path / "dangling.yaml").symlink_to("nowhere")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    code, out = validate(".")
    assert code == 1
    assert out.splitlines() == [
        f"./dangling.yaml:1:1: error: this can't be read: {os.strerror(errno.ENOENT)} [unreadable]",
        "./loop.yaml:1:1: error: this can't be read: Too many levels of symbolic links [unreadable]",
        "0 manifests: 2 errors, 0 warnings",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_or_folder_without_the_right_to_read_is_unreadable(tmp_path: Path, validate: Validate) -> None:
    (tmp_path / "x.yaml").write_text(GOOD)
    (tmp_path / "x.yaml").chmod(0)
    (tmp_path / "folder").mkdir(mode=0)
    code, out = validate(".")
    assert code == 1
    assert out.splitlines() == [
        f"./folder:1:1: error: this can't be read: {os.strerror(errno.EACCES)} [unreadable]",
        f"./x.yaml:1:1: error: this can't be read: {os.strerror(errno.EACCES)} [unreadable]",
        "0 manifests: 2 errors, 0 warnings",
    ]


def test_a_path_is_told_on_one_line_whatever_its_bytes(tmp_path: Path, validate: Validate) -> None:
    for name in (b"two\nlines.yaml", b"\x1b[31mred.yaml", b"caf\xe9.yaml"):
        (tmp_path / os.fsdecode(name)).write_text("apiVersion: baseten-jobs/v1\na: [")
    code, out = validate(".")
    assert code == 1
    assert [line.partition(":2:5: ")[0] for line in out.splitlines()[:3]] == [
        "./\\x1b[31mred.yaml",
        "./caf\\xe9.yaml",
        "./two\\nlines.yaml",
    ]
    assert len(json.loads(validate("-o", "json", ".")[1])["diagnostics"]) == 3


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path, validate: Validate) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "x.yaml").write_text(GOOD)
    (tmp_path / "folder" / "link.yaml").symlink_to("x.yaml")
    paths = ("folder", "folder/x.yaml", "./folder/../folder/x.yaml", str(tmp_path / "folder"))
    assert validate(*paths) == (0, "1 manifest: no problems\n")


def test_hidden_files_and_folders_are_skipped_unless_they_are_named(tmp_path: Path, validate: Validate) -> None:
    (tmp_path / ".hidden").mkdir()
    for name in (".hidden/a.yaml", ".b.yaml", "c.yaml", "d.yml", "e.json", "f.yaml.txt"):
        (tmp_path / name).write_text(GOOD.replace("demo", name))
    assert validate(".") == (0, "2 manifests: no problems\n")
    assert validate(".", ".hidden", ".b.yaml") == (0, "4 manifests: no problems\n")


def test_the_diagnostics_of_all_files_are_shown_at_once(tmp_path: Path, validate: Validate) -> None:
    (tmp_path / "z.yaml").write_text(GOOD.replace("demo", "other, x: y"))
    (tmp_path / "a.yaml").write_text("")
    (tmp_path / "good.yaml").write_text(GOOD)
    code, out = validate("z.yaml", "nowhere", "good.yaml", "a.yaml")
    assert (code, [line.split(":")[0] for line in out.splitlines()]) == (
        1,
        ["a.yaml", "nowhere", "z.yaml", "2 manifests"],
    )


_UNDER_WATCH = """
import os, sys
told = []
def hook(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        writes = set(mode or "") & set("wax+") or (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes or "big" in str(path):
            told.append((event, str(path)))
    elif event.split(".")[0] in ("socket", "subprocess", "shutil", "tempfile") or event in (
        "os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink", "os.truncate", "os.system", "exec", "compile"
    ):
        if event not in ("exec", "compile"):
            told.append((event, ""))
from baseten_jobs.cli.main import run
sys.addaudithook(hook)
code = run(["validate", ".", "big.yaml"])
print(told, file=sys.stderr)
sys.exit(code)
"""


def test_nothing_is_written_sent_or_read_beyond_its_size(tmp_path: Path) -> None:
    for index, (content, _) in enumerate(HOSTILE.values()):
        if len(content) < 10_000:
            (tmp_path / f"{index}.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    with open(tmp_path / "big.yaml", "wb") as file:
        file.truncate(20 << 20)
    os.mkfifo(tmp_path / "pipe.yaml")
    before = sorted(os.listdir(tmp_path))
    ran = subprocess.run(
        [sys.executable, "-B", "-c", _UNDER_WATCH], cwd=tmp_path, capture_output=True, text=True, timeout=20
    )
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1] == "[]"
    told = "big.yaml:1:1: error: 20971520 bytes are more than the 1048576 that a manifest may have [too-large]\n"
    assert told in ran.stdout
    assert "./pipe.yaml:1:1: error: this is not a regular file [unreadable]\n" in ran.stdout
    assert sorted(os.listdir(tmp_path)) == before


# Chance

FULL = (Path(__file__).parent / "full.yaml").read_text(encoding="utf-8")
_AT_RANDOM = settings(
    deadline=None, derandomize=True, max_examples=300, database=None, suppress_health_check=list(HealthCheck)
)
_PIECES = st.sampled_from([
    "null", "~", "8",
    "-1", "2.0", "yes", "no", "[]", "{}", "[a]", "{a: b}", '"x"', "'", '"', "*a", "&a", "&env", "*env",
    "!x", "!!set", "!!python/object:x", "<<", "<<: *env", "- ", "? ", ": ", "\t", "\n", "---\n", "...\n", "#", "|", ">",
    "%", "@", "`", "2024-01-01", "0x1F", "1:30", "010", "\0", "é", "\u2028", "\ufeff", "🚀", '"\\n"', '"\\e[31m"', "  ",
    "H100:8", "hf://a/b", "s3://", "/", "//", "../", '"\\u202e"', "1e999", ".nan", "9" * 25, "!!int x", "!!bool x",
    "{name: x}", "{name: }", "a" * 50, "hf_" + "a" * 30, "typ", "spec:", "metadata:", "AWS_IAM", "{typ: [x]}", "16GB",
])  # fmt: skip


def _judged(raw: bytes) -> None:
    """Whatever it is, it is judged: valid and compiled, or told on one line each, within the file."""
    compiled = compile_all(Inputs(["-"]), io.BytesIO(raw))
    told = problems.diagnostics(compiled.diagnostics, compiled.documents).split("\n")
    assert len(told) == len(compiled.diagnostics) + 1
    assert all(line.isprintable() for line in told)
    json.loads(as_json.diagnostics(compiled.diagnostics))
    lines = len(re.split("\r\n|[\r\n\x85\u2028\u2029]", raw.decode("utf-8", "replace")))
    for found in compiled.diagnostics:
        assert 1 <= found.position.line <= lines, found
        assert 1 <= found.position.column <= len(raw) + 1
    if compiled.valid:
        assert compiled.documents
        json.dumps([request.body for request in compiled.requests])
    else:
        assert any(found.severity is Severity.ERROR for found in compiled.diagnostics)


@_AT_RANDOM
@given(st.binary(max_size=200))
def test_random_bytes_are_judged(raw: bytes) -> None:
    _judged(raw)


@_AT_RANDOM
@given(st.text(max_size=200) | st.lists(_PIECES, max_size=30).map("".join))
@example("? [a]: b")
@example("&a : *a")
def test_random_text_is_judged(text: str) -> None:
    _judged(text.encode("utf-8", "surrogatepass"))


@_AT_RANDOM
@given(st.data())
def test_a_manifest_hit_by_chance_is_judged(data: st.DataObject) -> None:
    text = FULL
    for _ in range(data.draw(st.integers(1, 3))):
        lines = text.split("\n")
        at, piece = data.draw(st.integers(0, len(lines) - 1)), data.draw(_PIECES)
        key, colon, _ = lines[at].partition(":")
        line = lines[at]
        within = data.draw(st.integers(0, len(line)))
        hits = [
            [f"{line[:within]}{piece}{line[within:]}"],
            [f"{key}{colon} {piece}"],
            [f"{key}{piece}{colon}"],
            [f"{line}{piece}"],
            [f"  {line}"],
            [line[2:]],
            [line, line],
            [],
        ]
        lines[at : at + 1] = hits[data.draw(st.integers(0, len(hits) - 1))]
        text = "\n".join(lines)
    _judged(text.encode())
