"""The op that trains a multilayer perceptron."""

from __future__ import annotations

import math
from dataclasses import dataclass

from twinbench.ops.contract import Arrays, Op, Tolerance
from twinbench.ops.training.networks import DENSE, TRAINING, Training, finish_givens, first_losses, start_givens, train
from twinbench.ops.training.optimizers import SOURCES


@dataclass(frozen=True, slots=True, kw_only=True)
class Mlp(Training):
    """A multilayer perceptron."""

    hidden: tuple[int, ...]


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
    reference=train,
    givens=mlp_givens,
    tolerance=Tolerance(rtol=1e-5),
    canonical=first_losses,
)
