"""The contracts of the image ops; those of a pixel's neighbourhood are in ``images_filters``.

Conventions of every op here: ``x`` is uint8, ``(images, height, width)`` for grey images and ``(images, height, width,
3)`` for RGB in that order; an op for both treats each colour as a grey image. Places are counted in pixels from the
centre of the first one: x to the right, y downwards. Inputs are never changed; other arrays, such as labels, pass on as
they are. A number v becomes a grey level by rounding half up, floor(v + 1/2), and clipping to 0..255. What lies beyond
an image is said by each op: ``repeated`` is the nearest pixel of the image. Of no images the size doesn't matter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from twinbench.ops import images_decoding as decoding
from twinbench.ops import images_filters as filters
from twinbench.ops import images_reference as reference
from twinbench.ops.contract import EXACT, ONE_LEVEL, Arrays, Op, Tolerance
from twinbench.ops.images_reference import without_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Decode:
    """``directory``: which directory of files of the dataset."""

    directory: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resize:
    """``height`` and ``width``: of the result, in pixels."""

    height: int
    width: int

    def __post_init__(self) -> None:
        if min(self.height, self.width) < 1:
            raise ValueError("height and width must be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grey:
    """No parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotate:
    """``degrees``: counter-clockwise, as one sees the image. ``fill``: the grey level of what lies beyond it."""

    degrees: float
    fill: int = 0

    def __post_init__(self) -> None:
        _level(self.fill)


@dataclass(frozen=True, slots=True, kw_only=True)
class Affine:
    """``matrix``: a, b, c, d, e, f. ``fill``: the grey level of what lies beyond the image."""

    matrix: tuple[float, float, float, float, float, float]
    fill: int = 0

    def __post_init__(self) -> None:
        _level(self.fill)
        if len(self.matrix) != 6:
            raise ValueError("matrix must have six numbers: a, b, c, d, e, f")


@dataclass(frozen=True, slots=True, kw_only=True)
class Equalise:
    """No parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Otsu:
    """No parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """``connectivity``: neighbours of a pixel: 4, which share a side with it, or 8, which share a corner or a side."""

    connectivity: Literal[4, 8] = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalise:
    """``mean`` and ``sd``: one number for grey images, three for RGB, on a scale where white is 1."""

    mean: tuple[float, ...]
    sd: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.mean) not in (1, 3) or len(self.sd) != len(self.mean) or min(self.sd) <= 0:
            raise ValueError("mean and sd must have 1 or 3 numbers each, and those of sd be above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Augment:
    """``height``, ``width``: of the part that is kept. ``brightness``: how far the factor may be from 1."""

    height: int
    width: int
    brightness: float = 0.25
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.height, self.width) < 1 or not 0 <= self.brightness < 1:
            raise ValueError("height and width must be at least 1, brightness from 0 to below 1")


def _level(fill: int) -> None:
    if not 0 <= fill <= 255:
        raise ValueError("fill must be a grey level, 0 to 255")


def renumbered(arrays: Arrays) -> Arrays:
    """Components numbered in the order in which a scan by rows meets them: their numbers are not in the contract."""
    arrays = without_size(arrays)
    return arrays | {"labels": reference.renumbered(arrays["labels"])}


DECODE_PNG = Op(
    name="images.decode_png",
    params=Decode,
    inputs=("file",),
    output="images",
    summary="Read a directory of PNG files.",
    semantics="""The input is a directory. Its files `*.png`, sorted by name, are the images: 8 bits a sample, grey or
RGB, not interlaced, all of one size and kind. Output: `x`, the samples as they are, whatever gamma or colour profile is
declared. Files are read from the page cache.""",
    source="ISO/IEC 15948:2004, Portable Network Graphics, https://www.w3.org/TR/png-3/",
    reference=decoding.decode_png,
    file_param="directory",
    compared=without_size,
)
DECODE_JPEG = replace(
    DECODE_PNG,
    name="images.decode_jpeg",
    summary="Read a directory of JPEG files.",
    semantics="""The input is a directory. Its files `*.jpg`, sorted by name, are the images: baseline JPEG of 8 bits,
grey or YCbCr in JFIF, all of one size and kind, at least five pixels wide. Output: `x`, grey or RGB. Coefficients are
dequantised, transformed by the inverse DCT of T.81, and rounded to 0..255. Chroma samples that were halved lie midway
between those of luma and are interpolated linearly between their nearest neighbours; the border's are repeated. Then R
= Y + 1.402 (Cr - 128), G = Y - 0.344136 (Cb - 128) - 0.714136 (Cr - 128), B = Y + 1.772 (Cb - 128), as grey levels. No
orientation or colour profile is applied. Decoders work in whole numbers: each of the three stages may be a level off,
and the last one multiplies what chroma is off. Files are read from the page cache.""",
    source="ITU-T T.81 and T.871 (JFIF), https://www.itu.int/rec/T-REC-T.81",
    reference=decoding.decode_jpeg,
    tolerance=Tolerance(levels=4),
)
RESIZE = Op(
    name="images.resize",
    params=Resize,
    inputs=("images",),
    output="images",
    summary="Resize by bilinear interpolation, without antialiasing.",
    semantics="""Pixel i of an axis of m pixels that is resized to n lies at c = (i + 1/2) m / n - 1/2 of the input.
Its value is the mean of the input's pixels j, weighted by max(0, 1 - |j - c|), over both axes: the two nearest pixels
of each axis, and only the border's where c is beyond it. Shrinking skips pixels.""",
    source="torch.nn.functional.interpolate, https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html",
    reference=reference.resize,
    tolerance=ONE_LEVEL,
    compared=without_size,
    isolated=True,
)
RESIZE_ANTIALIASED = replace(
    RESIZE,
    name="images.resize_antialiased",
    summary="Resize by bilinear interpolation, antialiased by a triangle as wide as the factor.",
    semantics="""Pixel i of an axis of m pixels that is resized to n lies at c = (i + 1/2) m / n - 1/2 of the input.
Its value is the mean of the input's pixels j, weighted by max(0, 1 - |j - c| / s) with s = max(1, m / n), over both
axes; pixels beyond the border don't count. Enlarging is as in `images.resize`.""",
    source="Pillow, Image.resize with BILINEAR, https://pillow.readthedocs.io/en/stable/handbook/concepts.html#filters",
    reference=reference.resize_antialiased,
)
GREY = Op(
    name="images.grey",
    params=Grey,
    inputs=("images",),
    output="images",
    summary="Colour to grey by the luma weights of Rec. 601.",
    semantics="""RGB images to grey ones: 0.299 R + 0.587 G + 0.114 B, as a grey level.""",
    source="ITU-R BT.601, https://www.itu.int/rec/R-REC-BT.601",
    reference=reference.grey,
    tolerance=ONE_LEVEL,
    compared=without_size,
    isolated=True,
)
ROTATE = Op(
    name="images.rotate",
    params=Rotate,
    inputs=("images",),
    output="images",
    summary="Rotate about the centre, in a frame of the same size.",
    semantics="""The pixel (x, y) of the result is taken from (cx + cos(t) (x - cx) - sin(t) (y - cy), cy + sin(t) (x -
cx) + cos(t) (y - cy)) of the input, where t is `degrees` and (cx, cy) = ((width - 1) / 2, (height - 1) / 2). Its value
is interpolated bilinearly between the four nearest pixels; each of those that lies beyond the border has the value
`fill`, so that edges fade into it within one pixel.""",
    source="scipy.ndimage.rotate with mode grid-constant, https://docs.scipy.org/doc/scipy/reference/generated/scipy.ndimage.rotate.html",
    reference=reference.rotate,
    tolerance=ONE_LEVEL,
    compared=without_size,
    isolated=True,
)
AFFINE = replace(
    ROTATE,
    name="images.affine",
    params=Affine,
    summary="Warp by an affine map, in a frame of the same size.",
    semantics="""The pixel (x, y) of the result is taken from (a x + b y + c, d x + e y + f) of the input. Its value is
interpolated bilinearly between the four nearest pixels; each of those that lies beyond the border has the value `fill`,
so that edges fade into it within one pixel.""",
    source="cv2.warpAffine with WARP_INVERSE_MAP, https://docs.opencv.org/4.x/da/d54/group__imgproc__transform.html",
    reference=reference.affine,
)
EQUALISE = Op(
    name="images.equalise",
    params=Equalise,
    inputs=("images",),
    output="images",
    summary="Equalise the histogram.",
    semantics="""Grey images, each by itself. With N pixels, C(v) of them at most v, and C0 as many as have the lowest
value that occurs, v becomes 255 (C(v) - C0) / (N - C0) as a grey level. An image of one value stays as it is.""",
    source="cv2.equalizeHist; https://en.wikipedia.org/wiki/Histogram_equalization",
    reference=reference.equalise,
    tolerance=ONE_LEVEL,
    compared=without_size,
    isolated=True,
)
OTSU = Op(
    name="images.otsu",
    params=Otsu,
    inputs=("images",),
    output="images",
    summary="Black and white, by Otsu's threshold.",
    semantics="""Grey images, each by itself. Pixels above the threshold t become 255 and the others 0. t is the level
for which the variance between the two classes is greatest: n0 n1 (m0 - m1)^2, where the n0 pixels that are at most t
have the mean m0, the n1 others m1, and neither class is empty; the lowest one if there are several. Of two levels that
are equally good, a library that computes in floating point may take either. An image of one value becomes 0.""",
    source="Otsu 1979, https://doi.org/10.1109/TSMC.1979.4310076",
    reference=reference.otsu,
    compared=without_size,
    isolated=True,
)
COMPONENTS = Op(
    name="images.components",
    params=Components,
    inputs=("images",),
    output="arrays",
    summary="Number the connected components.",
    semantics="""Grey images, each by itself. Pixels that are not 0 belong to the same component if neighbours lead from
one to the other. Output: `labels`, int32 (images, height, width), 0 where the pixel is 0, and 1, 2, ... for the
components in any order; `count`, int64 (images,), how many there are. Nothing else is passed on.""",
    source="scipy.ndimage.label, https://docs.scipy.org/doc/scipy/reference/generated/scipy.ndimage.label.html",
    reference=reference.components,
    tolerance=EXACT,
    compared=renumbered,
    isolated=True,
)
NORMALISE = Op(
    name="images.normalise",
    params=Normalise,
    inputs=("images",),
    output="arrays",
    summary="Grey levels to float32 numbers of a given mean and standard deviation.",
    semantics="""`x` becomes (x / 255 - mean) / sd, float32 in the shape of the input, with the mean and sd of each
colour.""",
    source="torchvision ToTensor and Normalize, https://docs.pytorch.org/vision/stable/transforms.html",
    reference=reference.normalise,
    tolerance=Tolerance(rtol=1e-5, atol=1e-5),
    compared=without_size,
    isolated=True,
)
AUGMENT = Op(
    name="images.augment",
    params=Augment,
    inputs=("images",),
    output="images",
    summary="Crop, flip and brighten, each image by the random numbers that it is given.",
    semantics="""The givens have for each image `top` and `left`, int64, `flip`, uint8, and `factor`, float64. The part
of `height` x `width` pixels whose first one is (`left`, `top`) is kept; where `flip` is 1 it is turned left to right;
then each pixel v becomes `factor` v as a grey level.""",
    source="torchvision RandomCrop, RandomHorizontalFlip and ColorJitter, https://docs.pytorch.org/vision/stable/transforms.html",
    reference=reference.augment,
    givens=reference.augment_givens,
    tolerance=ONE_LEVEL,
    compared=without_size,
    isolated=True,
)

OPS: tuple[Op, ...] = (
    DECODE_PNG,
    DECODE_JPEG,
    RESIZE,
    RESIZE_ANTIALIASED,
    GREY,
    filters.GAUSSIAN_BLUR,
    filters.SOBEL,
    filters.MEDIAN,
    ROTATE,
    AFFINE,
    EQUALISE,
    OTSU,
    filters.OPENING,
    COMPONENTS,
    NORMALISE,
    AUGMENT,
)
"""In the order in which every framework module holds them."""
