"""The references of the table ops: plain NumPy, written for clarity and not for speed.

NumPy is imported when a reference runs, so that reading the contracts costs nothing.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twinbench.ops import tables as t


def read_csv(p: t.ReadCsv, path: str) -> Arrays:
    """Reads with Python's own csv module; empty and ``NA`` are missing."""
    import numpy as np

    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        header = next(rows)
        places = [header.index(name) for name in p.columns]
        fields: list[list[str]] = [[] for _ in places]
        for row in rows:
            for column, place in zip(fields, places, strict=True):
                value = row[place]
                column.append("" if value == "NA" else value)
    out: Arrays = {}
    for (name, kind), values in zip(p.columns.items(), fields, strict=True):
        if kind == "string":
            out[name] = np.array(values, dtype=np.str_)
        elif kind == "int64":
            out[name] = np.array([int(value) for value in values], dtype=np.int64)
        else:
            out[name] = np.array([float(value) if value else np.nan for value in values], dtype=np.float64)
    return out


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


def _aggregate(function: str, values: NDArray[Any]) -> Any:
    import numpy as np

    present = values[~missing(values)]
    if function == "count":
        return len(present)
    if function == "sum":
        return present.sum()
    if function == "std":
        return np.std(present, ddof=1) if len(present) > 1 else np.nan
    return getattr(np, function)(present) if len(present) else np.nan


def groupby(p: t.Groupby, table: Arrays) -> Arrays:
    """One group at a time, over a dictionary of row numbers."""
    import numpy as np

    whole = ~np.any([missing(table[key]) for key in p.keys], axis=0)
    groups: dict[tuple[Any, ...], list[int]] = {}
    columns = [table[key].tolist() for key in p.keys]
    for row, key in enumerate(zip(*columns, strict=True)):
        if whole[row]:
            groups.setdefault(key, []).append(row)
    ordered = sorted(groups)
    out = {name: np.array([key[i] for key in ordered], dtype=table[name].dtype) for i, name in enumerate(p.keys)}
    for name, (function, of) in p.aggregates.items():
        values = table[of]
        dtype = {"count": np.dtype("int64")}.get(
            function, values.dtype if function in ("sum", "min", "max") else np.dtype("float64")
        )
        out[name] = np.array([_aggregate(function, values[groups[key]]) for key in ordered], dtype=dtype)
    return out


def join(p: t.Join, left: Arrays, right: Arrays) -> Arrays:
    """A dictionary from key to the right table's rows, then one look-up for each left row."""
    import numpy as np

    both = [name for name in p.columns if name in left]
    if both:
        raise ValueError(f"{', '.join(both)}: on both sides; take it from one")
    places: dict[tuple[Any, ...], list[int]] = {}
    whole = ~np.any([missing(right[key]) for key in p.on], axis=0)
    for row, key in enumerate(zip(*(right[name].tolist() for name in p.on), strict=True)):
        if whole[row]:
            places.setdefault(key, []).append(row)
    rows: list[int] = []
    matches: list[int] = []
    for row, key in enumerate(zip(*(left[name].tolist() for name in p.on), strict=True)):
        found = places.get(key, [])  # a missing key was never entered, so it finds nothing
        if found or p.how == "left":
            rows.extend([row] * max(len(found), 1))
            matches.extend(found or [-1])
    take, match = np.array(rows, dtype=np.int64), np.array(matches, dtype=np.int64)
    out = {name: values[take] for name, values in left.items()}
    unmatched = match < 0
    for name in p.columns:
        values = right[name]
        if p.how == "left" and values.dtype.kind != "U":
            values = values.astype(np.float64)
        if len(values) == 0:  # nothing to take from: every row is unmatched
            out[name] = np.full(len(match), "" if values.dtype.kind == "U" else np.nan, dtype=values.dtype)
            continue
        taken = values[np.where(unmatched, 0, match)]
        if p.how == "left":
            taken[unmatched] = "" if values.dtype.kind == "U" else np.nan
        out[name] = taken
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
