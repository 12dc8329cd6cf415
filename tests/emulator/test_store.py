"""The database: between calls, between processes, and when it is not one."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from baseten_jobs.emulator.app import App
from baseten_jobs.emulator.identifiers import identifier
from baseten_jobs.emulator.settings import Settings
from baseten_jobs.emulator.store import StoreError

from .conftest import Start

WORKER = """
import sys
from pathlib import Path
from baseten_jobs.emulator.app import App
from baseten_jobs.emulator.settings import Settings
from werkzeug.test import Client
client = Client(App(Settings(database=Path(sys.argv[1]))))
headers = {"Authorization": "Bearer k"}
project = client.post("/v1/training_projects", json={"training_project": {"name": "p"}}, headers=headers)
path = f"/v1/training_projects/{project.json['training_project']['id']}/jobs"
for _ in range(40):
    job = client.post(path, json={"training_job": {"image": {"base_image": "x"}}}, headers=headers)
    assert job.status_code == 200
"""


def test_everything_is_there_after_a_restart(start: Start) -> None:
    before = start()
    project = before.project()
    before.create(project, "old")
    before.advance(3600)
    after = start()
    (job,) = after.search(project_id=project)
    assert (job["name"], job["current_status"]) == ("old", "TRAINING_JOB_COMPLETED")
    assert after.project() == project
    assert len(after.ledger()) == 1


@pytest.mark.slow
def test_processes_share_one_file(database: Path, start: Start) -> None:
    workers = [subprocess.Popen([sys.executable, "-c", WORKER, str(database)]) for _ in range(4)]
    assert [worker.wait(timeout=60) for worker in workers] == [0, 0, 0, 0]
    jobs = start().search()
    assert len({job["id"] for job in jobs}) == 160
    assert len({job["training_project_id"] for job in jobs}) == 1


def test_its_own_folder_hides_itself_from_git(tmp_path: Path) -> None:
    App(Settings(database=tmp_path / ".baseten-jobs" / "emulator.db")).close()
    assert (tmp_path / ".baseten-jobs" / ".gitignore").read_text() == "*\n"
    App(Settings(database=tmp_path / "mine" / "emulator.db")).close()
    assert not (tmp_path / "mine" / ".gitignore").exists()


def test_a_file_that_is_no_database_is_refused(database: Path) -> None:
    database.write_text("not a database, but long enough to be read as the header of one " * 20)
    with pytest.raises(StoreError, match="not usable as the database of the embedded API"):
        App(Settings(database=database))


def test_a_database_of_another_version_is_refused(database: Path) -> None:
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="another version of the embedded API"):
        App(Settings(database=database))


def test_ids_are_short_opaque_and_distinct() -> None:
    ids = [identifier(number) for number in range(10_000)]
    assert len(set(ids)) == 10_000
    assert all(len(each) == 7 and each.isalnum() and each.islower() and each[0].isalpha() for each in ids)


@pytest.mark.parametrize(
    ("column", "value"),
    [("running_for", "\x1b[2J"), ("outcome", b"\xff"), ("node_count", "2 nodes"), ("shape", "no JSON"), ("body", "{")],
)
def test_a_row_that_was_never_written_here_is_refused_at_once(
    column: str, value: object, start: Start, tmp_path: Path
) -> None:
    before = start()
    before.create(before.project(), "x")
    (database,) = tmp_path.glob("*.db")
    with sqlite3.connect(database) as connection:
        connection.execute(f"UPDATE jobs SET {column} = ?", (value,))
    connection.close()
    with pytest.raises(StoreError, match="the table 'jobs' has a row that the embedded API never wrote"):
        App(Settings(database=database))
