"""The references of the networks: initial weights, training and scoring, in NumPy.

A network is its weights: their names and shapes say which layers there are, in which order. The arithmetic is that of
the weights' dtype, which is float32 in the ops.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from twinbench.ops import training_layers_reference as layers
from twinbench.ops.contract import Arrays
from twinbench.ops.training_optimizers_reference import Updates

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from twinbench.ops import training_networks as t

NOT_WEIGHTS = {"input", "order", "losses"}
"""What givens and models hold besides weights."""

POOL = 2


def mlp_givens(p: t.Mlp, arrays: Arrays) -> Arrays:
    """Initial weights of dense layers, and the order of the rows."""
    rng, given = _start(p, arrays)
    return _finish(p, rng, given, math.prod(given["input"].tolist()), arrays)


def cnn_givens(p: t.Cnn, arrays: Arrays) -> Arrays:
    """The same with convolutions before them."""
    return _convolutions(p, 2, arrays)


def cnn1d_givens(p: t.Cnn1d, arrays: Arrays) -> Arrays:
    """The same over one axis."""
    return _convolutions(p, 1, arrays)


def lstm_givens(p: t.Lstm, arrays: Arrays) -> Arrays:
    """The same after an LSTM: uniform in +- 1 / sqrt(units), and a forget gate that starts open (bias 1)."""
    import numpy as np

    rng, given = _start(p, arrays)
    shape = given["input"].tolist()
    features = shape[1] if len(shape) == 2 else 1
    edge = 1 / math.sqrt(p.units)
    given["lstm_wx"] = rng.uniform(-edge, edge, (features, 4 * p.units)).astype(np.float32)
    given["lstm_wh"] = rng.uniform(-edge, edge, (p.units, 4 * p.units)).astype(np.float32)
    given["lstm_b"] = np.repeat(np.array([0, 1, 0, 0], np.float32), p.units)
    return _finish(p, rng, given, p.units, arrays)


def _start(p: t.Training, arrays: Arrays) -> tuple[Generator, Arrays]:
    import numpy as np

    return np.random.default_rng(p.seed), {"input": np.array(arrays["x_train"].shape[1:], dtype=np.int64)}


def _convolutions(p: t.Cnn, axes: int, arrays: Arrays) -> Arrays:
    rng, given = _start(p, arrays)
    shape = given["input"].tolist()
    size, incoming = shape[:axes], shape[axes] if len(shape) > axes else 1
    for i, outgoing in enumerate(p.channels, start=1):
        kernel = (outgoing, incoming, *[p.kernel] * axes)
        given[f"conv{i}_w"], given[f"conv{i}_b"] = _he(rng, kernel, incoming * p.kernel**axes, outgoing)
        size, incoming = [side // POOL for side in size], outgoing
    if len(size) < axes or min(size) < 1:
        raise ValueError(f"examples of shape {tuple(shape)} are too small for {len(p.channels)} poolings")
    return _finish(p, rng, given, incoming * math.prod(size), arrays)


def _finish(p: t.Training, rng: Generator, given: Arrays, features: int, arrays: Arrays) -> Arrays:
    """The dense layers, and the order of the rows in every epoch."""
    import numpy as np

    widths = [features, *p.hidden, 1 if p.classes == 2 else p.classes]
    for i, (fan_in, fan_out) in enumerate(pairwise(widths), start=1):
        given[f"w{i}"], given[f"b{i}"] = _he(rng, (fan_in, fan_out), fan_in, fan_out)
    given["order"] = np.stack([rng.permutation(len(arrays["y_train"])) for _ in range(p.epochs)])
    return given


def _he(rng: Generator, shape: Sequence[int], fan_in: int, outputs: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """He et al. 2015: normal, variance 2 / fan-in; biases 0."""
    import numpy as np

    weights = rng.standard_normal(tuple(shape)) * np.sqrt(2.0 / fan_in)
    return weights.astype(np.float32), np.zeros(outputs, dtype=np.float32)


def weights_of(given: Arrays) -> Arrays:
    """The weights alone, in order."""
    return {name: values for name, values in given.items() if name not in NOT_WEIGHTS}


def examples(weights: Arrays, x: NDArray[Any]) -> NDArray[Any]:
    """Examples as the first layer takes them: (n, channels, h, w), (n, steps, features) or (n, features)."""
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
    """The layers in order, each with the names of its weights."""
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
    """(n, 1) or (n, classes), of examples as the first layer takes them."""
    for layer, _ in network(weights):
        x, _ = layer(x)
    return x


def loss_and_gradients(weights: Arrays, x: NDArray[Any], y: NDArray[Any]) -> tuple[Any, Arrays]:
    """The mean loss, and its derivative by every weight."""
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


def train(p: t.Training, arrays: Arrays, given: Arrays) -> Arrays:
    """Returns ``input``, the trained weights and ``losses``."""
    import numpy as np

    weights = {name: values.copy() for name, values in weights_of(given).items()}
    x, y = examples(weights, arrays["x_train"]), arrays["y_train"]
    updates, losses = Updates(p.optimizer, weights), []
    for order in given["order"]:
        for start in range(0, len(order), p.batch_size):
            batch = order[start : start + p.batch_size]
            loss, gradients = loss_and_gradients(weights, x[batch], y[batch])
            losses.append(loss)
            updates.step(gradients)
    return {"input": given["input"], **weights, "losses": np.array(losses, dtype=np.float32)}


def logistic(p: t.Logistic, arrays: Arrays) -> Arrays:
    """The same objective per row, minimised in float64 by SciPy's L-BFGS-B, from 0."""
    import numpy as np
    from scipy.optimize import minimize

    x, y = arrays["x_train"].astype(np.float64), arrays["y_train"]
    rows, features = x.shape
    outputs = 1 if p.classes == 2 else p.classes

    def unpacked(flat: NDArray[Any]) -> Arrays:
        return {"w1": flat[:-outputs].reshape(features, outputs), "b1": flat[-outputs:]}

    def objective(flat: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        weights = unpacked(flat)
        loss, gradients = loss_and_gradients(weights, x, y)
        shrink = weights["w1"] / (p.c * rows)
        slope = np.concatenate([(gradients["w1"] + shrink).ravel(), gradients["b1"]])
        return float(loss + np.sum(weights["w1"] * shrink) / 2), slope

    start = np.zeros((features + 1) * outputs)
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 1000, "gtol": 1e-7})
    weights = unpacked(found.x)
    loss, _ = loss_and_gradients(weights, x, y)
    narrow = {name: values.astype(np.float32) for name, values in weights.items()}
    return {"input": np.array([features]), **narrow, "losses": np.array([loss], dtype=np.float32)}
