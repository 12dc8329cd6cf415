"""Six weeks of a small team before the embedded API -> what each command prints there, the same every time."""

import io
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.main import run
from baseten_jobs.emulator.server import serving
from baseten_jobs.emulator.settings import Durations, Settings
from baseten_jobs.provider.api.connection import Connection, open_api
from tests.support.repository import git
from tests.support.world import START, StandingClock

_DAY = 86400.0
_MANIFEST = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata: {{name: {name}, project: {project}}}
spec:
  image: {{base_image: "pytorch/pytorch:2.7.0-cuda12.8-cudnn9-runtime"}}
  compute:
    node_count: {nodes}
    accelerator: {gpus}
    memory: {memory}
{more}  runtime:
    start_commands: ["{command}"]
    environment_variables: {{LR: "{lr}"}}
  checkpointing: {{enabled: true}}
"""
_CODE = "  workspace: .\n  enable_baseten_workdir: true\n"
_FSDP = (
    "torchrun --nnodes $BT_GROUP_SIZE --node-rank $BT_NODE_RANK --nproc-per-node $BT_NUM_GPUS "
    "--master-addr $BT_LEADER_ADDR train.py"
)
_TRAIN = """\
import torch

def step(model, batch, optimizer):
    loss = model(batch).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
"""


def manifest(
    name: str, project: str, lr: str, *, nodes: int = 1, gpus: str = "H100:2", memory: str = "64Gi",
    command: str = "", more: str = "",
) -> str:  # fmt: skip
    return _MANIFEST.format(
        name=name, project=project, lr=lr, nodes=nodes, gpus=gpus, memory=memory, more=more,
        command=command or "python -m recipes.sft",
    )  # fmt: skip


def _llama(lr: str) -> str:
    return manifest(
        "llama-70b-fsdp", "Llama 70B", lr, nodes=4, gpus="H100:8", memory="512Gi", command=_FSDP, more=_CODE
    )


EARLIER: tuple[tuple[str, str, Mapping[str, str]], ...] = (
    ("Ada", "Fine-tune Qwen3 8B", {"specs/qwen3-8b-lora.yaml": manifest("qwen3-8b-lora", "Qwen3 8B", "3e-4")}),
    ("Grace", "Tune Gemma 9B, with its reward model", {
        "specs/gemma-9b-sft.yaml": manifest("gemma-9b-sft", "Gemma 9B", "2e-5", gpus="H100:8"),
        "specs/gemma-9b-reward.yaml": manifest("gemma-9b-reward", "Gemma 9B", "1e-5", gpus="A100:4"),
    }),
    ("Ada", "Prefer with half the rate", {
        "specs/qwen3-8b-dpo.yaml": manifest("qwen3-8b-dpo", "Qwen3 8B", "1e-5", gpus="H100:4"),
        "specs/qwen3-8b-lora.yaml": manifest("qwen3-8b-lora", "Qwen3 8B", "2e-4"),
    }),
    ("Mary", "First run of the 70B on one node", {
        "specs/llama-70b/llama.yaml": manifest("llama-70b-fsdp", "Llama 70B", "2e-5", gpus="H100:8"),
    }),
    ("Grace", "Lower the rate of Gemma 9B", {
        "specs/gemma-9b-sft.yaml": manifest("gemma-9b-sft", "Gemma 9B", "1.5e-5", gpus="H100:8"),
    }),
)  # fmt: skip
"""Author, subject and files of one commit a week, each applied, whose jobs complete two days later."""

MONDAY: Mapping[str, str] = {
    "specs/llama-70b/llama.yaml": _llama("2e-5"),
    "specs/llama-70b/train.py": _TRAIN,
    "specs/qwen3-8b-lora.yaml": manifest("qwen3-8b-lora", "Qwen3 8B", "1e-4"),
    "specs/qwen3-8b-dpo.yaml": manifest("qwen3-8b-dpo", "Qwen3 8B", "5e-6", gpus="H100:4"),
    "specs/qwen3-8b-eval.yaml": manifest("qwen3-8b-eval", "Qwen3 8B", "0", gpus="H100:1"),
    "specs/gemma-9b-sft.yaml": manifest("gemma-9b-sft", "Gemma 9B", "1e-5", gpus="H100:8"),
    "specs/gemma-9b-reward.yaml": manifest("gemma-9b-reward", "Gemma 9B", "3e-6", gpus="A100:4"),
}
"""What main holds, and what runs."""

PULL_REQUEST: Mapping[str, str] = {
    "specs/llama-70b/llama.yaml": _llama("1e-5"),
    "specs/llama-70b/train.py": _TRAIN.replace(
        "    optimizer.step()\n", "    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n    optimizer.step()\n"
    ).replace("def step(", "def train_step("),
    "specs/qwen3-8b-lora.yaml": manifest("qwen3-8b-lora", "Qwen3 8B", "1e-4", memory="128Gi"),
}
"""What somebody wants to change."""


class _Terminal(io.StringIO):
    """Takes what a command prints to a terminal, colours and all."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class _Seen(BaseException):
    """The first look of a watch is over."""


class _FirstLook(StandingClock):
    """Ends a command that watches after its first look."""

    def sleep(self, seconds: float) -> None:
        raise _Seen


@dataclass
class Team:
    folder: Path
    clock: StandingClock
    url: str

    def commit(self, files: Mapping[str, str], author: str, subject: str) -> None:
        for path, text in files.items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_text(text)
        git(self.folder, "add", "-A")
        date = f"{int(self.clock.wall())} +0000"
        who = {"GIT_AUTHOR_NAME": author, "GIT_COMMITTER_NAME": author}
        git(self.folder, "commit", "-qm", subject, GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date, **who)

    def applied(self, files: Mapping[str, str], author: str, subject: str) -> None:
        """A pull request is merged, and its pipeline applies it."""
        self.commit(files, author, subject)
        self.said("apply", "--yes", "--concurrency", "1")

    def ended(self, name: str) -> None:
        """A job completes."""
        with closing(open_api(Connection(self.url, "pictures"), self.clock)) as api:
            job = [job for job in api.search() if job["name"].startswith(f"{name}--")][-1]
            api._exchange("POST", "/_emulator/jobs/{}", job["id"], body={"status": "TRAINING_JOB_COMPLETED"})

    def said(self, *arguments: str, width: int = 0, watched: bool = False) -> str:
        """What a command prints to standard output; with a width, to a coloured terminal of so many columns.

        Raises AssertionError where the command fails.
        """
        out = _Terminal() if width else io.StringIO()
        clock: StandingClock = _FirstLook() if watched else self.clock
        clock.time = self.clock.time
        environment = {"COLUMNS": str(width), "LINES": "60", "TERM": "xterm-256color"} if width else {}
        errors = io.StringIO()
        with (
            mock.patch.dict(os.environ, environment), mock.patch.object(sys, "stdout", out),
            mock.patch.object(sys, "stderr", errors),
        ):  # fmt: skip
            try:
                code = run(list(arguments), clock)
            except _Seen:
                code = Exit.DONE
        assert code is Exit.DONE, (arguments, code, out.getvalue(), errors.getvalue())
        return out.getvalue().replace(self.url, "https://api.baseten.co")


@contextmanager
def team() -> Iterator[Team]:
    """A checkout of main, whose jobs have run for two hours."""
    clock = StandingClock()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "models"
        folder.mkdir()
        git(folder, "init", "-q", "-b", "main")
        settings = Settings(
            Path(scratch) / "e.db", clock=lambda: START + clock.time,
            durations=Durations(created=60, deploying=120, running=2 * _DAY, checkpoint=1800), capacity=(("H100", 40),),
        )  # fmt: skip
        before = Path.cwd()
        with serving(settings) as url:
            environment = {
                name: value for name, value in os.environ.items()
                if not name.startswith(("BASETEN_", "CI", "GITHUB_", "NO_COLOR", "FORCE_COLOR"))
            }  # fmt: skip
            environment |= {
                "BASETEN_BASE_URL": url,
                "BASETEN_API_KEY": "pictures",
                "BASETEN_APP_URL": "https://app.baseten.co",
            }
            environment |= {"XDG_CACHE_HOME": scratch}
            os.chdir(folder)
            try:
                with mock.patch.dict(os.environ, environment, clear=True):
                    told = Team(folder, clock, url)
                    for author, subject, files in EARLIER:
                        told.applied(files, author, subject)
                        clock.time += 7 * _DAY
                    told.applied(MONDAY, "Ada", "Train the 70B on four nodes, and the week's models")
                    clock.time += 2 * 3600 + 14 * 60
                    told.ended("qwen3-8b-eval")
                    yield told
            finally:
                os.chdir(before)
