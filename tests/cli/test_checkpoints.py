"""`checkpoints`: what a job saved, listed and downloaded."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from baseten_jobs.cli.exits import Exit
from baseten_jobs.emulator.settings import Files
from baseten_jobs.job.checkpoint import Checkpoint
from baseten_jobs.job.times import epoch_of
from baseten_jobs.report import truss_deployment
from tests.support.operating import Desk, Open, desk, open_desk

__all__ = ["desk", "open_desk"]

SAVES = "  checkpointing: {enabled: true}\n"


def saved(desk: Desk, *names: str, seconds: float = 50) -> list[str]:
    """Manifests whose jobs were made so long ago, and that save a checkpoint each 20 seconds; the ids of the jobs."""
    for name in names:
        desk.write(name, more=SAVES)
    assert desk("apply", "--yes").code == 0
    made = {job["name"].partition("--")[0]: job for job in desk.jobs()}
    begun = max(epoch_of(made[name]["created_at"]) or 0 for name in names)
    desk.clock.sleep(begun + seconds - desk.clock.wall())
    return [made[name]["id"] for name in names]


def test_the_list_tells_step_time_size_and_whether_all_is_synced(desk: Desk) -> None:
    (job,) = saved(desk, "sft", seconds=3 + 41)
    ran = desk("checkpoints", "sft")
    assert ran.code == 0, ran.err
    head, first, second, _, summary = ran.out.splitlines()
    assert head.split() == ["CHECKPOINT", "STEP", "SAVED", "TYPE", "SIZE", "SYNC", "JOB"]
    assert [first.split()[0], first.split()[1], *first.split()[-2:]] == ["checkpoint-1", "1", "complete", job]
    assert second.split()[-2:] == ["syncing", job]
    assert summary.startswith("2 checkpoints, ")
    assert summary.endswith("; the newest that is synced: checkpoint-1.")


def test_the_document_has_each_job_and_its_latest(desk: Desk) -> None:
    jobs = saved(desk, "lr-1", "lr-2")
    found = desk("checkpoints", "lr-*", "-o", "json").json["jobs"]
    assert [(of["name"], of["job_id"], of["latest"]) for of in found] == [
        ("lr-1", jobs[0], "checkpoint-2"),
        ("lr-2", jobs[1], "checkpoint-2"),
    ]
    first = found[0]["checkpoints"][0]
    assert first["size_bytes"] > 0
    assert first | {"size_bytes": 0, "created_at": ""} == {
        "checkpoint_id": "checkpoint-1", "step": 1, "created_at": "", "type": "full", "size_bytes": 0,
        "sync_status": "COMPLETE", "synced": True, "base_model": None,
    }  # fmt: skip


def test_the_latest_is_the_newest_that_is_synced(desk: Desk) -> None:
    (job,) = saved(desk, "sft", seconds=3 + 41)
    (of,) = desk("checkpoints", "--latest", "--job", job, "-o", "json").json["jobs"]
    assert [each["checkpoint_id"] for each in of["checkpoints"]] == ["checkpoint-1"]


def test_without_a_checkpoint_the_latest_is_an_error(desk: Desk) -> None:
    (job,) = saved(desk, "sft", seconds=1)
    assert desk("checkpoints", "sft").out == f"no checkpoint of job {job}\n"
    assert desk("checkpoints", "sft").code == 0
    assert desk("checkpoints", "sft", "--latest").code == 1


def test_a_manifest_without_a_job_is_said_to_have_none(desk: Desk) -> None:
    saved(desk, "sft")
    desk.write("later")
    assert desk("checkpoints", "later").err == "error: later is not submitted\n"
    ran = desk("checkpoints", "*", "-o", "json")
    assert ([of["name"] for of in ran.json["jobs"]], ran.err) == (["sft"], "later is not submitted\n")


def test_a_manifest_that_is_called_like_a_command_can_be_listed(desk: Desk) -> None:
    saved(desk, "download")
    assert desk("checkpoints", "list", "download").out.splitlines()[1].startswith("checkpoint-1")


def test_a_spec_that_changed_since_is_told(desk: Desk) -> None:
    (job,) = saved(desk, "sft")
    desk.write("sft", command="other", more=SAVES)
    ran = desk("checkpoints", "sft")
    assert f"job {job} runs another spec of sft than the manifest's" in ran.err
    assert ran.code == 0


def test_a_narrow_terminal_gets_fewer_columns() -> None:
    from baseten_jobs.job.checkpoint import Checkpoint
    from baseten_jobs.report.checkpoint_list import Listed, text
    from baseten_jobs.report.style import Look

    rows = (Checkpoint("x" * 90, "2026-01-01T00:00:00Z", "full\x1b[2J", 2**40, "SYNCING\n"),)
    found = [Listed("sft", "sft--abc", "j1", rows), Listed("dpo", "dpo--abc", "j2", rows)]
    assert all(len(line) <= 80 for line in text(found, Look(width=80)).splitlines())
    assert len(text(found).splitlines()) == 5
    assert "\x1b" not in text(found)


def below(folder: str) -> dict[str, int]:
    root = Path(folder)
    return {str(path.relative_to(root)): path.stat().st_size for path in root.rglob("*") if path.is_file()}


def test_a_download_has_the_files_of_each_node_in_a_folder_of_its_own(desk: Desk) -> None:
    (job,) = saved(desk, "sft")
    ran = desk("checkpoints", "download", "sft")
    assert ran.code == 0, ran.err
    names = [f"checkpoint-{n}/{name}" for n in (1, 2) for name in ("config.json", "model.safetensors", "optimizer.pt")]
    found = below(f"checkpoints/{job}")
    assert sorted(found) == sorted(f"node-{node}/{name}" for node in (0, 1) for name in names)
    assert ran.out.startswith("12 files downloaded (")
    again = desk("checkpoints", "download", "--job", job, "-o", "json").json
    assert again["summary"]["kept"] == {"files": 12, "bytes": sum(found.values())}
    assert {each["outcome"] for each in again["files"]} == {"kept"}


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (("--checkpoint", "checkpoint-1", "--include", "*.json"), {"checkpoint-1/config.json"}),
        (("--latest", "--include", "checkpoint-*/o*"), {"checkpoint-2/optimizer.pt"}),
        (("--checkpoint", "checkpoint-1", "--checkpoint", "checkpoint-2", "--include", "c*.json", "--include", "*.pt"),
         {f"checkpoint-{n}/{name}" for n in (1, 2) for name in ("config.json", "optimizer.pt")}),
    ],
)  # fmt: skip
def test_only_what_is_asked_for_is_downloaded(options: tuple[str, ...], names: set[str], desk: Desk) -> None:
    saved(desk, "sft")
    assert desk("checkpoints", "download", "sft", "--to", "w", *options).code == 0
    assert set(below("w")) == {f"node-{node}/{name}" for node in (0, 1) for name in names}


def test_a_checkpoint_that_is_not_there_is_told_with_those_that_are(desk: Desk) -> None:
    (job,) = saved(desk, "sft")
    ran = desk("checkpoints", "download", "sft", "--checkpoint", "checkpoint-9", "--to", "w")
    assert ran.code == 1
    assert f"job {job} lists no checkpoint 'checkpoint-9'; it has checkpoint-2, checkpoint-1" in ran.err
    assert f"error: sft (job {job}) has no checkpoint file of checkpoint-9" in ran.err
    assert not Path("w").exists()


def test_what_is_not_synced_yet_is_warned_of(desk: Desk) -> None:
    saved(desk, "sft", seconds=3 + 41)
    assert "checkpoint-2 is not synced" in desk("checkpoints", "download", "sft").err
    assert "not synced" not in desk("checkpoints", "download", "sft", "--latest").err


def test_faults_and_links_that_run_out_leave_whole_files(open_desk: Open) -> None:
    faults = ("link-error=0.05", "link-expired=0.05", "link-reset=0.05", "link-truncate=0.1", "link-whole=0.2")
    desk = open_desk(*faults, "read-error=0.1", files=Files(20, 100_000, link=30), seed=3)
    saved(desk, "sft")
    ran = desk("checkpoints", "download", "sft", "--to", "w", "-o", "json")
    assert ran.code == 0, ran.err
    assert ran.json["summary"]["downloaded"]["files"] == 80
    assert below("w") == {f"node-{each['node']}/{each['path']}": each["size_bytes"] for each in ran.json["files"]}


def test_an_interrupt_leaves_what_is_done_and_says_how_to_go_on(open_desk: Open) -> None:
    desk = open_desk("link-error=0.2", files=Files(20, 100_000), seed=1)
    saved(desk, "sft")
    desk.later(0.1, lambda: os.kill(os.getpid(), signal.SIGTERM))
    ran = desk("checkpoints", "download", "sft", "--to", "w")
    assert ran.code == Exit.INTERRUPTED
    assert "error: interrupted; what is there stays, and the same command goes on" in ran.err
    assert "Traceback" not in ran.err
    whole = [name for name in below("w") if not name.endswith(".baseten-part")]
    assert len(whole) < 80
    desk.clock.interrupted.clear()
    assert desk("checkpoints", "download", "sft", "--to", "w").code == 0
    assert len(below("w")) == 80


def test_no_link_and_no_key_is_in_any_output(open_desk: Open) -> None:
    desk = open_desk("link-error=1")
    (job,) = saved(desk, "sft")
    for output in ("text", "json"):
        ran = desk("checkpoints", "download", "sft", "--to", "w", "-o", output)
        assert ran.code == 1
        assert "InternalError" in ran.out + ran.err or "SlowDown" in ran.out + ran.err
        for secret in ("X-Amz", "Signature", "a-key", job + "/"):
            assert secret not in ran.out + ran.err


def test_nothing_is_written_where_a_file_of_another_kind_lies(desk: Desk) -> None:
    saved(desk, "sft")
    Path("w/node-0").mkdir(parents=True)
    Path("w/node-0/checkpoint-1").write_text("mine")
    ran = desk("checkpoints", "download", "sft", "--to", "w")
    assert ran.code == 1
    assert "w/node-0/checkpoint-1 is no folder" in ran.err
    assert below("w") == {"node-0/checkpoint-1": 4}


def test_a_download_does_not_go_through_a_link_out_of_the_checkout(desk: Desk, tmp_path: Path) -> None:
    (job,) = saved(desk, "sft")
    Path("checkpoints").symlink_to("/dev/shm")
    ran = desk("checkpoints", "download", "sft")
    assert ran.code == 1
    assert "nothing is written through it" in ran.err
    assert not Path(f"/dev/shm/{job}").exists()


@pytest.mark.parametrize(
    "words", [("download",), ("download", "x", "--job", "y"), ("download", "x", "--latest", "--checkpoint", "y")]
)
def test_what_can_not_be_meant_is_wrong_usage(words: tuple[str, ...], desk: Desk) -> None:
    assert desk("checkpoints", *words).code == 64


def test_the_embedded_api_in_this_process_is_downloaded_from(desk: Desk) -> None:
    desk.write("sft", more=SAVES)
    assert desk("apply", "--yes", "--local").code == 0
    from baseten_jobs.provider.api.connection import Connection, open_api
    from baseten_jobs.provider.api.pacing import Clock

    api = open_api(Connection(local_db=".baseten-jobs/emulator.db"), Clock())
    api._http.post("/_emulator/clock", json={"advance": 60})
    api.close()
    ran = desk("checkpoints", "download", "sft", "--local", "--to", "w")
    assert ran.code == 0, ran.err
    assert len(below("w")) == 12


# A file for the truss client

FAKE = """\
import json, sys, types

FIELDS = json.loads(sys.argv[2])
LITERALS = (str, int, list, dict)


class Made:
    def __init__(self, **given):
        wrong = set(given) - set(FIELDS[type(self).__name__])
        assert not wrong, (type(self).__name__, wrong)
        self.given = given

    def told(self):
        return {"class": type(self).__name__} | {name: told(value) for name, value in self.given.items()}


def told(value):
    if isinstance(value, list):
        return [told(each) for each in value]
    if isinstance(value, dict):
        return {key: told(each) for key, each in value.items()}
    return value.told() if isinstance(value, Made) else value


made = {name: type(name, (Made,), {}) for name in FIELDS}
for name in ("truss", "truss.base", "truss.base.truss_config", "truss_train", "truss_train.definitions"):
    sys.modules[name] = types.ModuleType(name)
    vars(sys.modules[name]).update(made)
sys.modules["truss.base"].truss_config = sys.modules["truss.base.truss_config"]
sys.modules["truss_train"].definitions = sys.modules["truss_train.definitions"]
space = {}
exec(open(sys.argv[1]).read(), space)
(config,) = [each for each in space.values() if isinstance(each, made["DeployCheckpointsConfig"])]
print(json.dumps(config.told()))
"""
"""Imports a file as truss does, with classes that take the fields of truss's own, which it refuses others beside."""

FIELDS = {
    "DeployCheckpointsConfig": ["checkpoint_details", "model_name", "runtime", "compute"],
    "CheckpointList": ["download_folder", "base_model_id", "checkpoints", "loops_checkpoint_ids"],
    **{
        f"{kind}Checkpoint": ["training_job_id", "checkpoint_name", "model_weight_format", "lora_details"]
        for kind in ("LoRA", "Full", "Whisper")
    },
    "LoRADetails": ["rank"],
    "Compute": ["node_count", "cpu_count", "memory", "accelerator", "availability_model"],
    "AcceleratorSpec": ["accelerator", "count"],
    "DeployCheckpointsRuntime": ["environment_variables"],
    "SecretReference": ["name"],
}
"""truss 0.18.36, `truss_train/definitions.py`."""


def imported(path: str) -> Any:
    ran = subprocess.run(
        [sys.executable, "-I", "-c", FAKE, path, json.dumps(FIELDS)], capture_output=True, text=True, check=True
    )
    return json.loads(ran.stdout)


HELD = SAVES.replace("\n", "") + "\n  weights: [{source: 'hf://Qwen/Qwen3-8B@main', mount_location: /m}]\n"


def trained(desk: Desk, command: str = "train --lora", more: str = HELD) -> str:
    desk.write("sft", command=command, more=more)
    path = Path("specs/sft.yaml")
    secret = "environment_variables: {HF_TOKEN: {name: hf_access_token}}"
    path.write_text(path.read_text().replace(f"[{command}]}}", f"[{command}], {secret}}}"))
    assert desk("apply", "--yes").code == 0
    desk.clock.sleep(48)
    return str(desk.jobs()[-1]["id"])


def test_the_file_has_what_the_job_tells_and_the_command_is_printed(open_desk: Open) -> None:
    desk = open_desk(secrets=("hf_access_token",))
    job = trained(desk)
    ran = desk("checkpoints", "deploy", "sft")
    assert (ran.code, ran.out) == (0, "truss train deploy_checkpoints --config deploy-sft.py\n"), ran.err
    assert imported("deploy-sft.py") == {
        "class": "DeployCheckpointsConfig",
        "model_name": "sft",
        "checkpoint_details": {
            "class": "CheckpointList",
            "base_model_id": "Qwen/Qwen3-8B",
            "checkpoints": [
                {"class": "LoRACheckpoint", "training_job_id": job, "checkpoint_name": "checkpoint-2"},
            ],
        },
        "compute": {
            "class": "Compute", "cpu_count": 0, "memory": "0Mi",
            "accelerator": {"class": "AcceleratorSpec", "accelerator": "H100", "count": 8},
        },
        "runtime": {
            "class": "DeployCheckpointsRuntime",
            "environment_variables": {"HF_TOKEN": {"class": "SecretReference", "name": "hf_access_token"}},
        },
    }  # fmt: skip
    assert "POST" not in "".join(call for call in desk.requests() if "model" in call)


def test_a_file_that_is_there_is_kept(open_desk: Open) -> None:
    desk = open_desk(secrets=("hf_access_token",))
    trained(desk)
    Path("deploy-sft.py").write_text("mine")
    ran = desk("checkpoints", "deploy", "sft")
    assert (ran.code, ran.err) == (1, "error: deploy-sft.py is there already; --force overwrites it\n")
    assert Path("deploy-sft.py").read_text() == "mine"
    assert desk("checkpoints", "deploy", "sft", "--force", "-o", "json").json["checkpoints"] == ["checkpoint-2"]


def test_lora_checkpoints_go_together_and_others_do_not(open_desk: Open) -> None:
    desk = open_desk(secrets=("hf_access_token",))
    trained(desk)
    two = ("--checkpoint", "checkpoint-1", "--checkpoint", "checkpoint-2")
    ran = desk("checkpoints", "deploy", "sft", *two, "--out", "-")
    assert ran.code == 0, ran.err
    assert ran.out.count("definitions.LoRACheckpoint(") == 2
    desk.write("dpo", more=SAVES)
    desk("apply", "--yes")
    desk.clock.sleep(48)
    ran = desk("checkpoints", "deploy", "dpo", *two)
    assert ran.code == 1
    assert "only if each is of the type 'lora'" in ran.err
    assert not Path("deploy-dpo.py").exists()
    ran = desk("checkpoints", "deploy", "dpo", "--checkpoint", "checkpoint-9")
    assert "has no checkpoint 'checkpoint-9'; it has checkpoint-2, checkpoint-1" in ran.err


def test_what_the_job_does_not_tell_is_said(desk: Desk) -> None:
    saved(desk, "sft")
    ran = desk("checkpoints", "deploy", "sft")
    assert "note: the manifest names no secret as HF_TOKEN" in ran.err


HOSTILE = '\'; import os; os._exit(9) #\n"""\u2028\\\'\x00é\ud800'


def test_no_text_from_a_server_is_code_in_the_file(tmp_path: Path) -> None:
    checkpoint = Checkpoint(HOSTILE, kind="LoRA", base_model=HOSTILE, lora_rank=8)
    made = truss_deployment.text(
        truss_deployment.Deployment(HOSTILE, HOSTILE, HOSTILE, (checkpoint,), HOSTILE, 8, HOSTILE, HOSTILE)
    )
    (tmp_path / "d.py").write_text(made)
    found = imported(str(tmp_path / "d.py"))
    assert found["model_name"] == found["checkpoint_details"]["base_model_id"] == HOSTILE
    assert found["checkpoint_details"]["checkpoints"][0]["checkpoint_name"] == HOSTILE
    assert made.isascii()


@pytest.mark.skipif(not shutil.which("truss"), reason="truss is not installed")
def test_truss_itself_takes_the_file(open_desk: Open) -> None:
    """By its own loader, in the Python that it is installed in."""
    desk = open_desk(secrets=("hf_access_token",))
    job = trained(desk)
    assert desk("checkpoints", "deploy", "sft").code == 0
    python = Path(str(shutil.which("truss"))).read_text().partition("\n")[0].removeprefix("#!")
    load = (
        "import pathlib; from truss_train import loader\n"
        "with loader.import_deploy_checkpoints_config(pathlib.Path('deploy-sft.py')) as config:\n"
        "    print(config.checkpoint_details.to_truss_config().artifact_references, config.compute.to_truss_config())\n"
    )
    ran = subprocess.run([python, "-c", load], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert job in ran.stdout
    assert "rank-0/checkpoint-2/" in ran.stdout
    assert "H100" in ran.stdout
