"""The reference of the training step: its gradients by finite differences, and Adam against its textbook form."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from twinbench import ops
from twinbench.ops import training_reference as reference

MLP, SPLIT = ops.get("training.mlp"), ops.get("training.split")


@pytest.mark.parametrize("hidden", [[], [5], [6, 4]])
@pytest.mark.parametrize("classes", [2, 4])
def test_gradients_are_those_of_finite_differences(hidden: list[int], classes: int):
    rng = np.random.default_rng(0)
    widths = [3, *hidden, 1 if classes == 2 else classes]
    weights = {}
    for i, (fan_in, fan_out) in enumerate(pairwise(widths), start=1):
        weights[f"w{i}"] = rng.standard_normal((fan_in, fan_out))
        weights[f"b{i}"] = rng.standard_normal(fan_out)
    x, y = rng.standard_normal((11, 3)), rng.integers(0, classes, 11).astype(np.float64)

    def loss() -> float:
        return reference.loss(reference.forward(weights, x)[-1], y)

    found = reference.gradients(weights, reference.forward(weights, x), y)
    assert set(found) == set(weights)
    for name, values in weights.items():
        for place in np.ndindex(values.shape):
            step, kept = 1e-6, values[place]
            values[place] = kept + step
            above = loss()
            values[place] = kept - step
            below = loss()
            values[place] = kept
            assert found[name][place] == pytest.approx((above - below) / (2 * step), rel=1e-5, abs=1e-8), (name, place)


def test_the_loss_does_not_overflow():
    y = np.zeros(2, dtype=np.float32)
    assert reference.loss(np.array([[1e4], [-1e4]], dtype=np.float32), y) == pytest.approx(5e3)
    assert reference.loss(np.array([[0, 1e4, 0], [0, -1e4, -1e4]], dtype=np.float32), y) == pytest.approx(5e3)


def test_two_logits_say_what_their_difference_says_alone():
    """Softmax over (0, z) is the logistic function of z."""
    rng = np.random.default_rng(0)
    z, y = rng.standard_normal((9, 1)), rng.integers(0, 2, 9).astype(np.float64)
    pair = np.hstack([np.zeros_like(z), z])
    assert reference.loss(pair, y) == pytest.approx(reference.loss(z, y))
    np.testing.assert_allclose(reference.probabilities(pair)[:, 1:], reference.probabilities(z))


def test_a_split_takes_its_share_of_each_class_or_the_data_s_own():
    y = np.repeat([0, 1, 2], [40, 20, 8])
    given = SPLIT.givens(SPLIT.build({"test_fraction": 0.25, "seed": 1}), {"x": np.zeros((68, 2)), "y": y})
    assert np.bincount(y[given["test"]]).tolist() == [10, 5, 2]
    assert sorted([*given["train"], *given["test"]]) == list(range(68))
    own = np.zeros(68, dtype=np.uint8)
    own[[3, 50]] = 1
    given = SPLIT.givens(SPLIT.build({}), {"x": np.zeros((68, 2)), "y": y, "test": own})
    assert given["test"].tolist() == [3, 50]


def test_one_step_of_adam_moves_every_weight_by_the_learning_rate():
    """At t = 1 the corrected moments are g and g^2, so the step is lr g / (|g| + eps): Kingma & Ba, section 2.1."""
    params = MLP.build({"hidden": [4], "epochs": 1, "batch_size": 8, "optimizer": {"lr": 0.01, "eps": 1e-12}})
    rng = np.random.default_rng(2)
    arrays = {"x_train": rng.standard_normal((8, 3)).astype(np.float32), "y_train": np.ones(8, dtype=np.float32)}
    given = MLP.givens(params, arrays)
    trained = MLP.reference(params, arrays, given)
    gradient = reference.gradients(given, reference.forward(given, arrays["x_train"]), arrays["y_train"])
    for name, g in gradient.items():
        np.testing.assert_allclose(trained[name], given[name] - 0.01 * np.sign(g), atol=1e-6)


def test_training_is_float32_throughout_and_learns():
    params = MLP.build({"hidden": [8], "epochs": 30, "batch_size": 16, "optimizer": {"lr": 0.01}})
    rng = np.random.default_rng(3)
    x = rng.standard_normal((203, 4)).astype(np.float32)
    arrays = {"x_train": x, "y_train": (x[:, 0] * x[:, 1] > 0).astype(np.float32)}
    given = MLP.givens(params, arrays)
    model = MLP.reference(params, arrays, given)
    assert {values.dtype for values in model.values()} == {np.dtype(np.float32)}
    assert len(model["losses"]) == 30 * 13
    assert model["losses"][-13:].mean() < 0.5 * model["losses"][:13].mean()
    scores = reference.predict(ops.get("training.predict").build({"batch_size": 50}), model, {"x_test": x})["scores"]
    assert np.mean((scores > 0.5) == arrays["y_train"]) > 0.9


def test_the_start_depends_on_the_seed_alone():
    arrays = {"x_train": np.zeros((10, 2), dtype=np.float32)}
    starts = [MLP.givens(MLP.build({"hidden": [3], "epochs": 2, "seed": seed}), arrays) for seed in (1, 1, 2)]
    for name in starts[0]:
        np.testing.assert_array_equal(starts[0][name], starts[1][name])
    assert not np.array_equal(starts[0]["order"], starts[2]["order"])
    assert [sorted(order) for order in starts[0]["order"].tolist()] == [list(range(10))] * 2
