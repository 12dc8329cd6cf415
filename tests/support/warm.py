"""The command as processes that start at once: each is forked off one that has imported everything.

Run as a program it is that one process; `ask_warm.py` is what each command is started as.
"""

import atexit
import gc
import os
import select
import socket
import subprocess
import sys
import traceback
from functools import cache
from pathlib import Path

from tests.support.ask_warm import UNEXPECTED
from tests.support.folders import kept_folder

_CLIENT = Path(__file__).with_name("ask_warm.py")
_ROOT = Path(__file__).parents[2]


@cache
def command() -> tuple[str, ...]:
    """What to start in place of `baseten-jobs`, as long as this process lives."""
    address = str(kept_folder() / "socket")
    words = [sys.executable, "-m", "tests.support.warm", address]
    process = subprocess.Popen(words, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == b"listening\n"
    atexit.register(process.wait)
    atexit.register(process.stdin.close)
    return sys.executable, "-I", "-S", str(_CLIENT), address, "--"


def _listen(address: str) -> None:
    """Until standard input ends."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        _import_everything()
        gc.freeze()  # or the first collection of each process copies it all
        os.write(1, b"listening\n")
        os.dup2(2, 1)
        calls = listening.fileno()
        while calls in select.select([calls, 0], [], [])[0]:
            connection, _ = listening.accept()
            if not os.fork():
                listening.close()
                _run(connection)
            connection.close()
            while _ended():
                pass


def _ended() -> bool:
    """Whether one of our processes had ended, and is now forgotten."""
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


def _import_everything() -> None:
    from importlib import import_module
    from pkgutil import walk_packages

    import baseten_jobs

    for module in walk_packages(baseten_jobs.__path__, "baseten_jobs."):
        if not module.name.endswith("__main__"):
            import_module(module.name)


def _run(connection: socket.socket) -> None:
    from baseten_jobs.cli.main import main

    size, descriptors, _, _ = socket.recv_fds(connection, 4, 3)
    asked = b""
    while len(asked) < int.from_bytes(size, "big"):
        asked += connection.recv(1 << 16)
    count, *words = asked.split(b"\0")
    arguments = [os.fsdecode(word) for word in words[: int(count)]]
    folder, *environment = words[int(count) :]
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(folder)
    os.environb.clear()
    os.environb.update(dict(each.split(b"=", 1) for each in environment))
    code: object = UNEXPECTED
    try:
        main(arguments)
    except SystemExit as ended:
        code = ended.code
    finally:
        if code == UNEXPECTED:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(str(code or 0).encode())
        os._exit(0)


if __name__ == "__main__":
    _listen(sys.argv[1])
