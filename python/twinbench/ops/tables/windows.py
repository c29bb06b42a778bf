"""The ops that take some rows of each group: the largest values, and trailing windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from twinbench.ops.contract import ROUNDED_SUM, ROUNDING, Arrays, Op
from twinbench.ops.tables import conditions
from twinbench.ops.tables.rows import complete_rows, sorted_by


@dataclass(frozen=True, slots=True, kw_only=True)
class Top:
    """``keys``: columns to group by.

    ``column``: the numeric column whose largest values are taken; not one of the keys. ``n``: number of values for each
    group, at least 1. ``ordered``: whether the rows must come in order.
    """

    keys: tuple[str, ...]
    column: str
    n: int
    ordered: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.n < 2**31:
            raise ValueError("n must be from 1 to 2147483647")
        if self.column in self.keys:
            raise ValueError("column must not be one of the keys")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolling:
    """``name``: the new column.

    ``by``: columns to group by. ``column``: the column that the window is taken over. ``window``: length of the window
    in rows, at least 1. ``function``: what is computed from each window.
    """

    name: str
    by: tuple[str, ...]
    column: str
    window: int
    function: Literal["mean", "sum"] = "mean"

    def __post_init__(self) -> None:
        if not 1 <= self.window < 2**31:
            raise ValueError("window must be from 1 to 2147483647")


def ordered(p: Top) -> bool:
    """Return whether the rows must come in order."""
    return p.ordered


def require_top(p: Top, table: Arrays) -> None:
    """Refuse columns of other types."""
    conditions.columns(table, p.keys, conditions.KEYS, "keys")
    conditions.column(table, p.column, conditions.NUMBERS, "column")


def require_rolling(p: Rolling, table: Arrays) -> None:
    """Refuse columns of other types, missing and infinite values, and a new column that is already there."""
    conditions.columns(table, p.by, (*conditions.KEYS, "float64"), "by")
    for name in p.by:
        conditions.present(table, name)
    conditions.column(table, p.column, conditions.NUMBERS, "column")
    conditions.finite(table, p.column)
    conditions.summable(table[p.column], p.column)
    conditions.new(table, (p.name,), "name")


def scale_rolling(p: Rolling, output: Arrays, table: Arrays) -> Arrays:
    """Return the unit of the tolerance: the largest magnitude, because a running sum has held it."""
    import numpy as np

    return {p.name: np.max(np.abs(table[p.column].astype(np.float64)), initial=0.0)}


def top(p: Top, table: Arrays) -> Arrays:
    """Sort by group and, within each group, by value in descending order; keep the first n rows of each group."""
    import numpy as np

    used = {name: table[name] for name in (*p.keys, p.column)}
    rows, group = sorted_by(used, p.keys, complete_rows(used, list(used)))
    order = np.lexsort((rows[p.column], -group))[::-1]  # reversed: groups ascending, values descending
    count = np.bincount(group)
    rank = np.arange(len(group)) - np.repeat(np.cumsum(count) - count, count)
    return {name: values[order][rank < p.n] for name, values in rows.items()}


def rolling(p: Rolling, table: Arrays) -> Arrays:
    """Compute each window from scratch."""
    import numpy as np

    values = table[p.column].astype(np.float64)
    out = np.empty(len(values), dtype=np.float64)
    groups: dict[tuple[Any, ...], list[int]] = {}
    for row, key in enumerate(zip(*(table[name].tolist() for name in p.by), strict=True)):
        groups.setdefault(key, []).append(row)
    function = np.mean if p.function == "mean" else np.sum
    for rows in groups.values():
        series = values[rows]
        out[rows] = [function(series[max(0, i + 1 - p.window) : i + 1]) for i in range(len(series))]
    return table | {p.name: out}


TOP = Op(
    name="tables.top",
    params=Top,
    inputs=("table",),
    output="table",
    summary="Take the n largest values of a column in each group.",
    semantics="""Rows in which `column` (int64 or float64) or one of `keys` (int64 or string) is missing are dropped
first. For each combination of keys that is left, the n largest values of `column`, or all of them if there are fewer,
give one row each. Rows are sorted by the keys in ascending order (strings by code point), and within a group by the
value in descending order. Columns: the keys, then `column`, with their types unchanged. Which of several rows with
equal values is taken makes no difference, because the result holds nothing else of the row. With `ordered` = false the
rows may come in any order.""",
    source="Question 8 of db-benchmark's group-by task, https://duckdblabs.github.io/db-benchmark/",
    reference=top,
    requires=require_top,
    tolerance=ROUNDING,  # for rounding in earlier steps: this op only moves values
    in_order=ordered,
)


ROLLING = Op(
    name="tables.rolling",
    params=Rolling,
    inputs=("table",),
    output="table",
    summary="Append the mean or the sum over a trailing window within each group.",
    semantics="""Within each group of equal `by` (never missing), in the order of the table's rows, the value at a row
is the mean or the sum of `column` (float64 or int64, never missing) over this row and the `window` - 1 rows before it
in its group, or fewer where the group has fewer. The result is appended as the float64 column `name`; rows keep their
positions. It is allowed to update a running value by adding the newest value and subtracting the oldest.""",
    source="pandas.DataFrame.rolling(window, min_periods=1)",
    reference=rolling,
    requires=require_rolling,
    scale=scale_rolling,
    keeps_rows=True,
    tolerance=ROUNDED_SUM,
)
