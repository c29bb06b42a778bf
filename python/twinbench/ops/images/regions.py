"""The ops that separate regions: Otsu's threshold, openings and connected components."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from twinbench.ops.contract import EXACT, Arrays, Op
from twinbench.ops.images import conditions
from twinbench.ops.images.pixels import check_window, each, without_size

if TYPE_CHECKING:
    from twinbench.ops.images.pixels import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Otsu:
    """No parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """``size``: side of the square, in pixels; odd, from 3 to 255."""

    size: int

    def __post_init__(self) -> None:
        check_window(self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """``connectivity``: neighbours of a pixel: 4, which share a side with it, or 8, which share a side or a corner."""

    connectivity: Literal[4, 8] = 8


EQUAL = Fraction(1, 10**6)
"""Relative difference of two variances between classes that are equal: some libraries count pixels in float32."""


def between_classes(image: Image) -> dict[int, Fraction]:
    """Return the variance between the classes by level, in exact arithmetic, for levels that leave neither empty."""
    import numpy as np

    counts = np.bincount(image.ravel(), minlength=256)
    below = [int(n) for n in counts.cumsum()]
    sums = [int(s) for s in (counts * np.arange(256)).cumsum()]
    total, whole = below[-1], sums[-1]
    return {
        level: Fraction((whole * n - total * s) ** 2, n * (total - n))
        for level, (n, s) in enumerate(zip(below, sums, strict=True))
        if 0 < n < total
    }


def otsu_level(image: Image) -> int:
    """Return Otsu's threshold, in exact arithmetic; 255 for an image of a single value."""
    between = between_classes(image)
    return max(between, key=between.__getitem__, default=255)


def equivalent_otsu(p: Otsu, got: Arrays, want: Arrays, arrays: Arrays) -> Arrays:
    """Replace the reference's images by those of ``got`` that are thresholded at another of the best levels."""
    x, right = got.get("x"), want["x"]
    if x is None or x.shape != right.shape or x.dtype != right.dtype:
        return want
    right = right.copy()
    for binary, image, target in zip(x, arrays["x"], right, strict=True):
        white = binary == 255
        if (binary == target).all() or not white.any() or not (white | (binary == 0)).all() or white.all():
            continue
        between, level = between_classes(image), int(image[~white].max())
        if level < image[white].min() and between[level] >= max(between.values()) * (1 - EQUAL):
            target[:] = binary
    return want | {"x": right}


def otsu(p: Otsu, arrays: Arrays) -> Arrays:
    """Threshold each image at a level of its own."""
    import numpy as np

    return each(lambda image: np.where(image > otsu_level(image), 255, 0).astype(np.uint8), arrays)


def opening(p: Opening, arrays: Arrays) -> Arrays:
    """Take the minimum, then the maximum; repeating border pixels adds no value that the window doesn't have."""
    import numpy as np

    def extreme(image: Image, of: Any) -> Image:
        padded = np.pad(image, p.size // 2, mode="edge")
        return np.asarray(of(np.lib.stride_tricks.sliding_window_view(padded, (p.size, p.size)), axis=(2, 3)))

    return each(lambda image: extreme(extreme(image, np.min), np.max), arrays)


def components(p: Components, arrays: Arrays) -> Arrays:
    """Return ``labels`` and ``count``."""
    import numpy as np
    from scipy import ndimage

    x = arrays["x"]
    structure = ndimage.generate_binary_structure(2, 2 if p.connectivity == 8 else 1)
    labels = np.zeros(x.shape, dtype=np.int32)
    count = [ndimage.label(image, structure, output=out) for image, out in zip(x, labels, strict=True)]
    return {"labels": labels, "count": np.array(count, dtype=np.int64)}


def in_scan_order(labels: Image) -> Image:
    """Renumber the labels above 0, ``(images, height, width)``, in the order in which a scan by rows meets them."""
    import numpy as np

    out = np.zeros_like(labels)
    for image, target in zip(labels, out, strict=True):
        distinct, first, inverse = np.unique(image, return_index=True, return_inverse=True)
        rank = np.empty(len(distinct), dtype=labels.dtype)
        rank[np.argsort(np.where(distinct == 0, -1, first))] = np.arange(len(distinct)) + (0 if 0 in distinct else 1)
        target[:] = rank[inverse].reshape(image.shape)
    return out


def renumbered(arrays: Arrays) -> Arrays:
    """Assign numbers to components in the order of a scan by rows: the contract leaves their numbers open."""
    arrays = without_size(arrays)
    return arrays | {"labels": in_scan_order(arrays["labels"])}


OTSU = Op(
    name="images.otsu",
    params=Otsu,
    inputs=("images",),
    output="images",
    summary="Convert to black and white by Otsu's threshold.",
    semantics="""Grey images, each on its own. Pixels above the threshold t become 255, and the others 0. t is the level
with the largest variance between the two classes, n0 n1 (m0 - m1)^2, where m0 is the mean of the n0 pixels that are at
most t, m1 is the mean of the n1 other pixels, and neither class is empty. If several levels have the largest variance,
or less than it by at most a millionth, any of them is right. An image of a single value becomes 0.""",
    source="Otsu 1979, https://doi.org/10.1109/TSMC.1979.4310076",
    reference=otsu,
    equivalent=equivalent_otsu,
    requires=conditions.grey,
    canonical=without_size,
    isolated=True,
)


OPENING = Op(
    name="images.opening",
    params=Opening,
    inputs=("images",),
    output="images",
    summary="Binary opening by a square.",
    semantics="""Images of the values 0 and 255. Erosion, the minimum of the `size` x `size` pixels around each pixel,
is followed by dilation, the maximum. Pixels beyond the border don't count.""",
    source="skimage.morphology.opening, https://scikit-image.org/docs/stable/api/skimage.morphology.html#skimage.morphology.opening",
    reference=opening,
    requires=conditions.black_and_white,
    canonical=without_size,
    isolated=True,
)


COMPONENTS = Op(
    name="images.components",
    params=Components,
    inputs=("images",),
    output="arrays",
    summary="Number the connected components.",
    semantics="""Grey images, each on its own. Two pixels that are not 0 belong to the same component if a path of
neighbouring pixels that are not 0 connects them. Output: `labels`, int32 (images, height, width), 0 where the pixel is
0, and 1, 2, ... for the components in any order; `count`, int64 (images,), the number of components. No other array is
passed on.""",
    source="scipy.ndimage.label, https://docs.scipy.org/doc/scipy/reference/generated/scipy.ndimage.label.html",
    reference=components,
    requires=conditions.grey,
    tolerance=EXACT,
    canonical=renumbered,
    isolated=True,
)
