"""Networks in Keras, from the contracts' weights and back. Imports Keras, and is imported by ``load`` only.

Kernels are (height, width, inputs, outputs) here. Activations that become one row have their channels last, and the
rows of the next weights are permuted to match.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import layers

from twinbench.ops.contract import Arrays

Shapes = tuple[tuple[str, tuple[int, ...]], ...]
"""Names and shapes of ``input`` (its value) and of every weight, which determine a network except for its numbers."""

CHANNELS_FIRST = keras.backend.backend() == "torch"
POOL = 2
CONVOLUTIONS = (layers.Conv1D, layers.Conv2D)

if CHANNELS_FIRST:
    keras.config.set_image_data_format("channels_first")


def shapes(given: Arrays) -> Shapes:
    """Return the shapes that `build` takes."""
    weight_shapes = {name: array.shape for name, array in given.items() if name not in ("input", "order", "losses")}
    return (("input", tuple(given["input"].tolist())), *weight_shapes.items())


def build(shapes: Shapes) -> keras.Sequential:
    """Build the network that names and shapes describe.

    Weights start at 0, because JAX would compile a random start.
    """
    of, zero = dict(shapes), {"kernel_initializer": "zeros"}
    stacked = _first(of)
    for i in range(1, 1 + sum(name.startswith("conv") for name in of) // 2):
        outgoing, _, *kernel = of[f"conv{i}_w"]
        conv, pool = (layers.Conv2D, layers.MaxPooling2D) if len(kernel) == 2 else (layers.Conv1D, layers.MaxPooling1D)
        stacked += [conv(outgoing, kernel[0], padding="same", activation="relu", **zero), pool(POOL)]
    if "conv1_w" in of:
        stacked.append(layers.Flatten())
    if "lstm_wx" in of:
        stacked.append(layers.LSTM(of["lstm_wh"][0], recurrent_initializer="zeros", **zero))
    depth = sum(name.startswith("w") for name in of)
    for i in range(1, depth + 1):
        stacked.append(layers.Dense(of[f"w{i}"][1], activation="relu" if i < depth else None, **zero))
    return keras.Sequential(stacked)


def _first(of: dict[str, tuple[int, ...]]) -> list[Any]:
    """Return the input layer, and a layer that adds or moves the axis of channels or features if needed."""
    shape = of["input"]
    stacked = [layers.Input(shape)]
    axes = len(of["conv1_w"]) - 2 if "conv1_w" in of else 1 if "lstm_wx" in of else 0
    first = CHANNELS_FIRST and "conv1_w" in of
    if axes and len(shape) == axes:
        stacked.append(layers.Reshape((1, *shape) if first else (*shape, 1)))
    elif first:
        stacked.append(layers.Permute((axes + 1, *range(1, axes + 1))))
    return stacked


def values(network: keras.Sequential, given: Arrays) -> list[np.ndarray[Any, Any]]:
    """Return the contracts' weights in the order and layouts of the network."""
    return [there(given[name]) for name, there, _ in _layouts(network)]


def weights(network: keras.Sequential) -> Arrays:
    """Return ``input`` and the network's weights under the contracts' names and in their layouts."""
    own = zip(network.get_weights(), _layouts(network), strict=True)
    shape = np.array(network.input_shape[1:], dtype=np.int64)
    return {"input": shape} | {name: np.ascontiguousarray(back(value)) for value, (name, _, back) in own}


def _layouts(network: keras.Sequential) -> Iterator[tuple[str, Any, Any]]:
    """Yield each weight's name, in the network's order, with functions from the contract's layout and back."""
    convolutions = dense = 0
    flattened: tuple[int, ...] | None = None
    for layer in network.layers:
        if isinstance(layer, CONVOLUTIONS):
            convolutions += 1
            yield f"conv{convolutions}_w", _from_oi, _to_oi
            yield f"conv{convolutions}_b", _same, _same
        elif isinstance(layer, layers.LSTM):
            yield from (("lstm_wx", _same, _same), ("lstm_wh", _same, _same), ("lstm_b", _same, _same))
        elif isinstance(layer, layers.Flatten):  # channels vary fastest in its output, wherever the axis was
            _, *shape = layer.input.shape
            flattened = (*shape[1:], shape[0]) if CHANNELS_FIRST else tuple(shape)
        elif isinstance(layer, layers.Dense):
            dense += 1
            if flattened is not None:
                channels_first = np.arange(np.prod(flattened)).reshape(flattened[-1], *flattened[:-1])
                order = np.moveaxis(channels_first, 0, -1).reshape(-1)
                yield f"w{dense}", _permuted(order), _permuted(np.argsort(order))
                flattened = None
            else:
                yield f"w{dense}", _same, _same
            yield f"b{dense}", _same, _same


def _same(value: Any) -> Any:
    return value


def _from_oi(value: Any) -> Any:
    """Move axes from (outputs, inputs, ...) to (..., inputs, outputs)."""
    return np.moveaxis(value, (0, 1), (-1, -2))


def _to_oi(value: Any) -> Any:
    return np.moveaxis(value, (-1, -2), (0, 1))


def _permuted(order: Any) -> Any:
    return lambda value: value[order]
