"""The embedded API's database: opened only if it is the user's own, whatever the repository brings in its place."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from baseten_jobs.emulator.app import App
from baseten_jobs.emulator.settings import Settings
from baseten_jobs.emulator.store import StoreError
from tests.support.commands import Cli, called, nothing_set
from tests.support.repository import git
from tests.support.trees import write

__all__ = ["called", "nothing_set"]

MANIFEST = """\
apiVersion: baseten-jobs/v1
kind: TrainingJob
metadata: {name: a, project: demo}
spec:
  image: {base_image: "i:1"}
  runtime: {start_commands: [go]}
"""
DATABASE = ".baseten-jobs/emulator.db"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nothing_set: None) -> Path:
    folder = write(tmp_path / "checkout", {"specs/a.yaml": MANIFEST})
    git(folder, "init", "-q", "-b", "main")
    monkeypatch.chdir(folder)
    return folder


def _commit(folder: Path) -> None:
    git(folder, "add", "-f", "-A")
    git(folder, "commit", "-qm", "change")


def _database(path: Path) -> Path:
    """A sound one of our own."""
    App(Settings(database=path)).close()
    return path


def _another(path: Path) -> Path:
    """Another program's."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE precious (x)")
    connection.close()
    return path


Refused = Callable[..., str]


@pytest.fixture
def refused(called: Cli) -> Refused:
    """Run a command that ends with exit code 1, and give what it says."""

    def call(*command: str) -> str:
        ran = called(*command)
        assert ran.code == 1
        return ran.err

    return call


def test_a_database_of_ones_own_is_opened_again(checkout: Path, called: Cli) -> None:
    assert called("apply", "--local", "--yes", "--settle", "0").code == 0
    assert "keep" in called("plan", "--local").out
    git(checkout, "add", "-A")
    git(checkout, "commit", "-qm", "change")
    assert called("plan", "--local").code == 0


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize("command", [("plan", "--local"), ("apply", "--local", "--yes"), ("emulator", "--port", "0")])
def test_a_database_that_git_tracks_is_not_opened(
    command: tuple[str, ...], suffix: str, checkout: Path, refused: Refused
) -> None:
    path = checkout / (DATABASE + suffix)
    if suffix:
        write(checkout, {DATABASE + suffix: b"bytes of a stranger"})
    else:
        _database(path)
    (path.parent / ".gitignore").unlink(missing_ok=True)
    _commit(checkout)
    before = path.read_bytes()
    option = "--db" if command[0] == "emulator" else "--local-db"
    told = f"{DATABASE}{suffix}: git tracks this file, so that it came with the repository; `{option} FILE`"
    assert told in refused(*command)
    assert path.read_bytes() == before


def test_a_database_that_is_staged_alone_or_tracked_in_another_case_is_not_opened(checkout: Path, called: Cli) -> None:
    _database(checkout / DATABASE)
    git(checkout, "add", "-f", DATABASE)
    assert "git tracks this file" in called("plan", "--local").err
    git(checkout, "mv", "-f", DATABASE, ".baseten-jobs/Emulator.db")
    if (checkout / DATABASE).exists():  # a disk that does not tell case apart
        assert "git tracks this file" in called("plan", "--local").err


_LINKS: dict[str, Callable[[Path, Path], object]] = {
    "the folder": lambda folder, outside: folder.symlink_to(outside),
    "the folder, by a relative link": lambda folder, outside: folder.symlink_to("../outside"),
    "the file": lambda folder, outside: (folder.mkdir(), (folder / "emulator.db").symlink_to(outside / "emulator.db")),
    "a file that is not there": lambda folder, outside: (folder.mkdir(), (folder / "emulator.db").symlink_to("../x")),
    "the log": lambda folder, outside: (folder.mkdir(), (folder / "emulator.db-wal").symlink_to(outside / "wal")),
    "the index": lambda folder, outside: (folder.mkdir(), (folder / "emulator.db-shm").symlink_to(outside / "shm")),
    "the journal": lambda folder, outside: (folder.mkdir(), (folder / "emulator.db-journal").symlink_to("/dev/zero")),
    "a device": lambda folder, outside: (folder.mkdir(), (folder / "emulator.db").symlink_to("/dev/stdin")),
    "a fifo": lambda folder, outside: (folder.mkdir(), os.mkfifo(folder / "emulator.db")),
    "a folder in its place": lambda folder, outside: (folder / "emulator.db").mkdir(parents=True),
}


@pytest.mark.parametrize("command", [("plan", "--local"), ("emulator", "--port", "0")], ids=["plan", "emulator"])
@pytest.mark.parametrize("put", _LINKS.values(), ids=_LINKS)
@pytest.mark.parametrize("committed", [True, False])
def test_no_link_is_followed_and_only_a_regular_file_is_opened(
    put: Callable[[Path, Path], object], committed: bool, command: tuple[str, ...], checkout: Path, refused: Refused
) -> None:
    outside = checkout.parent / "outside"
    outside.mkdir()
    victim = _another(outside / "emulator.db")
    put(checkout / ".baseten-jobs", outside)
    if committed:
        _commit(checkout)
    before = victim.read_bytes()
    told = refused(*command)
    assert "this is a link" in told or "this is not a regular file" in told
    assert "Traceback" not in told
    assert [path.name for path in outside.iterdir()] == ["emulator.db"]
    assert victim.read_bytes() == before
    assert not (checkout / "x").exists()


def test_a_file_that_is_named_is_held_to_the_same(checkout: Path, called: Cli) -> None:
    outside = checkout.parent / "outside"
    outside.mkdir()
    (checkout / "data").symlink_to("../outside")
    _another(outside / "other.db")
    (checkout / "mine.db").symlink_to("../outside/other.db")
    _commit(checkout)
    for path in ("data/mine.db", "mine.db", str(checkout / "data" / "mine.db"), "specs/../data/mine.db"):
        assert "may have come" in (err := called("plan", "--local-db", path).err) or "not a regular file" in err
    assert [path.name for path in outside.iterdir()] == ["other.db"]


def test_links_outside_of_a_repository_are_the_users_own(checkout: Path, called: Cli) -> None:
    (checkout.parent / "real").mkdir()
    (checkout.parent / "linked").symlink_to("real")
    assert called("plan", "--local-db", str(checkout.parent / "linked" / "mine.db")).code == 0
    assert (checkout.parent / "real" / "mine.db").exists()


def test_where_git_can_not_say_whether_it_tracks_the_database_it_is_not_opened(checkout: Path, called: Cli) -> None:
    _database(checkout / DATABASE)
    shutil.rmtree(checkout / ".git")
    (checkout / ".git").write_text("gitdir: nowhere\n")
    ran = called("plan", "--local")
    assert ran.code == 1
    assert "whether it came with the repository is not known (git " in ran.err


@pytest.mark.parametrize("before", [None, 0o644, 0o666])
def test_the_database_is_the_users_alone(before: int | None, tmp_path: Path) -> None:
    path = tmp_path / "emulator.db"
    if before is not None:
        path.touch(before)
        path.chmod(before)
    app = App(Settings(database=path))
    modes = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
    app.close()
    assert modes == {"emulator.db": 0o600, "emulator.db-wal": 0o600, "emulator.db-shm": 0o600}


def test_the_embedded_api_itself_opens_no_link(tmp_path: Path) -> None:
    (tmp_path / "emulator.db").symlink_to(_another(tmp_path / "other.db"))
    with pytest.raises(StoreError, match="not a regular file"):
        App(Settings(database=tmp_path / "emulator.db"))
