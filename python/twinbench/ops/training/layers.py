"""The layers of the references: forward, and backward written by hand.

A layer takes its parameters and its input. It returns its output, and a function that turns the derivative of the loss
with respect to the output into those with respect to the input and to every parameter, in the order in which the layer
takes its parameters. Dtypes are kept: float32 in training, and float64 in the tests, which check every gradient by
finite differences.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
    Backward = Callable[[Array], tuple[Array, ...]]


def dense(w: Array, b: Array, x: Array) -> tuple[Array, Backward]:
    """Multiply by a matrix and add a bias: ``x`` (n, inputs), ``w`` (inputs, outputs), ``b`` (outputs,)."""

    def backward(delta: Array) -> tuple[Array, ...]:
        return delta @ w.T, x.T @ delta, delta.sum(axis=0)

    return x @ w + b, backward


def relu(x: Array) -> tuple[Array, Backward]:
    """Compute max(x, 0), with derivative 0 at 0."""
    import numpy as np

    return np.maximum(x, 0), lambda delta: (delta * (x > 0),)


def flatten(x: Array) -> tuple[Array, Backward]:
    """Reshape (n, ...) to (n, features), with the last axis varying fastest."""
    return x.reshape(len(x), -1), lambda delta: (delta.reshape(x.shape),)


def conv(w: Array, b: Array, x: Array) -> tuple[Array, Backward]:
    """Cross-correlate, with zero padding that keeps the size.

    ``x`` (n, in, height, width), ``w`` (out, in, odd height, odd width), ``b`` (out,).
    """
    n, _, height, width = x.shape
    patches = _patches(x, w.shape[2:])
    out = w.reshape(len(w), -1) @ patches + b[:, None]

    def backward(delta: Array) -> tuple[Array, ...]:
        flat = delta.reshape(n, len(w), -1)
        by_w = (flat @ patches.swapaxes(1, 2)).sum(axis=0)
        turned = w[:, :, ::-1, ::-1].swapaxes(0, 1).reshape(x.shape[1], -1)
        by_x = turned @ _patches(delta, w.shape[2:])
        return by_x.reshape(x.shape), by_w.reshape(w.shape), delta.sum(axis=(0, 2, 3))

    return out.reshape(n, len(w), height, width), backward


def _patches(x: Array, kernel: tuple[int, ...]) -> Array:
    """Return the values under the kernel, (n, channels * kernel height * kernel width, height * width)."""
    import numpy as np

    n, channels, height, width = x.shape
    sides = [(size // 2, size // 2) for size in kernel]
    padded = np.pad(x, [(0, 0), (0, 0), *sides])
    patches = np.empty((n, channels, *kernel, height, width), x.dtype)
    for row in range(kernel[0]):
        for column in range(kernel[1]):
            patches[:, :, row, column] = padded[:, :, row : row + height, column : column + width]
    return patches.reshape(n, -1, height * width)


def max_pool(size: tuple[int, int], x: Array) -> tuple[Array, Backward]:
    """Take the largest value of each block of ``size``; rows and columns at the end that fill no block are dropped."""
    import numpy as np

    n, channels, height, width = x.shape
    (rows, columns), (down, right) = size, (height // size[0], width // size[1])
    kept = x[:, :, : down * rows, : right * columns]
    blocks = kept.reshape(n, channels, down, rows, right, columns).swapaxes(3, 4)
    blocks = blocks.reshape(n, channels, down, right, rows * columns)
    chosen = blocks.argmax(axis=-1)[..., None]

    def backward(delta: Array) -> tuple[Array, ...]:
        spread = np.zeros_like(blocks)
        np.put_along_axis(spread, chosen, delta[..., None], axis=-1)
        by_x = np.zeros_like(x)
        spread = spread.reshape(n, channels, down, right, rows, columns).swapaxes(3, 4)
        by_x[:, :, : down * rows, : right * columns] = spread.reshape(kept.shape)
        return (by_x,)

    return np.take_along_axis(blocks, chosen, axis=-1)[..., 0], backward


def lstm(wx: Array, wh: Array, b: Array, x: Array) -> tuple[Array, Backward]:
    """Return the last hidden state.

    ``x`` (n, steps, features), ``wx`` (features, 4 units), ``wh`` (units, 4 units), ``b`` (4 units,).
    """
    import numpy as np

    n, steps, _ = x.shape
    units = len(wh)
    h, c = np.zeros((n, units), x.dtype), np.zeros((n, units), x.dtype)
    past = []
    for t in range(steps):
        i, f, g, o = np.split(x[:, t] @ wx + h @ wh + b, 4, axis=1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        past.append((h, c, i, f, g, o))
        c = f * c + i * g
        h = o * np.tanh(c)

    def backward(delta: Array) -> tuple[Array, ...]:
        by_x, by_wx, by_wh, by_b = np.zeros_like(x), np.zeros_like(wx), np.zeros_like(wh), np.zeros_like(b)
        by_h, by_c, c_after = delta, np.zeros_like(delta), c
        for t in reversed(range(steps)):
            h_before, c_before, i, f, g, o = past[t]
            by_c = by_c + by_h * o * (1 - np.tanh(c_after) ** 2)
            gates = (by_c * g * i * (1 - i), by_c * c_before * f * (1 - f), by_c * i * (1 - g**2))
            by_gates = np.hstack([*gates, by_h * np.tanh(c_after) * o * (1 - o)])
            by_wx += x[:, t].T @ by_gates
            by_wh += h_before.T @ by_gates
            by_b += by_gates.sum(axis=0)
            by_x[:, t], by_h = by_gates @ wx.T, by_gates @ wh.T
            by_c, c_after = by_c * f, c_before
        return by_x, by_wx, by_wh, by_b

    return h, backward


def sigmoid(z: Array) -> Array:
    """Compute 1 / (1 + exp(-z)), in a form that doesn't overflow."""
    import numpy as np

    e = np.exp(-np.abs(z))
    return np.asarray(np.where(z >= 0, 1, e) / (1 + e), dtype=z.dtype)


def cross_entropy(z: Array, y: Array) -> tuple[Any, Array]:
    """Return the mean loss of logits (n, 1) or (n, classes), and its derivative with respect to the logits.

    Both are computed in forms that don't overflow.
    """
    import numpy as np

    count = np.asarray(len(y), dtype=z.dtype)
    if z.shape[1] == 1:
        value = np.mean(np.maximum(z[:, 0], 0) - z[:, 0] * y + np.log1p(np.exp(-np.abs(z[:, 0]))))
        return value, (sigmoid(z) - y[:, None]) / count
    highest = z.max(axis=1)
    logsumexp = highest + np.log(np.exp(z - highest[:, None]).sum(axis=1))
    value = np.mean(logsumexp - z[np.arange(len(z)), y.astype(np.int64)])
    return value, (softmax(z) - np.eye(z.shape[1], dtype=z.dtype)[y.astype(np.int64)]) / count


def softmax(z: Array) -> Array:
    """Return the probability of every class."""
    import numpy as np

    exponents = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True))
