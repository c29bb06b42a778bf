"""The op that aggregates groups of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from twinbench.ops.contract import ROUNDING, Arrays, Op, OutsideContract, deviation_units
from twinbench.ops.tables import conditions
from twinbench.ops.tables.rows import complete_rows, missing, numbered, sorted_by

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


MOST_SQUARED_TWICE = 1e75
"""Largest value whose fourth power float64 holds: r2 is a quotient of products of sums of squares."""

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


def ordered(p: Groupby) -> bool:
    """Return whether the rows must come in order."""
    return p.ordered


def require_groupby(p: Groupby, table: Arrays) -> None:
    """Refuse columns of other types, names that stand twice, sums that int64 can't hold, and r2 of a constant."""
    conditions.columns(table, p.keys, conditions.KEYS, "keys")
    if not p.aggregates:
        raise OutsideContract("aggregates is empty; name at least one aggregate")
    conditions.new(p.keys, p.aggregates, "aggregates")
    for name, (function, *names) in p.aggregates.items():
        types = (*conditions.NUMBERS, "string") if function == "count" else conditions.NUMBERS
        for of in names:
            conditions.column(table, of, types, f"aggregates.{name}")
    whole = complete_rows(table, p.keys)
    group = numbered([table[key][whole] for key in p.keys])
    for name, (function, *names) in p.aggregates.items():
        values = [table[of][whole] for of in names]
        if function in ("sum", "max_minus_min"):
            _require_int64(name, values, group)
        if function == "r2":
            _require_varying(name, names, values, group)
        if function not in ("count", "min", "max"):
            for of, numbers in zip(names, values, strict=True):
                if function in ("std", "r2"):
                    conditions.squares(
                        numbers, of, conditions.MOST_SQUARED if function == "std" else MOST_SQUARED_TWICE
                    )
                _require_one_infinity(name, of, numbers, group)
                if function in ("sum", "mean", "median") and numbers.dtype.kind == "f":
                    _require_float64(name, of, function, numbers, group)


def _require_int64(name: str, columns: Sequence[NDArray[Any]], group: NDArray[np.int64]) -> None:
    """Refuse whole numbers whose sum or difference leaves int64 in some group."""
    import numpy as np

    if any(values.dtype.kind != "i" for values in columns):
        return
    bound = sum(np.bincount(group, np.abs(values.astype(np.float64))).max(initial=0.0) for values in columns)
    if bound >= 2.0**62:  # near the limit, and only there, the sums are computed exactly
        totals: dict[int, int] = {}
        for of, *numbers in zip(group.tolist(), *(values.tolist() for values in columns), strict=True):
            totals[of] = totals.get(of, 0) + sum(map(abs, numbers))
        worst = max(totals.values())
        if worst >= 2**63:
            raise OutsideContract(
                f"aggregates.{name}: the magnitudes of a group sum to {worst}, which leaves int64; cast the column to "
                "float64 with tables.clean"
            )


def _require_one_infinity(name: str, of: str, values: NDArray[Any], group: NDArray[np.int64]) -> None:
    """Refuse a group that holds both infinities: their sum is undefined."""
    import numpy as np

    both = np.intersect1d(group[values == np.inf], group[values == -np.inf])
    if len(both):
        raise OutsideContract(
            f"aggregates.{name}: column '{of}' holds inf and -inf in one group, whose sum is undefined; remove a row"
        )


def _require_float64(name: str, of: str, function: str, values: NDArray[Any], group: NDArray[np.int64]) -> None:
    """Refuse a group whose finite values float64 can't add in every order, or whose middle values it can't."""
    import numpy as np

    finite = np.isfinite(values)
    total = np.zeros(int(group.max(initial=-1)) + 1)
    with np.errstate(over="ignore"):
        if function == "median":
            np.maximum.at(total, group[finite], 2 * np.abs(values[finite]))
        else:
            np.add.at(total, group[finite], np.abs(values[finite]))
    if np.isinf(total).any():
        raise OutsideContract(
            f"aggregates.{name}: column '{of}' holds values of a group whose sum exceeds float64; scale the column down"
        )


def _require_varying(
    name: str, names: Sequence[str], columns: Sequence[NDArray[Any]], group: NDArray[np.int64]
) -> None:
    """Refuse a column that isn't whole and is constant in some group: rounding would decide its correlation."""
    import numpy as np

    paired = ~np.any([missing(values) for values in columns], axis=0)
    count = np.bincount(group[paired])
    for of, values in zip(names, columns, strict=True):
        low, high = np.full(len(count), np.inf), np.full(len(count), -np.inf)
        np.minimum.at(low, group[paired], values[paired])
        np.maximum.at(high, group[paired], values[paired])
        constant = (count > 1) & (low == high) & (low != np.floor(low))
        if constant.any():
            raise OutsideContract(
                f"aggregates.{name}: column '{of}' is {low[constant][0]} in all {count[constant][0]} rows of a group, "
                "and rounding would decide its correlation; leave the group out"
            )


def scale_groupby(p: Groupby, output: Arrays, table: Arrays) -> Arrays:
    """Return the unit of the tolerance by group: what float64 can know of a sum, a mean and a deviation.

    A sum is as exact as the sum of the magnitudes is; a deviation is as exact as the mean that is subtracted.
    """
    import numpy as np

    rows, group = sorted_by(table, p.keys, complete_rows(table, p.keys))
    groups = int(group[-1]) + 1 if len(group) else 0
    scale: Arrays = {}
    for name, (function, *names) in p.aggregates.items():
        if function in ("sum", "mean", "std"):
            values = np.abs(rows[names[0]].astype(np.float64))
            some = np.isfinite(values)
            total: NDArray[Any] = np.bincount(group[some], values[some], groups)
            if function == "mean":
                total = total / np.maximum(np.bincount(group[some], minlength=groups), 1)
            elif function == "std":
                total = np.zeros(groups)
                np.maximum.at(total, group[some], values[some])
                count = np.bincount(group[some], minlength=groups)
                total = total * (deviation_units(count) * float(np.finfo(float).eps) / ROUNDING.atol)
            scale[name] = total
        elif function == "r2":
            known = sum(_relative(rows[of].astype(np.float64), group, groups) for of in names)
            scale[name] = 1.0 + np.minimum(known, 1.0) / ROUNDING.atol
        elif function != "count":
            scale[name] = np.zeros(())
    return scale


def _relative(values: NDArray[Any], group: NDArray[np.int64], groups: int) -> NDArray[Any]:
    """Return by group how far float64 knows deviations from the mean, relative to the largest deviation."""
    import numpy as np

    low, high = np.full(groups, np.inf), np.full(groups, -np.inf)
    some = np.isfinite(values)
    np.minimum.at(low, group[some], values[some])
    np.maximum.at(high, group[some], values[some])
    count = np.bincount(group[some], minlength=groups)
    with np.errstate(invalid="ignore", divide="ignore"):
        known = deviation_units(count) * np.finfo(float).eps * np.maximum(np.abs(low), np.abs(high)) / (high - low)
    relative: NDArray[Any] = np.nan_to_num(known, nan=0.0, posinf=1.0)
    return relative


def groupby(p: Groupby, table: Arrays) -> Arrays:
    """Sort the rows by group, so that each group is a run of rows, and aggregate each run."""
    import numpy as np

    used = {name: table[name] for name in (*p.keys, *(of for _, *columns in p.aggregates.values() for of in columns))}
    rows, group = sorted_by(used, p.keys, complete_rows(table, p.keys))
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
    floats = [values.astype(np.float64).astype(np.longdouble) for values in columns]  # whose sums are exact to 1e-19
    with np.errstate(invalid="ignore", divide="ignore"):  # 0 / 0 gives the NaN of a missing value
        means = [_reduced(np.add, values, count, 0) / count for values in floats]
        if function == "mean":
            return means[0].astype(np.float64)
        if function == "median":
            return _medians(values.astype(np.float64), group, count)
        deviations = [values - mean[group] for values, mean in zip(floats, means, strict=True)]
        squares = [_reduced(np.add, values**2, count, 0) for values in deviations]
        if function == "std":
            sd: NDArray[Any] = np.sqrt(squares[0] / np.where(count > 1, count - 1, np.nan))
            return sd.astype(np.float64)
        products = _reduced(np.add, deviations[0] * deviations[1], count, 0)
        r2: NDArray[Any] = products**2 / (squares[0] * squares[1])
        return r2.astype(np.float64)


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


GROUPBY = Op(
    name="tables.groupby",
    params=Groupby,
    inputs=("table",),
    output="table",
    summary="Group rows by keys and aggregate columns.",
    semantics="""The result has one row for each combination of `keys` (int64 or string) that occurs in rows where no
key is missing, sorted by the keys in ascending order (strings by code point). Columns: the keys, then the aggregates
in the order given. Missing values are skipped. `count` is the number of values present (int64). `sum` is int64 for
int64 columns and otherwise float64; the sum of no values is 0. `min` and `max`, of numeric columns, keep the type.
`mean`, `median` (for an even count, the mean of the two middle values) and `std` (divisor n - 1, missing for n < 2)
are float64, of the values as float64. The magnitudes of a group's values add up to what float64 holds. The min, max,
mean and median of no values are missing. Functions of two columns a and b: `max_minus_min` is the max of a minus the
min of b, int64 if both columns are int64 and otherwise float64, and missing where either is missing. `r2` is the
squared Pearson correlation of a and b over the rows where neither is missing, in float64; it is missing for fewer than
two such rows, and where a or b has the same value in all of them (a constant that isn't a whole number doesn't occur,
because rounding would decide the result). With `ordered` = false the groups may come in any order.""",
    source="Split-apply-combine, Wickham 2011, https://doi.org/10.18637/jss.v040.i01; the functions are those that the "
    "ten group-by questions of db-benchmark need, https://duckdblabs.github.io/db-benchmark/",
    reference=groupby,
    requires=require_groupby,
    scale=scale_groupby,
    tolerance=ROUNDING,
    in_order=ordered,
)
