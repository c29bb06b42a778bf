"""The table ops in pandas. Every frame here has a RangeIndex, and strings are of pandas' own ``str`` dtype.

This file knows pandas and the contracts, and nothing of how it is run or timed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from twinbench.frameworks.api import Framework
from twinbench.ops import tables as t
from twinbench.ops.contract import Arrays, Kind

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from pyarrow import csv as pacsv


def load(threads: int) -> None:
    """Import pandas. Its CSV reader, pyarrow, has a pool of its own."""
    global np, pd, pa, pacsv
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from pyarrow import csv as pacsv

    pa.set_cpu_count(threads)


def prepare(value: Arrays, kind: Kind) -> Any:
    """Convert a table into a DataFrame, in which a missing string is NA; other values stay unchanged."""
    if kind != "table":
        return value
    return pd.DataFrame({name: _series(values) for name, values in value.items()})


def _series(values: np.ndarray[Any, Any]) -> pd.Series:
    if values.dtype.kind != "U":
        return pd.Series(values)
    return pd.Series(values, dtype="str").mask(values == "")


def extract(value: Any, kind: Kind) -> Arrays:
    """Convert columns into arrays, with a missing string as ``""``."""
    if kind != "table":
        return dict(value)
    return {name: _array(column) for name, column in value.items()}


def _array(column: pd.Series) -> np.ndarray[Any, Any]:
    if column.dtype == "category":
        column = column.astype("str")
    values: np.ndarray[Any, Any] = (column.fillna("") if column.dtype == "str" else column).to_numpy()
    return values.astype(np.str_) if column.dtype == "str" else values


def threads() -> Mapping[str, int]:
    """Return the threads of pyarrow, which reads CSV and holds the strings. pandas itself has no threads."""
    return {"pyarrow": pa.cpu_count()}


def facts(value: Any, kind: Kind) -> Mapping[str, str]:
    """Describe the dtype of each column, with the storage of strings."""
    if kind == "table":
        return {
            name: f"str ({dtype.storage})" if dtype == "str" else str(dtype) for name, dtype in value.dtypes.items()
        }
    return {name: f"{v.dtype} {'C' if v.flags.c_contiguous else 'F'}" for name, v in value.items()}


def read_csv(p: t.ReadCsv, path: str) -> pd.DataFrame:
    """Read with PyArrow's reader, which is fast and rounds correctly.

    ``pd.read_csv(engine="pyarrow")`` is this reader without a way to say that quoted fields may hold line breaks, and
    then miscounts rows in silence.
    """
    types = {"int64": pa.int64(), "float64": pa.float64(), "string": pa.string()}
    table = pacsv.read_csv(
        pa.OSFile(path),  # of a path it takes the ending, and decompresses
        read_options=pacsv.ReadOptions(use_threads=pa.cpu_count() > 1),
        parse_options=pacsv.ParseOptions(newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(
            include_columns=list(p.columns),
            column_types={name: types[kind] for name, kind in p.columns.items()},
            null_values=["", "NA"],
            strings_can_be_null=True,
        ),
    )
    return table.to_pandas(types_mapper={pa.string(): pd.StringDtype(na_value=np.nan)}.get)


def categorise(p: t.Categorise, frame: pd.DataFrame) -> pd.DataFrame:
    """Convert to ``category``, whose categories pandas sorts."""
    return frame.astype(dict.fromkeys(p.columns, "category"))


def clean(p: t.Clean, frame: pd.DataFrame) -> pd.DataFrame:
    """Drop rows, then cast."""
    return frame.dropna(subset=list(p.drop_missing), ignore_index=True).astype(p.cast)


def impute(p: t.Impute, frame: pd.DataFrame) -> pd.DataFrame:
    """Fill all columns at once."""
    columns = frame[list(p.columns)]
    return frame.fillna(columns.median() if p.strategy == "median" else columns.mean())


def derive(p: t.Derive, frame: pd.DataFrame) -> pd.DataFrame:
    """Add columns with one ``assign``; each distinct time of a column is parsed once."""
    times: dict[str, Any] = {}

    def part(of: str, column: str) -> Any:
        if column not in times:
            codes, distinct = pd.factorize(frame[column])
            times[column] = codes, pd.to_datetime(distinct, format="ISO8601", utc=True)
        codes, distinct = times[column]
        values = distinct.month if of == "month" else distinct.day_of_week + 1
        return values.to_numpy(dtype="int64")[codes]

    def derived(definition: t.Derivation) -> Any:
        match definition:
            case ["floor_divide", column, divisor]:
                return frame[column] // divisor
            case ["ratio", a, b, scale]:
                return scale * frame[a] / frame[b]
            case ["greater", column, bound]:
                return (frame[column] > bound).astype("int64")
            case [of, column]:
                return part(of, column)

    out = frame.copy(deep=False)
    for name, definition in p.columns.items():  # ``assign`` takes no column called self
        out[name] = derived(definition)
    return out


def groupby(p: t.Groupby, frame: pd.DataFrame) -> pd.DataFrame:
    """Aggregate column by column, as ``agg`` does; the groups are computed once."""
    groups = frame.groupby(list(p.keys), sort=p.ordered, observed=True)
    new = {name: _aggregate(frame, groups, function, *of) for name, (function, *of) in p.aggregates.items()}
    return pd.DataFrame(new).reset_index()


def _aggregate(frame: pd.DataFrame, groups: Any, function: str, *of: str) -> pd.Series:
    if function == "max_minus_min":
        return groups[of[0]].max() - groups[of[1]].min()
    return _r2(groups, *(frame[name] for name in of)) if function == "r2" else groups[of[0]].agg(function)


def _r2(groups: Any, a: pd.Series, b: pd.Series) -> pd.Series:
    """Compute r squared from NumPy's sums over group numbers: ``apply`` would call Python for every group."""
    group, index = groups.ngroup(), groups.size().index
    whole = group.notna() & a.notna() & b.notna()
    numbers = group[whole].to_numpy(dtype="int64")

    def sums(values: Any = None) -> Any:
        return np.bincount(numbers, weights=values, minlength=len(index))

    with np.errstate(invalid="ignore"):  # 0 / 0 where r2 isn't defined
        x, y = (v - (sums(v) / sums())[numbers] for v in (s[whole].to_numpy(dtype="float64") for s in (a, b)))
        return pd.Series(sums(x * y) ** 2 / (sums(x * x) * sums(y * y)), index)


def top(p: t.Top, frame: pd.DataFrame) -> pd.DataFrame:
    """Take the ``head`` of each group after a sort by value; if the contract asks for an order, sort the few rows."""
    rows = frame[[*p.keys, p.column]].dropna().sort_values(p.column, ascending=False)
    largest = rows.groupby(list(p.keys), sort=False, observed=True).head(p.n)
    return largest.sort_values(list(p.keys), kind="stable", ignore_index=True) if p.ordered else largest


def join(p: t.Join, left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    """Join with ``merge``, without the right table's missing keys, which ``merge`` would match with each other."""
    on, columns = list(p.on), list(p.columns)
    right = right[[*on, *columns]]
    if any(right[name].hasnans for name in on):
        right = right.dropna(subset=on)
    integers = [name for name in columns if right[name].dtype == "int64"]
    if p.how == "left" and integers:  # an idle astype would split the frame into columns, and slow the merge by a fifth
        right = right.astype(dict.fromkeys(integers, "float64"))
    for name in on:  # ``merge`` would make strings of different categories
        a, b = left[name].dtype, right[name].dtype
        if a == "category" and b == "category" and not a.categories.equals(b.categories):
            common = pd.CategoricalDtype(a.categories.union(b.categories))
            left, right = left.astype({name: common}), right.astype({name: common})
    return left.merge(right, on=on, how=p.how)


def sort(p: t.Sort, frame: pd.DataFrame) -> pd.DataFrame:
    """Sort stably in both directions."""
    return frame.sort_values(list(p.by), ascending=not p.descending, kind="stable", ignore_index=True)


def rolling(p: t.Rolling, frame: pd.DataFrame) -> pd.DataFrame:
    """Compute windows by group; the last index level of the result names the row of each value."""
    windows = frame.groupby(list(p.by), sort=False)[p.column].rolling(p.window, min_periods=1)
    values = windows.mean() if p.function == "mean" else windows.sum()
    out = np.empty(len(frame))
    out[values.index.get_level_values(-1)] = values
    appended = frame.copy(deep=False)
    appended[p.name] = out
    return appended


def one_hot(p: t.OneHot, frame: pd.DataFrame) -> pd.DataFrame:
    """Encode with ``get_dummies``, without categories that no row has."""
    frame = frame.copy(deep=False)
    for name in p.columns:
        if frame[name].dtype == "category":
            frame[name] = frame[name].cat.remove_unused_categories()
    return pd.get_dummies(frame, columns=list(p.columns), prefix_sep="=", dtype="uint8")


def standardise(p: t.Standardise, frame: pd.DataFrame) -> pd.DataFrame:
    """Standardise all columns at once; dividing a constant column by infinity makes it 0."""
    x = frame[list(p.columns)].astype("float64")
    deviation = x.std(ddof=0).mask(x.min() == x.max(), float("inf"))
    out = frame.copy(deep=False)
    out[list(p.columns)] = (x - x.mean()) / deviation
    return out


def split(p: t.Split, frame: pd.DataFrame, given: Arrays) -> Arrays:
    """Make one float32 matrix, then take its rows."""
    x = frame.drop(columns=[p.label, *p.drop]).to_numpy(dtype=np.float32)
    y = frame[p.label].to_numpy(dtype=np.float32)
    train, test = given["train"], given["test"]
    return {"x_train": x[train], "y_train": y[train], "x_test": x[test], "y_test": y[test]}


FRAMEWORKS = (
    Framework(
        name="pandas",
        language="python",
        summary="Data frames on NumPy and Arrow arrays",
        packages=("pandas", "numpy", "pyarrow"),
        load=load,
        prepare=prepare,
        extract=extract,
        threads=threads,
        facts=facts,
        ops={
            "tables.read_csv": read_csv,
            "tables.categorise": categorise,
            "tables.clean": clean,
            "tables.impute": impute,
            "tables.derive": derive,
            "tables.groupby": groupby,
            "tables.top": top,
            "tables.join": join,
            "tables.sort": sort,
            "tables.rolling": rolling,
            "tables.one_hot": one_hot,
            "tables.standardise": standardise,
            "tables.split": split,
        },
    ),
)
