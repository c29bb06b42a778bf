"""The image ops in Pillow. Images are a list of ``PIL.Image.Image`` of mode L or RGB; other arrays are NumPy's.

This file knows Pillow and the contracts, and nothing of how it is run or timed.
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
    from PIL import Image, ImageEnhance, ImageFilter, ImageOps

    Images = dict[str, Any]


def load(threads: int) -> None:
    """Import the parts of Pillow that the ops use. Pillow has no threads."""
    global np, Image, ImageEnhance, ImageFilter, ImageOps
    import numpy as np
    from PIL import Image, ImageEnhance, ImageFilter, ImageOps


def prepare(value: Arrays, kind: Kind) -> Any:
    """Convert images into a list of Pillow images; other arrays stay unchanged."""
    if kind != "images":
        return value
    return value | {"x": [Image.fromarray(np.ascontiguousarray(image)) for image in value["x"]]}


def extract(value: Any, kind: Kind) -> Arrays:
    """Stack images of equal size into one array; other arrays stay unchanged."""
    return value | {"x": stacked(value["x"])} if kind == "images" else dict(value)


def stacked(images: list[Image.Image]) -> np.ndarray[Any, Any]:
    """Stack images of equal size into one array, uint8 (n, height, width[, 3])."""
    return np.stack([np.asarray(image) for image in images]) if images else np.empty((0, 0, 0), np.uint8)


def threads() -> Mapping[str, int]:
    """Return no pools: Pillow has no threads."""
    return {}


def facts(value: Any, kind: Kind) -> Mapping[str, str]:
    """Describe mode and size of images, and dtype and memory order of other arrays."""
    return neutral.list_facts(value, lambda image: f"{image.mode} {image.width}x{image.height}")


def each(function: Callable[[Image.Image], Image.Image], images: Images) -> Images:
    """Apply a function to every image; the value's other arrays are passed on."""
    return images | {"x": [function(image) for image in images["x"]]}


def decode(directory: str, pattern: str) -> Images:
    """Read the files that match a pattern; ``open`` is lazy, ``load`` reads the pixels and closes the file."""
    images = [Image.open(file) for file in sorted(Path(directory).glob(pattern))]
    for image in images:
        image.load()
    return {"x": images}


def decode_png(p: t.Decode, directory: str) -> Images:
    """Read PNG files with ``Image.open``."""
    return decode(directory, "*.png")


def decode_jpeg(p: t.Decode, directory: str) -> Images:
    """Read JPEG files with ``Image.open``."""
    return decode(directory, "*.jpg")


def resize(p: t.Resize, images: Images) -> Images:
    """Resize by an affine map, because ``resize`` would antialias; the map truncates fractions."""

    def resized(image: Image.Image) -> Image.Image:
        scale = (image.width / p.width, 0, 0, 0, image.height / p.height, 0)
        return image.transform((p.width, p.height), Image.Transform.AFFINE, scale, Image.Resampling.BILINEAR)

    return each(resized, images)


def resize_antialiased(p: t.Resize, images: Images) -> Images:
    """Resize with ``Image.resize(BILINEAR)``, from which the contract was taken."""
    return each(lambda image: image.resize((p.width, p.height), Image.Resampling.BILINEAR), images)


def grey(p: t.Grey, images: Images) -> Images:
    """Convert to mode L."""
    return each(lambda image: image.convert("L"), images)


def gaussian_blur(p: t.GaussianBlur, images: Images) -> Images:
    """Blur with ``GaussianBlur``, whose radius is the contract's sigma."""
    return each(lambda image: image.filter(ImageFilter.GaussianBlur(p.sigma)), images)


def median(p: t.Median, images: Images) -> Images:
    """Filter with ``MedianFilter``, from which the contract was taken."""
    return each(lambda image: image.filter(ImageFilter.MedianFilter(p.size)), images)


def rotate(p: t.Rotate, images: Images) -> Images:
    """Rotate by an affine map about the image's centre."""
    return each(lambda image: warped(image, t.rotation(p.degrees, image.height, image.width), p.fill), images)


def affine(p: t.Affine, images: Images) -> Images:
    """Apply the contract's affine map."""
    return each(lambda image: warped(image, p.matrix, p.fill), images)


def warped(image: Image.Image, matrix: tuple[float, ...], fill: int) -> Image.Image:
    """Map an image into a frame of the same size.

    Pillow counts coordinates from the first pixel's corner, and edges fade into the fill only inside a border of the
    fill.
    """
    a, b, c, d, e, f = matrix
    corner = (a, b, c + (3 - a - b) / 2, d, e, f + (3 - d - e) / 2)
    colour = fill if image.mode == "L" else (fill,) * 3
    framed = ImageOps.expand(image, 1, colour)
    return framed.transform(image.size, Image.Transform.AFFINE, corner, Image.Resampling.BILINEAR, fillcolor=colour)


def equalise(p: t.Equalise, images: Images) -> Images:
    """Equalise with ``ImageOps.equalize``, whose formula differs from the contract's."""
    return each(ImageOps.equalize, images)


def opening(p: t.Opening, images: Images) -> Images:
    """Open with a minimum and a maximum filter; they repeat border pixels, which adds no value to a window."""
    lowest, highest = ImageFilter.MinFilter(p.size), ImageFilter.MaxFilter(p.size)
    return each(lambda image: image.filter(lowest).filter(highest), images)


def normalise(p: t.Normalise, images: Images) -> Arrays:
    """Normalise with NumPy, in place: Pillow has no images of three float channels."""
    x = stacked(images["x"]).astype(np.float32)
    if len(x):
        x /= 255
        x -= np.array(p.mean, np.float32)
        x /= np.array(p.sd, np.float32)
    return images | {"x": x}


def augment(p: t.Augment, images: Images, given: Arrays) -> Images:
    """Crop, mirror, and scale with ``ImageEnhance``."""
    numbers = zip(*(given[name].tolist() for name in ("top", "left", "flip", "factor")), strict=True)

    def changed(image: Image.Image, top: int, left: int, flip: int, factor: float) -> Image.Image:
        part = image.crop((left, top, left + p.width, top + p.height))
        return ImageEnhance.Brightness(ImageOps.mirror(part) if flip else part).enhance(factor)

    return images | {"x": [changed(image, *four) for image, four in zip(images["x"], numbers, strict=True)]}


FRAMEWORKS = (
    Framework(
        name="Pillow",
        language="python",
        summary="Imaging library with which many others read their images",
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
            "images.resize": "Image.resize always antialiases, so this is Image.transform, which truncates fractions.",
            "images.rotate": "Image.rotate doesn't fade edges into the fill, so the image gets a border of it.",
            "images.affine": "Image.transform doesn't fade edges into the fill, so the image gets a border of it.",
            "images.augment": "ImageEnhance.Brightness truncates fractions.",
        },
        deviations={
            "images.gaussian_blur": Deviation(
                reason="Pillow's GaussianBlur is three box blurs without a radius: near a Gaussian that isn't cut off",
                effect="edges are some levels off, and another filter was used where the radius is below 3 sigma",
                tolerance=Tolerance(levels=2),
                computes=image_formulas.pillow_gaussian_blur,
            ),
            "images.equalise": Deviation(
                reason="ImageOps.equalize divides in whole numbers",
                effect="photographs are a few levels off, and images of up to 255 pixels stay as they are",
                tolerance=Tolerance(levels=1),
                computes=image_formulas.pillow_equalise,
            ),
        },
    ),
)
