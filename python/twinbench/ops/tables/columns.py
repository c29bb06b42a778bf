"""The ops on columns: imputing, deriving, encoding and scaling."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from twinbench.ops.contract import ROUNDED_SUM, ROUNDING, Arrays, Op, OutsideContract, deviation_units
from twinbench.ops.tables import conditions
from twinbench.ops.tables.rows import missing

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Impute:
    """``columns``: float64 columns to fill. ``strategy``: the statistic to fill them with."""

    columns: tuple[str, ...]
    strategy: Literal["median", "mean"] = "median"


Derivation = (
    tuple[Literal["month", "weekday"], str]
    | tuple[Literal["floor_divide"], str, int]
    | tuple[Literal["ratio"], str, str, float]
    | tuple[Literal["greater"], str, float]
)
"""How a new column is derived: the operation, then its arguments, which are names of columns or numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Derive:
    """``columns``: new columns by name, each as ``[operation, arguments...]``."""

    columns: dict[str, Derivation]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneHot:
    """``columns``: string or int64 columns to encode."""

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standardise:
    """``columns``: float64 or int64 columns to scale."""

    columns: tuple[str, ...]


TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def require_impute(p: Impute, table: Arrays) -> None:
    """Refuse columns of other types, and infinite or huge values whose mean float64 can't hold."""
    import numpy as np

    conditions.columns(table, p.columns, ("float64",), "columns")
    for name in p.columns:
        values = table[name]
        conditions.first(np.isinf(values), values, name, "is infinite", "remove the row with tables.clean")
        with np.errstate(over="ignore"):
            sum_of = np.nansum if p.strategy == "mean" else _twice_the_largest
            huge = np.isinf(sum_of(np.abs(values)))
        if huge:
            raise OutsideContract(f"column '{name}': the sum of its values exceeds float64; scale the column down")


def _twice_the_largest(magnitudes: NDArray[Any]) -> float:
    """Return a bound of the sum of two middle values, of which a median is the half."""
    import numpy as np

    return 2 * float(np.fmax.reduce(magnitudes, initial=0.0))


def require_derive(p: Derive, table: Arrays) -> None:
    """Refuse columns of other types, divisors that are zero, and times that aren't ISO 8601 in UTC."""
    conditions.new(table, p.columns, "columns")
    if not p.columns:
        raise OutsideContract("columns is empty; name at least one new column")
    args: list[Any]
    for name, (what, *args) in p.columns.items():
        where = f"columns.{name}"
        if what == "floor_divide":
            conditions.column(table, args[0], ("int64",), where)
            if args[1] < 1:
                raise OutsideContract(f"{where}: the divisor is {args[1]}, and must be at least 1")
            if args[1] >= 2**63:
                raise OutsideContract(f"{where}: the divisor {args[1]} doesn't fit int64")
        elif what == "ratio":
            a = conditions.column(table, args[0], conditions.NUMBERS, where)
            b = conditions.column(table, args[1], conditions.NUMBERS, where)
            zero = (b == 0) & ~missing(a)
            conditions.first(zero, b, args[1], f"is the divisor of '{name}'", "remove the row, or make it missing")
            _require_finite(args[2], where)
        elif what == "greater":
            conditions.column(table, args[0], conditions.NUMBERS, where)
            _require_finite(args[1], where)
        else:
            conditions.column(table, args[0], ("string",), where)
            conditions.present(table, args[0], "remove the row with tables.clean")
            _require_times(table[args[0]], args[0])


def _require_finite(number: float, where: str) -> None:
    if not math.isfinite(number):
        raise OutsideContract(f"{where}: the number is {number}, and must be finite; correct the parameter")


def _require_times(values: NDArray[Any], name: str) -> None:
    """Refuse what isn't a time in UTC that the calendar has."""
    import numpy as np

    times, rows = np.unique(values, return_index=True)
    for text, row in sorted(zip(times.tolist(), rows.tolist(), strict=True), key=lambda pair: pair[1]):
        where = f"column '{name}', row {row + 1}: '{text}'"
        if not TIME.fullmatch(text):
            raise OutsideContract(f"{where} is not a time in UTC such as 2024-01-31T23:59:00Z; rewrite the column")
        try:
            datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
        except ValueError as error:
            reason = "" if "format" in str(error) else f" ({error})"
            raise OutsideContract(f"{where} is not a time of the calendar{reason}; correct the row") from None


def require_one_hot(p: OneHot, table: Arrays) -> None:
    """Refuse columns of other types, and indicators that would have the name of another column."""
    import numpy as np

    conditions.columns(table, p.columns, conditions.KEYS, "columns")
    others = [name for name in table if name not in p.columns]
    for name in p.columns:
        values = table[name]
        indicators = [f"{name}={value}" for value in np.unique(values[~missing(values)]).tolist()]
        conditions.new(others, indicators, "columns")
        others += indicators
    if not others:
        raise OutsideContract("columns: every value is missing, and the result would have no column; read another one")


def require_standardise(p: Standardise, table: Arrays) -> None:
    """Refuse columns that aren't finite numbers."""
    conditions.columns(table, p.columns, conditions.NUMBERS, "columns")
    for name in p.columns:
        conditions.finite(table, name)
        conditions.squares(table[name], name)
        conditions.spread(table[name], name)


def scale_standardise(p: Standardise, output: Arrays, table: Arrays) -> Arrays:
    """Return the unit of the tolerance: a z-score is as exact as x - mean is, which is rounded as the mean is."""
    import numpy as np

    scale = {}
    for name in p.columns:
        values = table[name].astype(np.float64)
        sd = float(np.std(values - values[:1])) if len(values) else 0.0
        largest = float(np.max(np.abs(values), initial=0.0))
        known = deviation_units(len(values)) * np.finfo(float).eps * largest / sd if sd else 0.0
        scale[name] = np.asarray(1.0 + known / ROUNDED_SUM.atol)
    return scale


def impute(p: Impute, table: Arrays) -> Arrays:
    """Fill missing values with the median or the mean of the values present."""
    import numpy as np

    out = dict(table)
    for name in p.columns:
        values = table[name]
        absent = np.isnan(values)
        if absent.all():
            continue
        some = values[~absent]
        fill = np.median(some) if p.strategy == "median" else np.float64(math.fsum(some.tolist()) / len(some))
        out[name] = np.where(absent, fill, values)
    return out


def derive(p: Derive, table: Arrays) -> Arrays:
    """Append the new columns."""
    import numpy as np

    out = dict(table)
    args: list[Any]
    for name, (what, *args) in p.columns.items():
        values = table[args[0]]
        if what == "floor_divide":
            out[name] = values // args[1]
        elif what == "ratio":
            out[name] = args[2] * values / table[args[1]]
        elif what == "greater":
            out[name] = (values > args[1]).astype(np.int64)
        else:
            days = np.array([text.rstrip("Z") for text in values], dtype="datetime64[s]").astype("datetime64[D]")
            if what == "month":
                out[name] = days.astype("datetime64[M]").astype(np.int64) % 12 + 1
            else:  # day 0 of the epoch, 1 January 1970, was a Thursday: weekday 4
                out[name] = (days.astype(np.int64) + 3) % 7 + 1
    return out


def one_hot(p: OneHot, table: Arrays) -> Arrays:
    """Append the indicators after the other columns."""
    import numpy as np

    out = {name: values for name, values in table.items() if name not in p.columns}
    for name in p.columns:
        values = table[name]
        for value in np.unique(values[~missing(values)]).tolist():
            out[f"{name}={value}"] = (values == value).astype(np.uint8)
    return out


def standardise(p: Standardise, table: Arrays) -> Arrays:
    """Compute z-scores with ddof 0."""
    import numpy as np

    out = dict(table)
    for name in p.columns:
        values = table[name].astype(np.float64)
        if len(np.unique(values)) < 2:  # whose sd would be 0 but for rounding
            out[name] = np.zeros_like(values)
            continue
        shifted = table[name].astype(np.longdouble) - np.longdouble(table[name][0])
        deviations = shifted - shifted.mean()
        out[name] = (deviations / np.sqrt(np.mean(deviations**2))).astype(np.float64)
    return out


IMPUTE = Op(
    name="tables.impute",
    params=Impute,
    inputs=("table",),
    output="table",
    summary="Fill missing numbers with the column's median or mean.",
    semantics="""In each column in `columns` (float64), missing values are replaced by a statistic of the values
present, which are finite: the median (for an even count, the mean of the two middle values) or the arithmetic mean. A
column without any value stays missing. Other columns, and the order of rows and columns, are unchanged.""",
    source="scikit-learn SimpleImputer, https://scikit-learn.org/stable/modules/impute.html",
    reference=impute,
    requires=require_impute,
    keeps_rows=True,
    tolerance=ROUNDING,
)


DERIVE = Op(
    name="tables.derive",
    params=Derive,
    inputs=("table",),
    output="table",
    summary="Append columns that are computed from others, row by row.",
    semantics="""New columns are appended in the order given; a definition reads only columns of the input.
`["floor_divide", c, n]`: the int64 column c divided by the positive integer n, rounded down; int64. `["ratio", a, b,
s]`: s * a / b in float64; missing where a or b is missing (b is never zero, s is finite). `["greater", c, x]`: 1 where
c > x, which is finite, otherwise 0 (also where c is missing); int64. `["month", c]` and `["weekday", c]`: c is a
string column of ISO 8601 times `YYYY-MM-DDTHH:MM:SSZ`, never missing; the result is the month, 1..12, or the day of
the week, 1 (Monday) .. 7 (Sunday), of that time in UTC; int64. The string must be parsed as a date, not sliced.""",
    source="ISO 8601-1:2019",
    reference=derive,
    requires=require_derive,
    keeps_rows=True,
    tolerance=ROUNDING,
)


ONE_HOT = Op(
    name="tables.one_hot",
    params=OneHot,
    inputs=("table",),
    output="table",
    summary="Replace categories by indicator columns.",
    semantics="""Each column c in `columns` is removed. For each distinct value v of c, in ascending order (strings by
code point), a uint8 column `c=v` is appended: 1 where the value is v, otherwise 0. A missing string is not a value: it
gives 0 in all of these columns. The other columns come first, in their order, then the indicators in the order of
`columns`.""",
    source="scikit-learn OneHotEncoder, https://scikit-learn.org/stable/modules/preprocessing.html",
    reference=one_hot,
    requires=require_one_hot,
    keeps_rows=True,
    tolerance=ROUNDING,  # for rounding in earlier steps: this op only moves values
)


STANDARDISE = Op(
    name="tables.standardise",
    params=Standardise,
    inputs=("table",),
    output="table",
    summary="Scale columns to mean 0 and standard deviation 1.",
    semantics="""z = (x - mean) / sd over all rows, in float64, where sd has the divisor n (ddof 0). A column whose
values are all equal becomes 0. Values are finite and never missing. A z-score is exact to 1e-9, and to 8 + 3 sqrt(n)
units in the last place of the largest x, divided by sd: more isn't known of deviations from a large mean. Columns keep
their positions and become float64.""",
    source="scikit-learn StandardScaler, https://scikit-learn.org/stable/modules/preprocessing.html",
    reference=standardise,
    requires=require_standardise,
    scale=scale_standardise,
    keeps_rows=True,
    tolerance=ROUNDED_SUM,
)
