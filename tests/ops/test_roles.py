"""The ops of each role have what the harness reads: their parameters, givens and outputs."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_args

import numpy as np
import pytest

from twinbench import ops
from twinbench.ops.contract import Arrays, Op, Role

RNG = np.random.default_rng(0)
Y = np.arange(12) % 3

PARAMS: dict[str, dict[str, Any]] = {
    "tables.split": {"label": "y", "drop": ["id"]},
    "training.mlp": {"hidden": [2], "classes": 3, "epochs": 2, "batch_size": 4},
    "training.cnn": {"channels": [2], "classes": 3, "epochs": 2, "batch_size": 4},
    "training.cnn1d": {"channels": [2], "classes": 3, "epochs": 2, "batch_size": 4},
    "training.lstm": {"units": 2, "classes": 3, "epochs": 2, "batch_size": 4},
    "training.logistic": {"classes": 3},
}
SHAPES = {"training.cnn": (4, 4), "training.cnn1d": (6,), "training.lstm": (5,)}
"""Shape of one example, where an op takes no rows of features."""


def every(role: Role) -> Any:
    return pytest.mark.parametrize("op", ops.of_role(role), ids=lambda op: op.name)


def build(op: Op) -> Any:
    return op.build(PARAMS.get(op.name, {}))


def examples(op: Op) -> Arrays:
    """The output of a split into eight rows for training and four for testing."""
    x = RNG.normal(size=(12, *SHAPES.get(op.name, (3,)))).astype(np.float32)
    y = Y.astype(np.float32)
    return {"x_train": x[:8], "y_train": y[:8], "x_test": x[8:], "y_test": y[8:]}


def trained(op: Op) -> tuple[Arrays, Arrays]:
    """A model, and the givens that it started from."""
    params, arrays = build(op), examples(op)
    given = {} if op.givens is None else op.givens(params, arrays)
    return op.reference(params, arrays, *([given] if given else [])), given


def test_every_role_has_ops():
    assert all(ops.of_role(role) for role in get_args(Role))


@every("split")
def test_a_split_hands_out_examples_for_training_and_for_testing(op: Op):
    features = RNG.normal(size=12)
    values = (
        {"a": features, "id": np.arange(12), "y": Y} if op.inputs == ("table",) else {"x": features[:, None], "y": Y}
    )
    params = build(op)
    assert op.givens is not None
    out = op.reference(params, values, op.givens(params, values))
    assert op.output == "arrays"
    assert list(out) == ["x_train", "y_train", "x_test", "y_test"]
    assert len(out["x_train"]) == len(out["y_train"]) > len(out["x_test"]) == len(out["y_test"]) > 0
    assert len(out["x_train"]) + len(out["x_test"]) == 12
    if op.inputs == ("table",):
        assert out["x_train"].shape[1] == len(set(values) - {params.label, *params.drop})


@every("train")
def test_training_returns_a_model_with_its_losses(op: Op):
    model, given = trained(op)
    assert op.inputs == ("arrays",)
    assert op.output == "model"
    assert model["losses"].dtype == np.float32
    assert model["losses"].ndim == 1
    if op.givens is not None:
        assert hasattr(build(op), "seed")
        assert given["order"].shape == (2, 8)
        assert len(model["losses"]) == 2 * 8 // 4


@every("score")
@pytest.mark.parametrize("rows", [0, 3])
def test_scoring_returns_a_row_of_scores_for_each_row(op: Op, rows: int):
    mlp = ops.get("training.mlp")
    model, _ = trained(mlp)
    assert op.inputs == ("model", "arrays")
    assert op.output == "arrays"
    assert len(op.reference(op.build({"rows": rows}), model, examples(mlp))["scores"]) == (rows or 4)


@every("export")
def test_an_export_saves_a_model_and_has_defaults(op: Op):
    assert (op.inputs, op.output) == (("model",), "saved")
    assert op.build({}) == op.params()


@every("load")
def test_a_load_returns_a_model_and_has_defaults(op: Op):
    assert (op.inputs, op.output) == (("saved",), "model")
    assert op.build({}) == op.params()


def test_no_op_that_looks_like_one_of_a_role_is_without_it():
    without = ops.of_role("")
    assert [op.name for op in without if "model" in op.inputs] == []
    assert [op.name for op in without if op.output == "model"] == []
    assert [op.name for op in without if "test_fraction" in {field.name for field in fields(op.params)}] == []
