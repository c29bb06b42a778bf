"""The ops that change the geometry of images: resizing, rotating and affine maps."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from twinbench.ops.contract import ONE_LEVEL, Arrays, Op
from twinbench.ops.images import conditions
from twinbench.ops.images.conditions import LARGEST_SIDE
from twinbench.ops.images.pixels import check_grey_level, check_size, each, levels, without_size

if TYPE_CHECKING:
    from twinbench.ops.images.pixels import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Resize:
    """``height`` and ``width``: size of the result, in pixels, each from 1 to 32,767."""

    height: int
    width: int

    def __post_init__(self) -> None:
        check_size(self.height, self.width)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotate:
    """``degrees``: angle, counter-clockwise as the image is seen, from -360 to 360.

    ``fill``: grey level beyond the border of the image.
    """

    degrees: float
    fill: int = 0

    def __post_init__(self) -> None:
        check_grey_level(self.fill)
        if not -360 <= self.degrees <= 360:
            raise ValueError("degrees must be from -360 to 360")


@dataclass(frozen=True, slots=True, kw_only=True)
class Affine:
    """``matrix``: the coefficients a, b, c, d, e, f.

    c and f are in pixels, from -32,767 to 32,767; the others are from -16 to 16.

    ``fill``: grey level beyond the border of the image.
    """

    matrix: tuple[float, float, float, float, float, float]
    fill: int = 0

    def __post_init__(self) -> None:
        check_grey_level(self.fill)
        if len(self.matrix) != 6:
            raise ValueError("matrix must have six numbers: a, b, c, d, e, f")
        a, b, c, d, e, f = self.matrix
        if not (all(-16 <= factor <= 16 for factor in (a, b, d, e)) and max(abs(c), abs(f)) <= LARGEST_SIDE):
            raise ValueError(
                f"matrix: a, b, d, e must be from -16 to 16, c and f from -{LARGEST_SIDE} to {LARGEST_SIDE}"
            )


def rotation(degrees: float, height: int, width: int) -> tuple[float, ...]:
    """Return the coefficients a, b, c, d, e, f of the affine map that `images.rotate` states.

    A formula of the contract: frameworks whose rotation takes a matrix may call it.
    """
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    cx, cy = (width - 1) / 2, (height - 1) / 2
    return cos, -sin, cx - cos * cx + sin * cy, sin, cos, cy - sin * cx - cos * cy


def resize(p: Resize, arrays: Arrays) -> Arrays:
    """Interpolate between two pixels of each axis."""
    return each(lambda image: resized(image, p.height, p.width, widened=False), arrays)


def resize_antialiased(p: Resize, arrays: Arrays) -> Arrays:
    """Average as many pixels of each axis as the factor asks for."""
    return each(lambda image: resized(image, p.height, p.width, widened=True), arrays)


def resized(image: Image, height: int, width: int, widened: bool) -> Image:
    """Resize both axes."""
    import numpy as np

    rows = np.tensordot(triangles(image.shape[0], height, widened), image, axes=(1, 0))
    columns = np.tensordot(rows, triangles(image.shape[1], width, widened), axes=(1, 1))
    return levels(np.moveaxis(columns, -1, 1))


def triangles(size: int, wanted: int, widened: bool) -> Image:
    """Return the weights of an axis that is resized, ``(wanted, size)``.

    The weights are a triangle around each centre, at least two pixels wide. They are whole numbers before they are
    divided by their sum.
    """
    import numpy as np

    centres = (2 * np.arange(wanted)[:, None] + 1) * size - wanted  # of 2 * wanted parts of a pixel, as is all below
    reach = 2 * max(wanted, size) if widened else 2 * wanted
    weights = np.maximum(0, reach - np.abs(2 * wanted * np.arange(size) - centres))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def rotate(p: Rotate, arrays: Arrays) -> Arrays:
    """Warp each image by the matrix of its rotation."""
    return each(lambda image: warped(image, rotation(p.degrees, *image.shape[:2]), p.fill), arrays)


def affine(p: Affine, arrays: Arrays) -> Arrays:
    """Warp each image by the given matrix."""
    return each(lambda image: warped(image, p.matrix, p.fill), arrays)


def warped(image: Image, matrix: tuple[float, ...], fill: int) -> Image:
    """Interpolate bilinearly in the image with a frame of ``fill``, one pixel wide, to which positions are clipped."""
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


RESIZE = Op(
    name="images.resize",
    params=Resize,
    inputs=("images",),
    output="images",
    summary="Resize by bilinear interpolation, without antialiasing.",
    semantics="""Pixel i of an axis that is resized from m to n pixels lies at c = (i + 1/2) m / n - 1/2 of the input.
Its value is the mean of the pixels j of the input, weighted by max(0, 1 - |j - c|), over both axes: these are the two
nearest pixels of each axis, or only the pixel at the border where c lies beyond it. Shrinking skips pixels.""",
    source="torch.nn.functional.interpolate, https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html",
    reference=resize,
    requires=conditions.images,
    tolerance=ONE_LEVEL,
    canonical=without_size,
    isolated=True,
)


RESIZE_ANTIALIASED = replace(
    RESIZE,
    name="images.resize_antialiased",
    summary="Resize by bilinear interpolation, antialiased by a triangle that is as wide as the factor.",
    semantics="""Pixel i of an axis that is resized from m to n pixels lies at c = (i + 1/2) m / n - 1/2 of the input.
Its value is the mean of the pixels j of the input, weighted by max(0, 1 - |j - c| / s) with s = max(1, m / n), over
both axes; pixels beyond the border don't count. Enlarging is the same as in `images.resize`.""",
    source="Pillow, Image.resize with BILINEAR, https://pillow.readthedocs.io/en/stable/handbook/concepts.html#filters",
    reference=resize_antialiased,
)


ROTATE = Op(
    name="images.rotate",
    params=Rotate,
    inputs=("images",),
    output="images",
    summary="Rotate about the centre, without changing the size.",
    semantics="""The pixel (x, y) of the result is taken from the position (cx + cos(t) (x - cx) - sin(t) (y - cy), cy +
sin(t) (x - cx) + cos(t) (y - cy)) of the input, where t is `degrees` and (cx, cy) = ((width - 1) / 2, (height - 1) /
2). Its value is interpolated bilinearly between the four nearest pixels; each of these that lies beyond the border has
the value `fill`, so that edges fade into `fill` within one pixel.""",
    source="scipy.ndimage.rotate with mode grid-constant, https://docs.scipy.org/doc/scipy/reference/generated/scipy.ndimage.rotate.html",
    reference=rotate,
    requires=conditions.images,
    tolerance=ONE_LEVEL,
    canonical=without_size,
    isolated=True,
)


AFFINE = replace(
    ROTATE,
    name="images.affine",
    params=Affine,
    summary="Warp by an affine map, without changing the size.",
    semantics="""The pixel (x, y) of the result is taken from the position (a x + b y + c, d x + e y + f) of the input.
Its value is interpolated bilinearly between the four nearest pixels; each of these that lies beyond the border has the
value `fill`, so that edges fade into `fill` within one pixel.""",
    source="cv2.warpAffine with WARP_INVERSE_MAP, https://docs.opencv.org/4.x/da/d54/group__imgproc__transform.html",
    reference=affine,
)
