"""The ops that filter images: each pixel is computed from its neighbourhood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinbench.ops.contract import ONE_LEVEL, Arrays, Op
from twinbench.ops.images import conditions
from twinbench.ops.images.pixels import check_window, each, levels, without_size

if TYPE_CHECKING:
    from twinbench.ops.images.pixels import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class GaussianBlur:
    """``sigma``: standard deviation, in pixels, from 0.1 to 1,000.

    ``radius``: largest distance of a pixel that counts, along each axis, from 1 to 1,000.
    """

    sigma: float
    radius: int

    def __post_init__(self) -> None:
        if not (0.1 <= self.sigma <= 1000 and 1 <= self.radius <= 1000):
            raise ValueError("sigma must be from 0.1 to 1000, radius from 1 to 1000")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sobel:
    """No parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Median:
    """``size``: side of the square window, in pixels; odd, from 3 to 255."""

    size: int

    def __post_init__(self) -> None:
        check_window(self.size)


def correlated(image: Image, kernel: Image, axis: int) -> Image:
    """Correlate with an odd kernel along one axis; pixels beyond the border are repeated."""
    import numpy as np

    radius, size = len(kernel) // 2, image.shape[axis]
    positions = np.arange(size)
    shifted = [image.take(np.clip(positions + d, 0, size - 1), axis) for d in range(-radius, radius + 1)]
    return np.asarray(sum(weight * pixels for weight, pixels in zip(kernel, shifted, strict=True)))


def gaussian_blur(p: GaussianBlur, arrays: Arrays) -> Arrays:
    """Blur one axis after the other."""
    import numpy as np

    kernel = np.exp(-(np.arange(-p.radius, p.radius + 1) ** 2) / (2 * p.sigma**2))
    kernel /= kernel.sum()
    return each(lambda image: levels(correlated(correlated(image, kernel, 0), kernel, 1)), arrays)


def sobel(p: Sobel, arrays: Arrays) -> Arrays:
    """Compute the magnitude of two gradients."""
    import numpy as np

    difference, smooth = np.array([-1.0, 0.0, 1.0]), np.array([1.0, 2.0, 1.0])

    def magnitude(image: Image) -> Image:
        gx = correlated(correlated(image, difference, 1), smooth, 0)
        gy = correlated(correlated(image, difference, 0), smooth, 1)
        return levels(np.sqrt((gx**2 + gy**2) / 32))

    return each(magnitude, arrays)


def median(p: Median, arrays: Arrays) -> Arrays:
    """Take medians row by row, so that only one row of windows is in memory."""
    import numpy as np

    radius, middle = p.size // 2, p.size**2 // 2

    def filtered(image: Image) -> Image:
        border = [(radius, radius)] * 2 + [(0, 0)] * (image.ndim - 2)
        padded = np.pad(image, border, mode="edge")
        out = np.empty_like(image)
        for y in range(len(image)):
            windows = np.lib.stride_tricks.sliding_window_view(padded[y : y + p.size], p.size, axis=1)
            window = np.moveaxis(windows, 0, -1).reshape(*image.shape[1:], p.size**2)
            out[y] = np.partition(window, middle, axis=-1)[..., middle]
        return out

    return each(filtered, arrays)


GAUSSIAN_BLUR = Op(
    name="images.gaussian_blur",
    params=GaussianBlur,
    inputs=("images",),
    output="images",
    summary="Blur by a truncated Gaussian.",
    semantics="""Each pixel becomes the weighted mean of the pixels at most `radius` away along each axis. The weights
are w(dx) w(dy) with w(d) = exp(-d^2 / (2 sigma^2)), divided by their sum. Beyond the border pixels are repeated.""",
    source="scipy.ndimage.gaussian_filter, https://docs.scipy.org/doc/scipy/reference/generated/scipy.ndimage.gaussian_filter.html",
    reference=gaussian_blur,
    requires=conditions.images,
    tolerance=ONE_LEVEL,
    canonical=without_size,
    isolated=True,
)


SOBEL = Op(
    name="images.sobel",
    params=Sobel,
    inputs=("images",),
    output="images",
    summary="Compute the magnitude of the gradient by Sobel kernels.",
    semantics="""Grey images. gx is the correlation with [-1 0 1] along x and [1 2 1] along y; gy is the same with the
axes exchanged; pixels beyond the border are repeated. The result is sqrt((gx^2 + gy^2) / 32) as a grey level: a factor
of 1/4 for the sum of the positive weights of a kernel, and of 1/sqrt(2) so that the result can't exceed white.""",
    source="skimage.filters.sobel, https://scikit-image.org/docs/stable/api/skimage.filters.html#skimage.filters.sobel",
    reference=sobel,
    requires=conditions.grey,
    tolerance=ONE_LEVEL,
    canonical=without_size,
    isolated=True,
)


MEDIAN = Op(
    name="images.median",
    params=Median,
    inputs=("images",),
    output="images",
    summary="Filter by the median of a square window.",
    semantics="""Each pixel becomes the median of the `size` x `size` pixels around it. Beyond the border pixels are
repeated.""",
    source="cv2.medianBlur, https://docs.opencv.org/4.x/d4/d86/group__imgproc__filter.html",
    reference=median,
    requires=conditions.images,
    canonical=without_size,
    isolated=True,
)
