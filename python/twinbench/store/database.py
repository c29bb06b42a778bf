"""The SQLite file under the store: opening it, transactions, and errors in words.

Knows the schema as a whole and no table in particular.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from twinbench.errors import StoreError

SCHEMA = Path(__file__).with_name("schema.sql")
VERSION = 5
MIGRATIONS = {
    1: (
        "ALTER TABLE agreements ADD COLUMN psnr_db REAL",
        "ALTER TABLE agreements ADD COLUMN declared TEXT NOT NULL DEFAULT ''",
    ),
    2: (
        "CREATE TABLE files (cell_id INTEGER NOT NULL REFERENCES cells (id), name TEXT NOT NULL,"
        " content BLOB NOT NULL, PRIMARY KEY (cell_id, name))",
    ),
    3: (
        "ALTER TABLE cells RENAME TO cells_before",
        """
        CREATE TABLE cells (
            id INTEGER PRIMARY KEY,
            run_id TEXT NOT NULL,
            pipeline TEXT NOT NULL,
            stack TEXT NOT NULL,
            size TEXT NOT NULL,
            variant TEXT NOT NULL DEFAULT '',
            steps TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            status TEXT NOT NULL DEFAULT 'planned' CHECK (status IN
                ('planned', 'running', 'done', 'failed', 'timeout', 'oom', 'unavailable', 'disagrees')),
            kind TEXT NOT NULL DEFAULT '' CHECK (kind IN
                ('', 'wrong answer', 'time-out', 'memory', 'signal', 'exit', 'exception', 'protocol', 'threads',
                 'unsupported', 'unavailable')),
            reason TEXT NOT NULL DEFAULT '',
            stderr TEXT NOT NULL DEFAULT '',
            changed TEXT NOT NULL,
            UNIQUE (run_id, pipeline, stack, size, variant),
            FOREIGN KEY (run_id, pipeline, size) REFERENCES plans (run_id, pipeline, size)
        )
        """,
        "INSERT INTO cells SELECT id, run_id, pipeline, stack, size, '', steps, fingerprint, status, kind, reason,"
        " stderr, changed FROM cells_before",
        "DROP TABLE cells_before",
    ),
    4: ("ALTER TABLE samples ADD COLUMN collector_ns REAL",),
}
"""Statements that bring a store from a version to the next, so that results of an older twinbench stay readable.

The statements run without foreign keys, and under ``legacy_alter_table``: other tables go on referring to ``cells`` by
name.
"""

APPLICATION_ID = 0x7477696E
"""``twin`` in ASCII, which tells a store from any other SQLite file."""

BUSY_S = 30.0
"""Longest wait for another writer, in seconds. A transaction takes milliseconds."""

ADVICE = {
    "full": "free some space, then resume the run",
    "readonly": "make the file writable, or set TWINBENCH_DATA_DIR to another directory",
    "unable to open": "check that the directory exists and is writable, or set TWINBENCH_DATA_DIR to another directory",
    "not a database": "name another file",
    "malformed": "save what is left with `sqlite3 FILE .recover`",
    "locked": "another process has locked the file; try again when that process has ended",
    "UNIQUE": "the record exists already, and results aren't overwritten",
    "constraint": "this is a bug of twinbench; please report it",
}
"""Advice to the user, by a word of SQLite's message."""


class Database:
    """An open SQLite file with the tables of a store. All errors are StoreError."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def open(cls, path: Path, *, create: bool) -> Self:
        """Open the file at ``path``; with ``create``, make the file, its directory and its tables if missing."""
        if not create and not path.exists():
            raise StoreError(f"{path}: no results there yet; make some with `twinbench run`")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{path.parent}: {error.strerror}; set TWINBENCH_DATA_DIR to another directory") from error
        with _errors(path):
            database = cls(path, sqlite3.connect(path, timeout=BUSY_S, isolation_level=None))
        try:
            database._set_up()
        except BaseException:
            database.close()
            raise
        return database

    def close(self) -> None:
        """Close the file. The last process to close the file removes the journal."""
        self._connection.close()

    def attach(self, path: Path, name: str) -> None:
        """Let statements read another file's tables as ``name``. The file is untrusted: data, never code."""
        with _errors(path):
            self._connection.execute("PRAGMA trusted_schema = OFF")
            self._connection.execute(f"ATTACH ? AS {name}", (os.fsencode(path),))

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write everything inside the context together and sync it, or write nothing."""
        with _errors(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def read(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        with _errors(self.path):
            return self._connection.execute(query, values).fetchall()

    def write(self, statement: str, *values: object) -> None:
        """Execute one statement in a transaction of its own."""
        with self.transaction() as db:
            db.execute(statement, values)

    def replace(self, table: str, *values: object) -> None:
        """Insert a row, in place of the row with the same key if there is one."""
        self.write(f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(values))})", *values)

    def _set_up(self) -> None:
        with _errors(self.path):
            self._connection.execute("PRAGMA foreign_keys = OFF")
            self._connection.execute("PRAGMA legacy_alter_table = ON")
            self._connection.execute("PRAGMA synchronous = FULL")
            if self._pragma("user_version") == 0 and self._is_empty():
                self._use_wal()
                self._create_tables()
            if self._pragma("application_id") != APPLICATION_ID:
                raise StoreError(f"{self.path}: not a twinbench store; name another file")
            self._migrate()
            if (version := self._pragma("user_version")) != VERSION:
                raise StoreError(f"{self.path}: store version {version}, where this twinbench reads {VERSION}")
            self._connection.execute("PRAGMA foreign_keys = ON")

    def _create_tables(self) -> None:
        with self.transaction() as db:
            if not self._is_empty():  # another process was first
                return
            for statement in SCHEMA.read_text(encoding="utf-8").split(";\n"):
                db.execute(statement)
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {VERSION}")

    def _migrate(self) -> None:
        """Bring an older store up to date. Another process may be doing the same."""
        while self._pragma("user_version") in MIGRATIONS:
            with self.transaction() as db:
                version = self._pragma("user_version")
                for statement in MIGRATIONS.get(version, ()):
                    db.execute(statement)
                if version in MIGRATIONS:
                    db.execute(f"PRAGMA user_version = {version + 1}")

    def _use_wal(self) -> None:
        """Let readers and a writer work at once. This function waits for other processes, as SQLite doesn't here."""
        until = time.monotonic() + BUSY_S
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(0.01)

    def _is_empty(self) -> bool:
        return self._connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        text = str(error)
        advice = next((advice for sign, advice in ADVICE.items() if sign in text), "check the disk and the permissions")
        raise StoreError(f"{path}: {text}; {advice}") from error
