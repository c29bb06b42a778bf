"""The ops on groups of rows: aggregates, the largest values, and trailing windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from twinbench.ops.contract import ROUNDED_SUM, ROUNDING, Arrays, Op
from twinbench.ops.tables.rows import complete_rows, missing, numbered

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


Aggregate = Literal["count", "sum", "mean", "min", "max", "median", "std"]
"""Function of one column."""


Aggregate2 = Literal["max_minus_min", "r2"]
"""Function of two columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Groupby:
    """``keys``: columns to group by.

    ``aggregates``: new columns by name, each as ``[function, column]``, or ``[function, column, column]`` for a
    function of two columns. ``ordered``: whether the groups must come in the order of their keys.
    """

    keys: tuple[str, ...]
    aggregates: dict[str, tuple[Aggregate, str] | tuple[Aggregate2, str, str]]
    ordered: bool = True


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
        if self.n < 1:
            raise ValueError("n must be at least 1")
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
        if self.window < 1:
            raise ValueError("window must be at least 1")


def ordered(p: Groupby | Top) -> bool:
    """Return whether the rows must come in order."""
    return p.ordered


def _sorted_by(table: Arrays, keys: Sequence[str], rows: NDArray[np.int64]) -> tuple[Arrays, NDArray[np.int64]]:
    """Sort these rows of a table by their keys. Return the sorted rows, and the number of each row's group."""
    import numpy as np

    group = numbered([table[key][rows] for key in keys])
    order = np.argsort(group, kind="stable")
    return {name: values[rows[order]] for name, values in table.items()}, group[order]


def groupby(p: Groupby, table: Arrays) -> Arrays:
    """Sort the rows by group, so that each group is a run of rows, and aggregate each run."""
    import numpy as np

    used = {name: table[name] for name in (*p.keys, *(of for _, *columns in p.aggregates.values() for of in columns))}
    rows, group = _sorted_by(used, p.keys, complete_rows(table, p.keys))
    first = np.flatnonzero(np.diff(group, prepend=-1))
    out = {key: rows[key][first] for key in p.keys}
    for name, (function, *columns) in p.aggregates.items():
        out[name] = _aggregate(function, [rows[of] for of in columns], group, len(first))
    return out


def _aggregate(function: str, columns: Sequence[NDArray[Any]], group: NDArray[np.int64], groups: int) -> NDArray[Any]:
    """Aggregate columns that are sorted by group to one value for each group; NaN where the contract says missing."""
    import numpy as np

    if function == "max_minus_min":
        of_each = zip(("max", "min"), columns, strict=True)
        high, low = (_aggregate(function, [values], group, groups) for function, values in of_each)
        return np.asarray(high - low)
    present = ~np.any([missing(values) for values in columns], axis=0)
    columns, group = [values[present] for values in columns], group[present]
    count = np.bincount(group, minlength=groups)
    values = columns[0]
    if function == "count":
        return count
    if function == "sum":
        return _reduced(np.add, values, count, 0)
    if function in ("min", "max"):
        ufunc = np.minimum if function == "min" else np.maximum
        return _reduced(ufunc, values, count, np.nan if values.dtype.kind == "f" else 0)
    floats = [values.astype(np.float64) for values in columns]
    with np.errstate(invalid="ignore", divide="ignore"):  # 0 / 0 gives the NaN of a missing value
        means = [_reduced(np.add, values, count, 0) / count for values in floats]
        if function == "mean":
            return np.asarray(means[0])
        if function == "median":
            return _medians(floats[0], group, count)
        deviations = [values - mean[group] for values, mean in zip(floats, means, strict=True)]
        squares = [_reduced(np.add, values**2, count, 0) for values in deviations]
        if function == "std":
            return np.asarray(np.sqrt(squares[0] / np.where(count > 1, count - 1, np.nan)))
        products = _reduced(np.add, deviations[0] * deviations[1], count, 0)
        return np.asarray(products**2 / (squares[0] * squares[1]))


def _reduced(ufunc: np.ufunc, values: NDArray[Any], count: NDArray[np.int64], empty: float) -> NDArray[Any]:
    """Reduce each run of ``count`` values to one value; an empty run, which ``reduceat`` can't reduce, to ``empty``."""
    import numpy as np

    starts = np.cumsum(count) - count
    out = np.full(len(count), empty, dtype=values.dtype)
    if len(values):
        out[count > 0] = ufunc.reduceat(values, starts[count > 0])
    return out


def _medians(values: NDArray[Any], group: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[Any]:
    """Return the median of each group: the mean of the two middle values, which coincide for an odd count."""
    import numpy as np

    ordered = values[np.lexsort((values, group))]
    starts, some = np.cumsum(count) - count, count > 0
    out = np.full(len(count), np.nan)
    out[some] = (ordered[(starts + (count - 1) // 2)[some]] + ordered[(starts + count // 2)[some]]) / 2
    return out


def top(p: Top, table: Arrays) -> Arrays:
    """Sort by group and, within each group, by value in descending order; keep the first n rows of each group."""
    import numpy as np

    used = {name: table[name] for name in (*p.keys, p.column)}
    rows, group = _sorted_by(used, p.keys, complete_rows(used, list(used)))
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


GROUPBY = Op(
    name="tables.groupby",
    params=Groupby,
    inputs=("table",),
    output="table",
    summary="Group rows by keys and aggregate columns.",
    semantics="""The result has one row for each combination of `keys` (int64 or string) that occurs in rows where no
key is missing, sorted by the keys in ascending order (strings by code point). Columns: the keys, then the aggregates in
the order given. Missing values are skipped. `count` is the number of values present (int64). `sum` is int64 for int64
columns and otherwise float64; the sum of no values is 0. `min` and `max`, of numeric columns, keep the type. `mean`,
`median` (for an even count, the mean of the two middle values) and `std` (divisor n - 1, missing for n < 2) are
float64. The min, max, mean and median of no values are missing. Functions of two columns a and b: `max_minus_min` is
the max of a minus the min of b, int64 if both columns are int64 and otherwise float64, and missing where either is
missing. `r2` is the squared Pearson correlation of a and b over the rows where neither is missing, in float64; it is
missing for fewer than two such rows, and where a or b has the same value in all of them (a constant that isn't a
whole number doesn't occur, because rounding would decide the result). With `ordered` = false the groups may come in any
order.""",
    source="Split-apply-combine, Wickham 2011, https://doi.org/10.18637/jss.v040.i01; the functions are those that the "
    "ten group-by questions of db-benchmark need, https://duckdblabs.github.io/db-benchmark/",
    reference=groupby,
    tolerance=ROUNDING,
    in_order=ordered,
)


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
    keeps_rows=True,
    tolerance=ROUNDED_SUM,
)
