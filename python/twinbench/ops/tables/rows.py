"""The ops on whole rows: cleaning, sorting and splitting.

Also what the references of other families need: which values are missing, and how rows compare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twinbench.ops.contract import ROUNDING, Arrays, Op, OutsideContract, Tolerance, check_seed
from twinbench.ops.tables import conditions
from twinbench.ops.tables.conditions import type_of
from twinbench.ops.tables.read import Type

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean:
    """``drop_missing``: columns in which a row must have a value to be kept. ``cast``: new types by column."""

    drop_missing: tuple[str, ...] = ()
    cast: dict[str, Type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """``by``: columns to sort by, the most significant first. ``descending``: whether the largest values come first."""

    by: tuple[str, ...]
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """``label``: the column of classes, 0 and 1.

    ``drop``: columns that are not features. ``test_fraction``: fraction of the rows held out for testing, between 0 and
    1, exclusive. ``seed``: seed of the row numbers.
    """

    label: str
    drop: tuple[str, ...] = ()
    test_fraction: float = 0.25
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.0 < self.test_fraction < 1.0:
            raise ValueError("test_fraction must lie between 0 and 1")
        check_seed(self.seed)


def missing(values: NDArray[Any]) -> NDArray[Any]:
    """Mark the missing values of a column: boolean, shape ``(rows,)``."""
    import numpy as np

    if values.dtype.kind == "f":
        return np.asarray(np.isnan(values))
    if values.dtype.kind == "U":
        return np.asarray(values == "")
    return np.zeros(len(values), dtype=bool)


def numbered(columns: Sequence[NDArray[Any]]) -> NDArray[np.int64]:
    """Assign numbers to the rows that compare as the rows do by these columns, the first column first."""
    import numpy as np

    numbers = np.zeros(len(columns[0]), dtype=np.int64)
    for values in columns:
        distinct = np.unique(values)
        both = numbers * len(distinct) + np.searchsorted(distinct, values)
        numbers = np.searchsorted(np.unique(both), both)
    return numbers


def sorted_by(table: Arrays, keys: Sequence[str], rows: NDArray[np.int64]) -> tuple[Arrays, NDArray[np.int64]]:
    """Sort these rows of a table by their keys. Return the sorted rows, and the number of each row's group."""
    import numpy as np

    group = numbered([table[key][rows] for key in keys])
    order = np.argsort(group, kind="stable")
    return {name: values[rows[order]] for name, values in table.items()}, group[order]


def complete_rows(table: Arrays, names: Sequence[str]) -> NDArray[np.int64]:
    """Return the numbers of the rows in which none of these columns is missing."""
    import numpy as np

    return np.flatnonzero(~np.any([missing(table[name]) for name in names], axis=0))


def require_clean(p: Clean, table: Arrays) -> None:
    """Refuse columns that aren't there, casts from or to string, and numbers that int64 can't hold."""
    import numpy as np

    conditions.distinct(p.drop_missing, "drop_missing")
    for name in p.drop_missing:
        conditions.column(table, name, ("int64", "float64", "string"), "drop_missing")
    keep = np.ones(len(next(iter(table.values()))), dtype=bool)
    for name in p.drop_missing:
        keep &= ~missing(table[name])
    for name, kind in p.cast.items():
        values = conditions.column(table, name, conditions.NUMBERS, "cast")
        if kind == "string":
            raise OutsideContract(f"cast: column '{name}' can't be cast to string; read it as string")
        if kind == "int64" and values.dtype.kind == "f":
            absent = np.isnan(values) & keep
            conditions.first(absent, values, name, "is missing and can't be cast to int64", "name it in drop_missing")
            fits = (values >= -(2.0**63)) & (values < 2.0**63)
            conditions.first(~fits & keep, values, name, "doesn't fit int64", "keep the column as float64")


def clean(p: Clean, table: Arrays) -> Arrays:
    """Drop rows, then cast columns."""
    import numpy as np

    rows = len(next(iter(table.values())))
    keep = np.ones(rows, dtype=bool)
    for name in p.drop_missing:
        keep &= ~missing(table[name])
    out = {name: values[keep] for name, values in table.items()}
    for name, kind in p.cast.items():
        out[name] = out[name].astype(kind)
    return out


def require_sort(p: Sort, table: Arrays) -> None:
    """Refuse an empty list, and columns that aren't there."""
    conditions.columns(table, p.by, ("int64", "float64", "string", "uint8"), "by")


def sort(p: Sort, table: Arrays) -> Arrays:
    """Sort stably by each column in turn, from the least significant to the most significant."""
    import numpy as np

    rows = np.arange(len(next(iter(table.values()))))
    for name in reversed(p.by):
        values = table[name][rows]
        absent = missing(values)
        _, codes = np.unique(values, return_inverse=True)
        codes = np.where(absent, codes.max(initial=0) + 1, -codes if p.descending else codes)
        rows = rows[np.argsort(codes, kind="stable")]
    return {name: values[rows] for name, values in table.items()}


def require_split(p: Split, table: Arrays) -> None:
    """Refuse labels other than 0 and 1, features that float32 can't hold, and halves without a row."""
    import numpy as np

    labels = conditions.column(table, p.label, (*conditions.NUMBERS, "uint8"), "label")
    conditions.first((labels != 0) & (labels != 1), labels, p.label, "is not a class", "classes are 0 and 1")
    conditions.distinct(p.drop, "drop")
    for name in p.drop:
        conditions.column(table, name, (type_of(table.get(name, labels)),), "drop")
    features = [name for name in table if name != p.label and name not in p.drop]
    if not features:
        raise OutsideContract("drop: no column is left as a feature; name fewer columns")
    for name in features:
        if type_of(table[name]) == "string":
            raise OutsideContract(
                f"column '{name}' is string, and a feature must be a number; encode it with "
                "tables.one_hot, or name it in drop"
            )
        conditions.finite(table, name)
        large = np.abs(table[name].astype(np.float64)) > np.finfo(np.float32).max
        conditions.first(large, table[name], name, "doesn't fit float32", "scale the column, or name it in drop")
    given = split_givens(p, table)
    for half in ("train", "test"):
        if len(given[half]) == 0:
            raise OutsideContract(f"test_fraction: of {len(labels)} rows none is left to {half}; use more rows")
    tested = labels[given["test"]]
    if (tested == tested[0]).all():
        raise OutsideContract(f"test_fraction: all {len(tested)} test rows are of class {tested[0]}; use more rows")


def split_givens(p: Split, table: Arrays) -> Arrays:
    """Cut a seeded permutation of the rows in two: ``train`` and ``test``, int64, each in ascending order."""
    import numpy as np

    rows = len(table[p.label])
    order = np.random.default_rng(p.seed).permutation(rows)
    cut = round(rows * p.test_fraction)
    return {"train": np.sort(order[cut:]), "test": np.sort(order[:cut])}


def split(p: Split, table: Arrays, given: Arrays) -> Arrays:
    """Take the given rows of features and labels, in float32."""
    import numpy as np

    features = [name for name in table if name != p.label and name not in p.drop]
    x = np.column_stack([table[name] for name in features]).astype(np.float32)
    y = table[p.label].astype(np.float32)
    train, test = given["train"], given["test"]
    return {"x_train": x[train], "y_train": y[train], "x_test": x[test], "y_test": y[test]}


CLEAN = Op(
    name="tables.clean",
    params=Clean,
    inputs=("table",),
    output="table",
    summary="Drop rows with missing values, then fix the types.",
    semantics="""A row is kept if it has a value in all columns in `drop_missing`; rows keep their order. Then each
column in `cast` gets its new type: float64 to int64 truncates toward zero, and no value of the rows that are kept may
be missing or outside int64; int64 to
float64 rounds to the nearest. No cast from or to string is requested. Columns keep their positions.""",
    source="pandas.DataFrame.dropna and astype, https://pandas.pydata.org/docs/reference/api/pandas.DataFrame.dropna.html",
    reference=clean,
    requires=require_clean,
)


SORT = Op(
    name="tables.sort",
    params=Sort,
    inputs=("table",),
    output="table",
    summary="Sort rows by columns.",
    semantics="""The sort is stable: rows with equal keys keep their order, in a descending sort too. Strings sort by
code point. Missing values come last in both directions. All columns are kept.""",
    source="pandas.DataFrame.sort_values(kind='stable')",
    reference=sort,
    requires=require_sort,
    tolerance=ROUNDING,  # for rounding in earlier steps: this op only moves values
)


SPLIT = Op(
    name="tables.split",
    role="split",
    params=Split,
    inputs=("table",),
    output="arrays",
    summary="Make float32 matrices for training and testing from given row numbers.",
    semantics="""Features are all columns except `label` and those in `drop`, in order; none of them is a string column.
The givens hold the int64 row numbers `train` and `test`, counted from 0. Output: `x_train` and `x_test`, float32 of
shape (rows, features), and `y_train` and `y_test`, float32 of shape (rows,), with the rows in the order of the givens.
A library may hold x in either memory order.""",
    source="scikit-learn train_test_split; the row numbers come from NumPy's PCG64 permutation",
    reference=split,
    requires=require_split,
    givens=split_givens,
    tolerance=Tolerance(rtol=1e-6, atol=1e-7),
)
