"""Bare queries for DuckDB: SQL as somebody would type it, over our names for tables and columns."""

from __future__ import annotations

from typing import Any

from benchmarks.figures.alternate import Direct


def sql(query: str, *columns: str) -> Direct:
    """``CREATE TABLE AS query``, whose result has these columns.

    In the query ``{x}`` stands for the first input and ``{x[id1]}`` for its column of that name; the second is ``r``.
    """

    def call(x: Any, r: Any = None) -> Any:
        from twinbench.frameworks import duckdb

        text = query.format(x=_Names(x), r=_Names(r))
        duckdb.connection.execute(f"CREATE OR REPLACE TEMP TABLE bare AS {text}")
        return duckdb.Table("bare", {name: name for name in columns})

    return call


class _Names:
    def __init__(self, table: Any) -> None:
        self._table = table

    def __str__(self) -> str:
        return str(self._table.name)

    def __getitem__(self, column: str) -> str:
        return str(self._table[column])
