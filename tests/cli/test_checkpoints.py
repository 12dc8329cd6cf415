"""`checkpoints`: what a job saved, listed."""

from baseten_jobs.job.times import epoch_of
from tests.support.operating import Desk, desk, open_desk

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
