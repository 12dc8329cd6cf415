"""A server may echo the key: no piece of it is shown, wherever a length limit falls."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.applying.object_store import Destination, _words
from baseten_jobs.phrases import one_line
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.report.markdown_escape import prose
from baseten_jobs.secrecy import without_key
from tests.support.commands import Cli, called, nothing_set
from tests.support.sockets import Bending, bending
from tests.support.world import StandingClock

pytestmark = pytest.mark.slow

__all__ = ["called", "nothing_set"]

KEY = "AbCdEfGh.0123456789abcdefghijklmnopqrstuv"
ODD_KEY = 'Ab"dEfGh.01234567\\9abcdefghijklmnopqrstuv'
LEAST = 6
"""Characters of the key that tell something of it."""


def shows(text: str, key: str = KEY) -> bool:
    return key[:LEAST] in text or json.dumps(key)[1:-1][: LEAST + 1] in text


def refused(body: str, key: str = KEY, **headers: str) -> str:
    """What is told where a server answers so."""
    answer = httpx.MockTransport(lambda request: httpx.Response(400, text=body, headers=headers))
    api = Api(httpx.Client(transport=answer, base_url="http://x"), StandingClock(), secret=key)
    with pytest.raises(ApiError) as caught:
        api.projects()
    return str(caught.value)


@pytest.mark.parametrize("key", [KEY, ODD_KEY], ids=["key", "odd key"])
@pytest.mark.parametrize("form", ["text", "tags", "message", "detail"])
def test_no_piece_of_the_key_is_told_wherever_it_stands(form: str, key: str) -> None:
    forms: dict[str, Callable[[int], str]] = {
        "text": lambda before: "x" * before + key + "y" * 500,
        "tags": lambda before: "<p>" * (before // 3) + " " * (before % 3) + key,
        "message": lambda before: json.dumps({"message": "x" * before + key}),
        "detail": lambda before: json.dumps({"detail": [{"x" * before + key: key}]}),
    }
    for before in (*range(200, 320), *range(4000, 4100), *range(65_440, 65_540)):
        assert not shows(refused(forms[form](before), key), key)


@given(st.integers(0, 200), st.integers(1, 200), st.sampled_from([KEY, ODD_KEY]))
def test_what_was_cut_on_its_way_shows_no_piece_of_the_key(before: int, limit: int, key: str) -> None:
    """Texts of good answers are cut by the reports, which know no key; it is taken out of what they print."""
    text = "x" * before + key + "y" * 40
    for shown in (one_line(text, limit), json.dumps(one_line(text, limit)), prose(text, limit) if key is KEY else ""):
        if len(key) <= limit or before < limit - LEAST:
            assert not shows(without_key(shown, key), key)


def test_credentials_of_a_store_are_taken_out_before_a_message_is_cut() -> None:
    place = Destination("bucket", "key", {"aws_secret_access_key": "s" * 40, "aws_session_token": "t" * 400})
    for before in range(200, 300):
        told = _words(ValueError("x" * before + "s" * 40 + "t" * 400), place)
        assert "s" * LEAST not in told
        assert "t" * LEAST not in told


def _row(**more: str) -> dict[str, str]:
    told = {"id": "j", "name": "x--406c699c57ab", "current_status": "TRAINING_JOB_FAILED", "training_project_id": "p"}
    return {**told, "created_at": "2026-11-22T10:00:00Z", "updated_at": "2026-11-22T10:00:00Z", **more}


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch, nothing_set: None) -> Iterator[Bending]:
    """A server whose jobs failed with the key in their words."""
    answer: dict[str, object] = {"training_projects": [{"id": "p", "name": "demo"}], "logs": []}
    with bending(lambda request: httpx.Response(200, json=answer)) as server:
        server.rows = answer  # type: ignore[attr-defined]
        monkeypatch.setenv("BASETEN_BASE_URL", server.url)
        monkeypatch.setenv("BASETEN_API_KEY", KEY)
        yield server


@pytest.mark.parametrize(
    "command",
    [
        "status",
        "status -v",
        "status -o json",
        "logs --job j -f",
        "logs --job j -o jsonl",
        "logs --job j -o json",
        "describe --job j",
        "describe --job j -o json",
    ],
)
def test_no_command_shows_a_piece_of_the_key_that_a_job_failed_with(
    command: str, failing: Bending, called: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "x.yaml").write_text(
        "apiVersion: baseten-jobs/v1\nkind: TrainingJob\nmetadata: {name: x, project: demo}\n"
        "spec: {image: {base_image: i}, compute: {accelerator: 'H100:8'}, runtime: {start_commands: [train]}}\n"
    )
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    rows: dict[str, object] = failing.rows  # type: ignore[attr-defined]
    for before in (0, 90, 100, 110, 170, 180, 190, 270, 280, 290, 970, 980, 990):
        rows["training_jobs"] = [_row(error_message="x" * before + KEY)]
        rows["logs"] = [{"timestamp": "1795341600000000000", "message": "x" * before + KEY}]
        ran = called(*command.split())
        assert ran.out
        assert not shows(ran.out + ran.err)
