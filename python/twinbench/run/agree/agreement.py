"""The check that a step's output agrees with the reference's, within the tolerance of its op."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinbench.frameworks.api import Deviation
from twinbench.ops.contract import Arrays, Op, Tolerance
from twinbench.store.records import Agreement

PEAK = 255.0
"""The brightest grey level of 8-bit images: the peak of a peak signal-to-noise ratio."""

MOST_SHOWN = 500
"""Most characters of a list of names, or of a text, in a finding."""

ONE = np.ones(())
"""Scale of an output whose op declares no scale."""

FACTOR = 0x9E3779B97F4A7C15
"""2^64 over the golden ratio: powers of this factor give different strings different numbers."""


@np.errstate(all="ignore")  # an output may hold anything
def check_agreement(
    op: Op,
    got: Arrays,
    want: Arrays,
    deviation: Deviation | None = None,
    params: Any = None,
    scale: Arrays | None = None,
    inputs: Sequence[Any] = (),
) -> list[Agreement]:
    """Return one finding per output array of the reference, and one per array that the reference doesn't have.

    A finding is an `Agreement` whose step is still empty.
    ``got`` is the step's output and ``want`` the reference's, both as arrays by name.
    ``params`` are the step's parameters, where the tolerance or the order of rows depends on them; without
    parameters the tolerance is the op's widest, and rows must be in the reference's order.
    ``scale`` is the result of `Op.scale`: the unit of the absolute tolerance by output array.
    ``deviation`` is what the framework declares: an output outside the op's tolerance and inside the declared one isn't
    ``ok``, but says why.
    ``inputs`` are the reference's inputs, for an op with several right outputs, for what an op derives from an output,
    and for a deviation that says what the library computes instead.
    """
    if op.derived is not None and inputs:
        got, want = (output | op.derived(params, output, *inputs) for output in (got, want))
    if op.equivalent is not None and inputs:
        want = op.equivalent(params, got, want, *inputs)
    instead = want
    if deviation is not None and deviation.computes is not None and inputs:
        instead = deviation.computes(params, *inputs)
    got, want, instead = op.canonical(got), op.canonical(want), op.canonical(instead)
    if params is not None and not op.in_order(params):
        scale = _sorted_scale(want, scale) if scale else scale
        got, want, instead = sorted_rows(got), sorted_rows(want), sorted_rows(instead)
    tolerance = op.tolerance if op.tolerance_of is None or params is None else op.tolerance_of(params)
    findings = _all(got, want, tolerance, scale or {})
    if deviation is None:
        return findings
    return [
        f
        if f.ok or not _allowed(f.output, got, instead, deviation, scale or {})
        else replace(f, declared=deviation.text)
        for f in findings
    ]


def _allowed(name: str, got: Arrays, want: Arrays, deviation: Deviation, scale: Arrays) -> bool:
    """Whether an output is inside a declared deviation, or its share of values outside is as small as declared."""
    if name not in got or name not in want:
        return False
    unit = scale.get(name, ONE)
    if _array(name, got[name], want[name], deviation.tolerance, unit).ok:
        return True
    if deviation.share == 0 or got[name].shape != want[name].shape or got[name].dtype.kind != want[name].dtype.kind:
        return False
    return float(np.mean(_outside(got[name], want[name], deviation.tolerance, unit))) <= deviation.share


def _outside(got: NDArray[Any], want: NDArray[Any], tolerance: Tolerance, scale: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which values are outside a tolerance, for two arrays of one shape and kind."""
    if got.dtype == np.uint8:
        return np.asarray(np.abs(got.astype(np.int16) - want.astype(np.int16)) > tolerance.levels)
    if got.dtype.kind == "i":
        return _distance(got, want) > tolerance.atol
    if got.dtype.kind not in "fc":
        return np.asarray(got != want)
    with np.errstate(invalid="ignore"):
        inside = np.abs(got - want) <= tolerance.atol * scale + tolerance.rtol * np.abs(want)
    return np.asarray(~(inside | (got == want) | (np.isnan(got) & np.isnan(want))))


def _distance(got: NDArray[Any], want: NDArray[Any]) -> NDArray[np.uint64]:
    """Return the distances of signed whole numbers, which may be larger than the largest signed number."""
    larger, smaller = np.maximum(got, want).astype(np.int64), np.minimum(got, want).astype(np.int64)
    return np.asarray(larger.view(np.uint64) - smaller.view(np.uint64))


def _all(got: Arrays, want: Arrays, tolerance: Tolerance, scale: Arrays) -> list[Agreement]:
    findings = [
        _different(name, "missing from the output")
        if name not in got
        else _array(name, got[name], want[name], tolerance, scale.get(name, ONE))
        for name in want
    ]
    beyond = [name for name in got if name not in want]
    if beyond:
        more = f" (and {len(beyond) - 1:,} more)" if len(beyond) > 1 else ""
        findings.append(_different(beyond[0], f"not in the contract's output{more}"))
    if not any(f.detail for f in findings) and list(got) != list(want):
        findings.append(_different("", f"order of the outputs: {', '.join(got)[:MOST_SHOWN]}"))
    return findings


def sorted_rows(table: Arrays) -> Arrays:
    """Sort the rows by whole numbers and text first, since a float may be off by a rounding."""
    order = _order(table)
    if order is None:
        return table
    return {name: column[order] if column.ndim == 1 else column for name, column in table.items()}


def _sorted_scale(want: Arrays, scale: Arrays) -> Arrays:
    """Bring the scales of rows into the order that `sorted_rows` gives to the reference's rows."""
    order = _order(want) if any(unit.ndim for unit in scale.values()) else None
    return scale if order is None else {name: unit[order] if unit.ndim else unit for name, unit in scale.items()}


def _order(table: Arrays) -> NDArray[np.intp] | None:
    """Return the row numbers in sorted order by the columns; None where columns differ in length."""
    columns = [column for column in table.values() if column.ndim == 1]
    if len({len(column) for column in columns}) != 1:
        return None
    keys = sorted(columns, key=lambda column: column.dtype.kind == "f", reverse=True)  # the last counts most
    return np.lexsort([_numbers(column) if column.dtype.kind == "U" else column for column in keys])


def _numbers(text: NDArray[np.generic]) -> NDArray[np.uint64]:
    """Return a number for each string, in any width of array: a polynomial of the code points, modulo 2^64."""
    points = np.ascontiguousarray(text).view(np.uint32).reshape(len(text), text.dtype.itemsize // 4)
    total = np.zeros(len(text), np.uint64)
    for position in range(points.shape[1]):
        total += points[:, position] * np.uint64(pow(FACTOR, position + 1, 2**64))
    return total


def _different(name: str, detail: str) -> Agreement:
    return Agreement("", name, "different", math.inf, math.inf, False, detail)


def _array(
    name: str, got: NDArray[np.generic], want: NDArray[np.generic], tolerance: Tolerance, scale: NDArray[Any]
) -> Agreement:
    if got.shape != want.shape:
        return _different(name, f"shape {got.shape} instead of {want.shape}")
    if got.dtype != want.dtype and not (got.dtype.kind == want.dtype.kind == "U"):  # string widths don't matter
        return _different(name, f"{got.dtype} instead of {want.dtype}")
    if got.dtype == np.uint8:
        return _levels(name, got, want, tolerance)
    if got.dtype.kind == "c":
        return _close(name, _parts(got), _parts(want), tolerance, scale[..., None] if scale.ndim else scale)
    if got.dtype.kind != "f":
        return _equal(name, got, want, tolerance)
    return _close(name, got.astype(np.float64), want.astype(np.float64), tolerance, scale)


def _parts(values: NDArray[np.generic]) -> NDArray[np.float64]:
    """Return complex numbers as pairs of real numbers, on a new last axis."""
    return np.ascontiguousarray(values, np.complex128).view(np.float64).reshape(*values.shape, 2)


def _equal(name: str, got: NDArray[np.generic], want: NDArray[np.generic], tolerance: Tolerance) -> Agreement:
    """Check for equal values; whole numbers may differ by the absolute tolerance that a deviation declares."""
    wrong = np.flatnonzero(np.ravel(got != want))
    if len(wrong) == 0:
        return Agreement("", name, "exact", 0.0, 0.0, True)
    if got.dtype.kind == "i" and (worst := int(_distance(got, want).max())) <= tolerance.atol:
        return Agreement("", name, tolerance.level, worst / tolerance.atol, float(worst), True)
    first = int(wrong[0])
    return _different(name, f"{len(wrong)} of {got.size} differ, first {_at(got, want, first)}")


def _levels(name: str, got: NDArray[np.generic], want: NDArray[np.generic], tolerance: Tolerance) -> Agreement:
    distance = np.abs(got.astype(np.int16) - want.astype(np.int16))
    worst = int(distance.max(initial=0))
    if worst == 0:
        return Agreement("", name, "exact", 0.0, 0.0, True)
    error = worst / tolerance.levels if tolerance.levels else math.inf
    psnr = 10 * math.log10(PEAK**2 / float(np.mean(distance.astype(np.float64) ** 2))) if got.ndim > 2 else None
    level = tolerance.level if error <= 1 else "different"
    share = np.count_nonzero(distance > tolerance.levels) / distance.size
    detail = "" if error <= 1 else f"{share:.2%} differ, worst {_at(got, want, int(np.argmax(distance)))}"
    return Agreement("", name, level, error, float(worst), error <= 1, detail, psnr)


def _close(
    name: str, got: NDArray[np.float64], want: NDArray[np.float64], tolerance: Tolerance, scale: NDArray[Any]
) -> Agreement:
    if not np.array_equal(np.isnan(got), np.isnan(want)):
        wrong = int(np.sum(np.isnan(got) != np.isnan(want)))
        return _different(name, f"{wrong} of {got.size} values missing on one side only")
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = np.where((got == want) | np.isnan(want), 0.0, np.abs(got - want))
        allowed = tolerance.atol * scale + tolerance.rtol * np.abs(want)
        errors = np.where(distance == 0.0, 0.0, distance / allowed)
    worst = int(np.argmax(errors)) if errors.size else 0
    error, max_abs = float(errors.max(initial=0.0)), float(distance.max(initial=0.0))
    if error == 0.0:
        return Agreement("", name, "exact", 0.0, 0.0, True)
    if error <= 1:
        return Agreement("", name, tolerance.level, error, max_abs, True)
    return Agreement("", name, "different", error, max_abs, False, f"worst {_at(got, want, worst)}")


def _at(got: NDArray[np.generic], want: NDArray[np.generic], position: int) -> str:
    """Return a value and the reference's at a position, as in ``at 7: 3 instead of 4``."""
    value, expected = got.flat[position], want.flat[position]
    shown = (
        (f"{value:.9g}", f"{expected:.9g}")
        if got.dtype.kind == "f"
        else (str(value)[:MOST_SHOWN], str(expected)[:MOST_SHOWN])
    )
    return f"at {position}: {shown[0]} instead of {shown[1]}"
