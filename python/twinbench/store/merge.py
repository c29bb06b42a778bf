"""Copying the runs of one store into another, such as the stores of several machines into one."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from twinbench.store.database import Database
from twinbench.store.records import ORIGIN
from twinbench.store.store import Store

OF_CELLS = ("samples", "agreements", "qualities", "facts", "files")
WITHOUT_ROWID = ("samples",)
"""Tables without row ids. The rows of other tables are read in the order of writing, and copied in that order."""

CHANGED = {
    "runs": {"arguments": f"json_set(arguments, '$.{ORIGIN}', json(:origin))"},
    "cells": {"id": "id + :shift"},
    "noise": {"id": "NULL"},
}
"""SQL expressions for the columns that aren't copied unchanged, by table and column."""


@dataclass(frozen=True, slots=True)
class Merged:
    """Ids of the runs that were copied, and of the runs that the target had already, oldest first."""

    copied: list[str]
    present: list[str]


def merge(source: Path, target: Store, origin: str | None = None) -> Merged:
    """Copy the runs that ``target`` doesn't have, all of them or none. A run that ``target`` has stays unchanged.

    ``origin``: the host or file of the runs, by default the path of ``source``; it is kept in each run's arguments.

    Raises StoreError if ``source`` is not a store, or its runs can't be written.
    """
    with Store.open(source, create=False) as other:  # brings an older store up to date, too
        runs = [run.id for run in reversed(other.runs())]
    with closing(Database.open(target.path, create=False)) as db:
        db.attach(source, "source")
        with db.transaction() as connection:
            present = {run for (run,) in connection.execute("SELECT id FROM main.runs")}
            copied = [run for run in runs if run not in present]
            _copy(connection, copied, origin or str(source))
    return Merged(copied, [run for run in runs if run in present])


def _copy(db: sqlite3.Connection, runs: list[str], origin: str) -> None:
    """Copy the rows of these runs. Cells get ids that are free in the target, and their rows refer to the new ids."""
    (shift,) = db.execute("SELECT coalesce(max(id), 0) FROM main.cells").fetchone()
    wanted = "IN (SELECT value FROM json_each(:runs))"
    of_cells = f"cell_id IN (SELECT id FROM source.cells WHERE run_id {wanted})"
    where = {"runs": f"id {wanted}"} | dict.fromkeys(OF_CELLS, of_cells)
    for table in ("runs", "plans", "cells", *OF_CELLS, "baselines", "noise"):
        changed = CHANGED.get(table, {}) | {"cell_id": "cell_id + :shift"}
        names = [name for _, name, *_ in db.execute(f"PRAGMA main.table_info({table})")]
        values = ", ".join(changed.get(name, name) for name in names)
        order = "" if table in WITHOUT_ROWID else "ORDER BY rowid"
        db.execute(
            f"INSERT INTO main.{table} ({', '.join(names)}) SELECT {values} FROM source.{table}"
            f" WHERE {where.get(table, f'run_id {wanted}')} {order}",
            {"runs": json.dumps(runs), "shift": shift, "origin": json.dumps(origin)},
        )
