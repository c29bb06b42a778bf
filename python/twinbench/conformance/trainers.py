"""Trainers with deliberate mistakes, most of which start after the first steps: agreement must refuse each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from twinbench.ops.contract import Arrays, Op
from twinbench.ops.training.networks import examples, loss_and_gradients, weights_of
from twinbench.ops.training.optimizers import Adam, Optimizer, Sgd, Updates

EARLY = 20
"""Steps that a wrong trainer does right, where its mistake is about later ones."""

Trainer = Callable[[Any, Arrays, Arrays], Arrays]
"""A function of parameters, examples and givens that returns a model with its losses."""

Late = Callable[[Optimizer], Optimizer | None]
"""The optimizer after the early steps; None for no more updates."""


def _trained(p: Any, arrays: Arrays, given: Arrays, late: Late = lambda optimizer: optimizer) -> Arrays:
    """Train in float32, from the early steps on with another optimizer, which keeps the moments."""
    weights = {name: values.copy() for name, values in weights_of(given).items()}
    x, y = examples(weights, arrays["x_train"]), arrays["y_train"]
    updates, losses = Updates(p.optimizer, weights), []
    for order in given["order"]:
        for start in range(0, len(order), p.batch_size):
            batch = order[start : start + p.batch_size]
            loss, gradients = loss_and_gradients(weights, x[batch], y[batch])
            losses.append(loss)
            optimizer = p.optimizer if len(losses) <= EARLY else late(p.optimizer)
            if optimizer is not None:
                updates.p = optimizer
                updates.step(gradients)
    return {"input": given["input"], **weights, "losses": np.array(losses, np.float32)}


def _with_order(change: Callable[[Any, Any], Any]) -> Trainer:
    """Return a trainer that goes through the rows in another order, a function of parameters and the given order."""
    return lambda p, arrays, given: _trained(p, arrays, given | {"order": change(p, given["order"])})


def _with_late(late: Late) -> Trainer:
    """Return a trainer that has another optimizer after the early steps."""
    return lambda p, arrays, given: _trained(p, arrays, given, late)


def _per_epoch(p: Any, order: Any) -> int:
    return int(-(-order.shape[1] // p.batch_size))


def _stopped(p: Any, arrays: Arrays, given: Arrays) -> Arrays:
    """Train the early steps only, in epochs that have as many rows as were given."""
    epochs = -(-EARLY // _per_epoch(p, given["order"]))
    model = _trained(p, arrays, given | {"order": given["order"][:epochs]}, lambda optimizer: None)
    return model | {"losses": model["losses"][:EARLY]}


def _hidden(trainer: Trainer) -> Trainer:
    """Return a trainer that repeats its last loss, so that the number of losses is right."""

    def train(p: Any, arrays: Arrays, given: Arrays) -> Arrays:
        model = trainer(p, arrays, given)
        losses = np.resize(model["losses"][-1:], len(given["order"]) * _per_epoch(p, given["order"]))
        losses[: len(model["losses"])] = model["losses"]
        return model | {"losses": losses}

    return train


def _whole_batches(p: Any, order: Any) -> Any:
    return order[:, : max(1, order.shape[1] // p.batch_size) * p.batch_size]


def _slower(optimizer: Optimizer) -> Optimizer:
    return replace(optimizer, lr=optimizer.lr / 10)


def _other(optimizer: Optimizer) -> Optimizer:
    return Adam(lr=optimizer.lr) if isinstance(optimizer, Sgd) else Sgd(name="sgd", lr=optimizer.lr)


def _half(p: Any, arrays: Arrays, given: Arrays) -> Arrays:
    """Return the right losses, and the weights of half of the training."""
    half = _trained(p, arrays, given | {"order": given["order"][: len(given["order"]) // 2]})
    return half | {"losses": _trained(p, arrays, given)["losses"]}


@dataclass(frozen=True, slots=True)
class WrongTrainer:
    """A trainer with a mistake: what it does, and what the inputs must have so that the mistake makes a difference."""

    name: str
    train: Trainer
    needs: Literal["steps", "epochs", "rest", ""] = ""
    """More than the early steps, more than one epoch, or a smaller batch at the end of an epoch."""


WRONG_TRAINERS = (
    WrongTrainer("stops after 20 steps", _stopped, "steps"),
    WrongTrainer("stops after 20 steps and repeats its last loss", _hidden(_stopped), "steps"),
    WrongTrainer("makes no update after 20 steps", _with_late(lambda optimizer: None), "steps"),
    WrongTrainer("lowers the learning rate after 20 steps", _with_late(_slower), "steps"),
    WrongTrainer("uses another optimizer after 20 steps", _with_late(_other), "steps"),
    WrongTrainer(
        "uses another optimizer", lambda p, *inputs: _trained(replace(p, optimizer=_other(p.optimizer)), *inputs)
    ),
    WrongTrainer("trains one epoch", _with_order(lambda p, order: order[:1]), "epochs"),
    WrongTrainer(
        "trains one epoch and repeats its last loss", _hidden(_with_order(lambda p, order: order[:1])), "epochs"
    ),
    WrongTrainer("trains one epoch too few", _with_order(lambda p, order: order[:-1]), "epochs"),
    WrongTrainer("trains one epoch too many", _with_order(lambda p, order: np.concatenate([order, order[:1]]))),
    WrongTrainer("uses one order for all epochs", _with_order(lambda p, order: order[[0] * len(order)]), "epochs"),
    WrongTrainer("drops the last, smaller batch", _with_order(_whole_batches), "rest"),
    WrongTrainer("returns the first weights", lambda p, *inputs: _trained(p, *inputs) | weights_of(inputs[1])),
    WrongTrainer("returns the weights of half of the epochs", _half, "epochs"),
)


def possible(op: Op, params: Any, inputs: tuple[Any, ...]) -> Iterator[WrongTrainer]:
    """Yield the wrong trainers whose mistake makes a difference with these inputs: the examples and the givens.

    There are none of an op that doesn't train in batches.
    """
    if op.role != "train" or op.givens is None:
        return
    _, given = inputs
    epochs, rows = given["order"].shape
    has = {
        "steps": epochs * _per_epoch(params, given["order"]) > EARLY,
        "epochs": epochs > 1,
        "rest": rows > params.batch_size and rows % params.batch_size != 0,
        "": True,
    }
    yield from (wrong for wrong in WRONG_TRAINERS if has[wrong.needs])
