"""Copying the runs of one store into another, such as the stores of several machines into one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from twinbench.store.columns import OF_CELLS, TABLES
from twinbench.store.database import Writing
from twinbench.store.records import ORIGIN
from twinbench.store.store import Store
from twinbench.store.validation import Row


@dataclass(frozen=True, slots=True)
class Merged:
    """Ids of the runs that were copied, and of the runs that the target had already, oldest first."""

    copied: list[str]
    present: list[str]


def merge(source: Path, target: Store, origin: str | None = None) -> Merged:
    """Copy the runs that ``target`` doesn't have, all of them or none. A run that ``target`` has stays unchanged.

    ``origin``: the host or file of the runs, by default the path of ``source``; it is kept in each run's arguments.
    ``source`` is only read, and every row of it is checked.

    Raises StoreError if ``source`` is not a store, or its runs can't be written.
    """
    with Store.open_to_read(source) as other:
        runs = [run.id for run in reversed(other.runs())]
        present = {run.id for run in target.runs()}
        copied = [run for run in runs if run not in present]
        with target.written_together() as db:
            for run in copied:
                _copy(db, other, run, origin or str(source))
    return Merged(copied, [run for run in runs if run in present])


def _copy(db: Writing, source: Store, run: str, origin: str) -> None:
    """Copy the rows of a run. Cells get ids that are free in the target, and their rows refer to the new ids."""
    (last,) = db.first("SELECT coalesce(max(id), 0) FROM cells") or (0,)
    ids: dict[int, int] = {}
    for table, rows in source.rows_of_run(run):
        if table == "cells":
            ids = {row[0]: last + number for number, row in enumerate(rows, start=1)}
        marks = ", ".join("?" * len(TABLES[table]))
        db.executemany(f"INSERT INTO {table} VALUES ({marks})", [_changed(table, row, ids, origin) for row in rows])


def _changed(table: str, row: Row, ids: dict[int, int], origin: str) -> Row:
    """Return a row as the target has it: with its own ids, and the run with its origin."""
    first, *others = row
    if table == "runs":
        created, arguments, *rest = others
        return first, created, json.dumps(json.loads(arguments) | {ORIGIN: origin}), *rest
    if table == "cells" or table in OF_CELLS:
        return ids[first], *others
    return (None, *others) if table == "noise" else row
