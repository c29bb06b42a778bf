"""The references of the training ops: NumPy with gradients written by hand.

The arithmetic is float32 throughout, as in the contracts. The tests check the gradients by finite differences.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twinbench.ops import training as t


def standardise(p: t.Standardise, arrays: Arrays) -> Arrays:
    """z-scores with ddof 0 over the first axis."""
    import numpy as np

    x = arrays["x"]
    constant = (x == x[:1]).all(axis=0)
    deviation = np.where(constant, 1.0, x.std(axis=0))
    return arrays | {"x": np.where(constant, 0.0, (x - x.mean(axis=0)) / deviation)}


def split_givens(p: t.Split, arrays: Arrays) -> Arrays:
    """Row numbers: ``train`` and ``test``, int64."""
    import numpy as np

    y = arrays["y"]
    if "test" in arrays:
        test = arrays["test"] == 1
    else:
        rng = np.random.default_rng(p.seed)
        test = np.zeros(len(y), dtype=bool)
        for label in np.unique(y):
            rows = rng.permutation(np.flatnonzero(y == label))
            test[rows[: round(len(rows) * p.test_fraction)]] = True
    return {"train": np.flatnonzero(~test), "test": np.flatnonzero(test)}


def split(p: t.Split, arrays: Arrays, given: Arrays) -> Arrays:
    """Rows in float32."""
    import numpy as np

    x = arrays["x"].reshape(len(arrays["x"]), -1) if p.flatten else arrays["x"]
    x, y = x.astype(np.float32), arrays["y"].astype(np.float32)
    train, test = given["train"], given["test"]
    return {"x_train": x[train], "y_train": y[train], "x_test": x[test], "y_test": y[test]}


def mlp_givens(p: t.Mlp, arrays: Arrays) -> Arrays:
    """Initial weights (He et al. 2015: normal, variance 2 / fan-in; biases 0) and the order of the rows per epoch."""
    import numpy as np

    rng = np.random.default_rng(p.seed)
    rows, features = arrays["x_train"].shape
    widths = [features, *p.hidden, 1 if p.classes == 2 else p.classes]
    given: Arrays = {}
    for i, (fan_in, fan_out) in enumerate(pairwise(widths), start=1):
        given[f"w{i}"] = (rng.standard_normal((fan_in, fan_out)) * np.sqrt(2.0 / fan_in)).astype(np.float32)
        given[f"b{i}"] = np.zeros(fan_out, dtype=np.float32)
    given["order"] = np.stack([rng.permutation(rows) for _ in range(p.epochs)])
    return given


def forward(weights: Arrays, x: NDArray[Any]) -> list[NDArray[Any]]:
    """The input, each hidden layer's activations, and last the logits of shape ``(rows, 1)`` or ``(rows, classes)``."""
    import numpy as np

    layers = sum(name.startswith("w") for name in weights)
    activations = [x]
    for i in range(1, layers + 1):
        z = activations[-1] @ weights[f"w{i}"] + weights[f"b{i}"]
        activations.append(np.maximum(z, 0) if i < layers else z)
    return activations


def loss(z: NDArray[Any], y: NDArray[Any]) -> Any:
    """Mean cross-entropy of logits ``(rows, 1)`` or ``(rows, classes)``, in the forms that can't overflow."""
    import numpy as np

    if z.shape[1] == 1:
        return np.mean(np.maximum(z[:, 0], 0) - z[:, 0] * y + np.log1p(np.exp(-np.abs(z[:, 0]))))
    highest = z.max(axis=1)
    logsumexp = highest + np.log(np.exp(z - highest[:, None]).sum(axis=1))
    return np.mean(logsumexp - z[np.arange(len(z)), y.astype(np.int64)])


def probabilities(z: NDArray[Any]) -> NDArray[Any]:
    """Of class 1, ``(rows, 1)``, or of every class, ``(rows, classes)``."""
    import numpy as np

    if z.shape[1] == 1:
        return np.asarray(1 / (1 + np.exp(-z)))
    exponents = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True))


def targets(z: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """The probabilities that the labels stand for, in the shape and dtype of the logits."""
    import numpy as np

    return y[:, None] if z.shape[1] == 1 else np.eye(z.shape[1], dtype=z.dtype)[y.astype(np.int64)]


def gradients(weights: Arrays, activations: list[NDArray[Any]], y: NDArray[Any]) -> Arrays:
    """Backward pass: the loss's derivative by every parameter."""
    import numpy as np

    out: Arrays = {}
    z = activations[-1]
    delta = (probabilities(z) - targets(z, y)) / np.asarray(len(y), dtype=z.dtype)
    for i in range(len(activations) - 1, 0, -1):
        out[f"w{i}"] = activations[i - 1].T @ delta
        out[f"b{i}"] = delta.sum(axis=0)
        if i > 1:
            delta = (delta @ weights[f"w{i}"].T) * (activations[i - 1] > 0)
    return out


def mlp(p: t.Mlp, arrays: Arrays, given: Arrays) -> Arrays:
    """Returns the trained parameters and ``losses``."""
    import numpy as np

    x, y = arrays["x_train"], arrays["y_train"]
    weights = {name: values.copy() for name, values in given.items() if name != "order"}
    m = {name: np.zeros_like(values) for name, values in weights.items()}
    v = {name: np.zeros_like(values) for name, values in weights.items()}
    adam, losses = p.optimizer, []
    f32 = np.float32
    for order in given["order"]:
        for start in range(0, len(order), p.batch_size):
            batch = order[start : start + p.batch_size]
            activations = forward(weights, x[batch])
            losses.append(loss(activations[-1], y[batch]))
            step = len(losses)
            correct1, correct2 = f32(1 - adam.beta1**step), f32(1 - adam.beta2**step)
            for name, g in gradients(weights, activations, y[batch]).items():
                m[name] = f32(adam.beta1) * m[name] + f32(1 - adam.beta1) * g
                v[name] = f32(adam.beta2) * v[name] + f32(1 - adam.beta2) * g * g
                weights[name] -= f32(adam.lr) * (m[name] / correct1) / (np.sqrt(v[name] / correct2) + f32(adam.eps))
    return weights | {"losses": np.array(losses, dtype=np.float32)}


def predict(p: t.Predict, model: Arrays, arrays: Arrays) -> Arrays:
    """Returns ``scores``."""
    import numpy as np

    weights = {name: values for name, values in model.items() if name != "losses"}
    x = arrays["x_test"]
    batches = [probabilities(forward(weights, x[i : i + p.batch_size])[-1]) for i in range(0, len(x), p.batch_size)]
    outputs = len(weights[f"b{len(weights) // 2}"])
    scores = np.concatenate(batches) if batches else np.empty((0, outputs))
    return {"scores": (scores[:, 0] if outputs == 1 else scores).astype(np.float32)}
