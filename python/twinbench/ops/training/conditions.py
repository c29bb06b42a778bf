"""What the contracts of the training ops ask of their inputs: each function refuses what a contract excludes.

Rows are counted from 1 in the messages, and are those of the step's input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from twinbench.ops.contract import Arrays, OutsideContract

if TYPE_CHECKING:
    from numpy.typing import NDArray


HELD = ("float64", "float32", "uint8", "int64")
"""Dtypes that every library holds."""


def held(values: NDArray[Any]) -> str:
    """Return what an array holds, as messages name it."""
    return "strings" if values.dtype.kind in "US" else values.dtype.name


def array(arrays: Arrays, name: str, dtypes: Sequence[str]) -> NDArray[Any]:
    """Return an array. Refuse one that is absent, of another dtype or without rows, and others that libraries lack."""
    for other, beside in arrays.items():
        if beside.dtype.name not in HELD:
            raise OutsideContract(f"'{other}' holds {held(beside)}, and must be {' or '.join(HELD)}; convert it")
    if name not in arrays:
        raise OutsideContract(f"there is no array '{name}'; the input holds {', '.join(arrays) or 'nothing'}")
    values = arrays[name]
    if values.dtype.name not in dtypes:
        raise OutsideContract(f"'{name}' holds {held(values)}, and must be {' or '.join(dtypes)}; convert it")
    if values.ndim == 0 or len(values) == 0:
        raise OutsideContract(f"'{name}' has no rows; give at least one")
    return values


def features(arrays: Arrays, name: str, dtypes: Sequence[str], axes: Sequence[int] = ()) -> NDArray[Any]:
    """Return an array of features. Refuse NaN, infinity, values beyond float32, and examples of other dimensions."""
    import numpy as np

    values = array(arrays, name, dtypes)
    if values.size == 0:
        raise OutsideContract(f"'{name}' has the shape {values.shape}: an example without values; give at least one")
    if axes and values.ndim not in axes:
        wanted = " or ".join(str(number) for number in axes)
        raise OutsideContract(
            f"'{name}' has the shape {values.shape}, and must have {wanted} dimensions; see 'flatten' of training.split"
        )
    if values.dtype.kind == "f":
        _first(~np.isfinite(values), values, name, "isn't finite", "remove the row, or replace the value")
    return values


def fit_float32(values: NDArray[Any], name: str) -> None:
    """Refuse a value that float32 can't hold."""
    import numpy as np

    if values.dtype.kind != "f" or values.dtype.itemsize > 4:
        beyond = np.abs(values.astype(np.float64)) > np.finfo(np.float32).max
        _first(beyond, values, name, "exceeds float32", "scale it, by training.standardise for example")


def at_most(values: NDArray[Any], name: str, most: float, what: str, advice: str) -> None:
    """Refuse a magnitude above ``most``."""
    import numpy as np

    _first(np.abs(values) > most, values, name, f"is above {most:g}, {what}", advice)


def classes(arrays: Arrays, name: str, dtypes: Sequence[str], rows: int, count: int | None = None) -> NDArray[Any]:
    """Return labels. Refuse other numbers than the classes 0 to ``count`` - 1, and another number of rows.

    Without ``count`` the classes are 0 to the largest label, and each of them must occur.
    """
    import numpy as np

    labels = array(arrays, name, dtypes)
    if labels.shape != (rows,):
        raise OutsideContract(f"'{name}' has the shape {labels.shape}, and must have one label for each of {rows} rows")
    last = "..." if count is None else f"to {count - 1}"
    with np.errstate(invalid="ignore"):
        wrong = ~(np.isfinite(labels) & (labels >= 0) & (labels == np.floor(labels)))
    wrong |= np.zeros_like(wrong) if count is None else ~(labels < count)
    _first(wrong, labels, name, "is not a class", f"classes are 0 {last}: number them so, or set 'classes'")
    if count is None:
        present = np.unique(labels)
        absent = np.flatnonzero(present != np.arange(len(present)))
        if len(absent):
            raise OutsideContract(
                f"'{name}': class {absent[0]} has no row, and there is a class {present[-1]}; number classes from 0 on"
            )
    return labels


def several(labels: NDArray[Any], what: str) -> None:
    """Refuse labels that are all of one class."""
    if (labels == labels[0]).all():
        raise OutsideContract(f"{what}: all {len(labels)} rows are of class {labels[0]:g}; at least two must occur")


def _first(wrong: NDArray[Any], values: NDArray[Any], name: str, what: str, advice: str) -> None:
    """Refuse the first value that is marked as wrong."""
    import numpy as np

    if wrong.any():
        row, *place = (int(i) for i in np.argwhere(wrong)[0])
        column = f", column {', '.join(str(i + 1) for i in place)}" if place else ""
        raise OutsideContract(f"'{name}', row {row + 1}{column}: {values[(row, *place)]} {what}; {advice}")
