"""The references of the table ops: plain NumPy, written for clarity; the large ones among them for any size, too.

NumPy is imported when a reference runs, so that reading the contracts costs nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from twinbench.ops import tables as t


ROWS_AT_ONCE = 100_000
"""Rows that `read_csv` holds as Python's own strings: ten million of them would fill the memory."""


def read_csv(p: t.ReadCsv, path: str) -> Arrays:
    """Reads with Python's own csv module; empty and ``NA`` are missing."""
    import numpy as np

    parts: dict[str, list[NDArray[Any]]] = {name: [_parsed(kind, ())] for name, kind in p.columns.items()}
    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        header = next(rows)
        while some := list(islice(rows, ROWS_AT_ONCE)):
            fields = dict(zip(header, zip(*some, strict=True), strict=True))
            for name, kind in p.columns.items():
                parts[name].append(_parsed(kind, fields[name]))
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}


def _parsed(kind: t.Type, fields: Sequence[str]) -> NDArray[Any]:
    import numpy as np

    present = ["" if field == "NA" else field for field in fields]
    if kind == "string":
        return np.array(present, dtype=np.str_)
    if kind == "int64":
        return np.array([int(field) for field in present], dtype=np.int64)
    return np.array([float(field) if field else np.nan for field in present], dtype=np.float64)


def missing(values: NDArray[Any]) -> NDArray[Any]:
    """Where a column has no value: boolean, shape ``(rows,)``."""
    import numpy as np

    if values.dtype.kind == "f":
        return np.asarray(np.isnan(values))
    if values.dtype.kind == "U":
        return np.asarray(values == "")
    return np.zeros(len(values), dtype=bool)


def clean(p: t.Clean, table: Arrays) -> Arrays:
    """Drops, then casts."""
    import numpy as np

    rows = len(next(iter(table.values())))
    keep = np.ones(rows, dtype=bool)
    for name in p.drop_missing:
        keep &= ~missing(table[name])
    out = {name: values[keep] for name, values in table.items()}
    for name, kind in p.cast.items():
        out[name] = out[name].astype(kind)
    return out


def impute(p: t.Impute, table: Arrays) -> Arrays:
    """Fills with the median or the mean of what is there."""
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


def derive(p: t.Derive, table: Arrays) -> Arrays:
    """Appends the new columns."""
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


def _numbered(columns: Sequence[NDArray[Any]]) -> NDArray[np.int64]:
    """A number for each row, so that rows compare by their numbers as they do by these columns, the first one first."""
    import numpy as np

    numbers = np.zeros(len(columns[0]), dtype=np.int64)
    for values in columns:
        distinct = np.unique(values)
        both = numbers * len(distinct) + np.searchsorted(distinct, values)
        numbers = np.searchsorted(np.unique(both), both)
    return numbers


def _whole(table: Arrays, names: Sequence[str]) -> NDArray[np.int64]:
    """The numbers of the rows that miss none of these columns."""
    import numpy as np

    return np.flatnonzero(~np.any([missing(table[name]) for name in names], axis=0))


def _sorted_by(table: Arrays, keys: Sequence[str], rows: NDArray[np.int64]) -> tuple[Arrays, NDArray[np.int64]]:
    """These rows of a table, group after group in the order of their keys, and the number of each row's group."""
    import numpy as np

    group = _numbered([table[key][rows] for key in keys])
    order = np.argsort(group, kind="stable")
    return {name: values[rows[order]] for name, values in table.items()}, group[order]


def groupby(p: t.Groupby, table: Arrays) -> Arrays:
    """Sorts the rows by group, so that each group is a run of rows, and every aggregate one value per run."""
    import numpy as np

    used = {name: table[name] for name in (*p.keys, *(of for _, *columns in p.aggregates.values() for of in columns))}
    rows, group = _sorted_by(used, p.keys, _whole(table, p.keys))
    first = np.flatnonzero(np.diff(group, prepend=-1))
    out = {key: rows[key][first] for key in p.keys}
    for name, (function, *columns) in p.aggregates.items():
        out[name] = _aggregate(function, [rows[of] for of in columns], group, len(first))
    return out


def _aggregate(function: str, columns: Sequence[NDArray[Any]], group: NDArray[np.int64], groups: int) -> NDArray[Any]:
    """One value per group of columns that are sorted by group. NaN where the contract says missing."""
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
    with np.errstate(invalid="ignore", divide="ignore"):  # 0 / 0 is the NaN of a value that is missing
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
    """One value per run of that many values; a run of none is ``empty``, and stands aside: ``reduceat`` needs some."""
    import numpy as np

    starts = np.cumsum(count) - count
    out = np.full(len(count), empty, dtype=values.dtype)
    if len(values):
        out[count > 0] = ufunc.reduceat(values, starts[count > 0])
    return out


def _medians(values: NDArray[Any], group: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[Any]:
    """The mean of the two middle values, which are one if their number is odd."""
    import numpy as np

    ordered = values[np.lexsort((values, group))]
    starts, some = np.cumsum(count) - count, count > 0
    out = np.full(len(count), np.nan)
    out[some] = (ordered[(starts + (count - 1) // 2)[some]] + ordered[(starts + count // 2)[some]]) / 2
    return out


def top(p: t.Top, table: Arrays) -> Arrays:
    """Sorts by group and, in it, by value downwards; the first n rows of each run stay."""
    import numpy as np

    used = {name: table[name] for name in (*p.keys, p.column)}
    rows, group = _sorted_by(used, p.keys, _whole(used, list(used)))
    order = np.lexsort((rows[p.column], -group))[::-1]  # from back to front: groups upwards, values downwards
    count = np.bincount(group)
    place = np.arange(len(group)) - np.repeat(np.cumsum(count) - count, count)
    return {name: values[order][place < p.n] for name, values in rows.items()}


def join(p: t.Join, left: Arrays, right: Arrays) -> Arrays:
    """Numbers the keys of both tables, and looks each left row's up among the sorted ones of the right."""
    import numpy as np

    both = [name for name in p.columns if name in left]
    if both:
        raise ValueError(f"{', '.join(both)}: on both sides; take it from one")
    rows = len(left[p.on[0]])
    numbers = _numbered([np.concatenate([left[name], right[name]]) for name in p.on])
    wanted, keys = numbers[:rows], numbers[rows:]
    whole = _whole(right, p.on)  # a missing key isn't entered, so none finds it
    order = whole[np.argsort(keys[whole], kind="stable")]
    start, end = (np.searchsorted(keys[order], wanted, side) for side in ("left", "right"))
    repeats = end - start if p.how == "inner" else np.maximum(end - start, 1)
    take = np.repeat(np.arange(rows), repeats)
    nth = np.arange(len(take)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    matched = (end > start)[take]
    match = order[(start[take] + nth)[matched]]
    out = {name: values[take] for name, values in left.items()}
    for name in p.columns:
        values = right[name]
        if p.how == "left" and values.dtype.kind != "U":
            values = values.astype(np.float64)
        absent: Any = {"f": np.nan, "U": ""}.get(values.dtype.kind, 0)  # integers are here only if all match
        out[name] = np.full(len(take), absent, dtype=values.dtype)
        out[name][matched] = values[match]
    return out


def sort(p: t.Sort, table: Arrays) -> Arrays:
    """From the least significant column to the most: a stable sort of a stable sort."""
    import numpy as np

    rows = np.arange(len(next(iter(table.values()))))
    for name in reversed(p.by):
        values = table[name][rows]
        absent = missing(values)
        _, codes = np.unique(values, return_inverse=True)
        codes = np.where(absent, codes.max(initial=0) + 1, -codes if p.descending else codes)
        rows = rows[np.argsort(codes, kind="stable")]
    return {name: values[rows] for name, values in table.items()}


def rolling(p: t.Rolling, table: Arrays) -> Arrays:
    """Each window on its own."""
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


def one_hot(p: t.OneHot, table: Arrays) -> Arrays:
    """Indicators after the other columns."""
    import numpy as np

    out = {name: values for name, values in table.items() if name not in p.columns}
    for name in p.columns:
        values = table[name]
        for value in np.unique(values[~missing(values)]).tolist():
            out[f"{name}={value}"] = (values == value).astype(np.uint8)
    return out


def standardise(p: t.Standardise, table: Arrays) -> Arrays:
    """z-scores with ddof 0."""
    import numpy as np

    out = dict(table)
    for name in p.columns:
        values = table[name].astype(np.float64)
        constant = len(np.unique(values)) < 2  # whose sd is 0 but for rounding
        out[name] = np.zeros_like(values) if constant else (values - values.mean()) / values.std()
    return out


def split_givens(p: t.Split, table: Arrays) -> Arrays:
    """Row numbers: ``train`` and ``test``, int64, a seeded permutation cut in two."""
    import numpy as np

    rows = len(table[p.label])
    order = np.random.default_rng(p.seed).permutation(rows)
    cut = round(rows * p.test_fraction)
    return {"train": np.sort(order[cut:]), "test": np.sort(order[:cut])}


def split(p: t.Split, table: Arrays, given: Arrays) -> Arrays:
    """Matrices in float32."""
    import numpy as np

    features = [name for name in table if name != p.label and name not in p.drop]
    x = np.column_stack([table[name] for name in features]).astype(np.float32)
    y = table[p.label].astype(np.float32)
    train, test = given["train"], given["test"]
    return {"x_train": x[train], "y_train": y[train], "x_test": x[test], "y_test": y[test]}
