"""The contracts of the table ops. The references behind them are in ``tables_reference``.

Conventions of every op here: inputs are never changed; row order is part of the result; a missing number is NaN
(null in libraries that have one) and a missing string is null; names are case-sensitive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from twinbench.ops import tables_reference as reference
from twinbench.ops.contract import EXACT, ROUNDING, Op, Tolerance

Type = Literal["int64", "float64", "string"]
Aggregate = Literal["count", "sum", "mean", "min", "max", "median", "std"]
Aggregate2 = Literal["max_minus_min", "r2"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCsv:
    """``table``: which file of the dataset. ``columns``: the columns to keep, in order, with their types."""

    table: str
    columns: dict[str, Type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean:
    """``drop_missing``: columns in which a row must have a value. ``cast``: new types by column."""

    drop_missing: tuple[str, ...] = ()
    cast: dict[str, Type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Impute:
    """``columns``: float64 columns to fill. ``strategy``: what with."""

    columns: tuple[str, ...]
    strategy: Literal["median", "mean"] = "median"


Derivation = (
    tuple[Literal["month", "weekday"], str]
    | tuple[Literal["floor_divide"], str, int]
    | tuple[Literal["ratio"], str, str, float]
    | tuple[Literal["greater"], str, float]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Derive:
    """``columns``: new columns by name, each as ``[what, arguments...]``."""

    columns: dict[str, Derivation]


@dataclass(frozen=True, slots=True, kw_only=True)
class Groupby:
    """``keys``: the columns to group by. ``aggregates``: ``{new = [function, column]}``, some of two columns.

    ``ordered``: whether the groups must come in order.
    """

    keys: tuple[str, ...]
    aggregates: dict[str, tuple[Aggregate, str] | tuple[Aggregate2, str, str]]
    ordered: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Top:
    """``keys``: the columns to group by. ``column``: numbers, no key. ``n``: how many of its values, from 1.

    ``ordered``: whether the rows must come in order.
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
class Join:
    """``on``: key columns, of the same name and type on both sides. ``columns``: what to take from the right.

    ``ordered``: whether the rows must come in order.
    """

    on: tuple[str, ...]
    how: Literal["inner", "left"]
    columns: tuple[str, ...]
    ordered: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """``by``: the columns to sort by, most significant first."""

    by: tuple[str, ...]
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolling:
    """``name``: the new column. ``by``: group columns. ``column``: what is averaged. ``window``: rows, from 1."""

    name: str
    by: tuple[str, ...]
    column: str
    window: int
    function: Literal["mean", "sum"] = "mean"

    def __post_init__(self) -> None:
        if self.window < 1:
            raise ValueError("window must be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class OneHot:
    """``columns``: string or int64 columns to encode."""

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standardise:
    """``columns``: float64 or int64 columns to scale."""

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """``label``: the 0/1 column. ``drop``: columns that are no features. ``test_fraction``: between 0 and 1."""

    label: str
    drop: tuple[str, ...] = ()
    test_fraction: float = 0.25
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.0 < self.test_fraction < 1.0:
            raise ValueError("test_fraction must lie between 0 and 1")


def ordered(p: Groupby | Top | Join) -> bool:
    """Whether the rows must come in order."""
    return p.ordered


READ_CSV = Op(
    name="tables.read_csv",
    params=ReadCsv,
    inputs=("file",),
    output="table",
    summary="Read named columns of a CSV file with given types.",
    semantics="""The file is UTF-8, comma-separated, with one header line and RFC 4180 quoting. The result has
exactly the columns of `columns`, in that order, as int64, float64 or string. A field that is empty or `NA` is
missing; an int64 column has no missing field. Numbers are read with correct rounding. Rows keep the file's
order. Files are read from the page cache, uncompressed. Strings may be held in whatever encoding the library
reads them into.""",
    source="RFC 4180, https://www.rfc-editor.org/rfc/rfc4180",
    reference=reference.read_csv,
    tolerance=EXACT,
)
CLEAN = Op(
    name="tables.clean",
    params=Clean,
    inputs=("table",),
    output="table",
    summary="Drop rows with missing values, then fix the types.",
    semantics="""A row stays if none of the columns in `drop_missing` is missing in it; the order is kept. Then
each column in `cast` takes its new type: float64 to int64 truncates toward zero and must meet no missing value,
int64 to float64 is exact. Casts to or from string are not asked for. Columns keep their places.""",
    source="pandas.DataFrame.dropna and astype, https://pandas.pydata.org/docs/reference/api/pandas.DataFrame.dropna.html",
    reference=reference.clean,
)
IMPUTE = Op(
    name="tables.impute",
    params=Impute,
    inputs=("table",),
    output="table",
    summary="Fill missing numbers with the column's median or mean.",
    semantics="""For each column in `columns` (float64), the missing values become the statistic of the values
that are there: the median (for an even count the mean of the two middle values) or the arithmetic mean. A
column with no value at all stays missing. Other columns and the order are kept.""",
    source="scikit-learn SimpleImputer, https://scikit-learn.org/stable/modules/impute.html",
    reference=reference.impute,
    tolerance=ROUNDING,
)
DERIVE = Op(
    name="tables.derive",
    params=Derive,
    inputs=("table",),
    output="table",
    summary="Append columns that are computed from others, row by row.",
    semantics="""New columns are appended in the order given; a definition reads only the columns of the input.
`["floor_divide", c, n]`: int64 column c divided by the positive integer n, rounded down, int64. `["ratio", a,
b, s]`: s * a / b in float64; missing where a or b is missing (b is not zero). `["greater", c, x]`: 1 where c >
x, else 0 (a missing c gives 0), int64. `["month", c]`, `["weekday", c]`: c is a string column of ISO 8601 times
`YYYY-MM-DDTHH:MM:SSZ`, never missing; the month 1..12, or the day of the week 1 (Monday) .. 7 (Sunday), of that
UTC time, int64. The string is parsed as a date, not sliced.""",
    source="ISO 8601-1:2019",
    reference=reference.derive,
    tolerance=ROUNDING,
)
GROUPBY = Op(
    name="tables.groupby",
    params=Groupby,
    inputs=("table",),
    output="table",
    summary="Group rows by keys and aggregate columns.",
    semantics="""One row for each combination of `keys` (int64 or string) that occurs with no key missing,
sorted by the keys in ascending order (strings by code point). Columns: the keys, then the aggregates in the
order given. Missing values are skipped. `count` is the number of values present (int64); `sum` of int64 is
int64 and otherwise float64, and 0 for no value; `min` and `max`, of numbers, keep the type; `mean`, `median`
(mean of the two middle values for an even count) and `std` (divisor n - 1, missing for n < 2) are float64. min,
max, mean and median of no value are missing. Of two columns a and b: `max_minus_min` is the max of a minus the min
of b, int64 if both are, else float64, and missing where either is; `r2` is the squared Pearson correlation of a and b
over the rows where neither is missing, in float64, and missing for fewer than two such rows or where a or b has the
same value in all of them (a constant that isn't a whole number is not asked for: rounding would decide). With `ordered`
= false the groups may come in any order.""",
    source="Split-apply-combine, Wickham 2011, https://doi.org/10.18637/jss.v040.i01; the functions are those that the "
    "ten group-by questions of db-benchmark need, https://duckdblabs.github.io/db-benchmark/",
    reference=reference.groupby,
    tolerance=ROUNDING,
    in_order=ordered,
)
TOP = Op(
    name="tables.top",
    params=Top,
    inputs=("table",),
    output="table",
    summary="The n largest values of a column in each group.",
    semantics="""Rows in which `column` (int64 or float64) or one of `keys` (int64 or string) is missing are dropped
first. Of each combination of keys that is left, the n largest values of `column`, or as many as there are, one row
each: sorted by the keys in ascending order (strings by code point), and within a group by the value in descending
order. Columns: the keys, then `column`, of their own types. Which of several rows with equal values is taken makes no
difference, because nothing else of them comes out. With `ordered` = false the rows may come in any order.""",
    source="Question 8 of db-benchmark's group-by task, https://duckdblabs.github.io/db-benchmark/",
    reference=reference.top,
    tolerance=ROUNDING,  # of the steps before: this one only moves values
    in_order=ordered,
)
JOIN = Op(
    name="tables.join",
    params=Join,
    inputs=("table", "table"),
    output="table",
    summary="Join a second table to a first one on equal keys.",
    semantics="""Rows of the left table in their order; a row with several matches appears once for each, in the
right table's order. A missing key matches nothing. Columns: all of the left, then `columns` of the right, none
of a name that the left has. `inner` drops unmatched rows; `left` keeps them with missing values. In a left join
int64 columns taken from the right become float64 (missing is NaN) even if every row matched; in an inner join
types are kept. With `ordered` = false the rows may come in any order.""",
    source="ISO/IEC 9075-2 (SQL/Foundation), joined table",
    reference=reference.join,
    tolerance=ROUNDING,  # of the steps before: this one only moves values
    in_order=ordered,
)
SORT = Op(
    name="tables.sort",
    params=Sort,
    inputs=("table",),
    output="table",
    summary="Sort rows by columns.",
    semantics="""Stable: rows with equal keys keep their order, also when descending. Strings sort by code
point. Missing values come last in both directions. All columns are kept.""",
    source="pandas.DataFrame.sort_values(kind='stable')",
    reference=reference.sort,
    tolerance=ROUNDING,  # of the steps before: this one only moves values
)
ROLLING = Op(
    name="tables.rolling",
    params=Rolling,
    inputs=("table",),
    output="table",
    summary="Append a trailing window's mean or sum per group.",
    semantics="""Within each group of equal `by` (never missing), in the table's row order, the value at a row
is the mean or sum of `column` (float64 or int64, never missing) over that row and the `window` - 1 rows before
it in the group, or as many as there are. Appended as float64 column `name`; rows keep their places. An update
that adds the newest and subtracts the oldest value is allowed.""",
    source="pandas.DataFrame.rolling(window, min_periods=1)",
    reference=reference.rolling,
    tolerance=Tolerance(rtol=1e-9, atol=1e-9),
)
ONE_HOT = Op(
    name="tables.one_hot",
    params=OneHot,
    inputs=("table",),
    output="table",
    summary="Replace categories by indicator columns.",
    semantics="""Each column c in `columns` is removed; for each of its distinct values v in ascending order
(strings by code point) a uint8 column `c=v` is appended, 1 where the value is v and otherwise 0. A missing
string is no value: it gives 0 in all of them. The other columns come first, in their order, then the indicators
in the order of `columns`.""",
    source="scikit-learn OneHotEncoder, https://scikit-learn.org/stable/modules/preprocessing.html",
    reference=reference.one_hot,
    tolerance=ROUNDING,  # of the steps before: this one only moves values
)
STANDARDISE = Op(
    name="tables.standardise",
    params=Standardise,
    inputs=("table",),
    output="table",
    summary="Scale columns to mean 0 and standard deviation 1.",
    semantics="""z = (x - mean) / sd over all rows in float64, with sd's divisor n (ddof 0); a column whose
values are all equal becomes 0. Values are never missing. The columns keep their places and become float64.""",
    source="scikit-learn StandardScaler, https://scikit-learn.org/stable/modules/preprocessing.html",
    reference=reference.standardise,
    tolerance=Tolerance(rtol=1e-9, atol=1e-9),
)
SPLIT = Op(
    name="tables.split",
    params=Split,
    inputs=("table",),
    output="arrays",
    summary="Make float32 matrices for training and testing from given row numbers.",
    semantics="""Features are all columns but `label` and `drop`, in order; none is a string. The givens hold
int64 row numbers `train` and `test`, counted from 0. Output: `x_train` and `x_test`, float32 of shape (rows,
features), and `y_train` and `y_test`, float32 of shape (rows,), with the rows in the order of the givens. A
library may hold x in either memory order.""",
    source="scikit-learn train_test_split; the row numbers come from NumPy's PCG64 permutation",
    reference=reference.split,
    givens=reference.split_givens,
    tolerance=Tolerance(rtol=1e-6, atol=1e-7),
)

OPS: tuple[Op, ...] = (
    READ_CSV,
    CLEAN,
    IMPUTE,
    DERIVE,
    GROUPBY,
    TOP,
    JOIN,
    SORT,
    ROLLING,
    ONE_HOT,
    STANDARDISE,
    SPLIT,
)
"""In the order in which every framework module holds them."""
