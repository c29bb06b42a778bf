"""The table ops in NumPy: a table is a dict of arrays, strings are fixed-width (``<U``) and ``""`` where missing.

It must stay apart from the references: those are written to be read, this to be fast, and neither may copy the other's
mistakes.
"""

from __future__ import annotations

import csv
import mmap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from twinbench.frameworks.api import Ops
from twinbench.frameworks.numpy import groups
from twinbench.frameworks.numpy.groups import AGGREGATES, Groups, factorise, group_numbers, missing, narrow, rows_of
from twinbench.ops import tables as t
from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]


def load() -> None:
    """Import NumPy."""
    global np
    import numpy as np

    groups.load()


def read_csv(p: t.ReadCsv, path: str) -> Arrays:
    """Read with ``loadtxt`` into records; only floats, which may be missing, need a converter.

    ``loadtxt`` reads a path in blocks, which is faster than an open file by lines, but translates line breaks, also
    those inside quotes, and decompresses by the ending of the name. So a file with a carriage return, or one that is
    called as if it were compressed, is opened here.
    """
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = csv.reader(file)
        header = next(rows)
        positions = {name: header.index(name) for name in p.columns}
        translated = path.endswith((".gz", ".bz2", ".xz", ".lzma")) or _has_carriage_return(path)
        records = np.loadtxt(
            file if translated else path,
            dtype=[(f"f{i}", "O" if kind == "string" else kind) for i, kind in enumerate(p.columns.values())],
            delimiter=",",
            quotechar='"',
            comments=None,
            encoding="utf-8-sig",
            skiprows=0 if translated else rows.line_num,
            usecols=list(positions.values()),
            converters={positions[name]: _number for name, kind in p.columns.items() if kind == "float64"},
            ndmin=1,
        )
    return {name: _column(records[f"f{i}"]) for i, name in enumerate(p.columns)}


def _has_carriage_return(path: str) -> bool:
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(b"\r") >= 0


def _number(field: str) -> float:
    return float(field) if field not in ("", "NA") else np.nan


def _column(values: Array) -> Array:
    """Copy a column out of the records; texts become fixed-width strings."""
    if values.dtype != object:
        return np.ascontiguousarray(values)
    strings = values.astype(np.str_)
    strings[strings == "NA"] = ""
    return strings


def _whole(table: Arrays, names: Sequence[str]) -> Array:
    """Return a mask of the rows that miss none of these columns."""
    absent = np.zeros(_rows(table), dtype=bool)
    for name in names:
        absent |= missing(table[name])
    return np.flatnonzero(~absent)


def _rows(table: Arrays) -> int:
    return len(next(iter(table.values())))


def _take(table: Arrays, rows: Array) -> Arrays:
    """Take rows of a table; ``take`` moves strings faster than indexing does."""
    return {name: values.take(rows) for name, values in table.items()}


def clean(p: t.Clean, table: Arrays) -> Arrays:
    """Drop rows, then cast."""
    out = _take(table, _whole(table, p.drop_missing))
    return out | {name: out[name].astype(kind, copy=False) for name, kind in p.cast.items()}


def impute(p: t.Impute, table: Arrays) -> Arrays:
    """Replace missing values by the statistic of the others."""
    statistic = np.median if p.strategy == "median" else np.mean
    out = dict(table)
    for name in p.columns:
        absent = np.isnan(table[name])
        if absent.any() and not absent.all():
            out[name] = np.where(absent, statistic(table[name][~absent]), table[name])
    return out


def derive(p: t.Derive, table: Arrays) -> Arrays:
    """Add columns; a column of times is parsed once, however many columns derive from it."""
    times: Arrays = {}

    def part(of: str, column: str) -> Any:
        if column not in times:  # U19 leaves out the Z: NumPy's times have no zone, and are UTC
            times[column] = table[column].astype("U19").astype("datetime64[s]")
        if of == "month":
            return times[column].astype("datetime64[M]").astype(np.int64) % 12 + 1
        return (times[column].astype("datetime64[D]").astype(np.int64) + 3) % 7 + 1  # day 0 was a Thursday

    def derived(definition: t.Derivation) -> Any:
        match definition:
            case ["floor_divide", column, divisor]:
                return table[column] // divisor
            case ["ratio", a, b, scale]:
                return scale * table[a] / table[b]
            case ["greater", column, bound]:
                return (table[column] > bound).astype(np.int64)
            case [of, column]:
                return part(of, column)

    return table | {name: derived(definition) for name, definition in p.columns.items()}


def groupby(p: t.Groupby, table: Arrays) -> Arrays:
    """Give each group a number; an aggregate is then a ufunc ``at`` the numbers, and no row is moved."""
    used = {of for _, *columns in p.aggregates.values() for of in columns}
    whole = _whole(table, p.keys)
    if len(whole) < _rows(table):
        table = _take({name: table[name] for name in {*p.keys, *used}}, whole)
    groups = Groups(*group_numbers(table, p.keys))
    first = rows_of(groups.of_row, groups.count)
    out = {key: table[key][first] for key in p.keys}
    present = {name: ~missing(table[name]) for name in used}

    def aggregate(function: str, *of: str) -> Array:
        there = np.logical_and.reduce([present[name] for name in of])
        return AGGREGATES[function](groups.where(there), *(_kept(table[name], there) for name in of))

    for name, (function, *of) in p.aggregates.items():
        if function == "max_minus_min":
            out[name] = aggregate("max", of[0]) - aggregate("min", of[1])
        else:
            out[name] = aggregate(function, *of)
    return out


def _kept(values: Array, present: Array) -> Array:
    return values if present.all() else values[present]


def top(p: t.Top, table: Arrays) -> Arrays:
    """Sort by value, then stably by group; take the last n rows of each group, in reverse."""
    names = [*p.keys, p.column]
    whole = _whole(table, names)
    table = _take({name: table[name] for name in names}, whole) if len(whole) < _rows(table) else table
    group, count = group_numbers(table, p.keys)
    by_value = np.argsort(table[p.column])
    order = by_value[np.argsort(narrow(group, count)[by_value], kind="stable")]
    lengths = np.bincount(group, minlength=count)
    repeats = np.minimum(lengths, p.n)
    nth = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    rows = order[np.repeat(np.cumsum(lengths) - 1, repeats) - nth]
    return {name: table[name][rows] for name in names}


def join(p: t.Join, left: Arrays, right: Arrays) -> Arrays:
    """Give both tables' keys common numbers, sort the right rows by them, and repeat each left row once per match."""
    right = _take({name: right[name] for name in {*p.on, *p.columns}}, _whole(right, p.on))
    both, count = group_numbers({name: np.concatenate([right[name], left[name]]) for name in p.on}, p.on)
    keys, wanted = both[: _rows(right)], both[_rows(right) :]
    lengths = np.bincount(keys, minlength=count)
    order = np.argsort(narrow(keys, count), kind="stable")
    matches = lengths[wanted]
    repeats = matches if p.how == "inner" else np.maximum(matches, 1)
    take = np.repeat(np.arange(len(wanted)), repeats)
    nth = np.arange(len(take)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    matched = matches[take] > 0
    rows = order[((np.cumsum(lengths) - lengths)[wanted[take]] + nth)[matched]]
    out = dict(left) if (repeats == 1).all() else _take(left, take)
    return out | {name: _matched(right[name], rows, matched, p.how == "left") for name in p.columns}


def _matched(values: Array, rows: Array, matched: Array, optional: bool) -> Array:
    """Return a right column beside the left rows; an optional match may be missing, and numbers are then floats."""
    if not optional:
        return values[rows]
    out = np.full(len(matched), "", values.dtype) if values.dtype.kind == "U" else np.full(len(matched), np.nan)
    out[matched] = values[rows]
    return out


def sort(p: t.Sort, table: Arrays) -> Arrays:
    """Sort from the least significant column to the most, stably."""
    order = np.arange(_rows(table))
    for name in reversed(p.by):
        order = order[np.argsort(_rank(table[name], p.descending)[order], kind="stable")]
    return _take(table, order)


def _rank(values: Array, descending: bool) -> Array:
    """Return numbers whose ascending order is the order asked for, with missing values last in both directions."""
    if values.dtype.kind == "f":
        return -values if descending else values  # NaN sorts last
    codes, distinct = factorise(values)
    ranks = len(distinct) - 1 - codes if descending else codes
    return narrow(np.where(missing(values), len(distinct), ranks), len(distinct))


def rolling(p: t.Rolling, table: Arrays) -> Arrays:
    """Sort by group, sum the windows of all groups at once, and restore the order of the rows."""
    group, count = group_numbers(table, p.by)
    order = np.argsort(narrow(group, count), kind="stable")
    lengths = np.bincount(group, minlength=count)
    position = np.arange(len(order)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    sums = _window_sums(table[p.column][order].astype(np.float64, copy=False), position, p.window)
    out = np.empty(len(order))
    out[order] = sums / np.minimum(position + 1, p.window) if p.function == "mean" else sums
    return table | {p.name: out}


def _window_sums(values: Array, position: Array, window: int) -> Array:
    """Sum each row and the ``window`` - 1 rows before it in its group, composed of sums over 1, 2, 4, ... rows.

    The difference of two cumulative sums takes fewer steps, but its rounding error grows with the table.
    """
    total, done = np.zeros_like(values), 0
    partial, width = values, 1
    while True:
        if window & width:
            total, done = total + _earlier(partial, done, position), done + width
        if done == window:
            return total
        partial, width = partial + _earlier(partial, width, position), 2 * width


def _earlier(values: Array, rows: int, position: Array) -> Array:
    """Return the values ``rows`` rows before in the same group, 0 if the group has no such row."""
    out = np.zeros_like(values)
    np.copyto(out[rows:], values[: max(len(values) - rows, 0)], where=position[rows:] >= rows)
    return out


def one_hot(p: t.OneHot, table: Arrays) -> Arrays:
    """Compare the codes with each number."""
    out = {name: values for name, values in table.items() if name not in p.columns}
    for name in p.columns:
        codes, distinct = factorise(table[name])
        codes = narrow(codes, len(distinct))
        for code, value in enumerate(distinct.tolist()):
            if value != "":
                out[f"{name}={value}"] = (codes == code).view(np.uint8)
    return out


def standardise(p: t.Standardise, table: Arrays) -> Arrays:
    """Standardise columns; the sum of squares is a dot product."""
    out = dict(table)
    for name in p.columns:
        centred = table[name] - np.mean(table[name]) if len(table[name]) else table[name].astype(np.float64)
        constant = len(centred) == 0 or centred.min() == centred.max()
        out[name] = np.zeros_like(centred) if constant else centred / np.sqrt(centred @ centred / len(centred))
    return out


def split(p: t.Split, table: Arrays, given: Arrays) -> Arrays:
    """Make one float32 matrix, then take its rows."""
    features = [values for name, values in table.items() if name != p.label and name not in p.drop]
    x = np.stack(features, dtype=np.float32, casting="same_kind").T
    y = table[p.label].astype(np.float32)
    train, test = given["train"], given["test"]
    return {"x_train": x[train], "y_train": y[train], "x_test": x[test], "y_test": y[test]}


OPS: Ops = {
    "tables.read_csv": read_csv,
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
}
