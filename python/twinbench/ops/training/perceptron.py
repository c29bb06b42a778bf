"""The op that trains a multilayer perceptron."""

from __future__ import annotations

import math
from dataclasses import dataclass

from twinbench.ops.contract import Arrays, Op
from twinbench.ops.training import learning
from twinbench.ops.training.networks import DENSE, TRAINING, Training, finish_givens, require, start_givens
from twinbench.ops.training.optimizers import SOURCES


@dataclass(frozen=True, slots=True, kw_only=True)
class Mlp(Training):
    """A multilayer perceptron."""

    hidden: tuple[int, ...]


def require_mlp(p: Mlp, arrays: Arrays) -> None:
    """Refuse examples and labels that can't be trained on."""
    require(p, arrays, (2,))


def mlp_givens(p: Mlp, arrays: Arrays) -> Arrays:
    """Draw the initial weights of dense layers, and the order of the rows."""
    rng, given = start_givens(p, arrays)
    return finish_givens(p, rng, given, math.prod(given["input"].tolist()), arrays)


MLP = Op(
    name="training.mlp",
    role="train",
    params=Mlp,
    inputs=("arrays",),
    output="model",
    summary="Train a multilayer perceptron to classify rows.",
    semantics=f"Input: `x_train` float32 (n, d). {DENSE} {TRAINING}",
    source=SOURCES,
    reference=learning.train,
    requires=require_mlp,
    givens=mlp_givens,
    tolerance=learning.TOLERANCE,
    scale=learning.growth,
    parts_at=learning.parts_at,
    derived=learning.derived,
    canonical=learning.learnt,
)
