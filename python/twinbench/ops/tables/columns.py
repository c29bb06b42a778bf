"""The ops on columns: imputing, deriving, encoding and scaling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from twinbench.ops.contract import ROUNDED_SUM, ROUNDING, Arrays, Op
from twinbench.ops.tables.rows import missing


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


def impute(p: Impute, table: Arrays) -> Arrays:
    """Fill missing values with the median or the mean of the values present."""
    import numpy as np

    out = dict(table)
    for name in p.columns:
        values = table[name]
        absent = np.isnan(values)
        if absent.all():
            continue
        fill = np.median(values[~absent]) if p.strategy == "median" else np.mean(values[~absent])
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
        constant = len(np.unique(values)) < 2  # whose sd would be 0 but for rounding
        out[name] = np.zeros_like(values) if constant else (values - values.mean()) / values.std()
    return out


IMPUTE = Op(
    name="tables.impute",
    params=Impute,
    inputs=("table",),
    output="table",
    summary="Fill missing numbers with the column's median or mean.",
    semantics="""In each column in `columns` (float64), missing values are replaced by a statistic of the values
present: the median (for an even count, the mean of the two middle values) or the arithmetic mean. A column without any
value stays missing. Other columns, and the order of rows and columns, are unchanged.""",
    source="scikit-learn SimpleImputer, https://scikit-learn.org/stable/modules/impute.html",
    reference=impute,
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
s]`: s * a / b in float64; missing where a or b is missing (b is never zero). `["greater", c, x]`: 1 where c > x,
otherwise 0 (also where c is missing); int64. `["month", c]` and `["weekday", c]`: c is a string column of ISO 8601
times `YYYY-MM-DDTHH:MM:SSZ`, never missing; the result is the month, 1..12, or the day of the week, 1 (Monday) .. 7
(Sunday), of that time in UTC; int64. The string must be parsed as a date, not sliced.""",
    source="ISO 8601-1:2019",
    reference=derive,
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
values are all equal becomes 0. Values are never missing. Columns keep their positions and become float64.""",
    source="scikit-learn StandardScaler, https://scikit-learn.org/stable/modules/preprocessing.html",
    reference=standardise,
    keeps_rows=True,
    tolerance=ROUNDED_SUM,
)
