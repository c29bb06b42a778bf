"""Groups of rows in NumPy: numbers for keys, and aggregates over runs of equal ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]


def load() -> None:
    """Imports NumPy."""
    global np
    import numpy as np


def missing(values: Array) -> Array:
    """Where a column has no value."""
    if values.dtype.kind == "f":
        return np.isnan(values)
    return values == "" if values.dtype.kind == "U" else np.zeros(len(values), dtype=bool)


def factorise(values: Array) -> tuple[Array, Array]:
    """Codes and the sorted distinct values: ``values == distinct[codes]``."""
    if values.dtype.kind in "iu" and len(values):
        low, high = int(values.min()), int(values.max())
        if high - low <= 4 * len(values):  # a table of what occurs is cheaper than sorting
            offsets = values - low
            occurs = np.zeros(high - low + 1, dtype=bool)
            occurs[offsets] = True
            return (np.cumsum(occurs) - 1)[offsets], (np.flatnonzero(occurs) + low).astype(values.dtype)
    sample = values[:: len(values) // 1000 + 1]
    if len(np.unique(sample)) > 100:
        distinct, codes = np.unique(values, return_inverse=True)
    else:  # hashing many equal strings, then looking up few, beats sorting all
        distinct = np.unique(values)
        codes = np.searchsorted(distinct, values)
    return codes, distinct


def narrow(codes: Array, count: int) -> Array:
    """Codes in the smallest type: NumPy's stable sort is a radix sort for 8 and 16 bits."""
    return codes.astype(np.min_scalar_type(count))


def group_numbers(table: Arrays, keys: Sequence[str]) -> tuple[Array, int]:
    """A group number for each row, in the order of the keys, and how many there are."""
    codes, distinct = factorise(table[keys[0]])
    for key in keys[1:]:
        more, values = factorise(table[key])
        codes, distinct = factorise(codes * len(values) + more)
    return codes, len(distinct)


@dataclass(frozen=True, slots=True)
class Runs:
    """A column's values without the missing ones, the groups one after the other, and how long each group's run is."""

    values: Array
    lengths: Array

    @property
    def starts(self) -> Array:
        """Where each run begins."""
        return np.cumsum(self.lengths) - self.lengths

    def reduce(self, ufunc: np.ufunc, empty: float, values: Array | None = None) -> Array:
        """One value per group. ``reduceat`` can't take empty runs, so they stand aside."""
        values = self.values if values is None else values
        some = self.lengths > 0
        out = np.full(len(self.lengths), empty, dtype=values.dtype)
        out[some] = ufunc.reduceat(values, self.starts[some]) if some.any() else empty
        return out


def _count(runs: Runs) -> Array:
    return runs.lengths


def _sum(runs: Runs) -> Array:
    return runs.reduce(np.add, 0)


def _mean(runs: Runs) -> Array:
    with np.errstate(invalid="ignore"):  # 0 / 0 is the missing value that no value has
        return runs.reduce(np.add, 0, runs.values.astype(np.float64, copy=False)) / runs.lengths


def _extreme(ufunc: np.ufunc, runs: Runs) -> Array:
    return runs.reduce(ufunc, np.nan if runs.values.dtype.kind == "f" else 0)


def _median(runs: Runs) -> Array:
    """Sorts by value, then stably by group: two fast sorts instead of a slow ``lexsort``."""
    group = narrow(np.repeat(np.arange(len(runs.lengths)), runs.lengths), len(runs.lengths))
    by_value = np.argsort(runs.values)
    ordered = runs.values[by_value[np.argsort(group[by_value], kind="stable")]].astype(np.float64, copy=False)
    out = np.full(len(runs.lengths), np.nan)
    some = runs.lengths > 0
    low, high = (runs.starts + (runs.lengths - 1) // 2)[some], (runs.starts + runs.lengths // 2)[some]
    out[some] = (ordered[low] + ordered[high]) / 2
    return out


def _std(runs: Runs) -> Array:
    deviations = runs.values - np.repeat(_mean(runs), runs.lengths)
    squares = runs.reduce(np.add, 0, deviations * deviations)
    return np.sqrt(squares / np.where(runs.lengths > 1, runs.lengths - 1, np.nan))


def runs_of(values: Array, group: Array, lengths: Array) -> Runs:
    """Values that are sorted by group, with their group numbers and the groups' lengths."""
    absent = missing(values)
    if not absent.any():
        return Runs(values, lengths)
    return Runs(values[~absent], np.bincount(group[~absent], minlength=len(lengths)))


AGGREGATES: Mapping[str, Callable[[Runs], Array]] = {
    "count": _count,
    "sum": _sum,
    "mean": _mean,
    "min": lambda runs: _extreme(np.minimum, runs),
    "max": lambda runs: _extreme(np.maximum, runs),
    "median": _median,
    "std": _std,
}
"""One value per group, by the contract's name."""
