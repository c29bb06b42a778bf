"""The image ops: decoding, geometry, filters, colours, regions and augmentation.

Conventions of every op here: ``x`` is uint8, ``(images, height, width)`` for grey images and ``(images, height, width,
3)`` for RGB in that order; an op for both treats each colour as a grey image. Positions are counted in pixels from the
centre of the first pixel: x to the right, y downwards. Inputs are never changed; other arrays, such as labels, are
passed on unchanged. A number v becomes a grey level by rounding half up, floor(v + 1/2), and clipping to 0..255; less
than a millionth below a half is the half, because numbers are float64. Each op says which values it assumes beyond the
border of an image: ``repeated`` means those of the nearest pixel of the image. The height and width of an output
without images don't matter.
"""

from __future__ import annotations

from twinbench.ops.contract import Op
from twinbench.ops.images.augment import AUGMENT, Augment
from twinbench.ops.images.colour import EQUALISE, GREY, NORMALISE, Equalise, Grey, Normalise
from twinbench.ops.images.decoding import DECODE_JPEG, DECODE_PNG, Decode
from twinbench.ops.images.filters import GAUSSIAN_BLUR, MEDIAN, SOBEL, GaussianBlur, Median, Sobel
from twinbench.ops.images.geometry import AFFINE, RESIZE, RESIZE_ANTIALIASED, ROTATE, Affine, Resize, Rotate, rotation
from twinbench.ops.images.regions import COMPONENTS, OPENING, OTSU, Components, Opening, Otsu

__all__ = [
    "OPS",
    "Affine",
    "Augment",
    "Components",
    "Decode",
    "Equalise",
    "GaussianBlur",
    "Grey",
    "Median",
    "Normalise",
    "Opening",
    "Otsu",
    "Resize",
    "Rotate",
    "Sobel",
    "rotation",
]

OPS: tuple[Op, ...] = (
    DECODE_PNG,
    DECODE_JPEG,
    RESIZE,
    RESIZE_ANTIALIASED,
    GREY,
    GAUSSIAN_BLUR,
    SOBEL,
    MEDIAN,
    ROTATE,
    AFFINE,
    EQUALISE,
    OTSU,
    OPENING,
    COMPONENTS,
    NORMALISE,
    AUGMENT,
)
"""In the order in which every framework module holds them."""

FORMULAS: tuple[str, ...] = ("rotation",)
"""Names of what the contracts state besides the parameters, which a framework under test may import, too."""
