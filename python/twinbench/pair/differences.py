"""The first difference between two results, told as a person would: where, what, how many."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinbench.pair.callee.values import Masked, Missing, Named, Other, Table
from twinbench.pair.rows import parts, sorted_array, sorted_rows
from twinbench.pair.target import Layout
from twinbench.pair.tolerance import Tolerance

LONGEST = 60
"""Characters of a value that are shown in a sentence."""


@dataclass(slots=True)
class Largest:
    """The largest error that was seen while results were compared; 0 where only equal values were."""

    error: float = 0.0
    """As a multiple of the tolerance; infinite for a value that is outside where nothing may differ."""
    max_abs: float = 0.0

    def note(self, distance: NDArray[np.float64], allowed: NDArray[np.float64]) -> None:
        """Note the errors of an array, which has distances and the tolerances of finite values only."""
        off = distance > 0
        if off.any():
            with np.errstate(all="ignore"):
                self.error = max(self.error, float((distance[off] / allowed[off]).max()))
            self.max_abs = max(self.max_abs, float(distance[off].max()))


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts as a difference."""

    tolerance: Tolerance = field(default_factory=Tolerance)
    loose_dtypes: bool = False
    any_order: bool = False
    inputs: float = 0.0
    """Sum of the absolute values of the floating-point inputs: the scale of rounding errors."""
    julia: Layout | None = None
    """The layout of the other function's arrays, if it is in Julia: positions there are given, too."""
    largest: Largest | None = None
    """Where the largest error is noted; None notes nothing."""


def difference(want: Any, got: Any, rules: Rules) -> str | None:
    """Say how a result differs from the reference's; None where they are the same."""
    want, got = canonical(want), canonical(got)
    for value, whose in ((want, "the reference's"), (got, "its")):
        if isinstance(value, Other):
            return f"{whose} result of type {value.kind} can't be compared; return numbers, strings, arrays or tables"
    kinds = _kind(want), _kind(got)
    if kinds[0] != kinds[1] and not _both_empty(want, got) and not (rules.loose_dtypes and _alike(*kinds)):
        return f"{short(want)} and {short(got)}: {_a(kinds[0])} and {_a(kinds[1])}"
    if isinstance(want, Table) and isinstance(got, Table):
        return _tables(want, got, rules)
    if isinstance(want, dict) and isinstance(got, dict):
        return _mappings(want, got, rules)
    if _is_array(want) and _is_array(got):
        a, b = (sorted_array(side) if rules.any_order else side for side in (want, got))
        return _arrays(a, b, rules, "value")
    if isinstance(want, (list, tuple)) or isinstance(got, (list, tuple)):
        noun = "item" if isinstance(want, tuple) else "element"
        return _sequences(_listed(want), _listed(got), rules, noun)
    return _scalars(want, got, rules)


def canonical(value: Any) -> Any:
    """Return a value in the one form that both languages have for it: a list of numbers is an array."""
    if isinstance(value, Named):
        return dict(value.values)
    if isinstance(value, np.ndarray) and value.shape == ():
        value = value[()]
    if isinstance(value, (datetime.date, datetime.timedelta, np.datetime64, np.timedelta64)):
        return _moment(value)
    if isinstance(value, np.ndarray) and value.dtype.kind == "O" and value.ndim == 1:
        value = value.tolist()
    if isinstance(value, list) and value:
        return _array_of(value)
    return value


def _moment(value: Any) -> np.datetime64 | np.timedelta64 | None:
    """Return a date, a time or a span in NumPy's type; None for NumPy's missing one."""
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return None if np.isnat(value) else value
    if isinstance(value, datetime.timedelta):
        return np.timedelta64(value, "ns")
    return np.datetime64(value, "ns" if isinstance(value, datetime.datetime) else "D")


def _array_of(items: list[Any]) -> Any:
    types = {type(item) for item in items}
    if types == {bool}:
        return np.array(items, bool)
    if types <= {int, float, complex} and all(-(2**63) <= i < 2**63 for i in items if type(i) is int):
        return np.array(items, "int64" if types == {int} else "complex128" if complex in types else "float64")
    if len(types) == 1 and issubclass(next(iter(types)), np.generic):
        return np.array(items)
    if len(types) == 1 and issubclass(next(iter(types)), (datetime.date, datetime.timedelta)):
        return np.array([_moment(item) for item in items])
    if types <= {str, Missing, type(None)} and str in types:
        array = np.empty(len(items), object)
        array[:] = items
        return array
    return items


def _is_array(value: Any) -> bool:
    return isinstance(value, (np.ndarray, Masked))


def _listed(value: Any) -> list[Any]:
    if isinstance(value, Masked):
        return [None if m else v for v, m in zip(value.values.tolist(), value.mask.tolist(), strict=True)]
    return list(value.tolist() if isinstance(value, np.ndarray) else value)


KINDS = (
    (Table, "table"),
    ((np.ndarray, Masked, list), "list or array"),
    (tuple, "tuple"),
    (dict, "mapping"),
    ((set, frozenset), "set"),
    (str, "string"),
    (bytes, "bytes"),
    ((bool, np.bool_), "boolean"),
    ((int, float, complex, np.number), "number"),
    ((datetime.date, datetime.timedelta, np.datetime64, np.timedelta64), "date or time"),
)


def _kind(value: Any) -> str:
    if value is None or isinstance(value, Missing):
        return "missing value"
    return next((name for types, name in KINDS if isinstance(value, types)), type(value).__name__)


def _alike(first: str, second: str) -> bool:
    groups = ({"list or array", "tuple"}, {"boolean", "number"})
    return any({first, second} <= group for group in groups)


def _a(kind: str) -> str:
    return kind if kind == "bytes" else f"a {kind}"


def _both_empty(want: Any, got: Any) -> bool:
    return all(isinstance(v, (list, np.ndarray)) and len(v) == 0 for v in (want, got)) and np.ndim(got) == np.ndim(want)


def short(value: Any) -> str:
    """Return a value in few characters: a number or string as it is, an array by its shape and type."""
    if isinstance(value, Table):
        return f"{value.rows} rows of {', '.join(value.columns)}"
    if isinstance(value, Masked):
        value = value.values
    if isinstance(value, np.ndarray) and value.size > 8:
        return f"{_dtype(value)} of shape {value.shape}"
    if isinstance(value, (np.ndarray, np.generic)):
        if value.dtype.kind in "mM" and isinstance(value, np.generic):
            return str(value)
        value = value.tolist()
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _dtype(value: Any) -> str:
    """Return the name of a number's or an array's type; Python's int is int64 where it fits."""
    if isinstance(value, Masked):
        return _dtype(value.values)
    if hasattr(value, "dtype"):
        return "strings or objects" if value.dtype.kind == "O" else str(value.dtype.name)
    names = {bool: "bool", float: "float64", complex: "complex128"}
    if type(value) in names:
        return names[type(value)]
    return "int64" if isinstance(value, int) and -(2**63) <= value < 2**63 else type(value).__name__


def _scalars(want: Any, got: Any, rules: Rules) -> str | None:
    if _kind(want) not in ("number", "boolean"):
        same = _kind(want) == "missing value" or want == got
        return None if same else f"{short(want)} and {short(got)}"
    types = _dtype(want), _dtype(got)
    if types[0] != types[1] and "int" not in types and not rules.loose_dtypes:
        return f"{short(want)} and {short(got)}: {types[0]} and {types[1]}"
    if "int" in types:
        return None if want == got else f"{short(want)} and {short(got)}"
    if _outside(np.asarray(want), np.asarray(got), rules).any():
        return f"{short(want)} and {short(got)}"
    return None


def _outside(want: NDArray[Any], got: NDArray[Any], rules: Rules) -> NDArray[np.bool_]:
    """Return which values are further apart than the tolerance allows, for numbers of any type and of one shape."""
    if not {want.dtype.kind, got.dtype.kind} & set("fc"):
        if rules.tolerance.atol is None or want.dtype.kind not in "iu":
            return np.asarray(want != got)
        return np.asarray(np.abs(want.astype(object) - got.astype(object)) > rules.tolerance.atol, bool)
    sizes = [_real_bytes(side) for side in (want, got) if side.dtype.kind in "fc"]
    with np.errstate(all="ignore"):
        allowed = rules.tolerance.allowed(want, min(sizes), rules.inputs)
        wide = np.complex128 if "c" in (want.dtype.kind, got.dtype.kind) else np.float64
        a, b = want.astype(wide), got.astype(wide)
        finite = np.isfinite(a) & np.isfinite(b)
        inside = (np.abs(a - b) <= allowed) & finite
        if rules.largest is not None:
            rules.largest.note(np.abs(a - b)[finite], np.broadcast_to(allowed, finite.shape)[finite])
        return np.asarray(~(inside | (a == b) | (np.isnan(a) & np.isnan(b))))


def _real_bytes(side: NDArray[Any]) -> int:
    return min(8, side.dtype.itemsize // (2 if side.dtype.kind == "c" else 1))


def _arrays(want: Any, got: Any, rules: Rules, noun: str, column: str | None = None) -> str | None:
    a, lacks_a = parts(want)
    b, lacks_b = parts(got)
    if a.shape != b.shape:
        if a.ndim == b.ndim == 1:
            return f"{len(a)} and {len(b)} {noun}s: {short(want)} and {short(got)}"
        return f"shape {_tuple(a.shape)} and {_tuple(b.shape)}"
    if not _same_types(a, b, lacks_a | lacks_b, rules, column is not None):
        return f"{_dtype(a)} and {_dtype(b)}"
    if column is not None and {a.dtype.kind, b.dtype.kind} & {"f"}:
        a, b = (side.astype(np.float64) if side.dtype.kind in "iu" else side for side in (a, b))
        lacks_a, lacks_b = (lacks | _nan(side) for lacks, side in ((lacks_a, a), (lacks_b, b)))
    one_sided = np.argwhere(lacks_a != lacks_b)
    if len(one_sided):
        index = tuple(map(int, one_sided[0]))
        shown = ("missing" if lacks[index] else short(side[index]) for lacks, side in ((lacks_a, a), (lacks_b, b)))
        return f"{_at(index, column, rules)}: {' and '.join(shown)}; {_of(len(one_sided), a.size, noun)}"
    if "O" in (a.dtype.kind, b.dtype.kind):
        return _objects(a, b, lacks_a, rules, noun, column)
    wrong = np.argwhere(_outside(a, b, rules) & ~lacks_a)
    if not len(wrong):
        return None
    index = tuple(map(int, wrong[0]))
    return f"{_at(index, column, rules)}: {short(a[index])} and {short(b[index])}; {_of(len(wrong), a.size, noun)}"


def _nan(side: NDArray[Any]) -> Any:
    return np.isnan(side) if side.dtype.kind == "f" else False


def _same_types(a: NDArray[Any], b: NDArray[Any], missing: Any, rules: Rules, in_table: bool) -> bool:
    if a.dtype == b.dtype:
        return True
    kinds = a.dtype.kind + b.dtype.kind
    if a.size == 0 and "O" in kinds:
        return True
    if in_table and missing.all():
        return True
    if in_table and missing.any() and set(kinds) <= set("iuf"):  # pandas has no column of whole numbers with gaps
        return True
    return rules.loose_dtypes and (set(kinds) <= set("biufc") or set(kinds) == {"M"})


def _objects(a: Any, b: Any, missing: Any, rules: Rules, noun: str, column: str | None) -> str | None:
    first, count = None, 0
    for index in np.ndindex(a.shape):
        if not missing[index]:
            said = difference(a[index], b[index], rules)
            count += said is not None
            first = first or (said and f"{_at(index, column, rules)}: {said}")
    return f"{first}; {_of(count, a.size, noun)}" if first else None


def _at(index: tuple[int, ...], column: str | None, rules: Rules, noun: str = "element") -> str:
    if column is not None:
        return f"row {index[0]}, column `{column}`"
    if not index:
        return "the value"
    there = reversed(index) if rules.julia == "reversed" else index
    counted = [index, tuple(number + 1 for number in there)]
    first, second = (_tuple(each) if len(index) > 1 else str(each[0]) for each in counted)
    return f"{noun} {first}" + (f" ({second} in Julia)" if rules.julia else "")


def _tuple(shape: Iterable[int]) -> str:
    return str(tuple(int(number) for number in shape))


def _of(count: int, size: int, noun: str) -> str:
    return f"{count} of {size} {noun}{'' if size == 1 else 's'} differ{'s' if count == 1 else ''}"


def _tables(want: Table, got: Table, rules: Rules) -> str | None:
    names = list(want.columns), list(got.columns)
    if names[0] != names[1]:
        return f"columns {', '.join(names[0]) or 'none'} and {', '.join(names[1]) or 'none'}"
    if want.rows != got.rows:
        return f"{want.rows} and {got.rows} rows"
    if rules.any_order:
        want, got = sorted_rows(want), sorted_rows(got)
    for name in names[0]:
        said = _arrays(_column(want.columns[name]), _column(got.columns[name]), rules, "value", name)
        if said is not None:
            return said if said.startswith("row ") else f"column `{name}`: {said}"
    return None


def _column(column: Any) -> Any:
    """Return a column as an array; one of objects that are all of one kind of number becomes an array of numbers."""
    if isinstance(column, Masked) or column.dtype.kind != "O":
        return column
    array = canonical(column) if len(column) else column
    return array if _is_array(array) else column


def _mappings(want: dict[Any, Any], got: dict[Any, Any], rules: Rules) -> str | None:
    for keys, whose in ((want.keys() - got.keys(), "only in the reference's result"), (got.keys() - want.keys(), "")):
        if keys:
            key = min(keys, key=repr)
            return f"key {key!r} is {whose or 'not in the reference' + chr(39) + 's result'}"
    for key, value in want.items():
        said = difference(value, got[key], rules)
        if said is not None:
            return f"key {key!r}: {said}"
    return None


def _sequences(want: list[Any], got: list[Any], rules: Rules, noun: str) -> str | None:
    if len(want) != len(got):
        return f"{len(want)} and {len(got)} {noun}s: {short(want)} and {short(got)}"
    for index, (first, second) in enumerate(zip(want, got, strict=True)):
        said = difference(first, second, rules)
        if said is not None:
            return f"{_at((index,), None, rules, noun)}: {said}"
    return None
