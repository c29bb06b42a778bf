"""The SQLite file under the store: opening it, transactions, and errors in words.

Knows the schema as a whole and no table in particular. Rows are read through `validation`.
"""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from twinbench.errors import StoreError
from twinbench.store import connecting, structure, validation
from twinbench.store.connecting import BUSY_S, Budget
from twinbench.store.migrations import MIGRATIONS, VERSION
from twinbench.store.remembered import Remembered, StoreLost

APPLICATION_ID = 0x7477696E
"""``twin`` in ASCII, which tells a store from any other SQLite file."""

ADVICE = {
    "full": "free some space, then resume the run",
    "readonly": "make the file writable, or set TWINBENCH_DATA_DIR to another directory",
    "unable to open": "check that the directory exists and is writable, or set TWINBENCH_DATA_DIR to another directory",
    "not a database": "name another file",
    "malformed": "save what is left with `sqlite3 FILE .recover`",
    "interrupted": "the file is damaged, and reading it doesn't end; save what is left with `sqlite3 FILE .recover`",
    "not UTF-8": "the file is damaged; restore it from a copy",
    "locked": "another process has locked the file; try again when that process has ended",
    "UNIQUE": "the record exists already, and results aren't overwritten",
    "constraint": "this is a bug of twinbench; please report it",
}
"""Advice to the user, by a word of SQLite's message."""

HARMLESS = ("full", "UNIQUE", "constraint", "locked", "too big")
"""Words of SQLite's messages after which the file is what it was."""


class Database:
    """An open SQLite file with the tables of a store. All errors are StoreError."""

    def __init__(
        self, path: Path, connection: sqlite3.Connection, copied: tempfile.TemporaryDirectory[str] | None = None
    ) -> None:
        self.path = path
        self._copied = copied
        self._remembered: Remembered | None = None
        self._stamp: tuple[int, ...] | None = None
        self._budget = Budget(path)
        self._use(connection)

    @classmethod
    def open(cls, path: Path, *, create: bool) -> Self:
        """Open the file at ``path``; with ``create``, make the file, its directory and its tables if missing."""
        if not create:
            _require(path)
        try:
            with _errors(path):
                database = cls(path, connecting.to_write(path, create=create))
        except OSError as error:
            raise StoreError(f"{path.parent}: {error.strerror}; set TWINBENCH_DATA_DIR to another directory") from error
        with database._closed_after_an_error():
            database._set_up()
        return database

    @classmethod
    def open_to_read(cls, path: Path) -> Self:
        """Open the file at ``path`` to read it: no file is made or changed, and its directory may be read-only.

        A store of an earlier version is brought up to date in memory.
        """
        _require(path)
        try:
            stamp = None if connecting.has_journal(path) else _stamp(path)
            with _errors(path):
                database = cls(path, *connecting.to_read(path))
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}; make the file readable") from error
        with database._closed_after_an_error():
            if not database._set_up_to_read():
                database._stamp = stamp
        return database

    def _use(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.set_progress_handler(self._budget, connecting.CHECK_STEPS)

    @contextmanager
    def _closed_after_an_error(self) -> Iterator[None]:
        try:
            with _errors(self.path):
                yield
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file. The last process to close the file after writing removes the journal."""
        self._connection.close()
        if self._remembered is not None:
            self._remembered.close()
        if self._copied is not None:
            self._copied.cleanup()

    def remember(self, run_id: str, rows: Iterable[tuple[str, Sequence[validation.Row]]]) -> None:
        """Hold a run's rows by table in memory, too, and all that is written from now on, until the file is closed.

        If the file is lost, they are written to another file.
        """
        marks = (f"PRAGMA application_id = {APPLICATION_ID}", f"PRAGMA user_version = {VERSION}")
        self._remembered = Remembered(self.path, run_id, [*structure.statements(), *marks], rows)

    @contextmanager
    def transaction(self) -> Iterator[Writing]:
        """Write everything inside the context together and sync it, or write nothing."""
        if self._remembered is not None and (trouble := self._remembered.trouble()):
            with self._written([self._remembered.connection]) as memory:
                yield memory
            raise self._remembered.lost(trouble)
        memories = [] if self._remembered is None else [self._remembered.connection]
        with self._lost_by_errors(), _errors(self.path), self._written([self._connection, *memories]) as both:
            yield both
        if self._remembered is not None and (trouble := self._remembered.trouble()):
            raise self._remembered.lost(trouble)

    @contextmanager
    def _written(self, connections: list[sqlite3.Connection]) -> Iterator[Writing]:
        writing = Writing(connections, self._budget)
        try:
            writing.begin()
            yield writing
            writing.commit()
        except BaseException as error:
            writing.end(interrupted=not isinstance(error, sqlite3.Error))
            raise

    def read(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return all rows of a query, unchecked."""
        self._budget.renew()
        with _errors(self.path):
            rows = self._connection.execute(query, values).fetchall()
        self._require_unchanged()
        return rows

    def select(self, table: str, columns: str, rest: str, *values: object, about: str = "") -> list[tuple[Any, ...]]:
        """Return rows of a table, checked by `validation`, with JSON read. ``about`` says whose rows they are."""
        names = columns.split(", ")
        return validation.checked(self.path, table, names, self.raw(table, names, rest, *values), about)

    def raw(self, table: str, columns: Sequence[str], rest: str, *values: object) -> list[tuple[Any, ...]]:
        """Return rows of a table as they are in the file."""
        return self.read(f"SELECT {', '.join(columns)} FROM {table} {rest}", *values)

    def write(self, statement: str, *values: object) -> None:
        """Execute one statement in a transaction of its own."""
        with self.transaction() as db:
            db.execute(statement, values)

    def replace(self, table: str, *values: object) -> None:
        """Insert a row, in place of the row with the same key if there is one."""
        self.write(f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(values))})", *values)

    def require_remembered(self) -> None:
        """Raise StoreLost unless the file and its journal hold the rows of the run that is remembered.

        Another connection reads them: this one has pages in memory that may not be on the disk any more.
        """
        if self._remembered is None:
            return
        with self._lost_by_errors(), _errors(self.path), contextlib.closing(connecting.beside(self.path)) as fresh:
            same = self._remembered.is_in(fresh)
        if not same:
            raise self._remembered.lost(self._remembered.trouble() or "or its journal was overwritten")

    @contextmanager
    def _lost_by_errors(self) -> Iterator[None]:
        """Write what is remembered to another file after an error that says that the file is damaged."""
        try:
            yield
        except StoreLost:
            raise
        except StoreError as error:
            if self._remembered is None or any(word in str(error.__cause__) for word in HARMLESS):
                raise
            trouble = self._remembered.trouble() or f"can't be written any more ({error.__cause__})"
            raise self._remembered.lost(trouble) from error

    def _require_unchanged(self) -> None:
        """Raise StoreError if the file was changed since it was opened as a file that doesn't change."""
        if self._stamp is None:
            return
        try:
            same = _stamp(self.path) == self._stamp
        except OSError:
            same = False
        if not same:
            raise StoreError(f"{self.path}: changed while it was read; run the command again")

    def _set_up(self) -> None:
        self._connection.execute("PRAGMA foreign_keys = OFF")
        self._connection.execute("PRAGMA synchronous = FULL")
        if self._pragma("user_version") == 0 and self._is_empty():
            self._use_wal()
            self._create_tables()
        self._bring_up_to_date()
        self._connection.execute("PRAGMA foreign_keys = ON")

    def _set_up_to_read(self) -> bool:
        """Check the file, and return whether its content is in memory now, because its version is an earlier one."""
        self._require_store()
        earlier = self._pragma("user_version") in MIGRATIONS
        if earlier:
            structure.check_objects(self._connection, self.path)
            memory = connecting.in_memory(self._connection)
            self._connection.close()
            self._use(memory)
        self._bring_up_to_date()
        self._connection.execute("PRAGMA query_only = ON")
        return earlier

    def _bring_up_to_date(self) -> None:
        self._require_store()
        structure.check_objects(self._connection, self.path)
        self._migrate()
        if (version := self._pragma("user_version")) != VERSION:
            raise StoreError(f"{self.path}: store version {version}, where this twinbench reads {VERSION}")
        structure.check_tables(self._connection, self.path)

    def _require_store(self) -> None:
        if self._pragma("application_id") != APPLICATION_ID:
            raise StoreError(f"{self.path}: not a twinbench store; name another file")

    def _create_tables(self) -> None:
        with self.transaction() as db:
            if not self._is_empty():  # another process was first
                return
            for statement in structure.statements():
                db.execute(statement)
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {VERSION}")

    def _migrate(self) -> None:
        """Bring an older store up to date. Another process may be doing the same."""
        self._connection.execute("PRAGMA legacy_alter_table = ON")
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


class Writing:
    """A transaction of the file and, where there is one, of the copy in memory."""

    def __init__(self, connections: Sequence[sqlite3.Connection], budget: Budget) -> None:
        self._connections = connections
        self._budget = budget
        self._committing = False

    def begin(self) -> None:
        """Begin; no other process writes until the end."""
        for connection in self._connections:
            connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Sync what was written."""
        self._committing = True
        for connection in self._connections:
            connection.execute("COMMIT")

    def end(self, *, interrupted: bool) -> None:
        """Undo what was written; but if an interrupt came when the file had it already, the memory gets it, too."""
        written = interrupted and self._committing and not self._connections[0].in_transaction
        for connection in self._connections:
            if connection.in_transaction:
                connection.execute("COMMIT" if written else "ROLLBACK")

    def first(self, query: str, values: Sequence[object] = ()) -> tuple[Any, ...] | None:
        """Return the first row of a query; None where the result is empty."""
        self._budget.renew()
        row: tuple[Any, ...] | None = self._connections[0].execute(query, values).fetchone()
        return row

    def execute(self, statement: str, values: Sequence[object] = ()) -> None:
        """Execute a statement that writes."""
        for connection in self._connections:
            self._budget.renew()
            connection.execute(statement, values)

    def executemany(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Execute a statement that writes, for each of the rows."""
        listed = list(rows)
        for connection in self._connections:
            self._budget.renew(len(listed))
            connection.executemany(statement, listed)


def _require(path: Path) -> None:
    if not path.exists():
        raise StoreError(f"{path}: no results there yet; make some with `twinbench run`")


def _stamp(path: Path) -> tuple[int, ...]:
    """Return what changes when a file is written."""
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:
        text = str(error)
        if "UTF-8" in text or isinstance(error, UnicodeDecodeError):  # with the text itself, which may hold anything
            text = "a text is not UTF-8"
        advice = next((advice for sign, advice in ADVICE.items() if sign in text), "check the disk and the permissions")
        raise StoreError(f"{path}: {text}; {advice}") from error
