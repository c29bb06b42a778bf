"""Groups of rows in NumPy: numbers for keys, and aggregates over the rows of each number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]

LARGEST = 2**62
"""Largest number of a combination of keys, so that it fits into 64 bits."""


def load() -> None:
    """Import NumPy."""
    global np
    import numpy as np


def missing(values: Array) -> Array:
    """Return a mask of the missing values of a column."""
    if values.dtype.kind == "f":
        return np.isnan(values)
    return values == "" if values.dtype.kind == "U" else np.zeros(len(values), dtype=bool)


def factorise(values: Array) -> tuple[Array, Array]:
    """Return codes and the sorted distinct values: ``values == distinct[codes]``."""
    if values.dtype.kind in "iu" and len(values):
        low, high = int(values.min()), int(values.max())
        if high - low <= 4 * len(values):  # a table of what occurs is cheaper than sorting
            offsets = (values - values.dtype.type(low)).astype(np.int64, copy=False)
            occurs = np.zeros(high - low + 1, dtype=bool)
            occurs[offsets] = True
            return (np.cumsum(occurs) - 1)[offsets], np.flatnonzero(occurs).astype(values.dtype) + values.dtype.type(
                low
            )
    words = _words(values) if values.dtype.kind == "U" else None
    if words is not None:
        codes, count = group_numbers(words, list(words))
        return codes, values[rows_of(codes, count)]
    distinct, codes = np.unique(values, return_inverse=True)
    return codes, distinct


def _words(strings: Array) -> Arrays | None:
    """Strings as integers of eight characters each, which sort as they do, and a hundred times as fast.

    None if a character doesn't fit into a byte.
    """
    width = strings.dtype.itemsize // 4
    characters = np.ascontiguousarray(strings).view(np.uint32).reshape(len(strings), width)
    if characters.max(initial=0) > 255:
        return None
    padded = np.zeros((len(strings), -(-width // 8) * 8), dtype=np.uint8)
    padded[:, :width] = characters
    words = padded.view(">u8").T.astype(np.uint64)
    return {str(i): word for i, word in enumerate(words)}


def narrow(codes: Array, count: int) -> Array:
    """Convert codes to the smallest dtype: NumPy's stable sort is a radix sort for 8 and 16 bits."""
    return codes.astype(np.min_scalar_type(count))


def group_numbers(table: Arrays, keys: Sequence[str]) -> tuple[Array, int]:
    """Return each row's group number, in the order of the keys, and the number of groups."""
    codes, distinct = factorise(table[keys[0]])
    count = len(distinct)
    for key in keys[1:]:
        more, distinct = factorise(table[key])
        if count * len(distinct) > LARGEST:
            codes, present = factorise(codes)
            count = len(present)
        codes, count = codes * len(distinct) + more, count * len(distinct)
    if len(keys) > 1:  # not every combination occurs
        codes, distinct = factorise(codes)
    return codes, len(distinct)


def rows_of(codes: Array, count: int) -> Array:
    """Return, for each code, the number of a row that has the code."""
    rows = np.empty(count, dtype=np.int64)
    rows[codes] = np.arange(len(codes))
    return rows


@dataclass(frozen=True, slots=True)
class Groups:
    """The group number of each row, and the number of groups."""

    of_row: Array
    count: int

    def where(self, present: Array) -> Groups:
        """Select some of the rows; every group stays, even if it has no row left."""
        return self if present.all() else Groups(self.of_row[present], self.count)

    def sizes(self) -> Array:
        """Return the number of rows in each group."""
        return np.bincount(self.of_row, minlength=self.count)

    def reduce(self, ufunc: np.ufunc, values: Array, start: float) -> Array:
        """Reduce values to one per group with a ufunc, from a start value."""
        out = np.full(self.count, start, dtype=values.dtype)
        ufunc.at(out, self.of_row, values)
        return out

    def sums(self, values: Array) -> Array:
        """Return the sum of each group; 0 for a group without rows."""
        return self.reduce(np.add, values, 0)

    def extremes(self, ufunc: np.ufunc, values: Array) -> Array:
        """Return the extreme of each group; NaN for a group without rows. Integers have a row in every group."""
        if values.dtype.kind != "f":
            rows = rows_of(self.of_row, self.count)
            out = values[rows]
            ufunc.at(out, self.of_row, values)
            return out
        out = self.reduce(ufunc, values, -np.inf if ufunc is np.maximum else np.inf)
        out[self.sizes() == 0] = np.nan
        return out

    def means(self, values: Array) -> Array:
        """Return the mean of each group; NaN for a group without rows."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.sums(values.astype(np.float64, copy=False)) / self.sizes())

    def deviations(self, values: Array) -> Array:
        """Return each value minus its group's mean."""
        with np.errstate(invalid="ignore"):  # an infinite value in a group whose mean is infinite
            return np.asarray(values - self.means(values)[self.of_row])

    def medians(self, values: Array) -> Array:
        """Sort by value, then stably by group: two fast sorts instead of a slow ``lexsort``."""
        by_value = np.argsort(values)
        order = by_value[np.argsort(narrow(self.of_row, self.count)[by_value], kind="stable")]
        ordered, sizes = values[order].astype(np.float64, copy=False), self.sizes()
        out, some, starts = np.full(self.count, np.nan), sizes > 0, np.cumsum(sizes) - sizes
        low, high = (starts + (sizes - 1) // 2)[some], (starts + sizes // 2)[some]
        out[some] = (ordered[low] + ordered[high]) / 2
        return out


def _std(groups: Groups, values: Array) -> Array:
    sizes = groups.sizes()
    return np.sqrt(groups.sums(groups.deviations(values) ** 2) / np.where(sizes > 1, sizes - 1, np.nan))


def _r2(groups: Groups, a: Array, b: Array) -> Array:
    x, y = groups.deviations(a), groups.deviations(b)
    with np.errstate(invalid="ignore"):  # 0 / 0 is where it isn't defined
        return np.asarray(groups.sums(x * y) ** 2 / (groups.sums(x * x) * groups.sums(y * y)))


AGGREGATES: Mapping[str, Callable[..., Array]] = {
    "count": lambda groups, values: groups.sizes(),
    "sum": Groups.sums,
    "mean": Groups.means,
    "min": lambda groups, values: groups.extremes(np.minimum, values),
    "max": lambda groups, values: groups.extremes(np.maximum, values),
    "median": Groups.medians,
    "std": _std,
    "r2": _r2,
}
"""Functions from one or two columns without missing values to one value per group, by the contract's name."""
