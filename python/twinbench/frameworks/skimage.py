"""The image ops in scikit-image. Images are a list of uint8 arrays, as ``skimage.io`` reads them.

Most functions compute in floating point; their results are rounded to grey levels. This file knows scikit-image and the
contracts, and nothing of how it is run or timed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.frameworks import image_formulas, neutral
from twinbench.frameworks.api import Deviation, Framework
from twinbench.ops import images as t
from twinbench.ops.contract import Arrays, Kind, Tolerance

if TYPE_CHECKING:
    import numpy as np
    from skimage import color, exposure, filters, io, measure, morphology, transform, util

    Image = np.ndarray[Any, Any]
    Images = dict[str, Any]


def load(threads: int) -> None:
    """Import the parts of scikit-image that the ops use, which are lazy. The library has no threads of its own."""
    global np, color, exposure, filters, io, measure, morphology, transform, util
    import numpy as np
    from skimage import color, exposure, filters, io, measure, morphology, transform, util

    for part in (color.rgb2gray, exposure.equalize_hist, filters.gaussian, io.imread, measure.label):
        assert callable(part)


def prepare(value: Arrays, kind: Kind) -> Any:
    """Copy images into a list of contiguous arrays; other arrays stay unchanged."""
    return value | {"x": [np.ascontiguousarray(image) for image in value["x"]]} if kind == "images" else value


def extract(value: Any, kind: Kind) -> Arrays:
    """Stack images of equal size into one array; other arrays stay unchanged."""
    return value | {"x": stacked(value["x"])} if kind == "images" else dict(value)


def stacked(images: list[Image], dtype: Any = "uint8") -> Image:
    """Stack images of equal size into one array (n, height, width[, 3])."""
    return np.stack(images) if images else np.empty((0, 0, 0), dtype)


def threads() -> Mapping[str, int]:
    """Return no pools: scikit-image has no threads of its own."""
    return {}


def facts(value: Any, kind: Kind) -> Mapping[str, str]:
    """Describe dtype and shape of images, and dtype and memory order of other arrays."""
    return neutral.list_facts(value, lambda image: f"{image.dtype} {'x'.join(map(str, image.shape))}")


def each(function: Callable[[Image], Image], images: Images) -> Images:
    """Apply a function to every image; the value's other arrays are passed on."""
    return images | {"x": [function(image) for image in images["x"]]}


def floats(image: Image) -> Image:
    """Convert to float32, which scikit-image keeps, whereas it converts uint8 to float64."""
    return image.astype(np.float32)


def levels(values: Image) -> Image:
    """Round floats from 0 to 255 to grey levels, uint8; changes ``values``."""
    values += 0.5
    return values.astype(np.uint8)


def decode_png(p: t.Decode, directory: str) -> Images:
    """Read PNG files with ``io.imread``."""
    return {"x": [io.imread(file) for file in sorted(Path(directory).glob("*.png"))]}


def decode_jpeg(p: t.Decode, directory: str) -> Images:
    """Read JPEG files with ``io.imread``."""
    return {"x": [io.imread(file) for file in sorted(Path(directory).glob("*.jpg"))]}


def resize(p: t.Resize, images: Images) -> Images:
    """Resize with ``transform.resize`` without antialiasing, which computes what the contract says."""
    return each(lambda image: resized(image, p, anti_aliasing=False), images)


def resize_antialiased(p: t.Resize, images: Images) -> Images:
    """Resize with ``transform.resize``, which antialiases by a Gaussian."""
    return each(lambda image: resized(image, p, anti_aliasing=True), images)


def resized(image: Image, p: t.Resize, anti_aliasing: bool) -> Image:
    """Resize an image bilinearly, repeating the border's pixels."""
    to = (p.height, p.width)
    return levels(transform.resize(floats(image), to, order=1, mode="edge", anti_aliasing=anti_aliasing))


def grey(p: t.Grey, images: Images) -> Images:
    """Weigh the colours with ``rgb2gray``, whose weights differ from the contract's."""
    return each(lambda image: levels(color.rgb2gray(image) * 255), images)


def gaussian_blur(p: t.GaussianBlur, images: Images) -> Images:
    """Blur with ``filters.gaussian``, truncated at the contract's radius."""
    truncate = p.radius / p.sigma

    def blurred(image: Image) -> Image:
        colours = -1 if image.ndim == 3 else None
        out = filters.gaussian(floats(image), p.sigma, mode="nearest", truncate=truncate, channel_axis=colours)
        return levels(out)

    return each(blurred, images)


def sobel(p: t.Sobel, images: Images) -> Images:
    """Filter with ``filters.sobel``, whose scale is the contract's."""
    return each(lambda image: levels(filters.sobel(floats(image), mode="nearest")), images)


def median(p: t.Median, images: Images) -> Images:
    """Filter with ``filters.median``, all colours in one call."""
    square = np.ones((p.size, p.size), dtype=bool)
    return each(lambda image: filters.median(image, square if image.ndim == 2 else square[..., None]), images)


def rotate(p: t.Rotate, images: Images) -> Images:
    """Rotate with ``transform.rotate`` without clipping, which would treat the fill as an outlier."""
    return each(lambda image: levels(transform.rotate(floats(image), p.degrees, cval=p.fill, clip=False)), images)


def affine(p: t.Affine, images: Images) -> Images:
    """Apply the contract's matrix with ``warp``. Clipping is off because it would treat the fill as an outlier."""
    matrix = np.array([*p.matrix, 0, 0, 1], dtype=np.float64).reshape(3, 3)
    return each(lambda image: levels(transform.warp(floats(image), matrix, cval=p.fill, clip=False)), images)


def equalise(p: t.Equalise, images: Images) -> Images:
    """Equalise with ``equalize_hist``, and stretch its result, which begins at the share of the lowest level."""

    def equalised(image: Image) -> Image:
        if image.min() == image.max():
            return image
        return levels(exposure.rescale_intensity(exposure.equalize_hist(image), out_range=(0, 255)))

    return each(equalised, images)


def otsu(p: t.Otsu, images: Images) -> Images:
    """Threshold above ``threshold_otsu``, from which the contract was taken."""
    return each(lambda image: (image > filters.threshold_otsu(image)) * np.uint8(255), images)


def opening(p: t.Opening, images: Images) -> Images:
    """Open with a footprint that is applied by columns, then by rows."""
    square = morphology.footprint_rectangle((p.size, p.size), decomposition="separable")
    return each(lambda image: morphology.opening(image, square, mode="ignore"), images)


def components(p: t.Components, images: Images) -> Arrays:
    """Label with ``measure.label``, which also separates values and so needs a mask. A single image isn't copied."""
    labelled = [measure.label(image > 0, return_num=True, connectivity=p.connectivity // 4) for image in images["x"]]
    labels = [labels.astype(np.int32, copy=False) for labels, _ in labelled]
    whole = labels[0][None] if len(labels) == 1 else stacked(labels, np.int32)
    return {"labels": whole, "count": np.array([count for _, count in labelled], dtype=np.int64)}


def normalise(p: t.Normalise, images: Images) -> Arrays:
    """Scale white to 1 with ``img_as_float32``, then normalise with NumPy."""
    x = util.img_as_float32(stacked(images["x"]))
    if len(x):
        x -= np.array(p.mean, np.float32)
        x /= np.array(p.sd, np.float32)
    return images | {"x": x}


def augment(p: t.Augment, images: Images, given: Arrays) -> Images:
    """Crop, flip and scale with NumPy: slices and clipped products."""
    numbers = zip(*(given[name].tolist() for name in ("top", "left", "flip", "factor")), strict=True)

    def changed(image: Image, top: int, left: int, flip: int, factor: float) -> Image:
        part = image[top : top + p.height, left : left + p.width]
        return levels(np.minimum((part[:, ::-1] if flip else part) * factor, 255))

    return images | {"x": [changed(image, *four) for image, four in zip(images["x"], numbers, strict=True)]}


FRAMEWORKS = (
    Framework(
        name="scikit-image",
        language="python",
        summary="Image processing on NumPy arrays",
        packages=("scikit-image", "numpy", "scipy"),
        extra="images",
        load=load,
        prepare=prepare,
        extract=extract,
        threads=threads,
        facts=facts,
        ops={
            "images.decode_png": decode_png,
            "images.decode_jpeg": decode_jpeg,
            "images.resize": resize,
            "images.resize_antialiased": resize_antialiased,
            "images.grey": grey,
            "images.gaussian_blur": gaussian_blur,
            "images.sobel": sobel,
            "images.median": median,
            "images.rotate": rotate,
            "images.affine": affine,
            "images.equalise": equalise,
            "images.otsu": otsu,
            "images.opening": opening,
            "images.components": components,
            "images.normalise": normalise,
            "images.augment": augment,
        },
        notes={
            "images.equalise": "equalize_hist maps the lowest level to its share of the pixels; so it is stretched.",
        },
        deviations={
            "images.resize_antialiased": Deviation(
                reason="scikit-image blurs by a Gaussian of sigma (factor - 1) / 2 first, instead of by a triangle",
                effect="images are softer than Pillow's and PyTorch's: don't train on those of one and predict with "
                "those of another",
                tolerance=Tolerance(levels=1),
                computes=image_formulas.skimage_resize_antialiased,
            ),
            "images.grey": Deviation(
                reason="skimage.color.rgb2gray weighs by Rec. 709 (0.2125, 0.7154, 0.0721), not by Rec. 601",
                effect="green is lighter, red and blue are darker than in other libraries, by up to 33 levels",
                tolerance=Tolerance(levels=1),
                computes=image_formulas.skimage_grey,
            ),
        },
    ),
)
