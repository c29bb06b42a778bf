"""What Pillow computes where it can't follow a contract, as formulas: its deviations are bounds around these outputs.

The formulas are for the harness, on neutral values; no step that is timed calls them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from twinbench.ops import images as t
from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

PASSES = 3
"""Number of box blurs that stand for a Gaussian."""


def equalise(p: t.Equalise, arrays: Arrays) -> Arrays:
    """Look up each pixel in the table of ``ImageOps.equalize``, which has whole steps."""
    import numpy as np

    out = np.empty_like(arrays["x"])
    for image, target in zip(arrays["x"], out, strict=True):
        counts = np.bincount(image.ravel(), minlength=256)
        step = int(image.size - counts[int(image.max())]) // 255
        table = (step // 2 + counts.cumsum() - counts) // step if step else np.arange(256)
        target[:] = np.minimum(table, 255).astype(np.uint8)[image]
    return arrays | {"x": out}


def gaussian_blur(p: t.GaussianBlur, arrays: Arrays) -> Arrays:
    """Blur by three boxes along each axis, rounding after each."""
    import numpy as np

    variance = p.sigma**2 / PASSES
    whole = math.floor((math.sqrt(12 * variance + 1) - 1) / 2)
    part = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance) / (6 * (variance - (whole + 1) ** 2))
    weights = np.ones(2 * whole + 3)
    weights[[0, -1]] = part
    x = arrays["x"]
    for axis in (2, 1):
        for _ in range(PASSES):
            x = _weighted(x, weights / weights.sum(), axis)
    return arrays | {"x": x}


def _weighted(x: NDArray[Any], weights: NDArray[Any], axis: int) -> NDArray[Any]:
    """Return the weighted means along an axis as grey levels; pixels beyond the border are repeated."""
    import numpy as np

    reach, size = len(weights) // 2, x.shape[axis]
    total = np.zeros(x.shape)
    for distance, weight in zip(range(-reach, reach + 1), weights, strict=True):
        total += weight * x.take(np.clip(np.arange(size) + distance, 0, size - 1), axis)
    return np.floor(total + 0.5).astype(np.uint8)
