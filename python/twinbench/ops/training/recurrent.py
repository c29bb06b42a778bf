"""The op that trains a recurrent network."""

from __future__ import annotations

import math
from dataclasses import dataclass

from twinbench.ops.contract import Arrays, Op
from twinbench.ops.training import learning
from twinbench.ops.training.networks import (
    DENSE,
    TRAINING,
    Training,
    finish_givens,
    require,
    start_givens,
)
from twinbench.ops.training.optimizers import SOURCES


@dataclass(frozen=True, slots=True, kw_only=True)
class Lstm(Training):
    """``units``: width of the hidden state."""

    units: int

    def __post_init__(self) -> None:
        Training.__post_init__(self)
        if self.units < 1:
            raise ValueError("units must be at least 1")


def require_lstm(p: Lstm, arrays: Arrays) -> None:
    """Refuse examples and labels that can't be trained on."""
    require(p, arrays, (2, 3))


def lstm_givens(p: Lstm, arrays: Arrays) -> Arrays:
    """Draw the initial weights, and the order of the rows.

    The weights of the LSTM are uniform in +- 1 / sqrt(units), and its forget gate starts open (bias 1).
    """
    import numpy as np

    rng, given = start_givens(p, arrays)
    shape = given["input"].tolist()
    features = shape[1] if len(shape) == 2 else 1
    edge = 1 / math.sqrt(p.units)
    given["lstm_wx"] = rng.uniform(-edge, edge, (features, 4 * p.units)).astype(np.float32)
    given["lstm_wh"] = rng.uniform(-edge, edge, (p.units, 4 * p.units)).astype(np.float32)
    given["lstm_b"] = np.repeat(np.array([0, 1, 0, 0], np.float32), p.units)
    return finish_givens(p, rng, given, p.units, arrays)


LSTM = Op(
    name="training.lstm",
    role="train",
    params=Lstm,
    inputs=("arrays",),
    output="model",
    summary="Train a recurrent network (LSTM) on series.",
    semantics=f"""Input: `x_train` float32 (n, steps) or (n, steps, features). The network has one LSTM layer, which
starts from h = c = 0. For each step t, [i, f, g, o] = x_t Wx + h Wh + b, each `units` wide and in this order; c =
sigmoid(f) c + sigmoid(i) tanh(g); h = sigmoid(o) tanh(c). Weights: `lstm_wx` (features, 4 units), `lstm_wh` (units, 4
units) and one bias, `lstm_b` (4 units,); a library that has two biases keeps the second at 0 and does not train it. The
last h is the input of the dense layers. {DENSE} {TRAINING}""",
    source="Hochreiter & Schmidhuber 1997, https://doi.org/10.1162/neco.1997.9.8.1735, with the forget gate of Gers et "
    f"al. 2000 and without peepholes; {SOURCES}",
    reference=learning.train,
    requires=require_lstm,
    givens=lstm_givens,
    tolerance=learning.TOLERANCE,
    scale=learning.growth,
    parts_at=learning.parts_at,
    derived=learning.derived,
    canonical=learning.learnt,
)
