"""The training ops in Keras: a ``Sequential`` network, Keras's losses and optimizers, and the backend's own step.

A step is traced or compiled once for each kind of network and optimizer, as a user who trains several of them would
have it; a model that is returned is a network of its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from twinbench.frameworks.api import Ops
from twinbench.ops import training as t
from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    import keras
    from keras import ops

    from twinbench.frameworks.keras import networks, optimizers

    Tensors = dict[str, Any]
    backend: ModuleType


def load(name: str) -> None:
    """Import Keras; its backend is imported already."""
    global backend, keras, networks, ops, optimizers
    import keras
    from keras import ops

    from twinbench.frameworks.keras import networks, optimizers

    backend = import_module(f"twinbench.frameworks.keras.{name}")


@dataclass(frozen=True, slots=True)
class Model:
    """A trained network, with the loss of each batch before its update."""

    network: keras.Sequential
    losses: Any


def prepare_model(arrays: Arrays) -> Model:
    """Build a model from its weights and losses."""
    network = networks.build(networks.shapes(arrays))
    network.set_weights(networks.values(network, arrays))
    return Model(network, ops.convert_to_tensor(arrays["losses"]))


def extract_model(model: Model) -> Arrays:
    """Convert a model into its weights and losses."""
    return networks.weights(model.network) | {"losses": ops.convert_to_numpy(model.losses)}


def extract_saved(path: Path) -> Arrays:
    """Read the weights from a file, which holds no losses."""
    return {name: values for name, values in extract_model(load_model(t.Load(), path)).items() if name != "losses"}


def standardise(p: t.Standardise, arrays: Tensors) -> Tensors:
    """Standardise with sums, because Keras averages float64 in float32. A constant feature is only centred."""
    x = arrays["x"]
    constant = ops.all(x == x[:1], axis=0)
    centred = x - ops.sum(x, axis=0) / x.shape[0]
    deviation = ops.where(constant, ops.ones_like(x[0]), ops.sqrt(ops.sum(ops.square(centred), axis=0) / x.shape[0]))
    return arrays | {"x": ops.where(constant, ops.zeros_like(x), centred / deviation)}


def split(p: t.Split, arrays: Tensors, given: Tensors) -> Tensors:
    """Take rows first, then convert their dtype."""
    x = ops.reshape(arrays["x"], (arrays["x"].shape[0], -1)) if p.flatten else arrays["x"]
    taken = {}
    for part in ("train", "test"):
        taken[f"x_{part}"] = ops.cast(ops.take(x, given[part], axis=0), "float32")
        taken[f"y_{part}"] = ops.cast(ops.take(arrays["y"], given[part], axis=0), "float32")
    return taken


def kfold(p: t.Kfold, arrays: Tensors, given: Tensors) -> Tensors:
    """Sort by (class, index modulo folds), which deals the rows of each class out to the folds in ascending order."""
    order = given["order"]
    positions = ops.arange(order.shape[0], dtype="int64")
    labels = ops.take(arrays["y"], order)
    by_class = ops.argsort(labels * order.shape[0] + positions)  # no two keys are equal: a stable sort
    folds = ops.sort(ops.take(labels, by_class) * p.folds + positions % p.folds) % p.folds
    fold = ops.scatter_update(ops.zeros_like(folds), ops.take(order, by_class)[:, None], folds)
    return {"fold": fold}


class Trainer:
    """A network with its traced step, for repeated use: ``train`` starts again from the given weights."""

    def __init__(self, shapes: networks.Shapes, classes: int, p: t.Optimizer) -> None:
        self.network = networks.build(shapes)
        self.optimizer = _optimizer(p)
        self.optimizer.build(self.network.trainable_variables)
        self.start = [ops.convert_to_numpy(variable) for variable in self.optimizer.variables]
        losses = keras.losses
        several = losses.SparseCategoricalCrossentropy(from_logits=True)
        criterion = several if classes > 2 else losses.BinaryCrossentropy(from_logits=True)
        self.step = backend.step(self.network, criterion, self.optimizer)

    def train(self, values: list[Any], batches: Iterator[tuple[Any, Any]]) -> list[Any]:
        """Train on batches from the given weights; returns the losses."""
        self.network.set_weights(values)
        for variable, value in zip(self.optimizer.variables, self.start, strict=True):
            variable.assign(value)
        return self.step(batches)  # type: ignore[no-any-return]


@cache
def trainer(shapes: networks.Shapes, classes: int, p: t.Optimizer) -> Trainer:
    """Return the trainer of this kind of network and optimizer, made once."""
    return Trainer(shapes, classes, p)


def _optimizer(p: t.Optimizer) -> keras.Optimizer:
    if isinstance(p, t.Sgd):
        return keras.optimizers.SGD(p.lr, momentum=p.momentum, nesterov=p.nesterov)
    moments = {"beta_1": p.beta1, "beta_2": p.beta2, "epsilon": p.eps}
    if isinstance(p, t.AdamW):
        return optimizers.with_paper_epsilon(keras.optimizers.AdamW(p.lr, p.weight_decay, **moments))
    return optimizers.with_paper_epsilon(keras.optimizers.Adam(p.lr, **moments))


def train(p: t.Training, arrays: Tensors, given: Tensors) -> Model:
    """Train on slices of rows that are put in order once an epoch."""
    start = {name: ops.convert_to_numpy(tensor) for name, tensor in given.items() if name != "order"}
    shapes = networks.shapes(start)
    network = networks.build(shapes)
    x, y = arrays["x_train"], arrays["y_train"]
    batches = _batches(p, x, ops.cast(y, "int32") if p.classes > 2 else y[:, None], given["order"])
    used = trainer(shapes, p.classes, p.optimizer)
    losses = used.train(networks.values(network, start), batches)
    network.set_weights(used.network.get_weights())
    return Model(network, ops.stack(losses))


def _batches(p: t.Training, x: Any, y: Any, orders: Any) -> Iterator[tuple[Any, Any]]:
    for order in orders:
        rows, wanted = ops.take(x, order, axis=0), ops.take(y, order, axis=0)
        for start in range(0, rows.shape[0], p.batch_size):
            yield rows[start : start + p.batch_size], wanted[start : start + p.batch_size]


def predict(p: t.Predict, model: Model, arrays: Tensors) -> Tensors:
    """Score examples with ``predict_on_batch``, which traces the network once."""
    x = arrays["x_test"][: p.rows or None]
    starts = range(0, x.shape[0], p.batch_size)
    parts = [model.network.predict_on_batch(x[start : start + p.batch_size]) for start in starts]
    logits = ops.concatenate(parts or [ops.zeros((0, model.network.output_shape[-1]))])
    return {"scores": ops.sigmoid(logits[:, 0]) if logits.shape[1] == 1 else ops.softmax(logits)}


def export(p: t.Export, model: Model) -> Path:
    """Save the network's structure and weights."""
    path = Path(tempfile.gettempdir()) / "model.keras"
    model.network.save(path)
    return path


def load_model(p: t.Load, path: Path) -> Model:
    """Load in safe mode, in which Keras runs no code from the file."""
    network = keras.saving.load_model(path, compile=False, safe_mode=True)
    return Model(network, ops.zeros(0, "float32"))


OPS: Ops = {
    "training.standardise": standardise,
    "training.split": split,
    "training.kfold": kfold,
    "training.mlp": train,
    "training.cnn": train,
    "training.cnn1d": train,
    "training.lstm": train,
    "training.predict": predict,
    "training.export": export,
    "training.load": load_model,
}

_EPSILON = (
    "Adam is a subclass of Keras's that sets epsilon at each step: Keras adds it to the root of the uncorrected v, "
    "where the contract's is epsilon * sqrt(1 - beta2^t)"
)
NOTES = dict.fromkeys(("training.mlp", "training.cnn", "training.cnn1d", "training.lstm"), _EPSILON)
