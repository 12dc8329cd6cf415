"""Manifests that were good before chance went over them: each is compiled or refused at its place, in one line.

`python -m tests.attacks.manifests --bytes 1000000` is the long run.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
FORMATS = ("text", "json", "github", "sarif")
PER_BATCH = 40
SECONDS = 30

TOKENS: Sequence[bytes] = (
    b"\0", b"\x1b[2J", b"\x85", b"\xc2\x85", "\u2028".encode(), "\u202e".encode(), b"\xed\xa0\x80", b"\xff\xfe",
    b"\xef\xbb\xbf", b"\t", b"\r", b"\r\n", b"\n", b"::error::x", b"##[group]x", b"&a ", b"*a", b"<<: *a",
    b"!!python/object/apply:os.system ", b"!!binary ", b"!todo", b"? ", b"- ", b": ", b"#", b"%YAML 1.2\n", b"---\n",
    b"...\n", b"{", b"[", b"}", b"]", b"'", b'"', b"|2\n", b">-\n", b"\\", b"1" * 400, b"1e999", b".nan", b"-.inf",
    b"0x", b"0o7", b"1:30", b"~", b"null", b"yes", b"2026-01-01", b"=", b"[" * 300, b"{a: " * 120, b"a" * 2000, b"@",
    b"`", b"${X}", b"$(id)", b"\\ud800", b'"\\ud800"', b"metadata", b"spec",
)  # fmt: skip


def seeds() -> tuple[bytes, ...]:
    """The examples, and the manifest that has every field."""
    paths = [*sorted((ROOT / "specs").rglob("*.yaml")), ROOT / "tests" / "manifest" / "full.yaml"]
    return tuple(path.read_bytes() for path in paths)


def mutated(dice: random.Random, originals: Sequence[bytes]) -> bytes:
    """One of these with a few spans cut, doubled, moved, flipped or replaced."""
    raw = bytearray(dice.choice(originals))
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(raw) + 1)
        end = min(len(raw), at + dice.choice([1, 1, 2, 8, 40, 200]))
        match dice.randrange(6):
            case 0:
                del raw[at:end]
            case 1:
                raw[at:at] = raw[at:end]
            case 2:
                raw[at:end] = dice.choice(TOKENS)
            case 3:
                raw[at:at] = dice.choice(TOKENS)
            case 4 if at < len(raw):
                raw[at] ^= 1 << dice.randrange(8)
            case _:
                other = dice.choice(originals)
                start = dice.randrange(len(other))
                raw[at:end] = other[start : start + dice.choice([4, 30, 300])]
    return bytes(raw)


def faults_of(folder: Path, dice: random.Random) -> list[str]:
    """What went wrong where one batch is validated, in a process of its own."""
    output = dice.choice(FORMATS)
    try:
        ran = subprocess.run(
            (sys.executable, "-P", "-m", "baseten_jobs", "validate", ".", "-o", output), cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
            capture_output=True, timeout=SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return [f"{output}: no end within {SECONDS} s"]
    told = (ran.stdout + ran.stderr).decode("utf-8", "surrogateescape")
    odd = sorted({hex(ord(each)) for each in told if each != "\n" and unicodedata.category(each) in ODD})
    faults = [f"{output}: told {odd}"] if odd else []
    if ran.returncode not in (0, 1) or "Traceback" in told:
        faults.append(f"{output}: exit {ran.returncode}: {told[-2000:]}")
    if output in ("json", "sarif"):
        json.loads(ran.stdout)
    return faults


ODD = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of characters that a terminal may obey or can't show."""


def attack(folder: Path, size: int, seed: int) -> Iterator[str]:
    """What went wrong in batches of at least `size` bytes together; the files of a bad batch stay in `folder`."""
    dice, originals, done = random.Random(seed), seeds(), 0
    for number in range(10**6):
        batch = folder / f"batch{number}"
        batch.mkdir()
        for each in range(PER_BATCH):
            raw = mutated(dice, originals)
            done += len(raw)
            (batch / f"m{each:02}.yaml").write_bytes(raw)
        yield from (f"seed {seed}, batch {number}: {fault}" for fault in faults_of(batch, dice))
        if done >= size:
            return


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bytes", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        faults = list(attack(Path(name), given.bytes, given.seed))
    print(json.dumps({"bytes": given.bytes, "faults": faults}, indent=2))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
