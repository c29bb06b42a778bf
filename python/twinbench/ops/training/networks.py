"""What all networks have in common: their parameters, initial weights and gradients.

A network is given by its weights: their names and shapes say which layers there are, and in which order. Arithmetic is
that of the weights' dtype.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from twinbench.ops.contract import Arrays, check_seed
from twinbench.ops.training import conditions, layers
from twinbench.ops.training.optimizers import DEFAULT, SEMANTICS, Optimizer, built

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """Every network has these parameters.

    ``hidden``: widths of the dense hidden layers. ``classes``: number of classes. ``epochs``: number of passes over the
    examples. ``batch_size``: number of examples in a batch. ``seed``: seed of the initial weights and of the order of
    the examples.
    """

    hidden: tuple[int, ...] = ()
    classes: int = 2
    epochs: int = 1
    batch_size: int = 256
    optimizer: Optimizer = DEFAULT
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "optimizer", built(self.optimizer))
        if min((self.epochs, self.batch_size, *self.hidden)) < 1:
            raise ValueError("hidden, epochs and batch_size must be at least 1")
        if self.classes < 2:
            raise ValueError("classes must be at least 2")
        check_seed(self.seed)


NOT_WEIGHTS = {"input", "order", "losses"}
"""Names in givens and models that are not weights."""


LARGEST = 1e16
"""Largest magnitude of a feature: optimizers square gradients, which are about as large, and float32 ends at 3e38."""


POOL = 2
"""Side of a pooling block, and the stride of pooling."""


def require(p: Training, arrays: Arrays, axes: tuple[int, ...]) -> None:
    """Refuse examples and labels that can't be trained on. ``axes``: numbers of dimensions that examples may have."""
    x = conditions.features(arrays, "x_train", ("float32",), axes)
    advice = "scale it, by training.standardise for example"
    conditions.at_most(x, "x_train", LARGEST, "and float32 can't hold the squares of its gradients", advice)
    conditions.classes(arrays, "y_train", ("float32",), len(x), p.classes)


def start_givens(p: Training, arrays: Arrays) -> tuple[Generator, Arrays]:
    """Start the givens of a network: return the random generator, and ``input``, the shape of one example."""
    import numpy as np

    return np.random.default_rng(p.seed), {"input": np.array(arrays["x_train"].shape[1:], dtype=np.int64)}


def finish_givens(p: Training, rng: Generator, given: Arrays, features: int, arrays: Arrays) -> Arrays:
    """Add the weights of the dense layers, and ``order``, the order of the rows in every epoch."""
    import numpy as np

    widths = [features, *p.hidden, 1 if p.classes == 2 else p.classes]
    for i, (fan_in, fan_out) in enumerate(pairwise(widths), start=1):
        given[f"w{i}"], given[f"b{i}"] = he_normal(rng, (fan_in, fan_out), fan_in, fan_out)
    given["order"] = np.stack([rng.permutation(len(arrays["y_train"])) for _ in range(p.epochs)])
    return given


def he_normal(rng: Generator, shape: Sequence[int], fan_in: int, outputs: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Draw weights from a normal distribution with variance 2 / fan-in (He et al. 2015); biases are 0."""
    import numpy as np

    weights = rng.standard_normal(tuple(shape)) * np.sqrt(2.0 / fan_in)
    return weights.astype(np.float32), np.zeros(outputs, dtype=np.float32)


def weights_of(given: Arrays) -> Arrays:
    """Return the weights alone, in order."""
    return {name: values for name, values in given.items() if name not in NOT_WEIGHTS}


def examples(weights: Arrays, x: NDArray[Any]) -> NDArray[Any]:
    """Arrange examples as the first layer takes them.

    Returns (n, channels, height, width), (n, steps, features) or (n, features).
    """
    import numpy as np

    if "lstm_wx" in weights:
        return x if x.ndim == 3 else x[..., None]
    if "conv1_w" not in weights:
        return x
    axes = weights["conv1_w"].ndim - 2
    x = np.moveaxis(x, -1, 1) if x.ndim == axes + 2 else x[:, None]
    return x if axes == 2 else x[:, :, None]


Layer = Callable[["NDArray[Any]"], tuple["NDArray[Any]", "layers.Backward"]]


def network(weights: Arrays) -> list[tuple[Layer, tuple[str, ...]]]:
    """Return the layers in order, each with the names of its weights."""
    found: list[tuple[Layer, tuple[str, ...]]] = []
    convolutions = sum(name.startswith("conv") for name in weights) // 2
    for i in range(1, convolutions + 1):
        w, b = weights[f"conv{i}_w"], weights[f"conv{i}_b"]
        size = (POOL, POOL) if w.ndim == 4 else (1, POOL)
        planar = w.reshape(*w.shape[:2], *((1,) if w.ndim == 3 else ()), *w.shape[2:])
        found += [(partial(layers.conv, planar, b), (f"conv{i}_w", f"conv{i}_b")), (layers.relu, ())]
        found.append((partial(layers.max_pool, size), ()))
    if convolutions:
        found.append((layers.flatten, ()))
    if "lstm_wx" in weights:
        names = ("lstm_wx", "lstm_wh", "lstm_b")
        found.append((partial(layers.lstm, *(weights[name] for name in names)), names))
    dense = sum(name.startswith("w") for name in weights)
    for i in range(1, dense + 1):
        found.append((partial(layers.dense, weights[f"w{i}"], weights[f"b{i}"]), (f"w{i}", f"b{i}")))
        found += [(layers.relu, ())] if i < dense else []
    return found


def logits(weights: Arrays, x: NDArray[Any]) -> NDArray[Any]:
    """Return the logits, (n, 1) or (n, classes), of examples that are arranged as the first layer takes them."""
    for layer, _ in network(weights):
        x, _ = layer(x)
    return x


def loss_and_gradients(weights: Arrays, x: NDArray[Any], y: NDArray[Any]) -> tuple[Any, Arrays]:
    """Return the mean loss, and its derivative with respect to every weight."""
    backwards = []
    for layer, names in network(weights):
        x, backward = layer(x)
        backwards.append((backward, names))
    loss, delta = layers.cross_entropy(x, y)
    found: Arrays = {}
    for backward, names in reversed(backwards):
        delta, *by_weights = backward(delta)
        found |= {name: g.reshape(weights[name].shape) for name, g in zip(names, by_weights, strict=True)}
    return loss, found


DENSE = """Dense layers: h = relu(h W + b) for each width in `hidden`, then one linear layer that gives the logits: one
logit z for two classes, and z of shape (n, classes) for more. Weights: `w1`, `b1`, `w2`, ..., with w of shape (inputs,
outputs)."""


TRAINING = f"""`y_train` is float32 (n,), the classes 0 to `classes` - 1. Values are finite, and at most {LARGEST:g} in
magnitude. All arithmetic is in float32. The givens hold the initial weights; `input`, int64, the shape of one example;
and `order`, int64 (epochs, n), row numbers counted from 0: with B = `batch_size`, epoch e takes the batches order[e,
0:B], order[e, B:2B], ...; the last batch may be smaller. The loss of a batch is, for two classes, the mean of max(z, 0)
- z y + log(1 + exp(-|z|)), and for more classes the mean of log(sum_k exp(z_k)) - z_y. {SEMANTICS}
The output holds `input`, the trained weights with the names, order and shapes that they have in the givens, and
`losses`, float32 (steps,), each taken before its update. Losses are kept on the device of the library, and are read at
most once per epoch.
What must agree: the number of updates; the loss of every step; the mean loss of every epoch; and, computed from the
trained weights, the probability of the right class for up to 256 training rows, evenly spaced. The reference trains in
float64. Each of these may be off by 1e-6 g + 1e-5 of its value, where g is how rounding errors grow in this training:
1 plus 4e6 times the largest distance, within an epoch before and after, between the reference and three trainings in
float32 whose gradients were each changed by up to 2^-13 of their value and 2^-22 of the largest of their array. A
training whose loss or weights are not finite, whose last losses are above 10 times the first one (and above 10), or
one of whose losses is above 1,000 times the first one (and above 1,000) has diverged: the stack fails."""
