"""The ops on colours and grey levels: conversion to grey, equalisation and normalisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinbench.ops.contract import ONE_LEVEL, Arrays, Op, Tolerance
from twinbench.ops.images.pixels import each, levels, without_size

if TYPE_CHECKING:
    from twinbench.ops.images.pixels import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Grey:
    """No parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Equalise:
    """No parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalise:
    """``mean`` and ``sd``: one number for grey images, three for RGB, on a scale where white is 1."""

    mean: tuple[float, ...]
    sd: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.mean) not in (1, 3) or len(self.sd) != len(self.mean) or min(self.sd) <= 0:
            raise ValueError("mean and sd must have 1 or 3 numbers each, and those of sd be above 0")


def grey(p: Grey, arrays: Arrays) -> Arrays:
    """Sum the weighted colours."""
    import numpy as np

    return each(lambda image: levels(image @ np.array([0.299, 0.587, 0.114])), arrays)


def equalise(p: Equalise, arrays: Arrays) -> Arrays:
    """Look up each pixel in a table of 256 levels."""
    import numpy as np

    def equalised(image: Image) -> Image:
        counts = np.bincount(image.ravel(), minlength=256)
        lowest = counts[counts > 0][:1].sum()
        if lowest == image.size:
            return image
        return levels(255 * (counts.cumsum() - lowest) / (image.size - lowest))[image]

    return each(equalised, arrays)


def normalise(p: Normalise, arrays: Arrays) -> Arrays:
    """Compute in float64, and convert to float32."""
    import numpy as np

    mean, sd = np.array(p.mean), np.array(p.sd)
    return arrays | {"x": ((arrays["x"] / 255 - mean) / sd).astype(np.float32)}


GREY = Op(
    name="images.grey",
    params=Grey,
    inputs=("images",),
    output="images",
    summary="Convert colour to grey by the luma weights of Rec. 601.",
    semantics="""RGB images become grey images: 0.299 R + 0.587 G + 0.114 B, as a grey level.""",
    source="ITU-R BT.601, https://www.itu.int/rec/R-REC-BT.601",
    reference=grey,
    tolerance=ONE_LEVEL,
    canonical=without_size,
    isolated=True,
)


EQUALISE = Op(
    name="images.equalise",
    params=Equalise,
    inputs=("images",),
    output="images",
    summary="Equalise the histogram.",
    semantics="""Grey images, each on its own. With N the number of pixels, C(v) the number of pixels of at most v, and
C0 the number of pixels that have the lowest value that occurs, v becomes 255 (C(v) - C0) / (N - C0) as a grey level. An
image of a single value is unchanged.""",
    source="cv2.equalizeHist; https://en.wikipedia.org/wiki/Histogram_equalization",
    reference=equalise,
    tolerance=ONE_LEVEL,
    canonical=without_size,
    isolated=True,
)


NORMALISE = Op(
    name="images.normalise",
    params=Normalise,
    inputs=("images",),
    output="arrays",
    summary="Convert grey levels to float32, scaled by a given mean and standard deviation.",
    semantics="""`x` becomes (x / 255 - mean) / sd, float32 in the shape of the input, with the mean and the sd of each
colour.""",
    source="torchvision ToTensor and Normalize, https://docs.pytorch.org/vision/stable/transforms.html",
    reference=normalise,
    tolerance=Tolerance(rtol=1e-5, atol=1e-5),
    canonical=without_size,
    isolated=True,
)
