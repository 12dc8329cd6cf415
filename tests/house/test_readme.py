"""The README and its pages keep their word: commands run, manifests are valid, options and exit codes exist."""

import io
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest

from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.main import COMMANDS, command_of
from baseten_jobs.compilation import compile_all
from baseten_jobs.emulator.server import serving
from baseten_jobs.emulator.settings import Durations, Settings
from baseten_jobs.git.log import Revision
from baseten_jobs.job.checkpoint import Checkpoint
from baseten_jobs.job.gpu_use import GpuUse
from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.request import JobRequest, ProjectRef
from baseten_jobs.job.retry_policy import RetryPolicy
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.planning.spec_commit import SpecCommit
from baseten_jobs.provider.dashboard import page_of
from baseten_jobs.provider.particulars import Particulars
from baseten_jobs.provider.status import Awaiting, Checkpoints, Status
from baseten_jobs.report.description import Description
from tests.planning.test_retries import force
from tests.support.commands import Cli, called, nothing_set
from tests.support.pages import EVERY_PAGE, PAGES, README, ROOT, block
from tests.support.repository import git
from tests.support.world import StandingClock, World

__all__ = ["called", "nothing_set"]


def commands() -> list[str]:
    """Every command line of ours, in code blocks and between backticks, placeholders and all."""
    code = "\n".join(re.findall(r"```(?:bash|yaml)\n(.*?)```", EVERY_PAGE, re.DOTALL))
    lines = re.findall(r"(?<![\w/.-])(?:\.venv/bin/)?baseten-jobs +([a-z]+[^\n;&|>#]*)", code)
    lines += re.findall(r"`baseten-jobs ([a-z][^`]*)`", EVERY_PAGE)
    whole = (line.strip() if line.count('"') % 2 == 0 else line.strip().rstrip('"') for line in lines)
    return sorted({line for line in whole if line.split()[0] in COMMANDS})


@pytest.fixture
def here(tmp_path: Path, nothing_set: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and an environment with nothing of ours."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_first_command_installs_and_applies_twice(tmp_path: Path) -> None:
    """Run as printed, but for the installation: the suite stays off the network, and CI runs it whole."""
    command = block("first command", "bash")
    install, _, apply = command.strip().rpartition(" && ")
    assert "pip install --quiet -e '.[local]'" in install
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    apply = apply.replace(".venv/bin/baseten-jobs", f"{shlex.quote(sys.executable)} -m baseten_jobs")
    requests = compile_all(Inputs([str(tmp_path / "specs")]), io.BytesIO()).requests
    count = len([request for request in requests if not request.upstreams])
    first, second = (subprocess.run(apply, shell=True, cwd=tmp_path, capture_output=True, text=True) for _ in range(2))
    assert (first.returncode, f"Applied: {count} submitted, " in first.stdout) == (0, True), first.stderr
    assert (second.returncode, "Nothing to submit, update or stop." in second.stdout) == (0, True), second.stderr


def test_the_matrix_is_five_jobs(here: Path, called: Cli) -> None:
    (here / "m.yaml").write_text(block("matrix", "yaml"))
    ran = called("render", "-o", "json", "m.yaml")
    assert [request["attempt"] for request in ran.json] == [1, 2, 1, 1, 1], ran.err
    assert called("validate", "--strict", "m.yaml").code == 0


def test_the_defaults_and_their_heir_are_a_manifest(here: Path, called: Cli) -> None:
    (here / "base.yaml").write_text(block("defaults", "yaml"))
    (here / "dpo.yaml").write_text(block("heir", "yaml"))
    assert called("validate", ".").code == 0
    (request,) = called("render", "-o", "json", "dpo.yaml").json
    job = request["request"]["training_job"]
    assert job["compute"]["accelerator"] == {"accelerator": "H100", "count": 4}
    assert "environment_variables" not in job["runtime"] or job["runtime"]["environment_variables"] == {}
    assert "count: 4" in called("render", "--merged", "dpo.yaml").out


def test_the_readme_is_read_in_ten_minutes() -> None:
    assert len(README.split()) < 2500


def test_sixty_seconds_lead_to_a_job(here: Path, called: Cli) -> None:
    lines = [line.partition("#")[0].split() for line in block("sixty seconds", "bash").splitlines()]
    told = [called(*words[1:], *(["--yes"] if words[1] == "apply" else [])) for words in lines]
    assert [(words[0], ran.code, ran.err) for words, ran in zip(lines, told, strict=True) if ran.code] == []
    assert "Plan: 1 to submit" in told[1].out
    assert "Applied: 1 submitted" in told[2].out
    assert "Nothing to submit" in called("apply", "--local").out


def test_the_numbers_of_the_promises_are_those_of_the_rehearsals() -> None:
    (promises,) = re.findall(r"\n## What it promises\n(.*?)\n## ", README, re.DOTALL)
    measured = "\n".join(row.rsplit("|", 2)[1] for row in promises.splitlines() if row.startswith("| "))
    numbers = set(re.findall(r"\d[\d,.]*\d", re.sub(r"\(\.[^)]*\)", "", measured)))
    told = PAGES[".github/docs/rehearsals.md"] + PAGES[".github/docs/speed.md"]
    assert numbers >= {"10,000", "1,447", "8,000", "3,015"}
    assert [number for number in sorted(numbers) if number not in told] == []


def test_the_test_command_is_what_ci_runs() -> None:
    assert "pytest" in block("test command", "bash")
    assert 'command_of "test command"' in (ROOT / ".ci" / "run").read_text()


def test_mistakes_in_the_manifest_are_told_as_printed(here: Path, called: Cli) -> None:
    mistakes = {"node_count: 2": "node_count: 0", "accelerator:": "acelerator:", "NCCL_DEBUG: INFO": "WORLD_SIZE: 16"}
    text = block("manifest", "yaml")
    for right, wrong in mistakes.items():
        assert text.count(right) == 1
        text = text.replace(right, wrong)
    (here / "specs").mkdir()
    (here / "specs" / "train.yaml").write_text(text)
    assert called("validate").out == block("mistakes", "text") + "1 manifest: 3 errors, 0 warnings\n"


def test_the_manifest_is_valid_without_a_warning(here: Path, called: Cli) -> None:
    (here / "m.yaml").write_text(block("manifest", "yaml"))
    (here / "train.py").touch()
    ran = called("validate", "--strict", "m.yaml")
    assert (ran.code, ran.out) == (0, "1 manifest: no problems\n")


def test_the_chain_waits_for_its_first_stage(here: Path, called: Cli) -> None:
    first = block("manifest", "yaml").replace("qwen3-8b-sft ", "qwen3-8b-pretrain ")
    for name, text in {"pretrain": first, "sft": block("chain", "yaml")}.items():
        (here / "specs").mkdir(exist_ok=True)
        (here / "specs" / f"{name}.yaml").write_text(text)
    (here / "specs" / "train.py").touch()
    assert called("validate", "--strict", "specs/sft.yaml").out == "1 manifest: no problems\n"
    assert re.search('"job_id": "<job of qwen3-8b-pretrain--[0-9a-f]{12}>"', called("render", "specs/sft.yaml").out)
    told = called("plan", "--local", "specs").out
    assert "waits for qwen3-8b-pretrain (to be submitted)" in told
    assert "then: submit qwen3-8b-sft--" in told


def test_the_long_run_is_retried_as_it_says(here: Path, called: Cli) -> None:
    text = block("long run", "yaml")
    (here / "specs").mkdir()
    (here / "specs" / "m.yaml").write_text(text)
    assert called("validate", "--strict", "specs").out == "1 manifest: no problems\n"
    (request,) = compile_all(Inputs(["specs"]), io.BytesIO()).requests
    assert request.retries == RetryPolicy(5, frozenset({"TRAINING_JOB_PREEMPTED"}), True, 600)
    (here / "specs" / "m.yaml").write_text(re.sub("  retry:.*", "  retry: {}\n", text, flags=re.DOTALL))
    (least,) = compile_all(Inputs(["specs"]), io.BytesIO()).requests
    assert least.retries == replace(request.retries, limit=3, from_checkpoint=False)
    (here / "specs" / "m.yaml").write_text(text)
    world = World(here, {"durations": Durations(running=1e9)})
    world.apply()
    force(world, 0)
    world.clock.time += 120
    (action,) = world.plan().plan.actions
    shown = re.search(r"`(waits to be retried: [^`]*)`", EVERY_PAGE)
    assert shown
    assert re.sub(r" \(.*", "", action.reason).replace(world.jobs()[0]["id"], "wfmmjzx") == shown[1]
    assert action.job_name.endswith("-r1")


def test_the_longer_form_of_a_workspace_does_what_it_says(here: Path, called: Cli) -> None:
    for name in ("job/run.py", "job/data/tokens.bin", "job/notebooks/a.py", "common/io.py", "job/specs/.env"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).touch()
    (here / "job" / ".gitignore").write_text("data/\n")
    subprocess.run(["git", "init", "-q"], cwd=here, check=True)
    manifest = block("manifest", "yaml")
    short = re.search(r"^  workspace: .*\n", manifest, re.MULTILINE)
    assert short
    manifest = manifest.replace(short[0], block("workspace", "yaml"))
    (here / "job" / "specs" / "m.yaml").write_text(manifest)
    ran = called("render", "-v", "job/specs/m.yaml")
    assert re.findall(r"^#   (\S+) ", ran.out, re.MULTILINE) == ["common/io.py", "data/tokens.bin", "run.py"]


def test_the_policy_does_what_it_says(here: Path, called: Cli) -> None:
    manifest = block("manifest", "yaml")
    rival = manifest.replace("H100:8", "A100:8").replace("node_count: 2", "node_count: 5").replace("-sft ", "-dpo ")
    (here / "policy.yaml").write_text(block("policy", "yaml"))
    (here / "specs").mkdir()
    (here / "specs" / "train.py").touch()
    (here / "specs" / "m.yaml").write_text(manifest)
    subprocess.run(["git", "init", "-q"], cwd=here, check=True)
    subprocess.run(["git", "add", "."], cwd=here, check=True)
    assert called("validate", "--strict", "specs/m.yaml").out == "1 manifest: no problems\n"
    (here / "specs" / "m.yaml").write_text(rival)
    told = called("validate", "specs").out
    assert re.findall(r"a limit of policy.yaml:(\d+)", told) == ["11", "9"]
    owned = re.findall(r"^/(\S+)", block("codeowners", "text"), re.MULTILINE)
    assert "policy.yaml" in owned


PLACES = {
    "[PATH]...": "specs", "[NAME]...": "x", "NAME...": "x", "NAME": "x", "FILE": "out.json", "ID": "missing",
    "RULE": "mutable-image", "[FIELD]": "spec.image", "[DIR]": "new", "DIR": "new", "USD": "99", "N": "9", "8787": "0",
    "$BEFORE": "", "$CREATE": "", "$CI_COMMIT_BEFORE_SHA": "", "$CI_MERGE_REQUEST_DIFF_BASE_SHA": "",
    "$CI_DEFAULT_BRANCH": "main",
}  # fmt: skip


FOLLOWING = pytest.mark.slow
"""A job is followed for as long as it runs, and ten seconds more."""


@pytest.mark.parametrize(
    "line", [pytest.param(line, marks=FOLLOWING if "-f" in line.split() else ()) for line in commands()]
)
def test_every_command_runs(line: str, here: Path, called: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its placeholders filled; none is wrong usage, and none ends in a traceback."""
    words = [PLACES.get(word, word) for word in shlex.split(line)]
    assert all(word in _options(words[0]) for word in words if word.startswith("--"))
    if words[0] == "emulator":
        words.append("--help")
    if words[0] == "import":
        _have_something_to_import(here)
    (here / "specs").mkdir()
    manifest = block("manifest", "yaml").replace("qwen3-8b-sft", "x")
    (here / "specs" / "x.yaml").write_text(manifest)
    (here / "specs" / "train.py").touch()
    if words[0] == "runs":
        git(here, "init", "-q")
        git(here, "add", "specs")
        git(here, "commit", "-qm", "begin")
    of_a_job = words[0] in ("logs", "checkpoints", "code", "metrics", "session")
    own_time = of_a_job or words[0] == "doctor"  # the log follows the time of the API, and doctor compares it with ours
    clock = None if own_time else StandingClock()
    durations = Durations(0.1, 0.1, 2.0) if "-f" in words else Durations()
    with serving(Settings(here / "e.db", durations=durations, secrets=("hf_access_token",))) as url:
        monkeypatch.setenv("BASETEN_BASE_URL", url)
        monkeypatch.setenv("BASETEN_API_KEY", "readme-test")
        if of_a_job:
            where = [] if "-f" in words else ["--local"]
            words += where
            assert called("apply", "--yes", *where).code == 0
        if words[0] == "apply" and "--plan" in words:
            assert called("plan", "--out", words[words.index("--plan") + 1], clock=clock).code == 0
        ran = called(*words, clock=clock)
    if "--run" in words:  # nobody is asked here, and nothing may have the client
        assert ran.code in (Exit.REFUSED, Exit.FAILED), ran.err
        return
    confirmed = "--yes" in words or words[0] != "apply"
    unknown = words[:2] == ["import", "job"] or words[0] == "adopt" or "--if-tip" in words  # there is no remote here
    unknown = unknown or words[:2] in (["checkpoints", "download"], ["checkpoints", "deploy"])  # the job has just begun
    assert ran.code == (1 if unknown else 0 if confirmed else 8), ran.err


def _have_something_to_import(folder: Path) -> None:
    imports = ROOT / "tests" / "importing"
    (folder / "training").mkdir()
    for config in ("CONFIG.py", "training/config.py"):
        shutil.copy(imports / "truss" / "aliases.py", folder / config)
    shutil.copy(imports / "curl" / "documented.sh", folder / "body.json")


def test_the_field_that_it_explains_is_explained_so(called: Cli) -> None:
    shown = re.search(r"\n\$ baseten-jobs (explain \S+)\n(.*?)```", EVERY_PAGE, re.DOTALL)
    assert shown
    assert called(*shown[1].split()).out == shown[2]


def test_the_jobs_that_it_shows_look_so() -> None:
    from baseten_jobs.report.status_table import status

    table = status(rows_of_the_readme())
    assert f"$ baseten-jobs status\n{table}\n```" in EVERY_PAGE


def test_the_job_that_it_describes_looks_so() -> None:
    from baseten_jobs.report.description import described

    assert f"$ baseten-jobs describe qwen3-8b-sft\n{described([description_of_the_readme()])}\n```" in EVERY_PAGE


def description_of_the_readme() -> Description:
    project = ProjectRef("Qwen3 8B / SFT")
    request = JobRequest("specs/sft.yaml", 2, project, "qwen3-8b-sft", 1, "2f96f1a5dba5" + "0" * 52, {})
    job = ObservedJob(
        "wfmmjzx", request.job_name, "TRAINING_JOB_RUNNING", "2026-11-22T21:02:56Z", "lqz4pw3", 16, "H100", 2,
        updated_at="2026-11-22T21:09:11Z", user="ada@acme.com", instance_type="H100:8x160x1800",
    )  # fmt: skip
    revision = Revision("d7addc19f5" + "0" * 30, "Ada", "2026-11-22T20:00:00+00:00", "specs/sft.yaml")
    kept = [
        Checkpoint(f"checkpoint-{n}", f"2026-11-22T{21 + n // 6}:{n * 10 % 60:02}:02Z", size=16 << 30, sync="COMPLETE")
        for n in (10, 11)
    ]
    return Description(
        Status(request, job, age=8040, cost=232.27, use=GpuUse(0.93)),
        SpecCommit(revision, "Train with a smaller rate"),
        Particulars(tuple(kept)),
        page_of("https://app.baseten.co", "lqz4pw3", "wfmmjzx"),
        (Awaiting("qwen3-8b-dpo", "not submitted"),),
    )


def rows_of_the_readme() -> list[Status]:
    def row(name: str, status: str, job: str, gpus: int, **told: Any) -> Status:
        request = JobRequest("specs/x.yaml", 1, ProjectRef("Qwen3 8B / SFT"), name, 1, "0" * 64, {})
        error = told.pop("error", None)
        if not job:
            return Status(request)
        observed = ObservedJob(job, None, f"TRAINING_JOB_{status}", "", "p", gpus, "H100", error_message=error)
        return Status(request, observed, **told)

    return [
        row("qwen3-8b-dpo", "", "", 0),
        row("qwen3-8b-eval", "FAILED", "rpvn3xm", 8, age=3720, cost=53.73, checkpoints=Checkpoints(0),
            error="CUDA out of memory"),
        row("qwen3-8b-sft", "RUNNING", "wfmmjzx", 16, age=8040, cost=232.27,
            checkpoints=Checkpoints(12, "checkpoint-12"), use=GpuUse(0.93)),
    ]  # fmt: skip


def test_every_option_that_is_named_exists() -> None:
    named = set(re.findall(r"`(--[a-z-]+)", EVERY_PAGE))
    known = {option for command in COMMANDS for option in _options(command)}
    assert named - known == set()


def test_every_option_that_decides_is_named() -> None:
    from baseten_jobs.cli.options import POLICY_NAMES

    wanted = {f"--{name.replace('_', '-')}" for name in POLICY_NAMES} - {"--history"}
    assert [option for option in sorted(wanted) if option not in EVERY_PAGE] == []


def test_every_exit_code_is_explained() -> None:
    table = dict(re.findall(r"^\| (\d+) \| (.*) \|$", PAGES[".github/docs/exit-codes.md"], re.MULTILINE))
    assert table.keys() == {str(int(code)) for code in Exit}
    short = re.findall(r"^\| (\d+) \| (.*) \|$", README, re.MULTILINE)
    assert len(short) == 6
    assert [row for row in short if not row[1].replace("`", "").startswith(Exit(int(row[0])).meaning)] == []


def _options(command: str) -> set[str]:
    known = command_of(command)
    several = list(known.commands.values()) if isinstance(known, click.Group) else [known]
    return {name for each in several for parameter in each.params for name in parameter.opts} | {"--help"}
