"""Arguments like those that were given, as strategies of hypothesis: same types and dimensions, other values."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from twinbench.pair.callee.values import MISSING, Masked, Table
from twinbench.pair.inputs import Input
from twinbench.pair.like import extremes, numbers, scalar_numbers, texts

LONGEST = 24
"""Longest array that is drawn: long enough for a window, short enough to be read."""

Draw = Callable[[SearchStrategy[Any]], Any]


def strategy(given: list[Input], *, edge: bool) -> SearchStrategy[Input]:
    """Return the strategy for inputs like the given ones; with ``edge`` also with values that weren't seen."""
    groups: dict[tuple[Any, ...], list[Input]] = {}
    for example in given:
        kinds = tuple(_kind(value) for value in example.values())
        groups.setdefault((len(example.positional), *example.named, *kinds), []).append(example)
    return st.one_of([_like(examples, edge) for examples in groups.values()])


def _kind(value: Any) -> str:
    return f"{type(value).__name__} {getattr(value, 'ndim', '')}"


def _like(examples: list[Input], edge: bool) -> SearchStrategy[Input]:
    """Draw one value for each argument. Dimensions that are equal in all examples stay equal."""
    columns = [list(column) for column in zip(*(example.values() for example in examples), strict=True)]
    groups = _tied([[_sizes(value) for value in column] for column in columns])
    count, names = len(examples[0].positional), list(examples[0].named)

    axes = [[_group(groups, arg, axis) for axis in _axes(column[0])] for arg, column in enumerate(columns)]

    @cache
    def argument(arg: int, *shape: int) -> SearchStrategy[Any]:
        free = len(axes[arg]) == 1 and len(groups[axes[arg][0]]) == 1
        return _argument(columns[arg], None if free else list(shape), edge)

    @st.composite
    def arguments(draw: Draw) -> Input:
        sizes: dict[int, int] = {}

        def size(group: int) -> int:
            if group not in sizes:
                longest = max(max(_sizes(v)[axis] for v in columns[arg]) for arg, axis in groups[group])
                sizes[group] = draw(st.integers(0, min(longest + 2, LONGEST)))
            return sizes[group]

        drawn = []
        for arg, own in enumerate(axes):
            free = len(own) == 1 and len(groups[own[0]]) == 1
            drawn.append(draw(argument(arg) if free else argument(arg, *map(size, own))))
        return Input("a drawn input", drawn[:count], dict(zip(names, drawn[count:], strict=True)))

    return arguments()


def _group(groups: list[list[tuple[int, int]]], arg: int, axis: int) -> int:
    """Return the number of the group that a dimension is in."""
    return next(number for number, members in enumerate(groups) if (arg, axis) in members)


def _axes(value: Any) -> range:
    return range(len(_sizes(value)))


def _sizes(value: Any) -> tuple[int, ...]:
    """Return the dimensions of a value that has some: an array, a table (its rows) or a list."""
    if isinstance(value, Table):
        return (value.rows,)
    if isinstance(value, Masked):
        return tuple(value.values.shape)
    if isinstance(value, np.ndarray):
        return tuple(value.shape)
    return (len(value),) if isinstance(value, list) else ()


def _tied(sizes: list[list[tuple[int, ...]]]) -> list[list[tuple[int, int]]]:
    """Group the dimensions (argument, axis) that have equal sizes, above 1, in every example."""
    groups: dict[tuple[Any, ...], list[tuple[int, int]]] = {}
    for arg, column in enumerate(sizes):
        for axis in range(len(column[0])):
            seen = tuple(shape[axis] for shape in column)
            key = seen if max(seen) > 1 else (arg, axis, "alone")
            groups.setdefault(key, []).append((arg, axis))
    return list(groups.values())


def _argument(seen: list[Any], shape: list[int] | None, edge: bool) -> SearchStrategy[Any]:
    """Return the strategy for one argument by its values in the examples; ``shape`` None means any length."""
    first = seen[0]
    if isinstance(first, Table):
        return _table(seen, shape, edge)
    if isinstance(first, (np.ndarray, Masked)):
        return _array(seen, shape, edge)
    if isinstance(first, list):
        return _list(seen, shape, edge)
    if isinstance(first, tuple):
        return st.tuples(*[_argument(list(parts), None, edge) for parts in zip(*seen, strict=False)])
    if isinstance(first, dict):
        keys = [key for key in first if all(key in value for value in seen)]
        items = st.tuples(*[_argument([value[key] for value in seen], None, edge) for key in keys])
        return items.map(lambda values: dict(zip(keys, values, strict=True)))
    return _scalar(seen, edge)


def _scalar(seen: list[Any], edge: bool) -> SearchStrategy[Any]:
    first = seen[0]
    if isinstance(first, bool):
        return st.booleans()
    if isinstance(first, (int, float)):
        return scalar_numbers([value for value in seen if isinstance(value, (int, float))], edge)
    if isinstance(first, str):
        return texts([value for value in seen if isinstance(value, str)], edge, distinct=len(set(seen)) > 1)
    return st.sampled_from(seen)


def _values_of(column: Any) -> list[Any]:
    """Return the values that aren't missing of an array of one dimension or more, in its order."""
    if isinstance(column, Masked):
        return list(column.values[~column.mask].tolist())
    return [value for value in column.ravel().tolist() if value is not MISSING]


def _array(seen: list[Any], shape: list[int] | None, edge: bool) -> SearchStrategy[Any]:
    observed = [value for column in seen for value in _values_of(column)]
    dtype = (seen[0].values if isinstance(seen[0], Masked) else seen[0]).dtype
    order = _order_of(seen) if dtype.kind in "iuf" else None
    elements = _elements(observed, dtype, edge)
    ndim = len(_sizes(seen[0]))
    if shape is None:
        longest = min(max(_sizes(value)[0] for value in seen) + 2, LONGEST)
        flat = st.one_of(
            st.lists(elements, max_size=longest),
            _repeated(elements, max(_sizes(value)[0] for value in seen)),
        )
    else:
        flat = st.lists(elements, min_size=math.prod(shape), max_size=math.prod(shape))
    missing = _share_missing(seen)

    def build(values: list[Any], gaps: list[bool]) -> Any:
        if order is not None:
            values = sorted(values, reverse=order == "descending")
        target = [len(values)] if shape is None or ndim == 1 else shape
        if dtype.kind == "O":
            array = np.empty(len(values), object)
            array[:] = [MISSING if gap else v for v, gap in zip(values, _stretched(gaps, len(values)), strict=True)]
            return array.reshape(target)
        array = np.array(values, dtype).reshape(target)
        if not missing:
            return array
        return Masked(array, np.array(_stretched(gaps, len(values)), bool).reshape(target))

    return st.builds(build, flat, st.lists(st.booleans(), max_size=6) if missing else st.just([]))


def _repeated(elements: SearchStrategy[Any], longest: int) -> SearchStrategy[list[Any]]:
    """Draw one value several times, up to four times the longest example: its sum or product may not fit any more."""
    count = st.integers(1, max(1, min(4 * longest, LONGEST)))
    return st.builds(lambda value, count: [value] * count, elements, count)


def _stretched(gaps: list[bool], count: int) -> list[bool]:
    return [bool(gaps) and gaps[index % len(gaps)] for index in range(count)]


def _share_missing(seen: list[Any]) -> bool:
    """Whether some value of the observed arrays is missing."""
    return any(
        bool(column.mask.any())
        if isinstance(column, Masked)
        else column.dtype.kind == "O" and MISSING in column.ravel()
        for column in seen
    )


def _order_of(seen: list[Any]) -> str | None:
    """Return ``ascending`` or ``descending`` if every observed array is so, and one has three values or more."""
    lists = [_values_of(column) for column in seen]
    if max(map(len, lists)) < 3 or len(_sizes(seen[0])) != 1:
        return None
    if all(values == sorted(values) for values in lists):
        return "ascending"
    return "descending" if all(values == sorted(values, reverse=True) for values in lists) else None


def _elements(observed: list[Any], dtype: Any, edge: bool) -> SearchStrategy[Any]:
    if dtype.kind == "b":
        return st.booleans()
    if dtype.kind in "iuf":
        return numbers(observed, dtype, edge)
    if dtype.kind == "c":
        parts = [part for value in observed for part in (value.real, value.imag)]
        width = np.dtype("f4" if dtype.itemsize == 8 else "f8")
        return st.builds(complex, numbers(parts, width, edge), numbers(parts, width, edge))
    if dtype.kind in "mM":
        return _ticks(observed, dtype)
    strings = [value for value in observed if isinstance(value, str)]
    if strings and len(strings) == len(observed):
        return texts(strings, edge, distinct=True)
    if not observed:
        return st.just(MISSING)
    return _argument(observed, None, edge) if len({type(v) for v in observed}) == 1 else st.sampled_from(observed)


def _ticks(observed: list[Any], dtype: Any) -> SearchStrategy[Any]:
    """Draw moments between the first and the last one, in whole milliseconds where all are."""
    ticks = [int(np.array(value, dtype).astype("int64")) for value in observed if value is not None] or [0]
    step = 1_000_000 if dtype.name.endswith("[ns]") and all(tick % 1_000_000 == 0 for tick in ticks) else 1
    low, high = min(ticks) // step, max(ticks) // step
    return st.integers(low, high).map(lambda number: np.array(number * step, "int64").astype(dtype))


def _list(seen: list[Any], shape: list[int] | None, edge: bool) -> SearchStrategy[Any]:
    items = [item for value in seen for item in value]
    least, most = (0, min(max(map(len, seen)) + 2, LONGEST)) if shape is None else (shape[0], shape[0])
    if not items:
        return st.just([])
    groups: dict[str, list[Any]] = {}
    for item in items:
        groups.setdefault(_kind(item), []).append(item)
    elements = st.one_of([_element(group, edge) for group in groups.values()])
    drawn = st.lists(elements, min_size=least, max_size=most)
    if shape is None:
        drawn = st.one_of(drawn, _repeated(elements, max(map(len, seen))))
    if set(groups) <= {_kind(1), _kind(1.0)} and _order_of([np.array(value) for value in seen]) == "ascending":
        return drawn.map(sorted)
    return drawn


def _element(group: list[Any], edge: bool) -> SearchStrategy[Any]:
    first = group[0]
    if isinstance(first, bool) or not isinstance(first, (int, float, str)):
        return _argument(group, None, edge)
    if isinstance(first, str):
        return texts(group, edge, distinct=True)
    return numbers(group, np.dtype("int64" if isinstance(first, int) else "float64"), edge)


def _table(seen: list[Table], shape: list[int] | None, edge: bool) -> SearchStrategy[Table]:
    names = [name for name in seen[0].columns if all(name in table.columns for table in seen)]

    @st.composite
    def table(draw: Draw) -> Table:
        most = min(max(table.rows for table in seen) + 2, LONGEST // 2)
        rows = draw(st.integers(0, most)) if shape is None else shape[0]
        return Table({n: draw(_array([table.columns[n] for table in seen], [rows], edge)) for n in names}, rows)

    return table()


def unseen(given: list[Input], *, edge: bool) -> str:
    """Say what is drawn beside values like the given ones; empty where nothing is."""
    strings = any(_has_letters(value) for example in given for value in example.values())
    added = ["letters outside ASCII"] if strings else []
    return ", ".join(added + ([extremes()] if edge else []))


def _has_letters(value: Any) -> bool:
    if isinstance(value, str):
        return any(character.isalpha() for character in value)
    if isinstance(value, Table):
        return any(_has_letters(column) for column in value.columns.values())
    if isinstance(value, np.ndarray):
        return value.dtype.kind == "O" and any(_has_letters(item) for item in value.ravel().tolist())
    if isinstance(value, dict):
        return any(map(_has_letters, value.values()))
    return isinstance(value, (list, tuple)) and any(map(_has_letters, value)) and not isinstance(value, datetime.date)
