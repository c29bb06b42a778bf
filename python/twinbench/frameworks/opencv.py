"""The image ops in OpenCV. Images are a list of uint8 arrays; colours are in OpenCV's order, BGR.

This file knows OpenCV and the contracts, and nothing of how it is run or timed.
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
    import cv2
    import numpy as np

    Image = np.ndarray[Any, Any]
    Images = dict[str, Any]


def load(threads: int) -> None:
    """Import OpenCV and sets its threads."""
    global cv2, np
    import cv2
    import numpy as np

    cv2.setNumThreads(threads)


def prepare(value: Arrays, kind: Kind) -> Any:
    """Copy images into a list of contiguous arrays in BGR; other arrays stay unchanged."""
    if kind != "images":
        return value
    return value | {"x": [np.ascontiguousarray(image[..., ::-1] if image.ndim == 3 else image) for image in value["x"]]}


def extract(value: Any, kind: Kind) -> Arrays:
    """Stack images into one array in RGB; other arrays stay unchanged."""
    return value | {"x": stacked([rgb(image) for image in value["x"]])} if kind == "images" else dict(value)


def rgb(image: Image) -> Image:
    """Reverse the channels: BGR to RGB."""
    return image if image.ndim == 2 else image[..., ::-1]


def stacked(images: list[Image]) -> Image:
    """Stack images of equal size into one array, uint8 (n, height, width[, 3])."""
    return np.stack(images) if images else room(images, np.uint8)


def room(images: list[Image], dtype: Any) -> Image:
    """Allocate one array (n, height, width[, 3]) for results of this many images."""
    return np.empty((len(images), *(images[0].shape if images else (0, 0))), dtype)


def threads() -> Mapping[str, int]:
    """Return the threads of OpenCV's own pool."""
    return {"opencv": cv2.getNumThreads()}


def facts(value: Any, kind: Kind) -> Mapping[str, str]:
    """Describe dtype, size and order of colours of images, and dtype and memory order of other arrays."""
    return neutral.list_facts(value, _image_facts)


def _image_facts(image: Image) -> str:
    height, width = image.shape[:2]
    return f"{image.dtype} {'BGR' if image.ndim == 3 else 'grey'} {width}x{height}"


def each(function: Callable[[Image], Image], images: Images) -> Images:
    """Apply a function to every image; the value's other arrays are passed on."""
    return images | {"x": [function(image) for image in images["x"]]}


def decode(directory: str, pattern: str) -> Images:
    """Read the files that match a pattern, in order of their names, as grey or BGR, and without turning them."""
    files = sorted(Path(directory).glob(pattern))
    return {"x": [cv2.imread(str(file), cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION) for file in files]}


def decode_png(p: t.Decode, directory: str) -> Images:
    """Read PNG files with ``imread``."""
    return decode(directory, "*.png")


def decode_jpeg(p: t.Decode, directory: str) -> Images:
    """Read JPEG files with ``imread``."""
    return decode(directory, "*.jpg")


def resize(p: t.Resize, images: Images) -> Images:
    """Resize with ``cv2.resize(INTER_LINEAR)``, from which the contract was taken."""
    return each(lambda image: cv2.resize(image, (p.width, p.height), interpolation=cv2.INTER_LINEAR), images)


def resize_antialiased(p: t.Resize, images: Images) -> Images:
    """Shrink by the mean over areas, OpenCV's antialiasing; an axis that grows is interpolated afterwards."""

    def resized(image: Image) -> Image:
        height, width = min(p.height, image.shape[0]), min(p.width, image.shape[1])
        if (height, width) != image.shape[:2]:
            image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        if (height, width) != (p.height, p.width):
            image = cv2.resize(image, (p.width, p.height), interpolation=cv2.INTER_LINEAR)
        return image

    return each(resized, images)


def grey(p: t.Grey, images: Images) -> Images:
    """Weigh the colours with ``cvtColor``, which computes in integers."""
    return each(lambda image: cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), images)


def gaussian_blur(p: t.GaussianBlur, images: Images) -> Images:
    """Blur with ``GaussianBlur``, which computes in integers."""
    size = (2 * p.radius + 1, 2 * p.radius + 1)
    return each(lambda image: cv2.GaussianBlur(image, size, p.sigma, borderType=cv2.BORDER_REPLICATE), images)


def sobel(p: t.Sobel, images: Images) -> Images:
    """Compute both gradients in float32, then their magnitude."""

    def magnitude(image: Image) -> Image:
        gx = cv2.Sobel(image, cv2.CV_32F, 1, 0, borderType=cv2.BORDER_REPLICATE)
        gy = cv2.Sobel(image, cv2.CV_32F, 0, 1, borderType=cv2.BORDER_REPLICATE)
        return cv2.convertScaleAbs(cv2.magnitude(gx, gy), alpha=32**-0.5)

    return each(magnitude, images)


def median(p: t.Median, images: Images) -> Images:
    """Filter with ``cv2.medianBlur``, from which the contract was taken."""
    return each(lambda image: cv2.medianBlur(image, p.size), images)


def rotate(p: t.Rotate, images: Images) -> Images:
    """Rotate by an affine map about the image's centre."""

    def rotated(image: Image) -> Image:
        height, width = image.shape[:2]
        matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), p.degrees, 1)
        return warped(image, matrix, cv2.INTER_LINEAR, p.fill)

    return each(rotated, images)


def affine(p: t.Affine, images: Images) -> Images:
    """Apply the contract's matrix, which is OpenCV's inverse map."""
    matrix = np.array(p.matrix, dtype=np.float64).reshape(2, 3)
    return each(lambda image: warped(image, matrix, cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, p.fill), images)


def warped(image: Image, matrix: Image, flags: int, fill: int) -> Image:
    """Map an image into a frame of the same size."""
    return cv2.warpAffine(image, matrix, image.shape[1::-1], flags=flags, borderValue=(fill, fill, fill))


def equalise(p: t.Equalise, images: Images) -> Images:
    """Equalise with ``cv2.equalizeHist``, from which the contract was taken."""
    return each(cv2.equalizeHist, images)


def otsu(p: t.Otsu, images: Images) -> Images:
    """Threshold with ``THRESH_OTSU``.

    For an image of one value OpenCV's threshold is 0, and the contract's is that value.
    """

    def binary(image: Image) -> Image:
        threshold, out = cv2.threshold(image, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
        return out if threshold > 0 or image.min() == 0 else np.zeros_like(image)

    return each(binary, images)


def opening(p: t.Opening, images: Images) -> Images:
    """Open with ``morphologyEx``, which ignores pixels beyond the border, as the contract does."""
    square = cv2.getStructuringElement(cv2.MORPH_RECT, (p.size, p.size))
    return each(lambda image: cv2.morphologyEx(image, cv2.MORPH_OPEN, square), images)


def components(p: t.Components, images: Images) -> Arrays:
    """Label components into one array. OpenCV counts the background as a component."""
    labels = room(images["x"], np.int32)
    counts = [
        cv2.connectedComponents(image, out, connectivity=p.connectivity)[0]
        for image, out in zip(images["x"], labels, strict=True)
    ]
    return {"labels": labels, "count": np.array(counts, dtype=np.int64) - 1}


def normalise(p: t.Normalise, images: Images) -> Arrays:
    """Look each level up in a table of 256 float32 numbers per colour, writing into one array."""
    mean, sd = np.array(p.mean), np.array(p.sd)
    table = ((np.arange(256)[:, None] / 255 - mean) / sd).astype(np.float32)[None]
    x = room(images["x"], np.float32)
    for image, out in zip(images["x"], x, strict=True):
        cv2.LUT(image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2RGB), table, out)
    return images | {"x": x}


def augment(p: t.Augment, images: Images, given: Arrays) -> Images:
    """Crop by slicing, flip, and scale with ``convertScaleAbs``."""
    numbers = zip(*(given[name].tolist() for name in ("top", "left", "flip", "factor")), strict=True)

    def changed(image: Image, top: int, left: int, flip: int, factor: float) -> Image:
        part = image[top : top + p.height, left : left + p.width]
        return cv2.convertScaleAbs(cv2.flip(part, 1) if flip else part, alpha=factor)

    return images | {"x": [changed(image, *four) for image, four in zip(images["x"], numbers, strict=True)]}


COARSE = Deviation(  # 1/64 of a pixel along each axis is 8 levels, and rounding is 1
    reason="OpenCV 4 rounds coordinates to 1/32 of a pixel",
    effect="pixels at edges are a few levels off; update to OpenCV 5, which doesn't round",
    tolerance=Tolerance(levels=9),
    before="5",
)

FRAMEWORKS = (
    Framework(
        name="OpenCV",
        language="python",
        summary="Computer vision in C++, in the wheel without windows",
        packages=("opencv-python-headless", "numpy"),
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
        deviations={
            "images.gaussian_blur": Deviation(
                reason="OpenCV's weights for uint8 have 8 bits",
                effect="a wide Gaussian is a few levels off; blur images of float32 where that counts",
                tolerance=Tolerance(levels=1),
                computes=image_formulas.opencv_gaussian_blur,
            ),
            "images.resize_antialiased": Deviation(
                reason="OpenCV shrinks by the mean over areas (INTER_AREA), a box where the contract has a triangle",
                effect="images are sharper than Pillow's and PyTorch's: don't train on those of one and predict with "
                "those of another",
                tolerance=Tolerance(levels=2),
                computes=image_formulas.opencv_resize_antialiased,
            ),
            "images.rotate": COARSE,
            "images.affine": COARSE,
        },
    ),
)
