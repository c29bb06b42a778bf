"""Connections to the SQLite file of a store: one that writes, and one that leaves no trace.

A reader makes, changes and removes no file. It reads a store that nobody writes as a file that doesn't change; a store
that is being written together with its journal; and a copy where the journal can't be read where it is.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
import urllib.parse
from pathlib import Path

from twinbench import paths
from twinbench.errors import StoreError

BUSY_S = 30.0
"""Longest wait for another writer, in seconds. A transaction takes milliseconds."""

JOURNALS = ("-wal", "-journal")
"""Ends of the names of the files in which SQLite has what isn't in the store's file yet."""

STEPS, STEPS_PER_BYTE = 20_000_000, 100
"""Most steps of SQLite's machine in one statement: in any store, and for each byte of the file. A row takes
some hundred steps; a damaged file can hold tables without an end."""

CHECK_STEPS = 100_000
"""Steps between two counts."""


class Budget:
    """The steps that a statement may still take. SQLite calls it every `CHECK_STEPS`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.left = 0
        self.renew()

    def renew(self, times: int = 1) -> None:
        """Begin another statement, which is executed this many times."""
        size = sum(_size(Path(f"{os.fspath(self.path)}{end}")) for end in ("", *JOURNALS))
        self.left = (STEPS + STEPS_PER_BYTE * size) * max(times, 1) // CHECK_STEPS

    def __call__(self) -> int:
        """Count the steps, and return 1 to end the statement."""
        self.left -= 1
        return int(self.left < 0)


def to_write(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open a file for reading and writing; with ``create``, make it, closed to other users, if it is missing."""
    if create:
        paths.make_private(path.parent)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
    if not path.is_file():
        raise StoreError(f"{path}: not a regular file; name another file")
    return _hardened(sqlite3.connect(path, timeout=BUSY_S, isolation_level=None))


def to_read(path: Path) -> tuple[sqlite3.Connection, tempfile.TemporaryDirectory[str] | None]:
    """Open a file without changing anything in its directory. Returns the directory of a copy, if one was needed."""
    if not path.is_file():
        raise StoreError(f"{path}: not a regular file; name another file")
    if not has_journal(path):
        return _hardened(_by_uri(path, "mode=ro&immutable=1")), None
    if Path(f"{os.fspath(path)}-shm").is_file():  # a run is being measured, or was killed
        connection = _by_uri(path, "mode=ro")
        try:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
            return _hardened(connection), None
        except sqlite3.OperationalError:  # its journal may not be read by this user
            connection.close()
    copied = tempfile.TemporaryDirectory(prefix="twinbench-")
    target = Path(copied.name) / "store.db"
    try:
        for end in ("", *JOURNALS):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{os.fspath(path)}{end}", f"{target}{end}")
        return _hardened(sqlite3.connect(target, timeout=BUSY_S, isolation_level=None)), copied
    except BaseException:
        copied.cleanup()
        raise


def beside(path: Path) -> sqlite3.Connection:
    """Open a file, and its journal, to read what this process has written to them by another connection."""
    return _hardened(_by_uri(path, "mode=ro"))


def has_journal(path: Path) -> bool:
    """Whether some of a store's content isn't in its file yet."""
    return any(_size(Path(f"{os.fspath(path)}{end}")) for end in JOURNALS)


def in_memory(source: sqlite3.Connection | None = None) -> sqlite3.Connection:
    """Open a database in memory, with the content of another one."""
    connection = _hardened(sqlite3.connect(":memory:", isolation_level=None))
    if source is not None:
        source.backup(connection)
    return connection


def _by_uri(path: Path, options: str) -> sqlite3.Connection:
    name = urllib.parse.quote(os.fsencode(path.absolute()))
    return sqlite3.connect(f"file:{name}?{options}", uri=True, timeout=BUSY_S, isolation_level=None)


def _hardened(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Treat the file as data: its schema calls no function, and a damaged page is an error."""
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA mmap_size = 0")
    return connection


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
