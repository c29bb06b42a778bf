"""Arrays and tables with missing values, and their sorted order, for comparisons in any order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinbench.pair.callee.values import Masked, Missing, Table


def parts(side: Any) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return an array's values, and which of them are missing."""
    if isinstance(side, Masked):
        return side.values, side.mask
    if side.dtype.kind == "O":
        missing = [item is None or isinstance(item, Missing) for item in side.ravel().tolist()]
        return side, np.array(missing, bool).reshape(side.shape)
    return side, np.isnat(side) if side.dtype.kind in "mM" else np.zeros(side.shape, bool)


def _order(columns: list[Any]) -> list[int]:
    """Return the row numbers in sorted order; floats count least, since they may differ by a rounding."""
    sides = sorted(map(parts, columns), key=lambda side: side[0].dtype.kind in "fc")
    rows = range(len(sides[0][0])) if sides else range(0)
    return sorted(rows, key=lambda row: [(bool(lacks[row]), _key(side[row])) for side, lacks in sides])


def _key(item: Any) -> tuple[str, Any]:
    if isinstance(item, (np.number, int, float)) and not isinstance(item, (bool, np.complexfloating)):
        return ("", float("inf") if item != item else item)
    return (type(item).__name__, str(item))


def sorted_rows(table: Table) -> Table:
    """Return a table with its rows in sorted order."""
    order = _order(list(table.columns.values()))
    return Table({name: _taken(column, order) for name, column in table.columns.items()}, table.rows)


def _taken(column: Any, order: list[int]) -> Any:
    return Masked(column.values[order], column.mask[order]) if isinstance(column, Masked) else column[order]


def sorted_array(side: Any) -> Any:
    """Return an array of one dimension in sorted order, and any other as it is."""
    values, _ = parts(side)
    return _taken(side, _order([side])) if values.ndim == 1 else side
