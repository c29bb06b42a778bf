"""Bare queries for DuckDB: SQL as somebody would type it, over our names for tables and columns."""

from __future__ import annotations

import weakref
from typing import Any

from benchmarks.figures.alternate import Direct


def sql(query: str, *columns: str) -> Direct:
    """``CREATE TABLE AS query``, whose result has these columns and is dropped once nobody holds it, as results are
    that a user goes on with.

    In the query ``{x}`` stands for the first input and ``{x[id1]}`` for its column of that name; the second is ``r``.
    """

    def call(x: Any, r: Any = None) -> Any:
        from twinbench.frameworks import duckdb

        text = query.format(x=_Names(x), r=_Names(r))
        table = duckdb.Table(f"bare{next(duckdb.numbers)}", {name: name for name in columns})
        duckdb.connection.execute(f"CREATE TEMP TABLE {table.name} AS {text}")
        weakref.finalize(table, duckdb.connection.execute, f"DROP TABLE {table.name}").atexit = False
        return table

    return call


class _Names:
    def __init__(self, table: Any) -> None:
        self._table = table

    def __str__(self) -> str:
        return str(self._table.name)

    def __getitem__(self, column: str) -> str:
        return str(self._table[column])
