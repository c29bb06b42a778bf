"""What the signal ops share: what they ask of their records, and what float64 can know of their outputs.

Records, samples and frames are counted from 1 in the messages.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from twinbench.ops.contract import Arrays, OutsideContract, Tolerance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

SIGNAL = Tolerance(rtol=1e-9, atol=2.0**-43)
"""Tolerance of the signal ops: 1,024 roundings of float64 in the unit that an op's ``scale`` gives, or 1e-9 of a value.
An FFT in PyTorch takes up to 122 of them, at a length of 268.

The unit is proportional to the records, so that agreement means the same in volts and in microvolts: an answer of
zeros, one in float32 and one that is wrong by 0.1 % are refused in every unit.
"""

RECURSIVE = Tolerance(rtol=1e-9, atol=2.0**-46)
"""Tolerance of Butterworth filters: 128 roundings. Among thousands of random filters, SciPy's were at most 6 of them
off 50-digit arithmetic."""

LEAST, MOST = 1e-100, 1e100
"""Bounds of the largest magnitude of a record that isn't silent: its square is still an exact float64."""


def check_rate(rate_hz: float) -> None:
    """Raise ValueError for a sampling rate that isn't a positive number."""
    if not 0 < rate_hz < math.inf:
        raise ValueError("rate_hz must be a number above 0")


def array(arrays: Arrays, axes: str) -> Array:
    """Return ``x``. Refuse an input without it, and an ``x`` of another dtype or other axes, or without values."""
    if "x" not in arrays:
        held = ", ".join(arrays) or "nothing"
        raise OutsideContract(f"there is no array 'x', but {held}; take the output of another step as input")
    x = arrays["x"]
    if x.dtype.name != "float64" or x.ndim != axes.count(",") + 1:
        raise OutsideContract(f"x is {x.dtype.name} {x.shape}, and must be float64 ({axes}); take another input")
    if 0 in x.shape:
        raise OutsideContract(f"x is {x.shape}, and must hold at least one record and one sample")
    return x


def records(arrays: Arrays, frame: int = 1) -> Array:
    """Return ``x``. Refuse what no signal op takes: other axes, other values than finite ones, records without a frame.

    A record may be silent; otherwise its largest magnitude must lie between `LEAST` and `MOST`.
    """
    import numpy as np

    x = array(arrays, "records, samples")
    if x.shape[1] < frame:
        raise OutsideContract(
            f"a record has {x.shape[1]:,} samples, and a frame {frame:,}; choose a shorter frame, or longer records"
        )
    wrong = np.argwhere(~np.isfinite(x))
    if len(wrong):
        record, sample = wrong[0]
        raise OutsideContract(
            f"record {record + 1}, sample {sample + 1}: {x[record, sample]} is not a finite number; replace the value, "
            "or leave out the record"
        )
    magnitudes = largest(x)[:, 0]
    outside = np.flatnonzero((magnitudes > 0) & ((magnitudes < LEAST) | (magnitudes > MOST)))
    if len(outside):
        raise OutsideContract(
            f"record {outside[0] + 1}: the largest magnitude is {magnitudes[outside[0]]:g}, and must lie between "
            f"{LEAST:g} and {MOST:g}; multiply the records by a constant"
        )
    return x


def largest(x: Array) -> Array:
    """Return the largest magnitude of each record, ``(records, 1)``."""
    import numpy as np

    return np.asarray(np.abs(x).max(axis=1, keepdims=True))


def require_records(p: object, arrays: Arrays) -> None:
    """Refuse records that no signal op takes."""
    records(arrays)


def require_frames(p: Any, arrays: Arrays) -> None:
    """Refuse records that no signal op takes, and those that are shorter than a frame."""
    records(arrays, p.frame)
