"""What the contracts of the training ops exclude is refused by the reference, in one line, with row and value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from twinbench import ops
from twinbench.ops.contract import OutsideContract

NAN, INF = float("nan"), float("inf")
X, Y = np.arange(8.0).reshape(4, 2), np.array([0, 1, 0, 1])
TRAIN = {"x_train": X.astype(np.float32), "y_train": Y.astype(np.float32)}


def with_value(values: Any, value: float, *place: int) -> Any:
    changed = values.copy()
    changed[place] = value
    return changed


def labels(*values: float) -> dict[str, Any]:
    return TRAIN | {"y_train": np.array(values, np.float32)}


MLP = {"hidden": [3]}
EXCLUDED = [
    ("standardise", {}, {"x": with_value(X, NAN, 2, 1)}, "'x', row 3, column 2: nan isn't finite"),
    ("standardise", {}, {"x": with_value(X, -INF, 0, 0)}, "'x', row 1, column 1: -inf isn't finite"),
    ("standardise", {}, {"x": Y}, "'x' holds int64, and must be float64"),
    ("standardise", {}, {"x": X[:0]}, "'x' has no rows"),
    ("standardise", {}, {"x": X[:, :0]}, "an example without values"),
    ("standardise", {}, {"x": np.array(["a"])}, "'x' holds strings"),
    ("standardise", {}, {"x": X, "z": np.array(["a"] * 4)}, "'z' holds strings"),
    ("standardise", {}, {"x": with_value(X, 1e151, 2, 1)}, "'x', row 3, column 2: 1e+151 is above 1e+150"),
    ("standardise", {}, {"x": X * 1e-160}, "'x', column 1: the values differ by 6e-160 at most"),
    ("batches", {}, {"x": X[:0], "y": Y[:0]}, "'x' has no rows"),
    ("cnn1d", {"channels": [2, 2]}, TRAIN, "series of 2, too small for 2 poolings; take series of 4 at least"),
    ("split", {}, {"x": X}, "there is no array 'y'"),
    ("split", {}, {"x": with_value(X, NAN, 3, 0), "y": Y}, "'x', row 4, column 1: nan"),
    ("split", {}, {"x": with_value(X, 1e39, 3, 0), "y": Y}, "1e+39 exceeds float32"),
    ("split", {}, {"x": X, "y": Y * 2 - 1}, "'y', row 1: -1 is not a class"),
    ("split", {}, {"x": X, "y": Y + 1}, "class 0 has no row"),
    ("split", {}, {"x": X, "y": Y[:3]}, "one label for each of 4 rows"),
    ("split", {}, {"x": X, "y": Y + 0.5}, "'y' holds float64, and must be int64"),
    ("split", {"test_fraction": 0.1}, {"x": X, "y": Y}, "of 4 rows none is left to test"),
    ("split", {"test_fraction": 0.9}, {"x": X, "y": Y}, "of 4 rows none is left to train"),
    ("split", {}, {"x": X, "y": Y, "test": np.array([0, 1, 0, 1], np.uint8)}, "all 2 rows are of class 1"),
    ("split", {}, {"x": X, "y": Y, "test": np.array([0, 2, 0, 1], np.uint8)}, "'test', row 2: 2 is not a class"),
    ("kfold", {"folds": 3}, {"y": Y}, "folds: 3 is more than the 2 rows of the largest class"),
    ("kfold", {"folds": 2}, {"y": Y - 1}, "'y', row 1: -1 is not a class"),
    ("batches", {}, {"x": with_value(X, INF, 1, 1), "y": Y}, "'x', row 2, column 2: inf"),
    ("mlp", MLP, TRAIN | {"x_train": with_value(TRAIN["x_train"], NAN, 1, 0)}, "'x_train', row 2, column 1: nan"),
    ("mlp", MLP, labels(-1, 1, -1, 1), "'y_train', row 1: -1.0 is not a class; classes are 0 to 1"),
    ("mlp", MLP, labels(1, 2, 0, 1), "'y_train', row 2: 2.0 is not a class"),
    ("mlp", MLP, labels(1, 0, 0, 0.37), "'y_train', row 4: 0.37"),
    ("mlp", MLP, labels(1, NAN, 0, 0), "'y_train', row 2: nan is not a class"),
    ("mlp", MLP, TRAIN | {"x_train": np.zeros((4, 2, 2), np.float32)}, "must have 2 dimensions; see 'flatten'"),
    ("cnn", {"channels": [2]}, TRAIN, "must have 3 or 4 dimensions"),
    ("lstm", {"units": 2, "classes": 3}, labels(0, 1, 2, 3), "'y_train', row 4: 3.0"),
    ("logistic", {}, labels(1, 1, 1, 1), "class 0 of 2 has no row"),
    ("logistic", {"classes": 3}, labels(1, 1, 0, 1), "class 2 of 3 has no row"),
    ("logistic", {}, TRAIN | {"x_train": with_value(TRAIN["x_train"], INF, 0, 1)}, "'x_train', row 1, column 2: inf"),
]


@pytest.mark.parametrize(("name", "values", "arrays", "message"), EXCLUDED)
def test_an_input_outside_the_contract_is_refused(name: str, values: Any, arrays: Any, message: str):
    op = ops.get(f"training.{name}")
    with pytest.raises(OutsideContract) as refused:
        op.requires(op.build(values), arrays)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_examples_to_score_must_be_those_that_the_model_takes():
    op = ops.get("training.predict")
    model = {"input": np.array([2]), "w1": np.ones((2, 1), np.float32), "b1": np.zeros(1, np.float32)}
    op.requires(op.build({}), model, {"x_test": TRAIN["x_train"]})
    with pytest.raises(OutsideContract, match="examples of shape"):
        op.requires(op.build({}), model, {"x_test": TRAIN["x_train"][:, :1]})
    with pytest.raises(OutsideContract, match="row 4, column 2: nan"):
        op.requires(op.build({}), model, {"x_test": with_value(TRAIN["x_train"], NAN, 3, 1)})


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("tables.split", {"label": "y"}),
        ("training.split", {}),
        ("training.kfold", {}),
        ("training.batches", {}),
        ("training.mlp", {"hidden": [3]}),
    ],
)
@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_that_no_generator_takes_is_refused(name: str, values: Any, seed: int):
    with pytest.raises(ValueError, match="seed must be from 0"):
        ops.get(name).build(values | {"seed": seed})
