"""The ops that train convolutional networks, on images and on series."""

from __future__ import annotations

import math
from dataclasses import dataclass

from twinbench.ops.contract import Arrays, Op, OutsideContract
from twinbench.ops.training import learning
from twinbench.ops.training.networks import (
    DENSE,
    POOL,
    TRAINING,
    Training,
    finish_givens,
    he_normal,
    require,
    start_givens,
)
from twinbench.ops.training.optimizers import SOURCES


@dataclass(frozen=True, slots=True, kw_only=True)
class Cnn(Training):
    """``channels``: number of output channels of each convolution. ``kernel``: its height and width; odd."""

    channels: tuple[int, ...]
    kernel: int = 3

    def __post_init__(self) -> None:
        Training.__post_init__(self)
        if not self.channels or min(self.channels) < 1:
            raise ValueError("channels must be a list of numbers from 1 on")
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ValueError("kernel must be odd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cnn1d(Cnn):
    """Convolutions run over one axis, and ``kernel`` is a length."""


def require_cnn(p: Cnn, arrays: Arrays) -> None:
    """Refuse examples and labels that can't be trained on, and images too small for the poolings."""
    require(p, arrays, (3, 4))
    _require_size(p, arrays["x_train"].shape[1:3], "images")


def cnn_givens(p: Cnn, arrays: Arrays) -> Arrays:
    """Draw the initial weights of a network over two axes, and the order of the rows."""
    return _convolutions(p, 2, arrays)


def require_cnn1d(p: Cnn1d, arrays: Arrays) -> None:
    """Refuse examples and labels that can't be trained on, and series too short for the poolings."""
    require(p, arrays, (2, 3))
    _require_size(p, arrays["x_train"].shape[1:2], "series")


def _require_size(p: Cnn, sides: tuple[int, ...], what: str) -> None:
    least = POOL ** len(p.channels)
    if min(sides) < least:
        shown = " x ".join(str(side) for side in sides)
        raise OutsideContract(
            f"'x_train' holds {what} of {shown}, too small for {len(p.channels)} poolings; take {what} of {least} at "
            "least, or fewer channels"
        )


def cnn1d_givens(p: Cnn1d, arrays: Arrays) -> Arrays:
    """Draw the initial weights of a network over one axis, and the order of the rows."""
    return _convolutions(p, 1, arrays)


def _convolutions(p: Cnn, axes: int, arrays: Arrays) -> Arrays:
    """Draw the weights of the convolutions, then those of the dense layers."""
    rng, given = start_givens(p, arrays)
    shape = given["input"].tolist()
    size, incoming = shape[:axes], shape[axes] if len(shape) > axes else 1
    for i, outgoing in enumerate(p.channels, start=1):
        kernel = (outgoing, incoming, *[p.kernel] * axes)
        given[f"conv{i}_w"], given[f"conv{i}_b"] = he_normal(rng, kernel, incoming * p.kernel**axes, outgoing)
        size, incoming = [side // POOL for side in size], outgoing
    return finish_givens(p, rng, given, incoming * math.prod(size), arrays)


CNN = Op(
    name="training.cnn",
    role="train",
    params=Cnn,
    inputs=("arrays",),
    output="model",
    summary="Train a convolutional network on images.",
    semantics=f"""Input: `x_train` float32 (n, height, width) or (n, height, width, channels). The network has one block
for each number in `channels`: convolution, relu, max pooling. The convolution is a cross-correlation (the kernel is not
flipped) with stride 1 and zero padding that keeps the size of the image: out[o, y, x] = b[o] + sum over i, u, v of w[o,
i, u, v] in[i, y + u - k/2, x + v - k/2], with k/2 rounded down. Pooling takes the largest value of each 2 x 2 block,
with stride 2; an odd row or column at the end is dropped. Weights: `conv1_w` (outputs, inputs, kernel height, kernel
width), `conv1_b` (outputs,), `conv2_w`, ... Then the activations, (channels, height, width), become one row, with the
width varying fastest. {DENSE} {TRAINING}""",
    source=f"LeCun et al. 1998, https://doi.org/10.1109/5.726791; {SOURCES}",
    reference=learning.train,
    requires=require_cnn,
    givens=cnn_givens,
    tolerance=learning.TOLERANCE,
    scale=learning.growth,
    parts_at=learning.parts_at,
    derived=learning.derived,
    canonical=learning.learnt,
)


CNN1D = Op(
    name="training.cnn1d",
    role="train",
    params=Cnn1d,
    inputs=("arrays",),
    output="model",
    summary="Train a convolutional network on series.",
    semantics=f"""Input: `x_train` float32 (n, length) or (n, length, channels). The network is that of `training.cnn`
with one axis instead of two: the weights are `conv1_w` (outputs, inputs, kernel length), ...; pooling takes the larger
of each two values; then the activations, (channels, length), become one row, with the length varying fastest. {DENSE}
{TRAINING}""",
    source=f"LeCun et al. 1998, https://doi.org/10.1109/5.726791; {SOURCES}",
    reference=learning.train,
    requires=require_cnn1d,
    givens=cnn1d_givens,
    tolerance=learning.TOLERANCE,
    scale=learning.growth,
    parts_at=learning.parts_at,
    derived=learning.derived,
    canonical=learning.learnt,
)
