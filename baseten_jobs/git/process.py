"""Words for git -> what it answers; the one place that starts it, and what a stranger wrote never starts with it.

Whoever sends a pull request decides what files a checkout holds, so git is entered at the root of a checkout alone,
never in a folder that merely looks like a repository, and runs with every setting off that names a command.
"""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

NEUTRAL = (
    "safe.bareRepository=explicit", "core.fsmonitor=false", f"core.hooksPath={os.devnull}", "core.pager=cat",
    "core.untrackedCache=false", "core.quotePath=false", "log.mailmap=false", "log.diffMerges=separate",
    "log.showRoot=true", "log.follow=false", "log.showSignature=false", "diff.relative=false", "diff.external=",
)  # fmt: skip
"""Settings of every call: none starts a program, and git answers as machines read it."""

_PASSED_ON = frozenset({
    "HOME", "USER", "LOGNAME", "SUDO_UID", "XDG_CONFIG_HOME", "TMPDIR", "TMP", "TEMP", "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "DEVELOPER_DIR", "SYSTEMROOT",
})  # fmt: skip
"""The only variables that git gets where it stays on this machine, beside its own settings: no key, no token."""

_OWN = re.compile(r"GIT_CONFIG_(COUNT|(KEY|VALUE)_[0-9]+|GLOBAL|SYSTEM|NOSYSTEM)|GIT_TEST_ASSUME_DIFFERENT_OWNER")
"""What a machine says to all its git processes, as containers set safe.directory; the last only makes git refuse."""

_TRANSPORT = re.compile(
    r"GIT_(ALLOW_PROTOCOL|ASKPASS|SSH|SSH_COMMAND|SSH_VARIANT|PROXY_COMMAND|PROXY_SSL_\w+|SSL_\w+|HTTP_\w+|CURL_\w+"
    r"|PROTOCOL|EXEC_PATH)"
)
"""How a caller's git gets to its remotes."""

_FIXED = {
    "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_PAGER": "cat",
}  # fmt: skip
_ALONE = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "", "GIT_ASKPASS": "", "SSH_ASKPASS": ""}
_PROTOCOLS = "https:http:ssh:file"
_LACKING = re.compile(r"lazy fetching disabled|from promisor remote|transport '.*' not allowed")

FETCHING = "`git fetch --refetch --no-filter` fetches it"
"""How the contents that a partial clone leaves out come here."""


class GitError(Exception):
    """git failed on what it should know; the message is its own first line."""


def run(root: str | Path, *arguments: str, settings: Mapping[str, str] | None = None) -> bytes:
    """What git answers on a checkout, from what is here alone; raises GitError."""
    ran = attempt(root, *arguments, settings=settings)
    if ran.returncode:
        raise GitError(_told(arguments[0], ran.stderr.decode("utf-8", "replace")) or f"{ran.returncode}")
    return ran.stdout


def attempt(
    root: str | Path, *arguments: str, settings: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[bytes]":
    """The same with its exit code and its words, whatever they are; raises GitError only where there is no git."""
    command, environment = _command(root, arguments), alone(root, settings or {})
    try:
        return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError:
        raise GitError("git is not installed here") from None


def converse(root: str | Path, *arguments: str, reaching: bool = False) -> "subprocess.Popen[bytes]":
    """A git that answers on its standard output what it is asked on its standard input; raises GitError.

    With `reaching` it may fetch from the checkout's remote what a partial clone left out.
    """
    environment = _reaching_out(root) if reaching else alone(root, {})
    try:
        return subprocess.Popen(
            _command(root, arguments), env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except OSError:
        raise GitError("git is not installed here") from None


def reach(root: str | Path, arguments: Sequence[str], seconds: float) -> "subprocess.CompletedProcess[bytes]":
    """Runs git with its caller's environment: credentials, helpers, proxies, the network.

    It prompts for nothing, runs no hook, and raises GitError where it does not end within `seconds`.
    """
    from tempfile import TemporaryFile

    command = _command(root, arguments)
    with TemporaryFile() as output, TemporaryFile() as words:  # a helper that lives on would hold a pipe open
        try:
            running = subprocess.Popen(
                command, env=_reaching_out(root), stdin=subprocess.DEVNULL, stdout=output, stderr=words,
                start_new_session=True,
            )  # fmt: skip
        except OSError:
            raise GitError("git is not installed here") from None
        try:
            running.wait(seconds)
        except subprocess.TimeoutExpired:
            raise GitError(f"git {arguments[0]}: no answer within {seconds:g} s") from None
        finally:
            _end(running)
        output.seek(0)
        words.seek(0)
        return subprocess.CompletedProcess(command, running.returncode, output.read(), words.read())


def without_filters(root: str | Path) -> Mapping[str, str]:
    """Settings that turn off every filter that a configuration names: for what looks at files of the work tree."""
    names = attempt(root, "config", "-z", "--name-only", "--get-regexp", r"^filter\.").stdout
    settings: dict[str, str] = {}
    for name in filter(None, os.fsdecode(names).split("\0")):
        driver = name.rpartition(".")[0]
        settings |= {f"{driver}.{part}": "" for part in ("clean", "smudge", "process")}
        settings[f"{driver}.required"] = "false"
    return settings


def alone(root: str | Path, settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of a git that does not prompt, with more settings."""
    kept = {name: value for name, value in os.environ.items() if name in _PASSED_ON or _OWN.fullmatch(name)}
    return {**kept, **_FIXED, **_ALONE, **_bounds(root), **_with_settings(kept, settings)}


def _reaching_out(root: str | Path) -> dict[str, str]:
    """The caller's own environment, without what names another repository, and without what is ours alone."""
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GIT_", "BASETEN_")) or _OWN.fullmatch(name) or _TRANSPORT.fullmatch(name)
    }
    return {"GIT_ALLOW_PROTOCOL": _PROTOCOLS, **own, **_FIXED, **_bounds(root)}


def _bounds(root: str | Path) -> dict[str, str]:
    """Where git may look for a repository, and where for programs: never wherever it happens to stand."""
    return {"GIT_CEILING_DIRECTORIES": os.path.dirname(os.path.realpath(root)), "PATH": _path()}


def _path() -> str:
    return os.pathsep.join(filter(os.path.isabs, os.environ.get("PATH", os.defpath).split(os.pathsep)))


def _with_settings(environment: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """More settings after those that the environment has; a count that is none is left for git to refuse."""
    count = environment.get("GIT_CONFIG_COUNT") or "0"
    if not settings or not count.isdecimal():
        return {}
    found = {"GIT_CONFIG_COUNT": str(int(count) + len(settings))}
    for number, (name, value) in enumerate(settings.items(), int(count)):
        found |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return found


def _command(root: str | Path, arguments: Sequence[str]) -> tuple[str, ...]:
    """The whole command line; the first word is where git is, not whatever the current folder calls so."""
    program = shutil.which("git", path=_path())
    if program is None:
        raise GitError("git is not installed here")
    return (program, "-C", str(root), *(word for setting in NEUTRAL for word in ("-c", setting)), *arguments)


def _told(command: str, words: str) -> str:
    if _LACKING.search(words):
        return f"this clone is partial and lacks what its history holds; {FETCHING}"
    first = words.strip().splitlines()[:1]
    return f"git {command}: {first[0]}" if first else ""


def _end(running: "subprocess.Popen[bytes]") -> None:
    """Stop a process that still runs, and all that it started; it may tidy up first."""
    if running.poll() is None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(running.pid, number)
                running.wait(2)
