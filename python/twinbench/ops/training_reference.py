"""The references of the training ops that use a trained model, in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twinbench.ops import training_layers_reference as layers
from twinbench.ops import training_networks_reference as networks
from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    from twinbench.ops import training as t


def predict(p: t.Predict, model: Arrays, arrays: Arrays) -> Arrays:
    """Returns ``scores``."""
    import numpy as np

    weights = networks.weights_of(model)
    x = networks.examples(weights, arrays["x_test"][: p.rows or None])
    z = [networks.logits(weights, x[start : start + p.batch_size]) for start in range(0, len(x), p.batch_size)]
    outputs = next(reversed(weights.values())).shape[0]  # of the last layer's bias
    together = np.concatenate(z) if z else np.empty((0, outputs), np.float32)
    scores = layers.sigmoid(together[:, 0]) if outputs == 1 else layers.softmax(together)
    return {"scores": scores.astype(np.float32)}


def export(p: t.Export, model: Arrays) -> Arrays:
    """What must be in the file."""
    return {name: values for name, values in model.items() if name != "losses"}


def load(p: t.Load, saved: Arrays) -> Arrays:
    """What was in the file, and no losses."""
    import numpy as np

    return saved | {"losses": np.empty(0, np.float32)}
