"""Regions."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from twinbench.ops.contract import EXACT, Arrays, Op
from twinbench.ops.images.pixels import check_odd, each, without_size

if TYPE_CHECKING:
    from twinbench.ops.images.pixels import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Otsu:
    """No parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """``size``: pixels along each side of the square."""

    size: int

    def __post_init__(self) -> None:
        check_odd(self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """``connectivity``: neighbours of a pixel: 4, which share a side with it, or 8, which share a corner or a side."""

    connectivity: Literal[4, 8] = 8


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


def otsu(p: Otsu, arrays: Arrays) -> Arrays:
    """One threshold for each image."""
    import numpy as np

    return each(lambda image: np.where(image > otsu_level(image), 255, 0).astype(np.uint8), arrays)


def opening(p: Opening, arrays: Arrays) -> Arrays:
    """Lowest, then highest; repeating the border's pixels adds none that the window hasn't."""
    import numpy as np

    def extreme(image: Image, of: Any) -> Image:
        padded = np.pad(image, p.size // 2, mode="edge")
        return np.asarray(of(np.lib.stride_tricks.sliding_window_view(padded, (p.size, p.size)), axis=(2, 3)))

    return each(lambda image: extreme(extreme(image, np.min), np.max), arrays)


def components(p: Components, arrays: Arrays) -> Arrays:
    """Returns ``labels`` and ``count``."""
    import numpy as np
    from scipy import ndimage

    x = arrays["x"]
    structure = ndimage.generate_binary_structure(2, 2 if p.connectivity == 8 else 1)
    labels = np.zeros(x.shape, dtype=np.int32)
    count = [ndimage.label(image, structure, output=out) for image, out in zip(x, labels, strict=True)]
    return {"labels": labels, "count": np.array(count, dtype=np.int64)}


def in_scan_order(labels: Image) -> Image:
    """Labels ``(images, height, width)`` with those above 0 counted anew in the order of a scan by rows."""
    import numpy as np

    out = np.zeros_like(labels)
    for image, target in zip(labels, out, strict=True):
        found, first, place = np.unique(image, return_index=True, return_inverse=True)
        rank = np.empty(len(found), dtype=labels.dtype)
        rank[np.argsort(np.where(found == 0, -1, first))] = np.arange(len(found)) + (0 if 0 in found else 1)
        target[:] = rank[place].reshape(image.shape)
    return out


def renumbered(arrays: Arrays) -> Arrays:
    """Components numbered in the order in which a scan by rows meets them: their numbers are not in the contract."""
    arrays = without_size(arrays)
    return arrays | {"labels": in_scan_order(arrays["labels"])}


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
    reference=otsu,
    canonical=without_size,
    isolated=True,
)


OPENING = Op(
    name="images.opening",
    params=Opening,
    inputs=("images",),
    output="images",
    summary="Binary opening by a square.",
    semantics="""Images of 0 and 255. Erosion, the lowest of the `size` x `size` pixels around each pixel, then
dilation, the highest. Beyond the border there is nothing: those pixels don't count.""",
    source="skimage.morphology.opening, https://scikit-image.org/docs/stable/api/skimage.morphology.html#skimage.morphology.opening",
    reference=opening,
    canonical=without_size,
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
    reference=components,
    tolerance=EXACT,
    canonical=renumbered,
    isolated=True,
)
