"""Networks, models and examples for every training op.

The shapes come from short tables and not from hypothesis: some frameworks compile anew for each.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from twinbench import ops
from twinbench.conformance.case import Case
from twinbench.ops.contract import Arrays

ADAM = {"name": "adam", "lr": 1e-2, "beta1": 0.8, "beta2": 0.99, "eps": 1e-8}
ADAMW = {"name": "adamw", "lr": 1e-3, "weight_decay": 0.1}
SGD = {"name": "sgd", "lr": 0.05}
MOMENTUM = {"name": "sgd", "lr": 0.01, "momentum": 0.9}
NESTEROV = {"name": "sgd", "lr": 0.05, "momentum": 0.8, "nesterov": True}

REST = {"batch_size": 32}
"""The last batch of an epoch is smaller. Not everywhere: some compile anew for it."""

Network = tuple[str, dict[str, Any], tuple[int, ...]]
"""An op's name without its modality, parameters, and the shape of one example."""

NETWORKS: dict[str, Network] = {
    "mlp adam": ("mlp", {"hidden": [16, 8], "optimizer": ADAM} | REST, (7,)),
    "mlp adamw, several classes": ("mlp", {"hidden": [16, 8], "classes": 4, "optimizer": ADAMW}, (7,)),
    "mlp sgd": ("mlp", {"hidden": [9, 5], "optimizer": SGD}, (7,)),
    "mlp nesterov": ("mlp", {"hidden": [5, 4, 3], "optimizer": NESTEROV}, (7,)),
    "cnn adam, several classes": ("cnn", {"channels": [4, 6], "hidden": [10], "classes": 3}, (9, 8)),
    "cnn momentum, colours": ("cnn", {"channels": [4], "kernel": 5, "optimizer": MOMENTUM} | REST, (6, 7, 3)),
    "cnn1d adam": ("cnn1d", {"channels": [4, 6], "kernel": 5}, (21,)),
    "cnn1d sgd, several channels": ("cnn1d", {"channels": [4], "classes": 3, "optimizer": SGD} | REST, (12, 2)),
    "lstm adam, several classes": ("lstm", {"units": 9, "hidden": [5], "classes": 3}, (6,)),
    "lstm momentum, several features": ("lstm", {"units": 5, "optimizer": MOMENTUM} | REST, (6, 2)),
}
LARGE_EPSILON: dict[str, Network] = {
    "mlp": ("mlp", {"hidden": [16, 8], "optimizer": ADAM | {"eps": 1e-4}}, (7,)),
    "cnn": ("cnn", {"channels": [4, 6], "classes": 3, "optimizer": ADAM | {"eps": 1e-4}}, (9, 8)),
    "cnn1d": ("cnn1d", {"channels": [4, 6], "kernel": 5, "optimizer": ADAM | {"eps": 1e-4}}, (21,)),
    "lstm": ("lstm", {"units": 9, "classes": 3, "optimizer": ADAM | {"eps": 1e-4}}, (6,)),
}
"""Optimizers whose epsilon is large enough for its position in the formula to matter."""

SHORT = {"epochs": 3, "batch_size": 30}
"""Three epochs of ten batches: more steps than the first ones, and a second and a third order of the rows."""


def examples(shape: tuple[int, ...], classes: int, rows: int = 300) -> Arrays:
    """Column-major and read-only, as a frame or a memory map may hold them."""
    rng = np.random.default_rng(7)
    y = rng.integers(0, classes, rows)
    x = (rng.standard_normal((rows, *shape)) + y.reshape(-1, *[1] * len(shape)) / 2).astype(np.float32)
    arrays: Arrays = {"x_train": np.asfortranarray(x), "y_train": y.astype(np.float32)}
    arrays |= {"x_test": x[:50].copy(), "y_test": arrays["y_train"][:50].copy()}
    for values in arrays.values():
        values.flags.writeable = False
    return arrays


def _recipe(shape: tuple[int, ...], classes: int) -> str:
    return f"twinbench.conformance.training.examples({shape}, {classes})"


def network(network: Network, seed: int = 5) -> Case:
    """Train a network: its parameters and its examples."""
    _, values, shape = network
    classes = values.get("classes", 2)
    return Case(SHORT | {"seed": seed} | values, (examples(shape, classes),), (_recipe(shape, classes),))


def start(network_: Network) -> Arrays:
    """The neutral form of a model that has not been trained yet: its initial weights, and one loss of 0."""
    op, case = ops.get(f"training.{network_[0]}"), network(network_)
    assert op.givens is not None
    given = op.givens(op.build(case.values), *case.inputs)
    return {name: values for name, values in given.items() if name != "order"} | {"losses": np.zeros(1, np.float32)}


def optimum(classes: int) -> tuple[Arrays, Arrays]:
    """The model of a logistic regression, and the examples that it was fitted to."""
    op, arrays = ops.get("training.logistic"), examples((5,), classes)
    model: Arrays = op.reference(op.build({"classes": classes, "c": 0.1}), arrays)
    return model, arrays


def _models(implemented: Collection[str]) -> list[tuple[Arrays, Arrays]]:
    """Models of the kinds that a framework trains, each with examples; of all kinds where it trains none."""
    trained = [op.name for op in ops.of_modality("training") if op.role == "train"]
    names = [name for name in trained if name in implemented] or trained
    found = [(start(n), examples(n[2], n[1].get("classes", 2))) for n in NETWORKS.values() if _full(n) in names]
    return found + [optimum(classes) for classes in (2, 3) if "training.logistic" in names]


def _full(network: Network) -> str:
    return f"training.{network[0]}"


@st.composite
def predict(draw: st.DrawFn, implemented: Collection[str]) -> Case:
    """All rows, the first one, or none; in batches of any size."""
    model, arrays = draw(st.sampled_from(_models(implemented)))
    rows = draw(st.sampled_from([0, 1, 50]))
    values = {"batch_size": draw(st.sampled_from([1, 7, 33, 4096])), "rows": draw(st.sampled_from([0, 1]))}
    return Case(values, (model, {"x_test": arrays["x_test"][:rows]}))


@st.composite
def data(draw: st.DrawFn, /, least: int = 1, **values: st.SearchStrategy[Any]) -> Case:
    """Examples of several shapes with three classes, one constant feature, and at times a split of their own."""
    rows, axes = draw(st.integers(least, 40)), draw(st.sampled_from([(1,), (3,), (2, 3)]))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x: NDArray[Any] = np.round(rng.normal(0, 100, (rows, *axes)), 2)
    x.reshape(rows, -1)[:, 0] = 7.1
    arrays: Arrays = {"x": x, "y": rng.permutation(np.arange(rows) % 3)}
    if draw(st.booleans()):
        arrays["test"] = rng.integers(0, 2, rows).astype(np.uint8)
    return Case({name: draw(value) for name, value in values.items()}, (arrays,))


SEED = st.integers(0, 9)


def cases(name: str, implemented: Collection[str]) -> st.SearchStrategy[Case]:
    """The strategy for ``training.NAME``."""
    networks = [n for n in (*NETWORKS.values(), *LARGE_EPSILON.values()) if n[0] == name]
    if networks:
        return st.builds(network, st.sampled_from(networks), st.sampled_from([5, 6]))
    if name == "predict":
        return predict(implemented)
    if name in ("export", "load"):
        return st.sampled_from([Case({}, (model,)) for model, _ in _models(implemented)])
    return {
        "standardise": data(),
        "split": data(flatten=st.booleans(), test_fraction=st.sampled_from([0.1, 0.25, 0.9]), seed=SEED),
        "kfold": data(9, folds=st.sampled_from([2, 3]), seed=SEED),
        "batches": data(batch_size=st.integers(1, 45), seed=SEED),
        "logistic": st.sampled_from([2, 3]).flatmap(_logistic),
    }[name]


def _logistic(classes: int) -> st.SearchStrategy[Case]:
    values = st.fixed_dictionaries({"classes": st.just(classes), "c": st.sampled_from([0.1, 1.0])})
    return st.builds(Case, values, st.just((examples((5,), classes),)), st.just((_recipe((5,), classes),)))
