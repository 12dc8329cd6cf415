"""How a plan grows with the manifests that changed since they ran: python -m tests.bench.many_changes [COUNT]

Four times as many must take at most 4.5 times the time of the processor, each the best of several whole processes.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.contest import ours, run
from tests.support.repository import git

BOUND = 4.5
_COUNT, _ROUNDS = 500, 5
_TOGETHER = 100
"""As many manifests stand in one file where there are few files."""

_MANIFEST = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata:
  name: bench-{number}
  project: Bench
spec:
  image:
    base_image: pytorch/pytorch:2.7.1-cuda12.6-cudnn9-runtime
  compute:
    node_count: 2
    accelerator: H100:8
  runtime:
    start_commands:
      - pip install --quiet -r requirements.txt
      - torchrun --nnodes "$BT_GROUP_SIZE" train.py --seed {number} --lr {rate}
    environment_variables:
      HF_HOME: /root/.cache/user_artifacts/huggingface
      NCCL_SOCKET_IFNAME: ^docker0,lo
    cache_config:
      enabled: true
  checkpointing:
    enabled: true
    volume_size_gib: 3000
policy:
  on_change: {on_change}
"""


@dataclass(frozen=True)
class Case:
    """So many manifests in each file, and what becomes of a run that a change supersedes."""

    together: int
    on_change: str

    def write(self, folder: Path, count: int, rate: str) -> None:
        texts = [_MANIFEST.format(number=n, rate=rate, on_change=self.on_change) for n in range(count)]
        folder.mkdir(exist_ok=True)
        for start in range(0, count, self.together):
            text = "---\n".join(texts[start : start + self.together])
            (folder / f"m{start:05}.yaml").write_text(text, encoding="utf-8")


CASES = {
    "one to a file": Case(1, "keep"),
    f"{_TOGETHER} to a file": Case(_TOGETHER, "keep"),
    "one to a file, the older stopped": Case(1, "stop"),
}


def seconds(case: Case, count: int, rounds: int = _ROUNDS) -> float:
    """Of the processor, for a plan in which one commit changed so many manifests that all had run before."""
    with tempfile.TemporaryDirectory() as name:
        folder, database = Path(name, "repository"), str(Path(name, "bench.db"))
        folder.mkdir()
        git(folder, "init", "-q", "-b", "main")
        words = (str(folder / "specs"), "--local-db", database, "--max-submits", str(count))
        _commit(folder, lambda: case.write(folder / "specs", count, "1e-5"))
        run(ours("apply", *words, "--yes"))
        _commit(folder, lambda: case.write(folder / "specs", count, "3e-5"))
        return min(run(ours("plan", *words)).cpu for _ in range(rounds))


def _commit(folder: Path, change: Callable[[], None]) -> None:
    change()
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "change")


def main() -> int:
    count = int(sys.argv[1]) if sys.argv[1:] else _COUNT
    ratios = []
    for what, case in CASES.items():
        less, more = (seconds(case, each) for each in (count, 4 * count))
        ratios.append(more / less)
        print(f"{what:<34} {count:,}: {less:.2f} s, {4 * count:,}: {more:.2f} s, {more / less:.2f} times", flush=True)
    return 0 if max(ratios) <= BOUND else 1


if __name__ == "__main__":
    sys.exit(main())
