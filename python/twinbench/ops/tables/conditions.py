"""What the contracts of the table ops ask of their inputs: each function refuses a value that a contract excludes.

Rows are counted from 1 in the messages, and are those of the step's input.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from twinbench.errors import nearest
from twinbench.ops.contract import Arrays, OutsideContract

if TYPE_CHECKING:
    from numpy.typing import NDArray

NUMBERS = ("int64", "float64")
KEYS = ("int64", "string")
"""Types of a column to group by: a float64 key would make the result depend on rounding."""


MOST_SQUARED = 1e150
"""Largest value whose square float64 holds, with room for a sum of squares."""


def type_of(values: NDArray[Any]) -> str:
    """Return the type of a column as contracts name it."""
    return "string" if values.dtype.kind == "U" else values.dtype.name


def column(table: Arrays, name: str, types: Sequence[str], parameter: str) -> NDArray[Any]:
    """Return a column. Refuse an absent one, and one of another type."""
    if name not in table:
        raise OutsideContract(f"{parameter}: there is no column '{name}'{nearest(name, table)}")
    values = table[name]
    if type_of(values) not in types:
        raise OutsideContract(f"{parameter}: column '{name}' is {type_of(values)}, and must be {' or '.join(types)}")
    return values


def columns(table: Arrays, names: Sequence[str], types: Sequence[str], parameter: str) -> None:
    """Refuse an empty list, a column that stands twice, an absent column and a column of another type."""
    if not names:
        raise OutsideContract(f"{parameter} is empty; name at least one column")
    distinct(names, parameter)
    for name in names:
        column(table, name, types, parameter)


def distinct(names: Iterable[str], parameter: str) -> None:
    """Refuse a name that stands twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise OutsideContract(f"{parameter}: '{name}' stands twice; name each column once")
        seen.add(name)


def new(table: Iterable[str], names: Iterable[str], parameter: str) -> None:
    """Refuse a new column that has the name of another one."""
    taken = set(table)
    for name in names:
        if name in taken:
            raise OutsideContract(f"{parameter}: there is already a column '{name}'; give the new column another name")


def first(wrong: NDArray[Any], values: NDArray[Any], name: str, what: str, advice: str) -> None:
    """Refuse the first row that is marked as wrong."""
    import numpy as np

    rows = np.flatnonzero(wrong)
    if len(rows):
        value = values[rows[0]]
        shown = "''" if type_of(values) == "string" and value == "" else str(value)
        raise OutsideContract(f"column '{name}', row {rows[0] + 1}: {shown} {what}; {advice}")


def present(table: Arrays, name: str, advice: str = "put tables.impute or tables.clean before it") -> None:
    """Refuse a missing value."""
    import numpy as np

    values = table[name]
    if values.dtype.kind == "f":
        first(np.isnan(values), values, name, "is missing", advice)
    elif values.dtype.kind == "U":
        first(values == "", values, name, "is missing", advice)


def finite(table: Arrays, name: str) -> None:
    """Refuse a missing value and an infinite one."""
    import numpy as np

    present(table, name)
    values = table[name]
    if values.dtype.kind == "f":
        first(~np.isfinite(values), values, name, "is infinite", "remove the row, or leave out the column")


def squares(values: NDArray[Any], name: str, most: float = MOST_SQUARED) -> None:
    """Refuse a finite value whose square, or that of whose difference from another one, float64 can't hold."""
    import numpy as np

    if values.dtype.kind == "f":
        large = np.isfinite(values) & (np.abs(values) > most)
        first(
            large,
            values,
            name,
            f"is above {most:g}, and libraries square deviations",
            "divide the column by a constant",
        )


def summable(values: NDArray[Any], name: str) -> None:
    """Refuse finite values whose magnitudes float64 can't add."""
    import numpy as np

    with np.errstate(over="ignore"):
        huge = np.isinf(np.sum(np.abs(values), dtype=np.float64))
    if huge:
        raise OutsideContract(f"column '{name}': the sum of its values exceeds float64; scale the column down")


def spread(values: NDArray[Any], name: str) -> None:
    """Refuse finite values that differ by less than float64 can square."""
    import numpy as np

    widest = float(np.ptp(values)) if len(values) else 0.0
    if 0 < widest < 1 / MOST_SQUARED:
        raise OutsideContract(
            f"column '{name}': the values differ by {widest:g} at most, whose square is 0 in float64; multiply the "
            "column by a constant"
        )
