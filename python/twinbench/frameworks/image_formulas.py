"""What image libraries compute where they can't follow a contract: their deviations are bounds around these outputs.

The formulas are for the harness, on neutral values; no step that is timed calls them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twinbench.ops import images as t
from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[Any]

PASSES = 3
"""Number of box blurs that stand for a Gaussian in Pillow."""

PARTS = 256
"""Parts of 1 in which OpenCV's weights for uint8 are whole numbers."""


def pillow_equalise(p: t.Equalise, arrays: Arrays) -> Arrays:
    """Look up each pixel in the table of ``ImageOps.equalize``, which has whole steps."""
    import numpy as np

    out = np.empty_like(arrays["x"])
    for image, target in zip(arrays["x"], out, strict=True):
        counts = np.bincount(image.ravel(), minlength=256)
        step = int(image.size - counts[int(image.max())]) // 255
        table = (step // 2 + counts.cumsum() - counts) // step if step else np.arange(256)
        target[:] = np.minimum(table, 255).astype(np.uint8)[image]
    return arrays | {"x": out}


def pillow_gaussian_blur(p: t.GaussianBlur, arrays: Arrays) -> Arrays:
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
            x = _levels(_correlated(x, weights / weights.sum(), axis))
    return arrays | {"x": x}


def opencv_gaussian_blur(p: t.GaussianBlur, arrays: Arrays) -> Arrays:
    """Blur by weights of 8 bits; from the outermost on, each weight takes over what the last was rounded by."""
    weights = [weight * PARTS for weight in _gaussian(p.sigma, p.radius).tolist()]
    whole, over = [], 0.0
    for weight in weights[: p.radius]:
        whole.append(round(weight + over))
        over += weight - whole[-1]
    kernel = [*whole, PARTS - 2 * sum(whole), *reversed(whole)]
    across = _correlated(arrays["x"], kernel, 2)
    return arrays | {"x": _levels(_correlated(across, kernel, 1) / PARTS**2)}


def opencv_resize_antialiased(p: t.Resize, arrays: Arrays) -> Arrays:
    """Average over the areas of larger pixels, round, and then interpolate along an axis that grows."""
    x = arrays["x"]
    height, width = min(p.height, x.shape[1]), min(p.width, x.shape[2])
    x = _levels(_resized(x, height, width, _areas))
    return arrays | {"x": _levels(_resized(x, p.height, p.width, _nearest_two))}


def skimage_grey(p: t.Grey, arrays: Arrays) -> Arrays:
    """Weigh the colours by Rec. 709."""
    return arrays | {"x": _levels(arrays["x"] @ [0.2125, 0.7154, 0.0721])}


def skimage_resize_antialiased(p: t.Resize, arrays: Arrays) -> Arrays:
    """Blur each axis that shrinks by a Gaussian of sigma (factor - 1) / 2, cut off at 4 sigma, and interpolate."""
    x = arrays["x"]
    for axis, wanted in ((1, p.height), (2, p.width)):
        sigma = (x.shape[axis] / wanted - 1) / 2
        if sigma > 0:
            x = _correlated(x, _gaussian(sigma, int(4 * sigma + 0.5)), axis)
    return arrays | {"x": _levels(_resized(x, p.height, p.width, _nearest_two))}


def juliaimages_resize_antialiased(p: t.Resize, arrays: Arrays) -> Arrays:
    """Blur each axis that shrinks by a Gaussian of 0.75 times the factor, cut off at the border, and interpolate."""
    import numpy as np

    x = arrays["x"].astype(np.float64)
    for axis, wanted in ((1, p.height), (2, p.width)):
        size = x.shape[axis]
        if size > wanted:
            sigma = 0.75 * size / wanted
            distances = np.subtract.outer(np.arange(size), np.arange(size))
            weights = np.exp(-((distances / sigma) ** 2) / 2) * (np.abs(distances) <= 2 * math.ceil(sigma))
            x = np.moveaxis(np.tensordot(weights / weights.sum(1, keepdims=True), x, (1, axis)), 0, axis)
    return arrays | {"x": _levels(_resized(x, p.height, p.width, _nearest_two))}


def _levels(values: Floats) -> Floats:
    import numpy as np

    return np.floor(values + 0.5).astype(np.uint8)


def _gaussian(sigma: float, radius: int) -> Floats:
    """Return the weights of a Gaussian, of which the sum is 1."""
    import numpy as np

    weights = np.exp(-((np.arange(-radius, radius + 1) / sigma) ** 2) / 2)
    return np.asarray(weights / weights.sum())


def _correlated(x: Floats, weights: Any, axis: int) -> Floats:
    """Return weighted sums along an axis, in float64; pixels beyond the border are repeated."""
    import numpy as np

    reach, size = len(weights) // 2, x.shape[axis]
    total, x = np.zeros(x.shape), x.astype(np.float64)
    for distance, weight in zip(range(-reach, reach + 1), weights, strict=True):
        if weight:
            total += weight * x.take(np.clip(np.arange(size) + distance, 0, size - 1), axis)
    return total


def _resized(x: Floats, height: int, width: int, weights: Callable[[int, int], Floats]) -> Floats:
    """Resize both axes by the weights of each pixel of the result, ``(wanted, size)``."""
    import numpy as np

    for axis, wanted in ((1, height), (2, width)):
        x = np.moveaxis(np.tensordot(weights(x.shape[axis], wanted), x, (1, axis)), 0, axis)
    return x


def _areas(size: int, wanted: int) -> Floats:
    """Return the shares of each pixel of the result that pixels of the input cover."""
    import numpy as np

    edges, pixels = np.arange(wanted + 1) * size / wanted, np.arange(size)
    covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.asarray(np.maximum(covered, 0) * wanted / size)


def _nearest_two(size: int, wanted: int) -> Floats:
    """Return the weights of bilinear interpolation between the centres of pixels."""
    import numpy as np

    centres = np.clip((np.arange(wanted) + 0.5) * size / wanted - 0.5, 0, size - 1)
    return np.asarray(np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(size))))
