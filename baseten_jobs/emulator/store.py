"""One SQLite file to transactions that many threads and processes can run at once."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .identifiers import identifier
from .times import SECOND, micros

_VERSION = 1
# Seconds that a writer waits for one of another process.
_BUSY_SECONDS = 30.0
# To close a file that another thread has just opened would give up SQLite's locks on it.
_MAKING = threading.Lock()

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('clock_offset_us', 0), ('last_number', 0), ('queue_changed_us', 0);
CREATE TABLE teams (
  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, is_default INTEGER NOT NULL, created_us INTEGER NOT NULL
);
CREATE TABLE projects (
  id TEXT PRIMARY KEY, team_id TEXT NOT NULL REFERENCES teams, name TEXT NOT NULL,
  created_us INTEGER NOT NULL, UNIQUE (team_id, name)
);
CREATE TABLE jobs (
  id TEXT PRIMARY KEY, seq INTEGER NOT NULL,
  project_id TEXT NOT NULL REFERENCES projects ON DELETE CASCADE, team_id TEXT NOT NULL, name TEXT,
  created_us INTEGER NOT NULL, committed_us INTEGER NOT NULL, released_us INTEGER,
  created_for INTEGER NOT NULL, deploying_for INTEGER NOT NULL, running_for INTEGER NOT NULL,
  outcome TEXT NOT NULL, held_status TEXT, held_us INTEGER, touched_us INTEGER NOT NULL,
  error_message TEXT, gpu_type TEXT, gpus INTEGER NOT NULL, node_count INTEGER NOT NULL,
  priority INTEGER NOT NULL, availability_model TEXT NOT NULL, checkpointing INTEGER NOT NULL,
  shape TEXT NOT NULL, visible_us INTEGER NOT NULL, body TEXT NOT NULL
);
CREATE INDEX jobs_by_creation ON jobs (project_id, created_us, seq);
CREATE INDEX jobs_of_all_by_creation ON jobs (created_us, seq);
CREATE INDEX jobs_by_name ON jobs (project_id, name);
CREATE INDEX jobs_by_gpu ON jobs (gpu_type, committed_us) WHERE gpu_type IS NOT NULL;
CREATE INDEX jobs_waiting ON jobs (committed_us) WHERE released_us IS NULL AND held_us IS NULL;
CREATE TABLE sessions (
  id TEXT PRIMARY KEY, job_id TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE,
  trigger TEXT NOT NULL, extra_minutes INTEGER NOT NULL
);
CREATE TABLE team_capacity (
  team_id TEXT NOT NULL, gpu_type TEXT NOT NULL, max_gpus INTEGER NOT NULL, modified_us INTEGER NOT NULL,
  PRIMARY KEY (team_id, gpu_type)
);
CREATE TABLE ledger (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, job_name TEXT, project_id TEXT NOT NULL, fault TEXT,
  job_id TEXT, at_us INTEGER NOT NULL
);
CREATE TABLE blobs (
  bucket TEXT NOT NULL, key TEXT NOT NULL, content BLOB NOT NULL, PRIMARY KEY (bucket, key)
);
"""

_ADDED = (
    "CREATE TABLE IF NOT EXISTS uploads (id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, whole INTEGER)",
    "CREATE TABLE IF NOT EXISTS parts (upload TEXT NOT NULL, number INTEGER NOT NULL, content BLOB NOT NULL,"
    " PRIMARY KEY (upload, number))",
    "INSERT OR IGNORE INTO meta VALUES ('clock_speed_ppm', 1000000), ('clock_since_us', 0)",
)
"""What a database made before it was thought of gets when it is opened."""


class StoreError(Exception):
    """The database cannot be used; the message says why."""


@dataclass(frozen=True)
class Transaction:
    """One open transaction, and the emulator's time at its start in epoch microseconds."""

    connection: sqlite3.Connection
    now: int

    def rows(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        return self.connection.execute(statement, values).fetchall()

    def row(self, statement: str, *values: object) -> tuple[object, ...] | None:
        found: tuple[object, ...] | None = self.connection.execute(statement, values).fetchone()
        return found

    def run(self, statement: str, *values: object) -> None:
        self.connection.execute(statement, values)

    def number(self, name: str) -> int:
        """A value of the table `meta`."""
        return int(self.connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()[0])

    def take_numbers(self, count: int) -> range:
        """The next numbers for ids, never handed out again."""
        first = self.number("last_number") + 1
        self.run("UPDATE meta SET value = ? WHERE name = 'last_number'", first + count - 1)
        return range(first, first + count)

    def new_id(self) -> str:
        return identifier(self.take_numbers(1)[0])


class Store:
    """The database file; opened at once, so that trouble with it shows before the first request."""

    def __init__(self, path: Path, clock: Callable[[], float], speed: float | None = None) -> None:
        self._path = path
        self._clock = clock
        self._idle: list[sqlite3.Connection] = []
        self._idle_lock = threading.Lock()
        # SQLite makes writers poll for their turn; in one process a lock hands it over at once.
        self._write_lock = threading.Lock()
        self._closed = False
        _make_folder(path.parent)
        _make_file(path)
        try:
            with self._connection() as connection:
                _prepare(connection, path)
            if speed is not None:
                self._go_at(micros(speed))
        except sqlite3.Error as error:
            self.close()
            raise StoreError(f"{path}: not usable as the database of the embedded API: {error}") from error
        except StoreError:
            self.close()
            raise

    def now(self) -> int:
        """The emulator's time in epoch microseconds."""
        with self.reading() as transaction:
            return transaction.now

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """A consistent view; nothing may be written."""
        with self._connection() as connection:
            connection.execute("BEGIN")
            try:
                yield self._transaction(connection)
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """The only writer; commits unless an exception leaves the block."""
        with self._write_lock, self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._transaction(connection)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def close(self) -> None:
        """Close every connection: at once, or when the transaction that has it ends."""
        with self._idle_lock:
            self._closed = True
            for connection in self._idle:
                connection.close()
            self._idle.clear()

    def _transaction(self, connection: sqlite3.Connection) -> Transaction:
        transaction = Transaction(connection, 0)
        at = micros(self._clock())
        return Transaction(connection, at + transaction.number("clock_offset_us") + _gained(transaction, at))

    def _go_at(self, ppm: int) -> None:
        """Let the clock go at another speed from now on, without a leap."""
        with self.writing() as transaction:
            at = micros(self._clock())
            gained = _gained(transaction, at)
            transaction.run("UPDATE meta SET value = value + ? WHERE name = 'clock_offset_us'", gained)
            transaction.run("UPDATE meta SET value = ? WHERE name = 'clock_since_us'", at)
            transaction.run("UPDATE meta SET value = ? WHERE name = 'clock_speed_ppm'", ppm)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with self._idle_lock:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = _opened(self._path)
        try:
            yield connection
        finally:
            with self._idle_lock:
                if self._closed:
                    connection.close()
                else:
                    self._idle.append(connection)


def _gained(transaction: Transaction, at: int) -> int:
    """How far the clock is ahead of the one that it follows, by its speed alone."""
    ahead = transaction.number("clock_speed_ppm") - SECOND
    return (at - transaction.number("clock_since_us")) * ahead // SECOND if ahead else 0


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _make_folder(folder: Path) -> None:
    created = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if created and folder.name == ".baseten-jobs":
            (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror}") from error


def _make_file(path: Path) -> None:
    """A file for this user alone: SQLite gives those that it adds the same mode. It holds code and environments."""
    with _MAKING:
        try:
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            for file in (path, *(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))):
                _keep_to_oneself(file)
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}") from error


def _keep_to_oneself(file: Path) -> None:
    try:
        status = file.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(status.st_mode):
        raise StoreError(f"{file}: this is not a regular file")
    if status.st_mode & 0o077 and status.st_uid == os.geteuid():
        file.chmod(0o600)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    _turn_on_wal(connection)
    connection.execute("BEGIN IMMEDIATE")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        for statement in _SCHEMA.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {_VERSION}")
    for statement in _ADDED if version in (0, _VERSION) else ():
        connection.execute(statement)
    connection.execute("COMMIT")
    if version not in (0, _VERSION):
        raise StoreError(f"{path}: made by another version of the embedded API; delete it to start anew")
    for table in _strange_tables(connection) if version else ():
        raise StoreError(f"{path}: the table '{table}' has a row that the embedded API never wrote; delete the file")


def _strange_tables(connection: sqlite3.Connection) -> Iterator[str]:
    """Tables of ours in which a value is of another type than its column's, or a job is no JSON."""
    tables = re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", ";".join((_SCHEMA, *_ADDED)))
    for table in tables:
        columns = connection.execute("SELECT name, lower(type) FROM pragma_table_info(?)", (table,)).fetchall()
        wrong = [f"typeof({name}) NOT IN ('{kind}', 'null')" for name, kind in columns]
        wrong += ["NOT json_valid(shape || '}')", "NOT json_valid(body)"] if table == "jobs" else []
        if connection.execute(f"SELECT 1 FROM {table} WHERE {' OR '.join(wrong)} LIMIT 1").fetchone():
            yield table


def _turn_on_wal(connection: sqlite3.Connection) -> None:
    # The switch does not honour the busy timeout, and another process may be switching too.
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
