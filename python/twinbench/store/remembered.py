"""What a run has measured, held in memory beside the file, for the case that the file is lost while the run goes on."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from twinbench import paths
from twinbench.errors import StoreError
from twinbench.store.columns import OF_CELLS


class StoreLost(StoreError):
    """The store's file is gone, or isn't what it was. The message names the file that has what was measured."""


class Remembered:
    """The rows of one run in a database in memory, and what its file looked like."""

    def __init__(
        self, path: Path, run_id: str, schema: Iterable[str], rows: Iterable[tuple[str, Sequence[tuple[Any, ...]]]]
    ) -> None:
        self.path = path
        self.run_id = run_id
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        for statement in schema:
            self.connection.execute(statement)
        for table, of_table in rows:
            if of_table:
                marks = ", ".join("?" * len(of_table[0]))
                self.connection.executemany(f"INSERT INTO {table} VALUES ({marks})", of_table)
        self._identity, self._size = self._look()
        self._error: StoreLost | None = None

    def close(self) -> None:
        """Forget the rows."""
        self.connection.close()

    def trouble(self) -> str:
        """Say what happened to the file: it was deleted, moved, replaced or truncated. Empty if nothing did.

        Raises StoreLost if the loss is known already.
        """
        if self._error is not None:
            raise self._error
        try:
            identity, size = self._look()
        except OSError:
            return "was deleted or moved"
        if identity != self._identity:
            return "was replaced by another file"
        if size < self._size:
            return "was truncated"
        self._size = size
        return ""

    def is_in(self, file: sqlite3.Connection) -> bool:
        """Whether a file has each row of the run's cells as it is in memory. Other rows may be there, too."""
        query = "SELECT * FROM {} WHERE cell_id IN (SELECT id FROM cells WHERE run_id = ?)"
        return all(
            not Counter(self.connection.execute(query.format(table), (self.run_id,)))
            - Counter(file.execute(query.format(table), (self.run_id,)))
            for table in OF_CELLS
        )

    def lost(self, what: str) -> StoreLost:
        """Write the rows to a new file, and return the error that names the file. ``what`` happened to the old one."""
        if self._error is None:
            self._error = StoreLost(f"{self.path}: the file {what} during the run; {self._saved()}")
        return self._error

    def _saved(self) -> str:
        with contextlib.suppress(sqlite3.Error):
            self.connection.execute("ROLLBACK")
        self.connection.execute("UPDATE runs SET status = 'interrupted'")
        for directory in (self.path.parent, Path.cwd(), Path(tempfile.gettempdir())):
            try:
                return f"what run {self.run_id} measured is in {self._written(directory)}"
            except (OSError, sqlite3.Error) as error:
                reason = str(error)
        return f"what run {self.run_id} measured can't be saved: {reason}"

    def _written(self, directory: Path) -> Path:
        """Write the rows to a new file in a directory, closed to other users."""
        paths.make_private(directory)
        target = next(path for path in self._names(directory) if not path.exists())
        os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        with contextlib.closing(sqlite3.connect(target)) as file:
            self.connection.backup(file)
        return target

    def _names(self, directory: Path) -> Iterator[Path]:
        for number in count(1):
            more = f"-{number}" if number > 1 else ""
            yield directory / f"{self.path.stem}-saved-{self.run_id}{more}.db"

    def _look(self) -> tuple[tuple[int, int], int]:
        status = self.path.stat()
        return (status.st_dev, status.st_ino), status.st_size
