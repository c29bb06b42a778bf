"""The ops on colours and grey levels: conversion to grey, equalisation and normalisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinbench.ops.contract import ONE_LEVEL, Arrays, Op, Tolerance
from twinbench.ops.images import conditions
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
    """``mean`` and ``sd``: one number for grey images, three for RGB, on a scale where white is 1.

    Each mean is from -1000 to 1000, each sd from 0.001 to 1000.
    """

    mean: tuple[float, ...]
    sd: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.mean) not in (1, 3) or len(self.sd) != len(self.mean):
            raise ValueError("mean and sd must have 1 or 3 numbers each")
        if not (all(-1000 <= mean <= 1000 for mean in self.mean) and all(0.001 <= sd <= 1000 for sd in self.sd)):
            raise ValueError("mean must be from -1000 to 1000, sd from 0.001 to 1000")


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


def require_normalise(p: Normalise, arrays: Arrays) -> None:
    """Refuse a mean for other colours than the images have."""
    conditions.images(p, arrays)
    conditions.colours(arrays, len(p.mean), "mean and sd")


def normalise_scale(p: Normalise, output: Arrays, arrays: Arrays) -> Arrays:
    """Return the largest magnitude of a difference that is divided, over its sd, for each colour."""
    import numpy as np

    return {"x": (1 + np.abs(p.mean)) / np.array(p.sd)} if len(arrays["x"]) else {}


GREY = Op(
    name="images.grey",
    params=Grey,
    inputs=("images",),
    output="images",
    summary="Convert colour to grey by the luma weights of Rec. 601.",
    semantics="""RGB images become grey images: 0.299 R + 0.587 G + 0.114 B, as a grey level.""",
    source="ITU-R BT.601, https://www.itu.int/rec/R-REC-BT.601",
    reference=grey,
    requires=conditions.rgb,
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
    requires=conditions.grey,
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
colour. The unit of the absolute tolerance is (1 + |mean|) / sd: what float32 can know of the difference, divided by
sd.""",
    source="torchvision ToTensor and Normalize, https://docs.pytorch.org/vision/stable/transforms.html",
    reference=normalise,
    requires=require_normalise,
    scale=normalise_scale,
    tolerance=Tolerance(rtol=1e-6, atol=1e-6),
    canonical=without_size,
    isolated=True,
)
