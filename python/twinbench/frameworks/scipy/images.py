"""The image ops in ``scipy.ndimage``. Images are one array, ``(images, height, width)`` or ``(..., 3)``.

Filters take all images in one call, along their axes. Interpolation takes them one by one, and each colour by itself:
each axis of interpolation doubles the work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from twinbench.frameworks.api import Ops
from twinbench.ops import images as t
from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    import numpy as np
    from scipy import ndimage

    Array = np.ndarray[Any, Any]

AXES = (1, 2)


def load() -> None:
    """Import the parts of SciPy that the ops use."""
    global np, ndimage
    import numpy as np
    from scipy import ndimage


def planes(x: Array) -> Iterator[Array]:
    """Yield each image, or each colour of each image, as a view (height, width)."""
    for image in x:
        yield from [image] if image.ndim == 2 else (image[..., colour] for colour in range(3))


def each(function: Callable[[Array, Array], Any], x: Array, out: Array) -> Array:
    """Fill the planes of ``out`` from those of ``x``."""
    for source, target in zip(planes(x), planes(out), strict=True):
        function(source, target)
    return out


def levels(values: Array) -> Array:
    """Round floats from 0 to 255 to grey levels, uint8; ndimage's filters would truncate. Changes ``values``."""
    values += 0.5
    return values.astype(np.uint8)


def window(size: int, x: Array) -> tuple[int, ...]:
    """Return the shape of a window that is a square in each plane."""
    return (1, size, size, 1)[: x.ndim]


def resize(p: t.Resize, images: Arrays) -> Arrays:
    """Resize with ``zoom``, in the mode that treats pixels as areas."""
    x = images["x"]
    factors = (p.height / x.shape[1], p.width / x.shape[2])
    out = np.empty((len(x), p.height, p.width, *x.shape[3:]), np.uint8)

    def zoomed(source: Array, target: Array) -> None:
        ndimage.zoom(source, factors, target, order=1, mode="nearest", grid_mode=True)

    return images | {"x": each(zoomed, x, out)}


def gaussian_blur(p: t.GaussianBlur, images: Arrays) -> Arrays:
    """Blur in float32, so that the result is rounded once."""
    x = images["x"]
    return images | {
        "x": levels(ndimage.gaussian_filter(x, p.sigma, output=np.float32, mode="nearest", radius=p.radius, axes=AXES))
    }


def sobel(p: t.Sobel, images: Arrays) -> Arrays:
    """Compute both gradients image by image, because ``sobel`` smooths along every other axis."""
    x = images["x"]
    out = np.empty(x.shape, np.float32)

    def magnitude(source: Array, target: Array) -> None:
        gx = ndimage.sobel(source, 1, np.float32, mode="nearest")
        gy = ndimage.sobel(source, 0, np.float32, mode="nearest")
        np.hypot(gx, gy, out=target)

    out = each(magnitude, x, out)
    out *= np.float32(32**-0.5)
    return images | {"x": levels(out)}


def median(p: t.Median, images: Arrays) -> Arrays:
    """Filter with ``median_filter(mode="nearest")``, which computes what the contract says."""
    x = images["x"]
    return images | {"x": ndimage.median_filter(x, window(p.size, x), mode="nearest")}


def rotate(p: t.Rotate, images: Arrays) -> Arrays:
    """Rotate with ``ndimage.rotate``, whose axes are rows and columns."""
    return warped(images, lambda x, out: ndimage.rotate(x, p.degrees, (1, 0), False, out, 1, "grid-constant", p.fill))


def affine(p: t.Affine, images: Arrays) -> Arrays:
    """Apply the contract's matrix, SciPy's inverse map, with the axes exchanged."""
    a, b, c, d, e, f = p.matrix
    matrix, offset = np.array([[e, d], [b, a]]), (f, c)
    return warped(
        images,
        lambda x, out: ndimage.affine_transform(
            x, matrix, offset, output=out, order=1, mode="grid-constant", cval=p.fill
        ),
    )


def warped(images: Arrays, function: Callable[[Array, Array], Any]) -> Arrays:
    """Map planes into frames of the same size; interpolation rounds fractions, whereas filters truncate them."""
    return images | {"x": each(function, images["x"], np.empty_like(images["x"]))}


def opening(p: t.Opening, images: Arrays) -> Arrays:
    """Open grey levels, because ``binary_opening`` treats pixels beyond the border as black and erodes from there."""
    x = images["x"]
    return images | {"x": ndimage.grey_opening(x, window(p.size, x), mode="nearest")}


def components(p: t.Components, images: Arrays) -> Arrays:
    """Label with ``ndimage.label``, which writes int32 into one array."""
    x = images["x"]
    structure = ndimage.generate_binary_structure(2, p.connectivity // 4)
    labels = np.empty(x.shape, np.int32)
    count = [ndimage.label(source, structure, target) for source, target in zip(x, labels, strict=True)]
    return {"labels": labels, "count": np.array(count, dtype=np.int64)}


OPS: Ops = {
    "images.resize": resize,
    "images.gaussian_blur": gaussian_blur,
    "images.sobel": sobel,
    "images.median": median,
    "images.rotate": rotate,
    "images.affine": affine,
    "images.opening": opening,
    "images.components": components,
}

NOTES = {
    "images.opening": "ndimage.binary_opening treats pixels beyond the border as black, so this is grey_opening.",
}
