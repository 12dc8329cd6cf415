"""Commands -> what each of them takes, run in turn so that a noisy machine is as hard on one as on the other."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
    "BASETEN_API_KEY": "bench-key",
    "NO_COLOR": "1",
}


@dataclass(frozen=True)
class Took:
    """One whole process: seconds on the clock and of the processor (user and system), and the most memory in MB."""

    wall: float
    cpu: float
    peak: float


@dataclass(frozen=True)
class Medians:
    """Of several runs."""

    runs: tuple[Took, ...]

    @property
    def wall(self) -> float:
        return statistics.median(run.wall for run in self.runs)

    @property
    def cpu(self) -> float:
        return statistics.median(run.cpu for run in self.runs)

    @property
    def peak(self) -> float:
        return statistics.median(run.peak for run in self.runs)


@dataclass(frozen=True)
class Command:
    """What to run, and the exit codes that mean it went well."""

    arguments: Sequence[str]
    good: tuple[int, ...] = (0,)


def ours(*arguments: str) -> Command:
    """Our command as users run it."""
    return Command((str(Path(sys.executable).with_name("baseten-jobs")), *arguments))


def python(code: str, *arguments: str) -> Command:
    return Command((sys.executable, "-c", code, *arguments))


def in_turn(commands: Sequence[Command], rounds: int) -> list[Medians]:
    """Each command once to warm up, then all of them so many times, one after the other."""
    runs: list[list[Took]] = [[] for _ in commands]
    for number in range(rounds + 1):
        for command, taken in zip(commands, runs, strict=True):
            took = run(command)
            if number:
                taken.append(took)
    return [Medians(tuple(taken)) for taken in runs]


def run(command: Command) -> Took:
    """Raises RuntimeError for a command that fails: a failure is soon over, and must not count as fast."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command.arguments,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in command.good:
        raise RuntimeError(f"exit code {process.returncode}: {' '.join(command.arguments)}")
    return Took(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
