"""The contracts of the image ops by which a pixel is made of its neighbours. Conventions are those of ``images``."""

from __future__ import annotations

from dataclasses import dataclass

from twinbench.ops import images_reference as reference
from twinbench.ops.contract import ONE_LEVEL, Op
from twinbench.ops.images_reference import without_size


@dataclass(frozen=True, slots=True, kw_only=True)
class GaussianBlur:
    """``sigma``: standard deviation in pixels. ``radius``: the farthest pixel that counts, in each direction."""

    sigma: float
    radius: int

    def __post_init__(self) -> None:
        if self.sigma <= 0 or self.radius < 1:
            raise ValueError("sigma must be above 0, radius at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sobel:
    """No parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Median:
    """``size``: pixels along each side of the window."""

    size: int

    def __post_init__(self) -> None:
        _odd(self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """``size``: pixels along each side of the square."""

    size: int

    def __post_init__(self) -> None:
        _odd(self.size)


def _odd(size: int) -> None:
    if size < 3 or size % 2 == 0:
        raise ValueError("size must be odd and at least 3")


GAUSSIAN_BLUR = Op(
    name="images.gaussian_blur",
    params=GaussianBlur,
    inputs=("images",),
    output="images",
    summary="Blur by a truncated Gaussian.",
    semantics="""The mean of the pixels at most `radius` away along each axis, weighted by w(dx) w(dy) with w(d) =
exp(-d^2 / (2 sigma^2)), divided by the sum of the weights. Beyond the border pixels are repeated.""",
    source="scipy.ndimage.gaussian_filter, https://docs.scipy.org/doc/scipy/reference/generated/scipy.ndimage.gaussian_filter.html",
    reference=reference.gaussian_blur,
    tolerance=ONE_LEVEL,
    compared=without_size,
    isolated=True,
)
SOBEL = Op(
    name="images.sobel",
    params=Sobel,
    inputs=("images",),
    output="images",
    summary="The magnitude of the gradient, by Sobel's kernels.",
    semantics="""Grey images. gx is the correlation with [-1 0 1] along x and [1 2 1] along y, gy the same with the axes
exchanged, pixels beyond the border repeated. The result is sqrt((gx^2 + gy^2) / 32) as a grey level: 1/4 for the sum of
a kernel's positive weights, and 1/sqrt(2) so that it can't exceed white.""",
    source="skimage.filters.sobel, https://scikit-image.org/docs/stable/api/skimage.filters.html#skimage.filters.sobel",
    reference=reference.sobel,
    tolerance=ONE_LEVEL,
    compared=without_size,
    isolated=True,
)
MEDIAN = Op(
    name="images.median",
    params=Median,
    inputs=("images",),
    output="images",
    summary="The median of a square window.",
    semantics="""The middle one of the `size` x `size` pixels around each pixel. Beyond the border pixels are
repeated.""",
    source="cv2.medianBlur, https://docs.opencv.org/4.x/d4/d86/group__imgproc__filter.html",
    reference=reference.median,
    compared=without_size,
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
    reference=reference.opening,
    compared=without_size,
    isolated=True,
)
