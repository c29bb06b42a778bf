"""The image ops in Pillow. Images are a list of ``PIL.Image.Image`` of mode L or RGB; arrays are NumPy's.

This file knows Pillow and the contracts, and nothing of how it is run or timed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.frameworks.api import Deviation, Framework
from twinbench.ops import images as t
from twinbench.ops.contract import Arrays, Kind, Tolerance

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image, ImageEnhance, ImageFilter, ImageOps

    Images = dict[str, Any]


def load(threads: int) -> None:
    """Imports the parts of Pillow that the ops use. Pillow has no threads."""
    global np, Image, ImageEnhance, ImageFilter, ImageOps
    import numpy as np
    from PIL import Image, ImageEnhance, ImageFilter, ImageOps


def prepare(value: Arrays, kind: Kind) -> Any:
    """A list of images; arrays stay as they are."""
    if kind != "images":
        return value
    return value | {"x": [Image.fromarray(np.ascontiguousarray(image)) for image in value["x"]]}


def extract(value: Any, kind: Kind) -> Arrays:
    """Images of one size as one array."""
    return value | {"x": stacked(value["x"])} if kind == "images" else dict(value)


def stacked(images: list[Image.Image]) -> np.ndarray[Any, Any]:
    """Of one size."""
    return np.stack([np.asarray(image) for image in images]) if images else np.empty((0, 0, 0), np.uint8)


def threads() -> Mapping[str, int]:
    """Pillow has none."""
    return {}


def facts(value: Any, kind: Kind) -> Mapping[str, str]:
    """Modes and sizes of images, dtypes of arrays."""
    return {name: held(values) for name, values in value.items()}


def held(values: Any) -> str:
    """As it is recorded."""
    if not isinstance(values, list):
        return f"{values.dtype} {'C' if values.flags.c_contiguous else 'F'}"
    return f"list of {values[0].mode} {values[0].width}x{values[0].height}" if values else "empty list"


def each(function: Callable[[Image.Image], Image.Image], images: Images) -> Images:
    """Every image; what else there is passes on."""
    return images | {"x": [function(image) for image in images["x"]]}


def decode(directory: str, pattern: str) -> Images:
    """``open`` reads no pixels yet, ``load`` does, and closes the file."""
    images = [Image.open(file) for file in sorted(Path(directory).glob(pattern))]
    for image in images:
        image.load()
    return {"x": images}


def decode_png(p: t.Decode, directory: str) -> Images:
    """PNG."""
    return decode(directory, "*.png")


def decode_jpeg(p: t.Decode, directory: str) -> Images:
    """JPEG."""
    return decode(directory, "*.jpg")


def resize(p: t.Resize, images: Images) -> Images:
    """``resize`` would antialias; an affine map doesn't, and neither does it round."""

    def resized(image: Image.Image) -> Image.Image:
        scale = (image.width / p.width, 0, 0, 0, image.height / p.height, 0)
        return image.transform((p.width, p.height), Image.Transform.AFFINE, scale, Image.Resampling.BILINEAR)

    return each(resized, images)


def resize_antialiased(p: t.Resize, images: Images) -> Images:
    """The contract is this method's."""
    return each(lambda image: image.resize((p.width, p.height), Image.Resampling.BILINEAR), images)


def grey(p: t.Grey, images: Images) -> Images:
    """Mode L."""
    return each(lambda image: image.convert("L"), images)


def gaussian_blur(p: t.GaussianBlur, images: Images) -> Images:
    """Pillow's radius is what others call sigma."""
    return each(lambda image: image.filter(ImageFilter.GaussianBlur(p.sigma)), images)


def median(p: t.Median, images: Images) -> Images:
    """The contract is this filter's."""
    return each(lambda image: image.filter(ImageFilter.MedianFilter(p.size)), images)


def rotate(p: t.Rotate, images: Images) -> Images:
    """An affine map."""
    return each(lambda image: warped(image, t.rotation(p.degrees, image.height, image.width), p.fill), images)


def affine(p: t.Affine, images: Images) -> Images:
    """An affine map."""
    return each(lambda image: warped(image, p.matrix, p.fill), images)


def warped(image: Image.Image, matrix: tuple[float, ...], fill: int) -> Image.Image:
    """Pillow counts from the first pixel's corner, and takes the border's pixels up to their edge unless framed."""
    a, b, c, d, e, f = matrix
    corner = (a, b, c + (3 - a - b) / 2, d, e, f + (3 - d - e) / 2)
    colour = fill if image.mode == "L" else (fill,) * 3
    framed = ImageOps.expand(image, 1, colour)
    return framed.transform(image.size, Image.Transform.AFFINE, corner, Image.Resampling.BILINEAR, fillcolor=colour)


def equalise(p: t.Equalise, images: Images) -> Images:
    """Of its own formula."""
    return each(ImageOps.equalize, images)


def opening(p: t.Opening, images: Images) -> Images:
    """Repeating the border's pixels, as these filters do, adds none that the window hasn't."""
    lowest, highest = ImageFilter.MinFilter(p.size), ImageFilter.MaxFilter(p.size)
    return each(lambda image: image.filter(lowest).filter(highest), images)


def normalise(p: t.Normalise, images: Images) -> Arrays:
    """By NumPy, in place: Pillow has no images of three float channels."""
    x = stacked(images["x"]).astype(np.float32)
    if len(x):
        x /= 255
        x -= np.array(p.mean, np.float32)
        x /= np.array(p.sd, np.float32)
    return images | {"x": x}


def augment(p: t.Augment, images: Images, given: Arrays) -> Images:
    """Crop, mirror, enhance."""
    numbers = zip(*(given[name].tolist() for name in ("top", "left", "flip", "factor")), strict=True)

    def changed(image: Image.Image, top: int, left: int, flip: int, factor: float) -> Image.Image:
        part = image.crop((left, top, left + p.width, top + p.height))
        return ImageEnhance.Brightness(ImageOps.mirror(part) if flip else part).enhance(factor)

    return images | {"x": [changed(image, *four) for image, four in zip(images["x"], numbers, strict=True)]}


FRAMEWORKS = (
    Framework(
        name="Pillow",
        language="python",
        summary="The imaging library that most others read their images with",
        packages=("pillow", "numpy"),
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
            "images.median": median,
            "images.rotate": rotate,
            "images.affine": affine,
            "images.equalise": equalise,
            "images.opening": opening,
            "images.normalise": normalise,
            "images.augment": augment,
        },
        notes={
            "images.resize": "Image.resize always antialiases, so this is Image.transform, which cuts fractions off.",
            "images.rotate": "Image.rotate doesn't fade edges into the fill: the image gets a frame of it first.",
            "images.affine": "Image.transform doesn't fade edges into the fill: the image gets a frame of it first.",
            "images.augment": "ImageEnhance.Brightness cuts fractions off.",
        },
        deviations={
            "images.gaussian_blur": Deviation(
                reason="Pillow's GaussianBlur is three box blurs, which are near a Gaussian but not one",
                tolerance=Tolerance(levels=64),
            ),
            "images.equalise": Deviation(
                reason="ImageOps.equalize counts half a step into each level and divides in whole numbers",
                tolerance=Tolerance(levels=255),
            ),
        },
    ),
)
