"""The validation of every row that leaves a store's file, against the tables of columns and of facts.

Whoever reads a store, or merges another one into it, gets rows through this module only.
"""

from __future__ import annotations

import typing
from collections.abc import Sequence
from typing import Annotated, Any

from twinbench.errors import StoreError
from twinbench.store import fact_shapes, shapes
from twinbench.store.columns import JSON, JSON_WITH_NAN, KEYS, TABLES
from twinbench.store.shapes import Misfit

DAMAGED = "the file is damaged, or twinbench didn't write it: restore it from a copy"

MOST_JSON = 20_000_000
"""Most characters of JSON in one column of a row."""

ALSO_UNIQUE = {"cells": ("run_id", "pipeline", "stack", "size", "variant")}
"""Columns whose values together occur once, beside the key."""

Row = tuple[Any, ...]


def checked(file: object, table: str, columns: Sequence[str], rows: Sequence[Row], about: str) -> list[Row]:
    """Return rows of a table with their JSON read, if every value has the type and the limits of its column.

    ``about`` says whose rows they are. Raises StoreError, which names the file, the table, the row and the column.
    """

    def named(row: Row) -> str:
        keys = [f"{key} {_shown(row[columns.index(key)])}" for key in KEYS[table] if key in columns]
        return f"{file}: {table}: {', '.join([*([about] if about else []), *keys])}"

    if not rows:
        return []
    by_column: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for position, column in enumerate(columns):
        hint = TABLES[table][column]
        mark = next((mark for mark in typing.get_args(hint)[1:] if mark in (JSON, JSON_WITH_NAN)), None)
        try:
            _check_column(by_column[position], hint if mark is None else str)
        except _MisfitOf as misfit:
            row = next(row for row in rows if row[position] is misfit.value)
            raise StoreError(f"{named(row)}: {column}: {misfit}; {DAMAGED}") from None
        if mark is None:
            continue
        contents = []
        for row in rows:
            key = row[columns.index("key")] if table == "facts" else None
            try:
                contents.append(_content(row[position], hint, mark, key))
            except Misfit as misfit:
                raise StoreError(f"{named(row)}: {column}: {misfit}; {DAMAGED}") from None
        by_column[position] = contents
    for unique in (KEYS[table], ALSO_UNIQUE.get(table, ())):
        _check_unique(unique, columns, rows, named)
    return list(zip(*by_column, strict=True))


class _MisfitOf(Exception):
    """A value that doesn't fit its column."""

    def __init__(self, value: Any, misfit: Misfit) -> None:
        super().__init__(str(misfit))
        self.value = value


def _check_column(values: Sequence[Any], hint: Any) -> None:
    """Check the values of a column: different texts once each, and of numbers the smallest and the largest."""
    kinds = set(map(type, values))
    for kind in kinds:
        own = values if len(kinds) == 1 else [value for value in values if type(value) is kind]
        if kind in (int, float):
            own = [min(own), max(own)]
        for value in own if kind is bytes else dict.fromkeys(own):
            try:
                if hint is str:
                    _check_json_text(value)
                else:
                    shapes.check(value, hint)
            except Misfit as misfit:
                raise _MisfitOf(value, misfit) from None


def _check_json_text(value: Any) -> None:
    shapes.check(value, Annotated[str, shapes.Text(MOST_JSON)])


def _content(text: str, hint: Any, mark: str, key: str | None) -> Any:
    shape = typing.get_args(hint)[0]
    if key is not None:
        shape = fact_shapes.of_key(key)
        if shape is None:
            raise Misfit(f"the key {_shown(key)} names no process")
    return shapes.read(text, shape, finite=mark == JSON)


def _check_unique(unique: Sequence[str], columns: Sequence[str], rows: Sequence[Row], named: Any) -> None:
    """Raise StoreError for a row that occurs twice: a damaged index doesn't see it."""
    positions = [columns.index(column) for column in unique if column in columns]
    if len(positions) < len(unique) - 1 or not positions:
        return
    seen: set[Row] = set()
    for row in rows:
        key = tuple(row[position] for position in positions)
        if key in seen:
            raise StoreError(f"{named(row)}: occurs twice; {DAMAGED}")
        seen.add(key)


def _shown(value: Any) -> str:
    return ascii(value[:60]) if isinstance(value, str | bytes) else ascii(value)
