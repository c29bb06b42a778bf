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
class Standardise:
    """No parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """``test_fraction``: of each class, where the data has no split of its own. ``flatten``: one row per example."""

    test_fraction: float = 0.25
    seed: int = 0
    flatten: bool = True

    def __post_init__(self) -> None:
        if not 0.0 < self.test_fraction < 1.0:
            raise ValueError("test_fraction must lie between 0 and 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mlp:
    """``hidden``: widths of the hidden layers. ``seed``: of the initial weights and of the batches."""

    hidden: tuple[int, ...]
    classes: int = 2
    epochs: int = 1
    batch_size: int = 256
    optimizer: Adam = Adam()
    seed: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.optimizer, dict):  # as it comes through JSON
            object.__setattr__(self, "optimizer", Adam(**self.optimizer))
        if min((self.epochs, self.batch_size, *self.hidden)) < 1:
            raise ValueError("hidden, epochs and batch_size must be at least 1")
        if self.classes < 2:
            raise ValueError("classes must be at least 2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Predict:
    """``batch_size``: rows at a time."""

    batch_size: int = 4096


def first_losses(arrays: Arrays) -> Arrays:
    """The losses of the first 20 steps: later ones drift apart as rounding errors grow."""
    return {"losses": arrays["losses"][:20]}


STANDARDISE = Op(
    name="training.standardise",
    params=Standardise,
    inputs=("arrays",),
    output="arrays",
    summary="Scale features to mean 0 and standard deviation 1.",
    semantics="""Input: `x` float64 (n, ...), and other arrays, which pass on as they are. Each feature, a place in the
axes after the first, is scaled over the n examples: z = (x - mean) / sd in float64 with divisor n (ddof 0); a feature
whose values are all equal becomes 0. Values are never missing.""",
    source="scikit-learn StandardScaler, https://scikit-learn.org/stable/modules/preprocessing.html",
    reference=reference.standardise,
    tolerance=Tolerance(rtol=1e-9, atol=1e-9),
)
SPLIT = Op(
    name="training.split",
    params=Split,
    inputs=("arrays",),
    output="arrays",
    summary="Divide examples into float32 arrays for training and testing by given row numbers.",
    semantics="""Input: `x` (n, ...) of any real type and `y` int64 (n,), the classes 0, 1, ...; other arrays are left
behind. The givens hold int64 row numbers `train` and `test`, counted from 0, in ascending order: the data's own split
where the input has `test` (uint8, 1 for a test row), and otherwise `test_fraction` of each class, rounded, drawn by
NumPy's PCG64. Output: `x_train` and `x_test`, float32, and `y_train` and `y_test`, float32 (rows,), with the rows in
the order of the givens. With `flatten` each example becomes one row, (rows, features), its last axis varying fastest;
otherwise it keeps its shape.""",
    source="scikit-learn StratifiedShuffleSplit, https://scikit-learn.org/stable/modules/cross_validation.html",
    reference=reference.split,
    givens=reference.split_givens,
    tolerance=Tolerance(rtol=1e-6, atol=1e-7),
)
MLP = Op(
    name="training.mlp",
    params=Mlp,
    inputs=("arrays",),
    output="model",
    summary="Train a multilayer perceptron to tell classes apart.",
    semantics="""Input: `x_train` float32 (n, d), `y_train` float32 (n,), the classes 0 to `classes` - 1. Layers: h =
relu(h W + b) for each hidden width, then one linear layer that gives the logits: one, z, for two classes, and z of
(n, classes) for more. All in float32. Givens: `w1`, `b1`, `w2`, ... with w of shape (inputs, outputs), and `order`,
int64 (epochs, n), rows counted from 0: epoch e takes batches order[e, 0:B], order[e, B:2B], ...; the last batch may be
smaller. Loss of a batch: for two classes the mean of max(z, 0) - z y + log(1 + exp(-|z|)), for more the mean of
log(sum_k exp(z_k)) - z_y. After each batch t = 1, 2, ... one Adam update of every parameter: m = beta1 m + (1 - beta1)
g; v = beta2 v + (1 - beta2) g^2; w -= lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps). The output holds the
trained parameters and `losses`, float32 (steps,), each taken before its update. Losses are kept on the device of the
library and read once per epoch at most. The first 20 losses are compared.""",
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
    semantics="""Input: a model of `training.mlp` and arrays with `x_test` float32 (n, d). Output: `scores`, float32:
for two classes (n,), the probability 1 / (1 + exp(-z)) of class 1; for more (n, classes), the probabilities exp(z_k) /
sum_j exp(z_j). Computed `batch_size` rows at a time without gradients. Models trained from the same start for many
steps differ by accumulated rounding, so the tolerance is wide; the quality computed from the scores is compared on its
own.""",
    source="https://en.wikipedia.org/wiki/Logistic_function",
    reference=reference.predict,
    tolerance=Tolerance(atol=0.2),  # after 2,880 steps one row of 81,837 was 0.08 away, the median row 0.001
)

OPS: tuple[Op, ...] = (STANDARDISE, SPLIT, MLP, PREDICT)
"""In the order in which every framework module holds them."""
