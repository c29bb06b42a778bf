"""Comparing a step's output with the reference's. Agreement comes before speed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinbench.ops.contract import Arrays, Op, Tolerance


@dataclass(frozen=True, slots=True)
class Finding:
    """How one output array compares. ``error`` is against the tolerance: 1 is the edge, inf a different thing."""

    output: str
    level: str
    error: float
    max_abs: float
    ok: bool
    detail: str = ""


def compare(op: Op, got: Arrays, want: Arrays) -> list[Finding]:
    """One finding per output of the reference, and one for each that is missing or too many."""
    got, want = op.compared(got), op.compared(want)
    findings = [
        _missing(op, name) if name not in got else _column(name, got[name], want[name], op.tolerance) for name in want
    ]
    findings += [_different(name, op.tolerance, "not in the contract's output") for name in got if name not in want]
    if not any(f.detail for f in findings) and list(got) != list(want):
        findings.append(_different("", op.tolerance, f"order of the outputs: {', '.join(got)}"))
    return findings


def _missing(op: Op, name: str) -> Finding:
    return _different(name, op.tolerance, "missing from the output")


def _different(name: str, tolerance: Tolerance, detail: str) -> Finding:
    return Finding(name, tolerance.level, float("inf"), float("inf"), False, detail)


def _column(name: str, got: NDArray[np.generic], want: NDArray[np.generic], tolerance: Tolerance) -> Finding:
    if got.shape != want.shape:
        return _different(name, tolerance, f"shape {got.shape} instead of {want.shape}")
    if got.dtype != want.dtype and not (got.dtype.kind == want.dtype.kind == "U"):  # string widths don't matter
        return _different(name, tolerance, f"{got.dtype} instead of {want.dtype}")
    if got.dtype.kind != "f":
        return _equal(name, got, want, tolerance)
    return _close(name, got.astype(np.float64), want.astype(np.float64), tolerance)


def _equal(name: str, got: NDArray[np.generic], want: NDArray[np.generic], tolerance: Tolerance) -> Finding:
    wrong = np.flatnonzero(np.ravel(got != want))
    if len(wrong) == 0:
        return Finding(name, tolerance.level, 0.0, 0.0, True)
    first = int(wrong[0])
    detail = f"{len(wrong)} of {got.size} differ, first at {first}: {got.flat[first]!s} instead of {want.flat[first]!s}"
    return _different(name, tolerance, detail)


def _close(name: str, got: NDArray[np.float64], want: NDArray[np.float64], tolerance: Tolerance) -> Finding:
    if not np.array_equal(np.isnan(got), np.isnan(want)):
        wrong = int(np.sum(np.isnan(got) != np.isnan(want)))
        return _different(name, tolerance, f"{wrong} of {got.size} values missing on one side only")
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = np.where((got == want) | np.isnan(want), 0.0, np.abs(got - want))
        allowed = tolerance.atol + tolerance.rtol * np.abs(want)
        errors = np.where(distance == 0.0, 0.0, distance / allowed)
    if errors.size == 0:
        return Finding(name, tolerance.level, 0.0, 0.0, True)
    worst = int(np.argmax(errors))
    error, max_abs = float(errors.flat[worst]), float(distance.max())
    detail = "" if error <= 1 else f"worst at {worst}: {got.flat[worst]:.9g} instead of {want.flat[worst]:.9g}"
    return Finding(name, tolerance.level, error, max_abs, error <= 1, detail)
