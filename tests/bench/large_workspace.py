"""How fast a large workspace is hashed and planned again, in how much memory: python -m tests.bench.large_workspace"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from baseten_jobs.emulator.server import serving
from baseten_jobs.emulator.settings import Settings
from tests.support.trees import manifest, write

_STEPS = """
import io, json, sys, time
began = time.perf_counter()
from baseten_jobs.compilation import compile_all
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.workspace.archive import Archive
import baseten_jobs.workspace.pack
ready = time.perf_counter()
compiled = compile_all(Inputs([sys.argv[1]]), io.BytesIO())
assert compiled.valid, compiled.diagnostics
took = time.perf_counter() - ready
if sys.argv[2:]:
    from baseten_jobs.applying.object_store import Destination, put
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    place = Destination("code", "code.tgz", dict.fromkeys(names, "x"), sys.argv[2])
    put(Archive(compiled.requests[0].content), place, lambda count: None)
status = open("/proc/self/status").read()  # getrusage remembers the process that this one was forked from
peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
print(json.dumps({"took": took, "peak": peak,
                  "digest": compiled.requests[0].digest, "files": len(compiled.requests[0].content.files)}))
"""


_YARDSTICK = ["sh", "-c", "find . -type f -print0 | sort -z | xargs -0 sha256sum > /dev/null"]


@dataclass(frozen=True)
class Measured:
    """Seconds and MB; medians of several rounds, in each of which `sha256sum` read the same files just before."""

    files: int
    sha256sum: float
    first: float
    ratio: float
    second: float
    peak: float
    uploading: float


def fill(folder: Path, files: int, large: int) -> None:
    """So many files of about 1 KB in folders of 100, and one large one of so many bytes."""
    chance = random.Random(1)
    for number in range(files):
        path = folder / f"package{number // 100}" / f"module{number % 100}.py"
        path.parent.mkdir(exist_ok=True)
        line = f"value = {chance.random()}  # {number}\n"
        path.write_text(line * (chance.randrange(1, 60)))
    block = chance.randbytes(1 << 20)
    with (folder / "weights.bin").open("wb") as file:
        for _ in range(large >> 20):
            file.write(block)


def measure(files: int, large: int, rounds: int = 1) -> Measured:
    with tempfile.TemporaryDirectory() as name:
        folder = write(Path(name) / "job", {"run.sh": "#!/bin/sh\n"})
        fill(folder, files, large)
        for path in folder.rglob("*"):  # long enough ago for the hashes to be trusted
            os.utime(path, (1_700_000_000, 1_700_000_000))
        manifest(folder)
        time.sleep(2.1)
        environment = {**os.environ, "XDG_CACHE_HOME": f"{name}/cache"}
        yardsticks, firsts, seconds = [], [], []
        for _ in range(rounds):
            shutil.rmtree(f"{name}/cache", ignore_errors=True)
            yardsticks.append(_seconds(_YARDSTICK, folder))
            firsts.append(_step(folder, environment))
            seconds.append(_step(folder, environment))
        with serving(Settings(database=Path(name, "emulator.db"))) as url:
            upload = _step(folder, environment, f"{url}/_emulator/s3")
        assert len({step["digest"] for step in (*firsts, *seconds, upload)}) == 1
        first = [step["took"] for step in firsts]
        return Measured(
            int(upload["files"]), median(yardsticks), median(first),
            median(a / b for a, b in zip(first, yardsticks, strict=True)), median(step["took"] for step in seconds),
            max(step["peak"] for step in (*firsts, *seconds)), upload["peak"],
        )  # fmt: skip


def _seconds(command: list[str], folder: Path) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True)
    return time.perf_counter() - began


def _step(folder: Path, environment: dict[str, str], *endpoint: str) -> dict[str, float]:
    command = [sys.executable, "-c", _STEPS, str(folder), *endpoint]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert ran.returncode == 0, ran.stderr
    told: dict[str, float] = json.loads(ran.stdout)
    return told


def main() -> None:
    m = measure(20_000, 2 << 30, rounds=5)
    print(f"{m.files} files, one of 2 GiB: sha256sum {m.sha256sum:.2f} s, first {m.first:.2f} s ({m.ratio:.2f} times), "
          f"second {m.second:.2f} s, at most {m.peak:.0f} MB, uploading {m.uploading:.0f} MB")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
