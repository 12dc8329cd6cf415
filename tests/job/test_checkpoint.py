"""Rows of checkpoints, as the API or a server that means no good sends them."""

from typing import Any

import pytest

from baseten_jobs.job.checkpoint import Checkpoint, checkpoints_in, newest


@pytest.mark.parametrize(
    ("checkpoint", "step"),
    [
        ("checkpoint-500", 500), ("checkpoint-500-1", 500), ("step_7", 7), ("global_step12", 12), ("run/step-500", 500),
        ("epoch=3-step=900", None), ("my-checkpoint-24", 24), ("ckpt9", 9), ("iter-0001", 1), ("final", None),
        ("epoch-3", None), ("footstep-9", None), ("checkpoint-", None), ("checkpoint-" + "9" * 40, None),
        ("checkpoint-10/", 10),
    ],
)  # fmt: skip
def test_a_step_is_what_the_id_names(checkpoint: str, step: int | None) -> None:
    assert Checkpoint(checkpoint).step == step


def row(name: Any, **more: Any) -> dict[str, Any]:
    return {"checkpoint_id": name, "created_at": "2026-01-01T00:00:00Z", "sync_status": "COMPLETE", **more}


def test_rows_are_read_oldest_first_and_what_is_strange_is_not_told() -> None:
    rows = [
        row("b", created_at="2026-01-02T00:00:00Z", size_bytes=True, lora_adapter_config={"r": 16}),
        row("a", size_bytes=7, checkpoint_type=None, base_model=3, lora_adapter_config=["r"]),
        row("c", created_at="soon", size_bytes=-1, sync_status=None),
        row(None), row(""), row(9), {},
    ]  # fmt: skip
    assert checkpoints_in(rows) == (
        Checkpoint("c", "soon"),
        Checkpoint("a", "2026-01-01T00:00:00Z", size=7, sync="COMPLETE"),
        Checkpoint("b", "2026-01-02T00:00:00Z", sync="COMPLETE", lora_rank=16),
    )


def test_the_newest_is_synced_on_every_node() -> None:
    rows = [row("a"), row("b"), row("b", sync_status="SYNCING"), row("c", sync_status="SYNCING")]
    latest = newest(checkpoints_in(rows))
    assert latest is not None
    assert latest.id == "a"
    assert newest(()) is None
