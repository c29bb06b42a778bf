"""What all families of image ops share: batches of images, grey levels, and checks of parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twinbench.ops.contract import Arrays
from twinbench.ops.images.conditions import LARGEST_SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[Any]


NEAR = 1e-6
"""Distance from a half within which a number counts as the half when it becomes a grey level."""


def check_grey_level(fill: int) -> None:
    """Raise ValueError unless ``fill`` is a grey level."""
    if not 0 <= fill <= 255:
        raise ValueError("fill must be a grey level, 0 to 255")


def check_window(size: int) -> None:
    """Raise ValueError unless ``size`` is odd and from 3 to 255: a window has a pixel at its centre."""
    if not 3 <= size <= 255 or size % 2 == 0:
        raise ValueError("size must be odd, from 3 to 255")


def check_size(height: int, width: int) -> None:
    """Raise ValueError unless an image can have this height and width."""
    if min(height, width) < 1 or max(height, width) > LARGEST_SIDE:
        raise ValueError(f"height and width must be from 1 to {LARGEST_SIDE}")


def without_size(arrays: Arrays) -> Arrays:
    """Drop the shape of arrays that hold no images: a library's empty list of images has no height and width."""
    return {name: values if len(values) else values.reshape(0) for name, values in arrays.items()}


def each(function: Callable[[Image], Image], arrays: Arrays) -> Arrays:
    """Apply a function to each image; other arrays are passed on unchanged."""
    import numpy as np

    x = arrays["x"]
    images = [function(image) for image in x]
    return arrays | {"x": np.stack(images) if images else function(np.zeros(x.shape[1:], x.dtype))[None][:0]}


def levels(values: Image) -> Image:
    """Convert numbers to grey levels: rounded half up, clipped, uint8.

    Positions and weights are float64: far from the origin a value may be up to 5e-8 off, so that a half is found only
    within `NEAR`.
    """
    import numpy as np

    return np.clip(np.floor(values + (0.5 + NEAR)), 0, 255).astype(np.uint8)
