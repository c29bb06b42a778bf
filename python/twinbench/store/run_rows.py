"""All rows of one run, checked, in an order in which they can be written to another store."""

from __future__ import annotations

from collections.abc import Iterator

from twinbench.store import validation
from twinbench.store.columns import KEYS, OF_CELLS, TABLES
from twinbench.store.database import Database


def rows_of_run(database: Database, run_id: str) -> Iterator[tuple[str, list[validation.Row]]]:
    """Yield the rows of a run by table, each with all columns of the table in their order, and JSON as text.

    A cell's rows come after the cells, and its files one by one. Raises StoreError for a row that isn't valid.
    """
    for table in ("runs", "plans", "cells"):
        key = "id" if table == "runs" else "run_id"
        rows = _checked(database, table, f"WHERE {key} = ? ORDER BY rowid", run_id)
        yield table, rows
        cells = [row[0] for row in rows]
    for cell in cells:
        for table in OF_CELLS:
            if table == "files":
                for (name,) in database.select("files", "name", "WHERE cell_id = ? ORDER BY rowid", cell):
                    yield table, _checked(database, table, "WHERE cell_id = ? AND name = ?", cell, name)
            else:
                order = ", ".join(KEYS[table]) if table == "samples" else "rowid"
                yield table, _checked(database, table, f"WHERE cell_id = ? ORDER BY {order}", cell)
    for table in ("baselines", "noise"):
        yield table, _checked(database, table, "WHERE run_id = ? ORDER BY rowid", run_id)


def _checked(database: Database, table: str, rest: str, *values: object) -> list[validation.Row]:
    columns = list(TABLES[table])
    rows = database.raw(table, columns, rest, *values)
    validation.checked(database.path, table, columns, rows, "")
    return rows
