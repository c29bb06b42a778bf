"""The op that augments images by random numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinbench.ops.contract import ONE_LEVEL, Arrays, Op, check_seed
from twinbench.ops.images import conditions
from twinbench.ops.images.pixels import check_size, levels, without_size

if TYPE_CHECKING:
    from twinbench.ops.images.pixels import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Augment:
    """``height`` and ``width``: size of the part that is kept, in pixels.

    ``brightness``: largest distance of the factor from 1. ``seed``: seed of the random numbers.
    """

    height: int
    width: int
    brightness: float = 0.25
    seed: int = 0

    def __post_init__(self) -> None:
        check_size(self.height, self.width)
        if not 0 <= self.brightness < 1:
            raise ValueError("brightness must be from 0 to below 1")
        check_seed(self.seed)


def require_augment(p: Augment, arrays: Arrays) -> None:
    """Refuse a part that is larger than the images."""
    conditions.images(p, arrays)
    conditions.part(arrays, p.height, p.width)


def augment_givens(p: Augment, arrays: Arrays) -> Arrays:
    """Draw positions, flips and factors by NumPy's PCG64."""
    import numpy as np

    count, height, width = arrays["x"].shape[:3]
    rng = np.random.default_rng(p.seed)
    return {
        "top": rng.integers(0, max(height - p.height, 0) + 1, count),
        "left": rng.integers(0, max(width - p.width, 0) + 1, count),
        "flip": rng.integers(0, 2, count, dtype=np.uint8),
        "factor": rng.uniform(1 - p.brightness, 1 + p.brightness, count),
    }


def augment(p: Augment, arrays: Arrays, given: Arrays) -> Arrays:
    """Crop, flip and brighten each image."""
    import numpy as np

    def changed(image: Image, top: int, left: int, flip: int, factor: float) -> Image:
        part = image[top : top + p.height, left : left + p.width]
        return levels(factor * (part[:, ::-1] if flip else part))

    x = arrays["x"]
    images = [changed(image, *numbers) for image, *numbers in zip(x, *given.values(), strict=True)]
    return arrays | {"x": np.stack(images) if images else np.empty((0, p.height, p.width, *x.shape[3:]), x.dtype)}


AUGMENT = Op(
    name="images.augment",
    params=Augment,
    inputs=("images",),
    output="images",
    summary="Crop, flip and brighten each image by the random numbers given for it.",
    semantics="""For each image the givens hold `top` and `left`, int64, `flip`, uint8, and `factor`, float64. The image
is cropped to the `height` x `width` pixels whose first pixel is (`left`, `top`); where `flip` is 1 the crop is flipped
left to right; then each pixel v becomes `factor` v as a grey level.""",
    source="torchvision RandomCrop, RandomHorizontalFlip and ColorJitter, https://docs.pytorch.org/vision/stable/transforms.html",
    reference=augment,
    requires=require_augment,
    givens=augment_givens,
    tolerance=ONE_LEVEL,
    canonical=without_size,
    isolated=True,
)
