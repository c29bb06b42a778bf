"""Flux against the references of the training ops."""

from __future__ import annotations

import numpy as np
import pytest

from twinbench.ops import training as t
from twinbench.run.agreement import compare

NAME = "Flux"


def data(rows: int, features: int = 8):
    rng = np.random.default_rng(7)
    x = rng.normal(size=(rows, features)).astype(np.float32)
    y = (x @ rng.normal(size=features) + rng.normal(size=rows) > 0).astype(np.float32)
    return {"x_train": x, "y_train": y, "x_test": x[: rows // 2].copy(), "y_test": y[: rows // 2].copy()}


@pytest.mark.parametrize(
    "params",
    [
        t.Mlp(hidden=(16, 8), epochs=3, batch_size=32, seed=1),
        t.Mlp(hidden=(4,), epochs=2, batch_size=33, optimizer=t.Adam(lr=1e-2, eps=1e-3), seed=2),
        t.Mlp(hidden=(5, 4, 3), epochs=1, batch_size=1000, seed=3),
        t.Mlp(hidden=(16,), classes=4, epochs=3, batch_size=32, seed=4),
    ],
    ids=["two layers", "another epsilon and a smaller last batch", "one batch an epoch", "four classes"],
)
def test_the_first_losses_agree(in_julia, params):
    arrays = data(300)
    if params.classes > 2:
        arrays["y_train"] = (np.arange(300) % params.classes).astype(np.float32)
    given = t.MLP.givens(params, arrays)
    want = t.MLP.reference(params, arrays, given)
    got = in_julia("run", NAME, "training.mlp", params, [(arrays, "arrays"), (given, "arrays")])
    assert [finding for finding in compare(t.MLP, got, want) if not finding.ok] == []
    assert got["losses"].dtype == np.float32
    assert len(got["losses"]) == len(want["losses"])
    assert {name: values.shape for name, values in got.items()} == {name: values.shape for name, values in want.items()}
    np.testing.assert_allclose(got["w1"], want["w1"], atol=1e-3)


@pytest.mark.parametrize("shape", [(20, 3), (20, 3, 4), (1, 2)])
@pytest.mark.parametrize("own_split", [False, True])
@pytest.mark.parametrize("flatten", [False, True])
def test_preparing_examples_agrees(in_julia, shape, own_split, flatten):
    rng = np.random.default_rng(3)
    examples = {"x": rng.normal(size=shape), "y": rng.integers(0, 3, shape[0])}
    examples["x"][..., 0] = 7.1
    if own_split:
        examples["test"] = rng.integers(0, 2, shape[0]).astype(np.uint8)
    for params in (t.Standardise(), t.Split(flatten=flatten)):
        op = t.STANDARDISE if isinstance(params, t.Standardise) else t.SPLIT
        inputs = [examples, *([op.givens(params, examples)] if op.givens else [])]
        got = in_julia("run", NAME, op.name, params, [(value, "arrays") for value in inputs])
        assert [f for f in compare(op, got, op.reference(params, *inputs)) if not f.ok] == []


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("batch_size", [7, 4096])
def test_predictions_agree(in_julia, batch_size, classes):
    arrays, params = data(200), t.Mlp(hidden=(16, 8), classes=classes, epochs=2, batch_size=32, seed=1)
    given, predict = t.MLP.givens(params, arrays), t.Predict(batch_size=batch_size)
    want = t.PREDICT.reference(predict, t.MLP.reference(params, arrays, given), arrays)
    steps = [
        ("training.mlp", params, [(arrays, "arrays"), (given, "arrays")]),
        ("training.predict", predict, [(arrays, "arrays")]),
    ]
    got = in_julia("chain", NAME, steps)
    np.testing.assert_allclose(got["scores"], want["scores"], atol=1e-4)
    assert got["scores"].dtype == np.float32
