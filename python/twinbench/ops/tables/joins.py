"""Joins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from twinbench.ops.contract import ROUNDING, Arrays, Op
from twinbench.ops.tables.rows import complete_rows, numbered


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """``on``: key columns, of the same name and type on both sides. ``columns``: what to take from the right.

    ``ordered``: whether the rows must come in order.
    """

    on: tuple[str, ...]
    how: Literal["inner", "left"]
    columns: tuple[str, ...]
    ordered: bool = True


def join(p: Join, left: Arrays, right: Arrays) -> Arrays:
    """Numbers the keys of both tables, and looks each left row's up among the sorted ones of the right."""
    import numpy as np

    both = [name for name in p.columns if name in left]
    if both:
        raise ValueError(f"{', '.join(both)}: on both sides; take it from one")
    rows = len(left[p.on[0]])
    numbers = numbered([np.concatenate([left[name], right[name]]) for name in p.on])
    wanted, keys = numbers[:rows], numbers[rows:]
    whole = complete_rows(right, p.on)  # a missing key isn't entered, so none finds it
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


def ordered(p: Join) -> bool:
    """Whether the rows must come in order."""
    return p.ordered


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
    reference=join,
    tolerance=ROUNDING,  # of the steps before: this one only moves values
    in_order=ordered,
)
