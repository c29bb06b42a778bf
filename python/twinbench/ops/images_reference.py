"""The references of the image ops: NumPy in float64, one image after the other, rounded once at the end."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twinbench.ops import images as t
    from twinbench.ops import images_filters as filters

    Image = NDArray[Any]


def without_size(arrays: Arrays) -> Arrays:
    """The same, but no images are of no size: a list of none has lost theirs."""
    return {name: values if len(values) else values.reshape(0) for name, values in arrays.items()}


def each(function: Callable[[Image], Image], arrays: Arrays) -> Arrays:
    """The images one by one; what else there is passes on."""
    import numpy as np

    x = arrays["x"]
    images = [function(image) for image in x]
    return arrays | {"x": np.stack(images) if images else function(np.zeros(x.shape[1:], x.dtype))[None][:0]}


def levels(values: Image) -> Image:
    """Numbers as grey levels: rounded half up, clipped, uint8."""
    import numpy as np

    return np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)


def triangles(size: int, wanted: int, widened: bool) -> Image:
    """Weights (wanted, size) of a resized axis: a triangle about each place, at least two pixels wide."""
    import numpy as np

    factor = size / wanted
    places = (np.arange(wanted) + 0.5) * factor - 0.5
    reach = max(1.0, factor) if widened else 1.0
    weights = np.maximum(0.0, 1.0 - np.abs(np.arange(size) - places[:, None]) / reach)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def resized(image: Image, height: int, width: int, widened: bool) -> Image:
    """Both axes."""
    import numpy as np

    rows = np.tensordot(triangles(image.shape[0], height, widened), image, axes=(1, 0))
    columns = np.tensordot(rows, triangles(image.shape[1], width, widened), axes=(1, 1))
    return levels(np.moveaxis(columns, -1, 1))


def resize(p: t.Resize, arrays: Arrays) -> Arrays:
    """Two pixels of each axis."""
    return each(lambda image: resized(image, p.height, p.width, widened=False), arrays)


def resize_antialiased(p: t.Resize, arrays: Arrays) -> Arrays:
    """As many pixels as the factor asks for."""
    return each(lambda image: resized(image, p.height, p.width, widened=True), arrays)


def grey(p: t.Grey, arrays: Arrays) -> Arrays:
    """A sum over the colours."""
    import numpy as np

    return each(lambda image: levels(image @ np.array([0.299, 0.587, 0.114])), arrays)


def correlated(image: Image, kernel: Image, axis: int) -> Image:
    """An odd kernel along one axis; pixels beyond the border are repeated."""
    import numpy as np

    radius, size = len(kernel) // 2, image.shape[axis]
    places = np.arange(size)
    shifted = [image.take(np.clip(places + d, 0, size - 1), axis) for d in range(-radius, radius + 1)]
    return np.asarray(sum(weight * pixels for weight, pixels in zip(kernel, shifted, strict=True)))


def gaussian_blur(p: filters.GaussianBlur, arrays: Arrays) -> Arrays:
    """One axis after the other."""
    import numpy as np

    kernel = np.exp(-(np.arange(-p.radius, p.radius + 1) ** 2) / (2 * p.sigma**2))
    kernel /= kernel.sum()
    return each(lambda image: levels(correlated(correlated(image, kernel, 0), kernel, 1)), arrays)


def sobel(p: filters.Sobel, arrays: Arrays) -> Arrays:
    """Two gradients."""
    import numpy as np

    difference, smooth = np.array([-1.0, 0.0, 1.0]), np.array([1.0, 2.0, 1.0])

    def magnitude(image: Image) -> Image:
        gx = correlated(correlated(image, difference, 1), smooth, 0)
        gy = correlated(correlated(image, difference, 0), smooth, 1)
        return levels(np.sqrt((gx**2 + gy**2) / 32))

    return each(magnitude, arrays)


def median(p: filters.Median, arrays: Arrays) -> Arrays:
    """Row by row, so that no more than one row of windows is held."""
    import numpy as np

    radius, middle = p.size // 2, p.size**2 // 2

    def filtered(image: Image) -> Image:
        border = [(radius, radius)] * 2 + [(0, 0)] * (image.ndim - 2)
        padded = np.pad(image, border, mode="edge")
        out = np.empty_like(image)
        for y in range(len(image)):
            windows = np.lib.stride_tricks.sliding_window_view(padded[y : y + p.size], p.size, axis=1)
            window = np.moveaxis(windows, 0, -1).reshape(*image.shape[1:], p.size**2)
            out[y] = np.partition(window, middle, axis=-1)[..., middle]
        return out

    return each(filtered, arrays)


def warped(image: Image, matrix: tuple[float, ...], fill: int) -> Image:
    """Bilinear, in a frame of `fill` one pixel wide: whatever is farther away is as good as in that frame."""
    import numpy as np

    height, width = image.shape[:2]
    a, b, c, d, e, f = matrix
    y, x = np.mgrid[:height, :width]
    framed = np.pad(image, [(1, 1)] * 2 + [(0, 0)] * (image.ndim - 2), constant_values=fill)
    u = np.clip(a * x + b * y + c + 1, 0, width + 1)
    v = np.clip(d * x + e * y + f + 1, 0, height + 1)
    left, top = np.minimum(np.floor(u).astype(int), width), np.minimum(np.floor(v).astype(int), height)
    right, below = (w.reshape(w.shape + (1,) * (image.ndim - 2)) for w in (u - left, v - top))
    upper = framed[top, left] * (1 - right) + framed[top, left + 1] * right
    lower = framed[top + 1, left] * (1 - right) + framed[top + 1, left + 1] * right
    return levels(upper * (1 - below) + lower * below)


def rotation(degrees: float, height: int, width: int) -> tuple[float, ...]:
    """The matrix of a rotation about the centre."""
    import math

    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    cx, cy = (width - 1) / 2, (height - 1) / 2
    return cos, -sin, cx - cos * cx + sin * cy, sin, cos, cy - sin * cx - cos * cy


def rotate(p: t.Rotate, arrays: Arrays) -> Arrays:
    """By its matrix."""
    return each(lambda image: warped(image, rotation(p.degrees, *image.shape[:2]), p.fill), arrays)


def affine(p: t.Affine, arrays: Arrays) -> Arrays:
    """By the matrix given."""
    return each(lambda image: warped(image, p.matrix, p.fill), arrays)


def equalise(p: t.Equalise, arrays: Arrays) -> Arrays:
    """A table of 256 levels."""
    import numpy as np

    def equalised(image: Image) -> Image:
        counts = np.bincount(image.ravel(), minlength=256)
        lowest = counts[counts > 0][:1].sum()
        if lowest == image.size:
            return image
        return levels(255 * (counts.cumsum() - lowest) / (image.size - lowest))[image]

    return each(equalised, arrays)


def otsu_level(image: Image) -> int:
    """Otsu's threshold, in exact arithmetic; the highest level of an image of one value."""
    import numpy as np

    counts = np.bincount(image.ravel(), minlength=256)
    below = [int(n) for n in counts.cumsum()]
    sums = [int(s) for s in (counts * np.arange(256)).cumsum()]
    total, whole = below[-1], sums[-1]
    between = {
        level: Fraction((whole * n - total * s) ** 2, n * (total - n))
        for level, (n, s) in enumerate(zip(below, sums, strict=True))
        if 0 < n < total
    }
    return max(between, key=between.__getitem__, default=255)


def otsu(p: t.Otsu, arrays: Arrays) -> Arrays:
    """One threshold for each image."""
    import numpy as np

    return each(lambda image: np.where(image > otsu_level(image), 255, 0).astype(np.uint8), arrays)


def opening(p: filters.Opening, arrays: Arrays) -> Arrays:
    """Lowest, then highest; repeating the border's pixels adds none that the window hasn't."""
    import numpy as np

    def extreme(image: Image, of: Any) -> Image:
        padded = np.pad(image, p.size // 2, mode="edge")
        return np.asarray(of(np.lib.stride_tricks.sliding_window_view(padded, (p.size, p.size)), axis=(2, 3)))

    return each(lambda image: extreme(extreme(image, np.min), np.max), arrays)


def components(p: t.Components, arrays: Arrays) -> Arrays:
    """Returns ``labels`` and ``count``."""
    import numpy as np
    from scipy import ndimage

    x = arrays["x"]
    structure = ndimage.generate_binary_structure(2, 2 if p.connectivity == 8 else 1)
    labels = np.zeros(x.shape, dtype=np.int32)
    count = [ndimage.label(image, structure, output=out) for image, out in zip(x, labels, strict=True)]
    return {"labels": labels, "count": np.array(count, dtype=np.int64)}


def renumbered(labels: Image) -> Image:
    """Labels ``(images, height, width)`` with those above 0 counted anew in the order of a scan by rows."""
    import numpy as np

    out = np.zeros_like(labels)
    for image, target in zip(labels, out, strict=True):
        found, first, place = np.unique(image, return_index=True, return_inverse=True)
        rank = np.empty(len(found), dtype=labels.dtype)
        rank[np.argsort(np.where(found == 0, -1, first))] = np.arange(len(found)) + (0 if 0 in found else 1)
        target[:] = rank[place].reshape(image.shape)
    return out


def normalise(p: t.Normalise, arrays: Arrays) -> Arrays:
    """In float64, then float32."""
    import numpy as np

    mean, sd = np.array(p.mean), np.array(p.sd)
    return arrays | {"x": ((arrays["x"] / 255 - mean) / sd).astype(np.float32)}


def augment_givens(p: t.Augment, arrays: Arrays) -> Arrays:
    """Places, turns and factors, drawn by NumPy's PCG64."""
    import numpy as np

    count, height, width = arrays["x"].shape[:3]
    if count and (p.height > height or p.width > width):
        raise ValueError(f"no part of {p.height} x {p.width} pixels in images of {height} x {width}")
    rng = np.random.default_rng(p.seed)
    return {
        "top": rng.integers(0, max(height - p.height, 0) + 1, count),
        "left": rng.integers(0, max(width - p.width, 0) + 1, count),
        "flip": rng.integers(0, 2, count, dtype=np.uint8),
        "factor": rng.uniform(1 - p.brightness, 1 + p.brightness, count),
    }


def augment(p: t.Augment, arrays: Arrays, given: Arrays) -> Arrays:
    """Crop, flip, brighten."""
    import numpy as np

    def changed(image: Image, top: int, left: int, flip: int, factor: float) -> Image:
        part = image[top : top + p.height, left : left + p.width]
        return levels(factor * (part[:, ::-1] if flip else part))

    x = arrays["x"]
    images = [changed(image, *numbers) for image, *numbers in zip(x, *given.values(), strict=True)]
    return arrays | {"x": np.stack(images) if images else np.empty((0, p.height, p.width, *x.shape[3:]), x.dtype)}
