"""MLflow's SQLite file on this machine: it can be opened, and its tables are made by one process at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from twinbench.trackers.tracking import TrackingError

BUSY_S = 5.0
"""Longest wait in seconds for a database that another process writes to."""

WAIT_S = 60.0
"""Longest wait in seconds for another process that makes the tables: MLflow takes some seconds for it."""

POLL_S = 0.05


@contextlib.contextmanager
def exclusive(database: Path) -> Iterator[None]:
    """Hold a lock beside a database in the context, for up to `WAIT_S` against others.

    Raises TrackingError if the file can't be opened or is not a database; MLflow would try again for an hour.
    """
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        with _locked(database.with_name(f"{database.name}.lock")):
            with contextlib.closing(sqlite3.connect(database, timeout=BUSY_S)) as connection:
                connection.execute("PRAGMA schema_version").fetchone()
            yield
    except (OSError, sqlite3.Error) as error:
        raise TrackingError(f"MLflow at {database}: its database can't be opened: {error}") from error


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(POLL_S)
        yield
    finally:
        os.close(file)
