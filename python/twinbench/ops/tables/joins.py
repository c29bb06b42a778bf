"""The op that joins two tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from twinbench.ops.contract import ROUNDING, Arrays, Op
from twinbench.ops.tables import conditions
from twinbench.ops.tables.rows import complete_rows, numbered


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """``on``: key columns, with the same name and type on both sides.

    ``how``: which left rows are kept: all (``left``), or those with a match (``inner``). ``columns``: columns to take
    from the right table. ``ordered``: whether the rows must come in order.
    """

    on: tuple[str, ...]
    how: Literal["inner", "left"]
    columns: tuple[str, ...]
    ordered: bool = True


def require_join(p: Join, left: Arrays, right: Arrays) -> None:
    """Refuse keys that aren't on both sides with one type, and columns that both sides have."""
    types = ("int64", "float64", "string")
    conditions.columns(left, p.on, types, "on (left table)")
    for name in p.on:
        conditions.column(right, name, (conditions.type_of(left[name]),), "on (right table)")
    conditions.distinct(p.columns, "columns")
    for name in p.columns:
        conditions.column(right, name, types, "columns (right table)")
    conditions.new(left, p.columns, "columns (left table)")


def join(p: Join, left: Arrays, right: Arrays) -> Arrays:
    """Assign numbers to the keys of both tables, and look up each left row among the sorted keys of the right table."""
    import numpy as np

    rows = len(left[p.on[0]])
    numbers = numbered([np.concatenate([left[name], right[name]]) for name in p.on])
    wanted, keys = numbers[:rows], numbers[rows:]
    whole = complete_rows(right, p.on)  # a missing key matches nothing
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
        absent: Any = {"f": np.nan, "U": ""}.get(values.dtype.kind, 0)  # 0 only occurs where all rows match
        out[name] = np.full(len(take), absent, dtype=values.dtype)
        out[name][matched] = values[match]
    return out


def ordered(p: Join) -> bool:
    """Return whether the rows must come in order."""
    return p.ordered


JOIN = Op(
    name="tables.join",
    params=Join,
    inputs=("table", "table"),
    output="table",
    summary="Join a second table to a first one on equal keys.",
    semantics="""Rows come in the order of the left table; a left row with several matches appears once for each match,
in the order of the right table. A missing key matches nothing. Columns: all columns of the left table, then `columns`
of the right table, none of which has the name of a left column. `inner` drops left rows without a match; `left` keeps
them, with missing values. In a left join, int64 columns taken from the right table become float64 (missing is NaN) even
if every row has a match; in an inner join, types are unchanged. With `ordered` = false the rows may come in any order.\
""",
    source="ISO/IEC 9075-2 (SQL/Foundation), joined table",
    reference=join,
    requires=require_join,
    tolerance=ROUNDING,  # for rounding in earlier steps: this op only moves values
    in_order=ordered,
)
