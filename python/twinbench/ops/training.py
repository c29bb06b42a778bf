"""The contracts of the training ops. The references behind them are in ``training_reference``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from twinbench.ops import training_reference as reference
from twinbench.ops.contract import Arrays, Op, Tolerance


@dataclass(frozen=True, slots=True, kw_only=True)
class Adam:
    """Adam's constants: Kingma & Ba 2015, algorithm 1, with epsilon added to the root."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012  read by the plan; an annotation would make it a field
    name: Literal["adam"] = "adam"
    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True)
class Mlp:
    """``hidden``: widths of the hidden layers. ``seed``: of the initial weights and of the batches."""

    hidden: tuple[int, ...]
    epochs: int = 1
    batch_size: int = 256
    optimizer: Adam = Adam()
    seed: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.optimizer, dict):  # as it comes through JSON
            object.__setattr__(self, "optimizer", Adam(**self.optimizer))
        if min((self.epochs, self.batch_size, *self.hidden)) < 1:
            raise ValueError("hidden, epochs and batch_size must be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Predict:
    """``batch_size``: rows at a time."""

    batch_size: int = 4096


def first_losses(arrays: Arrays) -> Arrays:
    """The losses of the first 20 steps: later ones drift apart as rounding errors grow."""
    return {"losses": arrays["losses"][:20]}


MLP = Op(
    name="training.mlp",
    params=Mlp,
    inputs=("arrays",),
    output="model",
    summary="Train a multilayer perceptron for two classes.",
    semantics="""Input: `x_train` float32 (n, d), `y_train` float32 (n,) of 0 and 1. Layers: h = relu(h W + b)
for each hidden width, then one linear output, the logit z. All in float32. Givens: `w1`, `b1`, `w2`, ... with w
of shape (inputs, outputs), and `order`, int64 (epochs, n), rows counted from 0: epoch e takes batches order[e,
0:B], order[e, B:2B], ...; the last batch may be smaller. Loss of a batch: the mean of max(z, 0) - z y + log(1 +
exp(-|z|)). After each batch t = 1, 2, ... one Adam update of every parameter: m = beta1 m + (1 - beta1) g; v =
beta2 v + (1 - beta2) g^2; w -= lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps). The output holds the
trained parameters and `losses`, float32 (steps,), each taken before its update. Losses are kept on the device
of the library and read once per epoch at most. The first 20 losses are compared.""",
    source="Kingma & Ba, Adam, ICLR 2015, https://arxiv.org/abs/1412.6980",
    reference=reference.mlp,
    givens=reference.mlp_givens,
    tolerance=Tolerance(rtol=1e-5),
    compared=first_losses,
)
PREDICT = Op(
    name="training.predict",
    params=Predict,
    inputs=("model", "arrays"),
    output="arrays",
    summary="Score rows with a trained model.",
    semantics="""Input: a model of `training.mlp` and arrays with `x_test` float32 (n, d). Output: `scores`,
float32 (n,), the probability 1 / (1 + exp(-z)) of class 1, computed `batch_size` rows at a time without
gradients. Models trained from the same start for many steps differ by accumulated rounding, so the tolerance is
wide; the quality computed from the scores is compared on its own.""",
    source="https://en.wikipedia.org/wiki/Logistic_function",
    reference=reference.predict,
    tolerance=Tolerance(atol=0.2),  # after 2,880 steps one row of 81,837 was 0.08 away, the median row 0.001
)

OPS: tuple[Op, ...] = (MLP, PREDICT)
"""In the order in which every framework module holds them."""
