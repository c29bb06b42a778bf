"""How far two floating-point results may be apart: by the precision of their type, and by the scale of the values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RTOL = {2: 1e-2, 4: 1e-4, 8: 1e-9}
"""Relative tolerance by the bytes of a number: thousands of roundings, and less than what a narrower literal does."""

SHARE = {2: 1e-2, 4: 1e-6, 8: 1e-12}
"""Share of the largest value of an array by which any of its values may be off, by the bytes of a number."""

ROUNDINGS = 4
"""Roundings of the sum of all inputs by which any value may be off: sums in another order differ by them."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The tolerance that the user asked for, or else that of the numbers' type."""

    rtol: float | None = None
    atol: float | None = None

    def allowed(self, want: NDArray[Any], bytes_: int, inputs: float) -> NDArray[np.float64]:
        """Return how far each value may be from ``want``.

        ``bytes_`` is the size of the narrower of the two types (of a real part), and ``inputs`` the sum of the absolute
        values of all floating-point inputs.
        """
        size = np.abs(want.astype(np.complex128 if want.dtype.kind == "c" else np.float64))
        finite = size[np.isfinite(size)]
        rtol = RTOL[bytes_] if self.rtol is None else self.rtol
        if self.atol is not None:
            atol = self.atol
        else:
            eps = float(np.finfo(f"f{bytes_}").eps)
            atol = SHARE[bytes_] * float(finite.max(initial=0.0)) + ROUNDINGS * eps * inputs
        return np.asarray(rtol * np.where(np.isfinite(size), size, 0.0) + atol)


def sum_of_inputs(values: list[Any]) -> float:
    """Return the sum of the absolute values of all finite floating-point numbers among arguments."""
    total = 0.0
    for value in values:
        if isinstance(value, float):
            total += abs(value) if np.isfinite(value) else 0.0
        elif isinstance(value, (list, tuple)):
            total += sum_of_inputs(list(value))
        elif isinstance(value, dict):
            total += sum_of_inputs(list(value.values()))
        elif hasattr(value, "columns"):
            total += sum_of_inputs(list(value.columns.values()))
        elif hasattr(value, "mask"):
            total += sum_of_inputs([value.values[~value.mask]])
        elif hasattr(value, "dtype") and value.dtype.kind in "fc":
            with np.errstate(all="ignore"):
                sizes = np.abs(np.asarray(value).astype(np.complex128))
            total += float(sizes[np.isfinite(sizes)].sum())
    return total if np.isfinite(total) else 0.0
