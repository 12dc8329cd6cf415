"""The command line from outside: exit codes, streams, terminals, keys, and servers that mean no good."""

import fcntl
import json
import os
import pty
import re
import select
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from baseten_jobs.cli import sink
from baseten_jobs.cli.main import COMMANDS, command_of
from baseten_jobs.provider.api.connection import Connection, open_api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.api.pacing import Clock
from tests.support import warm
from tests.support.commands import Cli, Ran, called

__all__ = ["called"]

KEY = "k3y-0123456789.abcdef"
ODD_KEY = 'k3y"with\\all/{sorts}:of%characters'

MANIFEST = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata: {name: good, project: demo}
spec:
  image: {base_image: "python:3.11-slim"}
  runtime: {start_commands: [python train.py]}
"""

LOCAL = ("--local-db", "emulator.db")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one good manifest, and an environment without a key."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "good.yaml").write_text(MANIFEST)
    monkeypatch.chdir(tmp_path)
    for name in ("BASETEN_API_KEY", "BASETEN_BASE_URL", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    return tmp_path


@pytest.fixture
def tool(here: Path, called: Cli) -> Cli:
    """Run a command in this process."""
    return called


@pytest.fixture
def process(here: Path) -> Cli:
    """Run a command in a process of its own, forked off a warm one; without `given`, standard input is empty."""

    def call(*arguments: str, given: str = "") -> Ran:
        ran = subprocess.run([*warm.command(), *arguments], input=given, capture_output=True, text=True, timeout=30)
        assert "Traceback" not in ran.stderr
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    return call


@dataclass
class Terminal:
    """A command on a terminal of its own: what it shows, and what is typed."""

    process: subprocess.Popen[bytes]
    descriptor: int
    received: bytes = b""

    @property
    def shown(self) -> str:
        return self.received.decode("utf-8", "replace")

    def until(self, text: str = "", seconds: float = 20) -> str:
        """Everything shown until `text` comes, or until the command ends."""
        end = time.monotonic() + seconds
        while (not text or text not in self.shown) and time.monotonic() < end:
            if not select.select([self.descriptor], [], [], 0.05)[0]:
                continue
            try:
                more = os.read(self.descriptor, 65536)
            except OSError:  # the terminal's other end is closed
                break
            if not more:
                break
            self.received += more
        return self.shown

    def types(self, text: str) -> None:
        os.write(self.descriptor, text.encode())

    def interrupts(self) -> None:
        """Ctrl-C, as often as it takes: one that comes just before Python reads is noticed after the line only."""
        for _ in range(10):
            self.types("\x03")
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(1)
                return

    def ends(self) -> int:
        self.until()
        return self.process.wait(20)


@contextmanager
def terminal(
    *arguments: str, start: tuple[str, ...] = (sys.executable, "-m", "baseten_jobs"), **environment: str
) -> Iterator[Terminal]:
    """A whole process by default, for only such a one hears Ctrl-C."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [*start, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, **environment},
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    try:
        yield Terminal(child, ours)
    finally:
        child.kill()
        child.wait()
        os.close(ours)


@dataclass
class Server:
    """An HTTP server on loopback that answers as it is told and remembers what was asked."""

    url: str
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Server]]:
    """Start a server: `answer` takes (call, key) and gives (status, body); the tool is pointed at it."""
    started: list[ThreadingHTTPServer] = []

    def start(answer: Callable[[str, str], tuple[int, str]], key: str = KEY) -> Server:
        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                call = f"{self.command} {self.path}"
                told.asked.append(call)
                status, body = answer(call, self.headers.get("Authorization", "").removeprefix("Bearer "))
                self.send_response(status)
                self.send_header("Content-Type", "text/html" if body.startswith("<") else "application/json")
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            do_GET = do_POST = do_PATCH = do_DELETE = answer

            def log_message(self, format: str, *args: object) -> None:
                pass

        http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        started.append(http)
        threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
        told = Server(f"http://127.0.0.1:{http.server_port}")
        monkeypatch.setenv("BASETEN_BASE_URL", told.url)
        monkeypatch.setenv("BASETEN_API_KEY", key)
        return told

    yield start
    for http in started:
        http.shutdown()
        http.server_close()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits between two tries."""
    monkeypatch.setattr(time, "sleep", lambda seconds: None)


def _one_line(text: str) -> str:
    assert text.endswith("\n")
    assert text.count("\n") == 1
    return text.rstrip("\n")


# Usage


WRONG = [
    ("no-such-command",),
    ("--no-such-option",),
    ("--strict", "validate"),
    *((command, "--no-such-option") for command in COMMANDS),
    *((command, "-o", "xml") for command in ("validate", "render", "plan", "apply", "status", "stop")),
    ("schema", "--api-version", "baseten-jobs/v9"),
    ("schema", "extra"),
    ("emulator", "--port", "99999"),
    ("emulator", "--fault", "gremlins"),
    ("plan", "--max-submits", "many"),
    ("plan", "--max-submits", "-1"),
    ("plan", "--concurrency", "0"),
    ("apply", "--concurrency", "1000"),
    ("apply", "--settle", "-1"),
    ("apply", "--settle", "nan"),
    ("apply", "--settle", "inf"),
    ("status", "--read-timeout", "0"),
    ("status", "--connect-timeout", "nan"),
    ("plan", "-", "--out", "plan.json"),
    ("apply", "--plan", "plan.json", "specs"),
    ("stop",),
]


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_wrong_usage_is_64_and_says_what_is_wrong(arguments: tuple[str, ...], tool: Cli) -> None:
    ran = tool(*arguments)
    assert (ran.code, ran.out) == (64, "")
    assert ran.err.startswith("Usage: baseten-jobs")
    assert "\nerror: " in ran.err


def test_an_option_without_its_value_is_wrong_usage(tool: Cli) -> None:
    ran = tool("plan", "--max-submits")
    assert (ran.code, ran.out) == (64, "")
    assert "--max-submits" in ran.err


def test_the_nearest_command_is_named(process: Cli) -> None:
    ran = process("aply")
    assert ran.code == 64
    assert "there is no command 'aply'; did you mean 'apply'?" in ran.err


@pytest.mark.parametrize("command", ["", *COMMANDS])
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_lists_every_command_and_option(command: str, flag: str, tool: Cli) -> None:
    ran = tool(*filter(None, [command]), flag)
    assert (ran.code, ran.err) == (0, "")
    wanted = [*COMMANDS, "--version"]
    if command:
        options = command_of(command).params
        wanted = [name for option in options for name in option.opts if name.startswith("-")]
    assert [name for name in wanted if name not in ran.out] == []
    assert "--api-key" not in ran.out or command == "emulator"


def test_the_version_is_one_line(process: Cli) -> None:
    ran = process("--version")
    assert (ran.code, ran.err) == (0, "")
    assert _one_line(ran.out).startswith("baseten-jobs ")


@pytest.mark.parametrize("command", ["validate", "render", "plan", "apply", "status"])
def test_a_missing_path_is_1(command: str, tool: Cli) -> None:
    named = ("-f", "nowhere") if command == "status" else ("nowhere",)
    ran = tool(command, *named, *(LOCAL if command in ("plan", "apply", "status") else ()))
    assert ran.code == 1
    assert "nowhere:1:1: error: there is no such file or folder [missing-path]\n" in (
        ran.out if command == "validate" else ran.err
    )
    assert command == "validate" or ran.out == ""
    assert os.listdir() == ["specs"]


def test_a_missing_name_is_1(tool: Cli) -> None:
    assert tool("status", "nobody", *LOCAL) == Ran(1, "", "error: no manifest has the name 'nobody'\n")
    assert tool("stop", "nobody", *LOCAL) == Ran(1, "", "error: no manifest has the name 'nobody'\n")


@pytest.mark.parametrize(
    "arguments",
    [("schema", "--out", "nowhere/x"), ("apply", "--plan", "nowhere.json"), ("plan", *LOCAL, "--out", "nowhere/x")],
    ids=["schema --out", "apply --plan", "plan --out"],
)
def test_a_file_that_cannot_be_had_is_1(arguments: tuple[str, ...], tool: Cli) -> None:
    ran = tool(*arguments)
    assert ran.code == 1
    assert "nowhere" in ran.err
    assert "Traceback" not in ran.err


# Keys and addresses

TALKING = (
    "plan",
    "apply --yes",
    "status",
    "metrics good",
    "session good",
    "capacity",
    "stop good --yes",
    "stop --job abc --yes",
)


@pytest.mark.parametrize("command", TALKING)
@pytest.mark.parametrize("output", ["text", "json"])
def test_without_a_key_nothing_is_sent(
    command: str, output: str, tool: Cli, server: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = server(lambda call, key: (500, ""))
    monkeypatch.delenv("BASETEN_API_KEY")
    ran = tool(*command.split(), "-o", output)
    assert ran.code == 3
    assert "BASETEN_API_KEY is not set" in _one_line(ran.err)
    if output == "json":
        assert (ran.json["format_version"], ran.json["error"]) == ("1.0", _one_line(ran.err).removeprefix("error: "))
    else:
        assert ran.out == ""
    assert told.asked == []


@pytest.mark.parametrize("key", ["", " ", "\n", "two words", "two\nlines", "ключ", "key\x7f", "key\x01", "k\u200bey"])
def test_an_illegal_key_is_refused_in_one_line(
    key: str, tool: Cli, server: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = server(lambda call, key: (500, ""))
    monkeypatch.setenv("BASETEN_API_KEY", key)
    ran = tool("plan")
    assert (ran.code, ran.out) == (3, "")
    assert "BASETEN_API_KEY" in _one_line(ran.err)
    assert not key.strip() or key not in ran.err
    assert told.asked == []


def test_a_key_with_a_line_feed_at_its_end_is_the_key(tool: Cli, server: Callable[..., Server]) -> None:
    keys: list[str] = []

    def answer(call: str, key: str) -> tuple[int, str]:
        keys.append(key)
        return 401, "{}"

    server(answer, f"{KEY}\n")
    assert tool("plan").code == 3
    assert keys == [KEY]


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("command", TALKING)
def test_a_key_that_is_not_accepted_is_3_after_one_call(
    status: int, command: str, tool: Cli, server: Callable[..., Server]
) -> None:
    told = server(lambda call, key: (status, '{"error": "go away"}'))
    ran = tool(*command.split())
    assert (ran.code, ran.out) == (3, "")
    assert len(told.asked) == 1
    assert f"{told.asked[0]}: {status} " in _one_line(ran.err)
    assert ran.err.endswith(": go away\n")


NO_ADDRESSES = ("garbage", "//host", "ftp://host", "http://", "http://[::1", "https://:443", "http://127.0.0.1:1\n")


@pytest.mark.parametrize("url", NO_ADDRESSES)
def test_an_address_that_is_none_is_1(url: str, tool: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASETEN_API_KEY", KEY)
    monkeypatch.setenv("BASETEN_BASE_URL", url)
    ran = tool("plan")
    assert (ran.code, ran.out) == (1, "")
    assert "BASETEN_BASE_URL" in _one_line(ran.err)


def test_an_address_with_a_password_is_refused_and_not_shown(tool: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASETEN_API_KEY", KEY)
    monkeypatch.setenv("BASETEN_BASE_URL", "http://user:hunter2@127.0.0.1:1")
    ran = tool("plan")
    assert (ran.code, ran.out) == (1, "")
    assert "password" in _one_line(ran.err)
    assert "hunter2" not in ran.err


@pytest.mark.parametrize("command", TALKING)
def test_a_host_that_is_down_is_1(
    command: str, tool: Cli, server: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, hurried: None
) -> None:
    monkeypatch.setenv("BASETEN_API_KEY", KEY)
    monkeypatch.setenv("BASETEN_BASE_URL", "http://127.0.0.1:1")
    ran = tool(*command.split())
    assert (ran.code, ran.out) == (1, "")
    assert "/v1/" in _one_line(ran.err)
    assert "could not connect" in ran.err


def _listed(**more: str) -> str:
    return json.dumps({"training_projects": [{"id": "p", "name": "demo", "team_name": "t", **more}]})


def _echo(where: str) -> Callable[[str, str], tuple[int, str]]:
    """A server that sends the key back: in an error, in a page, or in all that it lists."""

    def answer(call: str, key: str) -> tuple[int, str]:
        if where == "error":
            return 400, json.dumps({"error": f"the key {key} is odd", "detail": [key]})
        if where == "nested error":
            return 403, json.dumps({"detail": {"header": f"Bearer {key}", key: 1}})
        if where == "page":
            return 400, f"<html><title>oops</title><body>Bearer {key}</body></html>"
        if "search" in call or call.endswith("/jobs"):
            job = {"id": key, "name": "good--406c699c57ab", "current_status": "TRAINING_JOB_RUNNING", "created_at": key}
            return 200, json.dumps({"training_jobs": [{**job, "training_project_id": "p", "error_message": key}]})
        return 200, _listed(team_name=key)

    return answer


@pytest.mark.parametrize("where", ["error", "nested error", "page", "answer"])
@pytest.mark.parametrize("key", [KEY, ODD_KEY], ids=["key", "odd key"])
def test_the_key_is_never_shown(where: str, key: str, tool: Cli, server: Callable[..., Server], hurried: None) -> None:
    told = server(_echo(where), key)
    for command in ("plan", "plan -o json", "status", "status -o json", "stop --job abc --yes", "apply --yes -o json"):
        before = len(told.asked)
        ran = tool(*command.split())
        assert len(told.asked) > before
        for shown in (ran.out, ran.err):
            assert key not in shown
            assert json.dumps(key)[1:-1] not in shown
        assert "json" not in command or ran.json["format_version"] == "1.0"


@pytest.mark.parametrize("where", ["error", "nested error", "page"])
@pytest.mark.parametrize("key", [KEY, ODD_KEY], ids=["key", "odd key"])
def test_no_repr_holds_the_key(where: str, key: str, here: Path, server: Callable[..., Server]) -> None:
    told = server(_echo(where), key)
    connection = Connection(base_url=told.url, key=key)
    api = open_api(connection, Clock())
    with pytest.raises(ApiError) as caught:
        api.projects()
    answer = api.create_once("p", {})
    api.close()
    for value in (connection, api, caught.value, str(caught.value), answer, answer.error()):
        assert key not in repr(value)
        assert json.dumps(key)[1:-1] not in repr(value)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (
            500,
            "<html><h1>Internal</h1>\n<p>Server Error</p></html>",
            "500 Internal Server Error: Internal Server Error",
        ),
        (502, "<style>p {}</style><p>bad gateway</p>", "502 Bad Gateway: bad gateway"),
        (503, "", "503 Service Unavailable"),
        (429, '{"error": "slow down", "retry_after": 1}', "429 Too Many Requests: slow down"),
        (404, '{"message": "two\\nlines \\u001b[31m"}', "404 Not Found: two\\nlines \\x1b[31m"),
        (418, "", "418 I'm a Teapot"),
        (301, "", "301 Moved Permanently"),
        (200, "<html>a portal</html>", "200 OK, but the answer is not a JSON object"),
        (200, "[]", "200 OK, but the answer is not a JSON object"),
        (200, "{}", "the answer holds no list 'training_projects'"),
        (200, '{"training_projects": [1]}', "the answer holds no list 'training_projects'"),
        (200, "[" * 100_000, "the answer is nested too deeply"),
        (599, "", "599"),
    ],
)
def test_whatever_a_server_answers_is_told_in_one_line(
    status: int, body: str, expected: str, tool: Cli, server: Callable[..., Server], hurried: None
) -> None:
    server(lambda call, key: (status, body))
    ran = tool("plan")
    assert (ran.code, ran.out) == (1, "")
    *waits, error = ran.err.splitlines()
    assert error == f"error: GET /v1/training_projects: {expected}"
    assert [line for line in waits if not re.match(r"note: GET .*; trying again in \d+ s \(", line)] == []


# Streams


@pytest.mark.parametrize("command", ["validate", "plan", "apply --yes", "status", "stop good --yes"])
def test_json_is_one_document_whatever_happens(
    command: str, tool: Cli, server: Callable[..., Server], here: Path
) -> None:
    local = LOCAL if command != "validate" else ()
    assert tool(*command.split(), "-o", "json", *local).json["format_version"] == "1.0"
    server(lambda call, key: (400, '{"error": "no"}'))
    if command != "validate":
        ran = tool(*command.split(), "-o", "json")
        assert (ran.code, ran.json["format_version"]) == (1, "1.0")
        assert ran.json["error"].endswith("400 Bad Request: no")
    (here / "specs" / "bad.yaml").write_text(MANIFEST.replace("spec:", "spc:"))
    ran = tool(*command.split(), "-o", "json", *local)
    assert (ran.code, ran.json["format_version"], ran.json["valid"]) == (1, "1.0", False)
    assert {found["rule"] for found in ran.json["diagnostics"]} == {"required", "unknown-field", "duplicate-manifest"}


def test_render_is_a_list_or_the_document_of_validate(tool: Cli, here: Path) -> None:
    assert [one["name"] for one in tool("render", "-o", "json").json] == ["good"]
    (here / "specs" / "bad.yaml").write_text("kind: TrainingJob")
    ran = tool("render", "-o", "json")
    assert (ran.code, ran.json["format_version"], ran.json["valid"]) == (1, "1.0", False)


def test_results_are_on_stdout_and_warnings_on_stderr(tool: Cli, here: Path) -> None:
    (here / "specs" / "good.yaml").write_text(MANIFEST.replace(":3.11-slim", ""))
    ran = tool("render", "-o", "json")
    assert (ran.code, len(ran.json)) == (0, 1)
    assert "specs/good.yaml:5:23: warning: spec.image.base_image: 'python' has no tag" in _one_line(ran.err)
    assert tool("render", "--strict", "-o", "json").code == 1


@pytest.mark.parametrize(
    "arguments",
    [("validate", "-"), ("render", "-", "-o", "json"), ("plan", "-", *LOCAL), ("status", "-f", "-", *LOCAL)],
    ids=["validate", "render", "plan", "status"],
)
def test_a_dash_is_standard_input(arguments: tuple[str, ...], tool: Cli) -> None:
    ran = tool(*arguments, given=MANIFEST.replace("good", "piped"))
    assert ran.code == 0
    assert arguments[0] == "validate" or "piped" in ran.out
    ran = tool(*arguments, given="a: b")
    assert ran.code == 1
    assert "<stdin>" in ran.out + ran.err


def test_a_pipe_can_be_read(process: Cli) -> None:
    assert process("validate", "-", given=MANIFEST) == Ran(0, "1 manifest: no problems\n", "")


def test_a_reader_that_has_had_enough_is_no_trouble(here: Path) -> None:
    (here / "specs" / "bad.yaml").write_text("kind: TrainingJob")
    child = subprocess.Popen(
        [sys.executable, "-m", "baseten_jobs", "validate"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.close()
    told = child.stderr.read()
    child.stderr.close()
    assert child.wait(20) != 0
    assert told == b""


@pytest.mark.parametrize("streams", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full"])
def test_a_stream_that_is_closed_or_full_is_no_traceback(streams: str, here: Path) -> None:
    ran = subprocess.run(
        ["sh", "-c", f'"$0" -m baseten_jobs validate specs {streams}', sys.executable], capture_output=True, text=True
    )
    assert "Traceback" not in ran.stderr
    assert ran.returncode == (1 if "full" in streams else 0)


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
    ids=["terminal", "NO_COLOR", "empty NO_COLOR", "dumb terminal"],
)
def test_only_a_terminal_is_coloured_unless_told_otherwise(
    environment: dict[str, str], coloured: bool, here: Path
) -> None:
    (here / "specs" / "good.yaml").write_text(MANIFEST.replace(":3.11-slim", ""))
    with terminal("validate", start=warm.command(), **environment) as shown:
        assert shown.ends() == 0
    assert "warning:" in shown.shown
    assert ("\x1b[" in shown.shown) is coloured


def test_a_pipe_is_never_coloured(tool: Cli, here: Path) -> None:
    (here / "specs" / "good.yaml").write_text(MANIFEST.replace(":3.11-slim", ""))
    for ran in (tool("validate"), tool("plan", *LOCAL), tool("apply", "--yes", *LOCAL)):
        assert "\x1b" not in ran.out + ran.err


# Asking


def _submitted(tool: Cli) -> bool:
    (job,) = tool("status", "-o", "json", *LOCAL).json["jobs"]
    return job["job"] is not None


def test_apply_without_a_terminal_and_without_yes_sends_nothing(process: Cli, tool: Cli) -> None:
    ran = process("apply", *LOCAL, given="y\n")
    assert ran.code == 8
    assert "--yes" in ran.err
    assert not _submitted(tool)
    ran = tool("apply", "-o", "json", *LOCAL, given="y\n")
    assert (ran.code, ran.json["format_version"]) == (8, "1.0")
    assert not _submitted(tool)
    assert process("apply", "--yes", *LOCAL).code == 0
    assert _submitted(tool)
    assert tool("apply", *LOCAL).code == 0


@pytest.mark.parametrize(
    ("typed", "code", "submitted"),
    [("y\n", 0, True), ("yes\n", 0, True), ("n\n", 8, False), ("\n", 8, False)],
    ids=["y", "yes", "n", "nothing"],
)
def test_apply_asks_on_a_terminal(typed: str, code: int, submitted: bool, here: Path, tool: Cli) -> None:
    with terminal("apply", *LOCAL) as shown:
        assert "Plan: 1 to submit" in shown.until("[y/N]")
        shown.types(typed)
        assert shown.ends() == code
    assert "Traceback" not in shown.shown
    assert _submitted(tool) is submitted


def test_an_interrupt_at_the_question_is_130_and_sends_nothing(here: Path, tool: Cli) -> None:
    with terminal("apply", *LOCAL) as shown:
        shown.until("[y/N]")
        shown.interrupts()
        assert shown.ends() == 130
    assert "Traceback" not in shown.shown
    assert not _submitted(tool)


def test_the_end_of_a_terminal_is_no_confirmation(here: Path, tool: Cli) -> None:
    with terminal("apply", *LOCAL) as shown:
        shown.until("[y/N]")
        shown.types("\x04")
        assert shown.ends() != 0
    assert "Traceback" not in shown.shown
    assert not _submitted(tool)


def test_a_manifest_from_standard_input_leaves_nobody_to_ask(tool: Cli) -> None:
    assert tool("apply", "-", *LOCAL, given=MANIFEST).code == 8
    assert not _submitted(tool)
    assert tool("apply", "-", "--yes", *LOCAL, given=MANIFEST).code == 0
    assert _submitted(tool)


def test_nothing_to_do_is_not_asked(here: Path, tool: Cli) -> None:
    assert tool("apply", "--yes", *LOCAL).code == 0
    with terminal("apply", *LOCAL) as shown:
        assert shown.ends() == 0
    assert "[y/N]" not in shown.shown


def test_the_exit_code_of_a_plan_tells_of_changes_only_when_asked(tool: Cli) -> None:
    assert tool("plan", *LOCAL).code == 0
    assert tool("plan", "--detailed-exitcode", *LOCAL).code == 2
    assert tool("apply", "--yes", *LOCAL).code == 0
    assert tool("plan", "--detailed-exitcode", *LOCAL).code == 0


LABELLED = [
    ("nothing",),
    ("plan", "--nothing"),
    ("plan", "nowhere", *LOCAL),
    ("status", "nobody", *LOCAL),
    ("apply", "--plan", "nowhere.json"),
    ("explain", "nothing"),
    ("plan",),
]


@pytest.mark.parametrize("arguments", LABELLED, ids=" ".join)
def test_each_error_has_a_label_which_is_coloured_where_colours_are_asked_for(
    arguments: tuple[str, ...], tool: Cli, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "specs" / "bad.yaml").write_text(MANIFEST.replace("good", "Bad"))
    plain = tool(*arguments)
    told = plain.out + plain.err
    assert plain.code != 0
    assert "error:" in told
    assert "\x1b" not in told
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = tool(*arguments)
    assert (coloured.out + coloured.err).replace("\x1b[31merror:\x1b[0m", "error:") == told
    assert "\x1b[31merror:" in coloured.out + coloured.err
    monkeypatch.setenv("NO_COLOR", "1")
    assert tool(*arguments) == plain


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [
        ({}, True),
        ({"CLICOLOR": "0"}, False),
        ({"FORCE_COLOR": "0"}, False),
        ({"CLICOLOR": "0", "CLICOLOR_FORCE": "1"}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"}, False),
    ],
    ids=str,
)
def test_a_terminal_is_coloured_unless_the_environment_asks_for_none(
    environment: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert sink.coloured(err=True) is coloured
