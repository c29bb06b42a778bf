"""Wrong answers made from right ones: agreement must refuse them, or the generated inputs prove nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinbench.ops.contract import Arrays, Tolerance

Array = NDArray[Any]

FLOAT32_ERROR = 2.0**-24
"""Largest relative error of rounding to float32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A mistake in one array of an output."""

    name: str
    """What was done to the array, as a past participle."""
    applies: Callable[[Array, Tolerance], bool]
    change: Callable[[Array, Tolerance], Array]
    always: bool = False
    """Whether no tolerance allows the mistake, so that every example must refuse it. If not, one example must."""
    demanded: bool = True
    """Whether the mistake must be possible with the generated inputs."""

    def mistakes(self, output: Arrays, tolerance: Tolerance) -> Iterator[tuple[str, Arrays]]:
        """Make the mistake in each array to which it applies: the array's name, and the whole output."""
        for name, values in output.items():
            if self.applies(values, tolerance):
                yield name, output | {name: self.change(values, tolerance)}


def _is_float(values: Array, tolerance: Tolerance) -> bool:
    return values.dtype.kind in "fc" and values.size > 0


def _has_magnitude(values: Array, tolerance: Tolerance) -> bool:
    return values.dtype.kind in "fc" and bool(np.any(values))


def _is_float64(values: Array, tolerance: Tolerance) -> bool:
    return values.dtype == np.float64 and tolerance.rtol < FLOAT32_ERROR and tolerance.atol < FLOAT32_ERROR


def _is_long(values: Array, tolerance: Tolerance) -> bool:
    return values.size > 1


def _has_rows(values: Array, tolerance: Tolerance) -> bool:
    return len(values) > 1


def _is_there(values: Array, tolerance: Tolerance) -> bool:
    return values.size > 0


def _is_grey(values: Array, tolerance: Tolerance) -> bool:
    return values.dtype == np.uint8 and values.size > 0


def _has_number(values: Array, tolerance: Tolerance) -> bool:
    return _is_float(values, tolerance) and not np.isnan(values.flat[0])


def _scaled(values: Array, tolerance: Tolerance) -> Array:
    return (values * (1 + max(0.001, 10 * tolerance.rtol))).astype(values.dtype)


def _shifted(values: Array, tolerance: Tolerance) -> Array:
    return np.roll(values.ravel(), 1).reshape(values.shape)


def _rounded(values: Array, tolerance: Tolerance) -> Array:
    with np.errstate(over="ignore"):
        return values.astype(np.float32).astype(np.float64)


def _swapped(values: Array, tolerance: Tolerance) -> Array:
    return np.concatenate([values[1:2], values[:1], values[2:]])


def _shortened(values: Array, tolerance: Tolerance) -> Array:
    return values[:-1]


OTHER_DTYPES = {"float64": np.float32, "float32": np.float64, "complex128": np.complex64, "int64": np.int32}


def _retyped(values: Array, tolerance: Tolerance) -> Array:
    if values.dtype.kind == "U":
        return np.zeros(values.shape)
    with np.errstate(over="ignore"):
        return values.astype(OTHER_DTYPES.get(values.dtype.name, np.int64))


def _with_nan(values: Array, tolerance: Tolerance) -> Array:
    changed = values.copy()
    changed.flat[0] = np.nan
    return changed


def _brighter(values: Array, tolerance: Tolerance) -> Array:
    step = tolerance.levels + 1
    return np.where(values > 127, values - step, values + step).astype(np.uint8)


MUTANTS = (
    Mutant(name="scaled by 1.001, or ten times the tolerance", applies=_has_magnitude, change=_scaled),
    Mutant(name="shifted by one element", applies=_is_long, change=_shifted),
    Mutant(name="rounded to float32", applies=_is_float64, change=_rounded, demanded=False),
    Mutant(name="given with its first two rows swapped", applies=_has_rows, change=_swapped),
    Mutant(name="given without its last row", applies=_is_there, change=_shortened, always=True),
    Mutant(name="given with another dtype", applies=_is_there, change=_retyped, always=True),
    Mutant(name="given with NaN for its first value", applies=_has_number, change=_with_nan, always=True),
    Mutant(name="moved by one grey level too many", applies=_is_grey, change=_brighter, always=True),
)


def renamed(output: Arrays) -> Iterator[tuple[str, Arrays]]:
    """Rename each array in turn: the array's name, and the whole output in the same order."""
    for wrong in output:
        yield wrong, {f"{name}_" if name == wrong else name: values for name, values in output.items()}


def same(one: Arrays, other: Arrays) -> bool:
    """Whether two outputs are equal to the last byte, in which case the mistake is none."""
    return list(one) == list(other) and all(
        values.dtype == other[name].dtype
        and values.shape == other[name].shape
        and np.ascontiguousarray(values).tobytes() == np.ascontiguousarray(other[name]).tobytes()
        for name, values in one.items()
    )
