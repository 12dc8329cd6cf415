"""What plans tell of sweeps and Defaults that change, of real commits before the embedded API: one golden page each."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.commands import Cli, called, nothing_set
from tests.support.golden import Golden
from tests.support.repository import git

__all__ = ["called", "nothing_set"]

GOLDEN = Path(__file__).parent / "golden"
Files = Mapping[str, str | None]

SWEEP = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
matrix:
  lr: ["1e-5", "3e-5"]
  seed: [1, 2, 3]
  exclude: [{lr: "3e-5", seed: 3}]
metadata: {name: "sft-lr${{ matrix.lr }}-s${{ matrix.seed }}", project: Demo}
spec:
  image: {base_image: "i:1"}
  compute: {accelerator: "H100:8"}
  runtime: {start_commands: ["train --lr ${{ matrix.lr }} --seed ${{ matrix.seed }}"]}
"""
SIZES = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
matrix:
  include:
    - {stage: dev, project: Demo dev, gpus: 1}
    - {stage: prod, project: Demo prod, gpus: 8}
metadata: {name: "train-${{ matrix.stage }}", project: "${{ matrix.project }}"}
spec:
  image: {base_image: "i:1"}
  compute: {accelerator: "H100:${{ matrix.gpus }}"}
  runtime: {start_commands: [train]}
"""
ONE_SEED = (
    SWEEP.replace('["1e-5", "3e-5"]', '["1e-5"]')
    .replace('  exclude: [{lr: "3e-5", seed: 3}]\n', "")
    .replace("[1, 2, 3]", "[1]")
)
NO_SEED = ONE_SEED.replace("-s${{ matrix.seed }}", "")
BASE = """\
apiVersion: baseten-jobs/v1
kind: TrainingJobDefaults
metadata: {project: Demo}
spec:
  image: {base_image: "i:1"}
  compute: {accelerator: "H100:8"}
  runtime: {environment_variables: {MODE: sesame}}
policy: {on_change: stop}
"""
HEIR = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
extends: ../base.yaml
metadata: {name: NAME}
spec: {runtime: {start_commands: [train NAME]}}
"""
SWEPT = HEIR.replace("NAME", '"x-${{ matrix.tag }}"', 1).replace("metadata", "matrix: {tag: [a, b]}\nmetadata")
HEIRS: Files = {"base.yaml": BASE, **{f"specs/{name}.yaml": HEIR.replace("NAME", name) for name in ("a", "b", "c")}}


@dataclass(frozen=True)
class Case:
    """What runs, what the next commit makes of it, and the commands that tell of that."""

    before: Files
    after: Files = field(default_factory=dict)
    commands: tuple[str, ...] = ("plan",)
    between: Callable[[Cli], object] = lambda called: None


def _fail(name: str) -> Callable[[Cli], object]:
    """The job of a manifest fails."""

    def fail(called: Cli) -> None:
        from contextlib import closing

        from baseten_jobs.provider.api.connection import Connection, open_api
        from baseten_jobs.provider.api.pacing import Clock

        with closing(open_api(Connection(local_db="../emulator.db"), Clock())) as api:
            (job,) = [job for job in api.search() if job["name"].startswith(f"{name}--")]
            api._exchange("POST", "/_emulator/jobs/{}", job["id"], body={"status": "TRAINING_JOB_FAILED"})

    return fail


def _start_by_hand(called: Cli) -> None:
    """Another client starts jobs under the names of two cells to come."""
    from contextlib import closing

    from baseten_jobs.provider.api.connection import Connection, open_api
    from baseten_jobs.provider.api.pacing import Clock

    with closing(open_api(Connection(local_db="../emulator.db"), Clock())) as api:
        (project,) = api.projects()
        for name in ("sft-lr1e-5-s4", "sft-lr3e-5-s4"):
            compute = {"accelerator": {"accelerator": "H100", "count": 8}}
            body = {"name": name, "image": {"base_image": "i:1"}, "compute": compute}
            assert api.create_once(project["id"], {"training_job": body}).data


_MORE_SEEDS = SWEEP.replace("[1, 2, 3]", "[1, 2, 3, 4]")
_ADOPTING = """\
  adopts:
    - {lr: "1e-5", seed: 4, adopts: {job: "pamkc95", digest: "d80944ff6c7d"}}
    - {lr: "3e-5", seed: 4, adopts: {job: "u0djsbg", digest: "76432fef0f2b"}}
"""

CASES: Mapping[str, Case] = {
    "a value is added to an axis": Case(
        {"specs/s.yaml": SWEEP}, {"specs/s.yaml": SWEEP.replace("[1, 2, 3]", "[4, 1, 2, 3]")}
    ),
    "a value of an axis is another": Case(
        {"specs/s.yaml": SWEEP},
        {"specs/s.yaml": SWEEP.replace("[1, 2, 3]", "[1, 2, 4]").replace("seed: 3}", "seed: 4}")},
        ("plan", "plan --prune -o markdown"),
    ),
    "a cell is excluded": Case(
        {"specs/s.yaml": SWEEP},
        {"specs/s.yaml": SWEEP.replace("exclude: [", 'exclude: [{lr: "1e-5", seed: 2}, ')},
        ("plan", "plan --prune", "status"),
    ),
    "the text of all cells is another": Case({"specs/s.yaml": SWEEP}, {"specs/s.yaml": SWEEP.replace("i:1", "i:2")}),
    "one cell of include is another": Case(
        {"specs/s.yaml": SIZES}, {"specs/s.yaml": SIZES.replace("gpus: 8", "gpus: 4")}
    ),
    "axes in another order": Case(
        {"specs/s.yaml": SWEEP},
        {
            "specs/s.yaml": SWEEP.replace(
                '  lr: ["1e-5", "3e-5"]\n  seed: [1, 2, 3]\n', '  seed: [3, 2, 1]\n  lr: ["3e-5", "1e-5"]\n'
            )
        },
    ),
    "an axis gets its second value": Case(
        {"specs/s.yaml": NO_SEED}, {"specs/s.yaml": ONE_SEED.replace("seed: [1]", "seed: [1, 2]")}
    ),
    "an axis gets its second value, and its first one a former name": Case(
        {"specs/s.yaml": NO_SEED},
        {
            "specs/s.yaml": ONE_SEED.replace("seed: [1]", 'seed: [1, 2]\n  include: [{lr: "1e-5", seed: 3, was: x}]')
            .replace(", project", ', renamed_from: "${{ matrix.was }}", project')
            .replace("lr: [", "was: [sft-lr1e-5]\n  lr: [")
            .replace("seed: [1, 2]", "seed: [1]")
        },
    ),
    "two values fold to one name": Case(
        {"specs/s.yaml": SWEEP},
        {"specs/s.yaml": SWEEP.replace('"3e-5"]', '"3e-5", "0.1", "0_1"]')},
        ("validate", "plan"),
    ),
    "a cell failed": Case(
        {"specs/s.yaml": SWEEP},
        between=_fail("sft-lr1e-5-s2"),
        commands=("plan", "plan --retry-failed sft-lr1e-5-*", "status sft-lr1e-5-s2"),
    ),
    "the attempt of one cell is raised": Case(
        {"specs/s.yaml": SWEEP},
        {"specs/s.yaml": SWEEP.replace("  exclude", '  attempts: [{lr: "1e-5", seed: 2, attempt: 2}]\n  exclude')},
        between=_fail("sft-lr1e-5-s2"),
    ),
    "cells to come run already": Case(
        {"specs/s.yaml": SWEEP},
        {"specs/s.yaml": _MORE_SEEDS},
        ("plan", "adopt sft-lr1e-5-s4 --job pamkc95", "adopt sft-lr3e-5-s4 --job u0djsbg", "plan"),
        between=_start_by_hand,
    ),
    "cells adopt jobs": Case(
        {"specs/s.yaml": SWEEP},
        {"specs/s.yaml": _MORE_SEEDS.replace("  exclude", f"{_ADOPTING}  exclude")},
        ("plan", "status", "plan --set sft-lr1e-5-s4:spec.compute.node_count=2"),
        between=_start_by_hand,
    ),
    "a value is set of one cell, and of some": Case(
        {"specs/s.yaml": SWEEP},
        {},
        ("plan --set sft-lr1e-5-s2:spec.image.base_image=i:2", "plan --set sft-lr3e-5-*:spec.compute.node_count=2"),
    ),
    "a matrix is written out": Case(
        {"specs/s.yaml": ONE_SEED},
        {
            "specs/s.yaml": ONE_SEED.replace('matrix:\n  lr: ["1e-5"]\n  seed: [1]\n', "")
            .replace("${{ matrix.lr }}", "1e-5")
            .replace("${{ matrix.seed }}", "1")
        },
    ),
    "a base is another": Case(
        HEIRS, {"base.yaml": BASE.replace("i:1", "i:2").replace("sesame", "poppy")}, ("plan", "plan -o markdown")
    ),
    "a base and one heir are others": Case(
        HEIRS,
        {
            "base.yaml": BASE.replace("i:1", "i:2"),
            "specs/b.yaml": HEIR.replace("NAME", "b").replace("train b", "train b --more"),
        },
    ),
    "a base is renamed": Case(
        HEIRS,
        {
            "base.yaml": None,
            "common.yaml": BASE,
            **{
                f"specs/{name}.yaml": HEIR.replace("NAME", name).replace("base.yaml", "common.yaml")
                for name in ("a", "b", "c")
            },
        },
    ),
    "a base is broken": Case(
        HEIRS, {"base.yaml": BASE.replace("H100:8", "H100:0").replace("i:1", "i: 1")}, ("validate", "plan")
    ),
    "a base is gone": Case(HEIRS, {"base.yaml": None}, ("validate", "plan")),
    "an heir is gone": Case(HEIRS, {"specs/b.yaml": None}, ("plan", "plan --prune")),
    "a value moves into the base": Case(
        {
            **HEIRS,
            "base.yaml": BASE.replace('  image: {base_image: "i:1"}\n', ""),
            **{
                f"specs/{n}.yaml": HEIR.replace("NAME", n).replace("spec: {", 'spec: {image: {base_image: "i:1"}, ')
                for n in ("a", "b", "c")
            },
        },
        HEIRS,
    ),
    "a sweep with a base": Case(
        {"base.yaml": BASE.replace("i:1", "i:${{ matrix.tag }}"), "specs/s.yaml": SWEPT},
        {"base.yaml": BASE.replace("i:1", "i:${{ matrix.tag }}").replace("H100:8", "H100:4")},
        ("plan", "render --merged"),
    ),
}


@pytest.fixture
def checkout(tmp_path: Path, nothing_set: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    monkeypatch.chdir(folder)
    return folder


def committed(folder: Path, files: Files, *, later: bool) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_text(text)
    git(folder, "add", "-A")
    date = datetime(2090 if later else 2026, 3, 1, tzinfo=UTC).isoformat()  # what runs was made in between
    git(folder, "commit", "-q", "--allow-empty", "-m", "change", GIT_COMMITTER_DATE=date, GIT_AUTHOR_DATE=date)


def told(called: Cli, command: str) -> str:
    words = command.split()
    where = () if words[0] in ("validate", "render") else ("--local-db", "../emulator.db")
    ran = called(*words, *where)
    said = re.sub(r"\b(created|deploying|running)\b", "running", ran.out + ran.err)
    said = re.sub(r"(\d+) running, (\d+) running", lambda both: f"{int(both[1]) + int(both[2])} running", said)
    said = re.sub(r" {2}\d+s ", "  …", re.sub(r"; ≤ \$[\d.]+ so far", "", said))
    said = re.sub(r"(?<=H100 ) *(≤ \$|\$)[\d.]+(?= +[a-z0-9]{7} )", "  $…", said)
    said = re.sub(r"(?<=\S) {3,}", "  ", said)
    return f"$ baseten-jobs {command}\n{said}exit {ran.code:d}\n"


@pytest.mark.parametrize("name", CASES)
def test_a_plan_tells_what_a_commit_makes_of_jobs(name: str, checkout: Path, called: Cli, golden: Golden) -> None:
    case = CASES[name]
    committed(checkout, case.before, later=False)
    assert called("apply", "--yes", "--concurrency", "1", "--local-db", "../emulator.db").code == 0
    case.between(called)
    committed(checkout, case.after, later=True)
    golden.text(
        GOLDEN / f"{name.replace(' ', '-').replace(',', '')}.out",
        "\n".join(told(called, each) for each in case.commands),
    )


def test_each_golden_is_of_a_case() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {name.replace(" ", "-").replace(",", "") for name in CASES}
