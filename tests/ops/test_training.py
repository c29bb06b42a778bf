"""The references of the training ops: gradients by finite differences, optimizers against their textbook form."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from twinbench import ops
from twinbench.ops import training as t
from twinbench.ops.contract import Arrays
from twinbench.ops.training import layers, networks
from twinbench.ops.training.optimizers import Updates

MLP, SPLIT, KFOLD = (ops.get(f"training.{name}") for name in ("mlp", "split", "kfold"))

NETWORKS = [
    ("mlp", {"hidden": []}, (3,)),
    ("mlp", {"hidden": [5]}, (3,)),
    ("mlp", {"hidden": [6, 4]}, (3,)),
    ("cnn", {"channels": [2, 3], "hidden": [4]}, (5, 4)),
    ("cnn", {"channels": [2], "kernel": 5}, (4, 3, 2)),
    ("cnn1d", {"channels": [2, 2]}, (9,)),
    ("cnn1d", {"channels": [2], "kernel": 1, "hidden": [3]}, (4, 3)),
    ("lstm", {"units": 3}, (5,)),
    ("lstm", {"units": 2, "hidden": [3]}, (4, 3)),
]


@pytest.mark.parametrize(("name", "values", "shape"), NETWORKS)
@pytest.mark.parametrize("classes", [2, 4])
def test_gradients_are_those_of_finite_differences(name: str, values: Any, shape: tuple[int, ...], classes: int):
    rng = np.random.default_rng(0)
    op = ops.get(f"training.{name}")
    x, y = rng.standard_normal((6, *shape)), rng.integers(0, classes, 6).astype(np.float64)
    given = op.givens(op.build(values | {"classes": classes, "seed": 1}), {"x_train": x, "y_train": y})
    weights = {key: rng.normal(0, 0.5, w.shape) for key, w in networks.weights_of(given).items()}
    x = networks.examples(weights, x)

    def loss() -> float:
        return float(layers.cross_entropy(networks.logits(weights, x), y)[0])

    value, found = networks.loss_and_gradients(weights, x, y)
    assert value == pytest.approx(loss())
    assert set(found) == set(weights)
    for key, w in weights.items():
        for place in np.ndindex(w.shape):
            step, kept = 1e-6, w[place]
            w[place] = kept + step
            above = loss()
            w[place] = kept - step
            below = loss()
            w[place] = kept
            assert found[key][place] == pytest.approx((above - below) / (2 * step), rel=1e-5, abs=1e-8), (key, place)


@pytest.mark.parametrize("size", [(2, 2), (1, 2)])
def test_layers_pass_derivatives_on_to_their_inputs(size: tuple[int, int]):
    """What a first layer never needs, a second one does."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((2, 2, 4, 5))
    w, b = rng.standard_normal((3, 2, 3, 3)), rng.standard_normal(3)
    wx, wh, bias = rng.standard_normal((5, 8)), rng.standard_normal((2, 8)), rng.standard_normal(8)
    for layer in (
        lambda v: layers.conv(w, b, v),
        lambda v: layers.max_pool(size, v),
        lambda v: layers.lstm(wx, wh, bias, v[:, 0]),
    ):
        out, backward = layer(x)
        weighting = rng.standard_normal(out.shape)
        by_x = backward(weighting)[0]
        by_x = by_x if by_x.shape == x.shape else np.stack([by_x, np.zeros_like(by_x)], axis=1)
        for place in [(0, 0, 0, 0), (1, 0, 3, 2), (0, 1, 1, 4), (1, 1, 2, 3)]:
            moved = x.copy()
            moved[place] += 1e-6
            slope = np.sum((layer(moved)[0] - out) * weighting) / 1e-6
            assert by_x[place] == pytest.approx(slope, rel=1e-4, abs=1e-6)


def test_convolution_is_cross_correlation_with_zeros_around():
    from scipy.signal import correlate2d

    rng = np.random.default_rng(1)
    x, w = rng.standard_normal((1, 2, 6, 5)), rng.standard_normal((1, 2, 3, 3))
    out, _ = layers.conv(w, np.zeros(1), x)
    expected = sum(correlate2d(x[0, i], w[0, i], mode="same") for i in range(2))
    np.testing.assert_allclose(out[0, 0], expected)


def test_pooling_drops_what_fills_no_block():
    x = np.arange(15.0).reshape(1, 1, 3, 5)
    np.testing.assert_array_equal(layers.max_pool((2, 2), x)[0], [[[[6, 8]]]])


def test_the_loss_does_not_overflow():
    y = np.zeros(2, dtype=np.float32)
    for z in ([[1e4], [-1e4]], [[0, 1e4, 0], [0, -1e4, -1e4]]):
        loss, slope = layers.cross_entropy(np.array(z, dtype=np.float32), y)
        assert loss == pytest.approx(5e3)
        assert np.isfinite(slope).all()


def test_two_logits_say_what_their_difference_says_alone():
    """Softmax over (0, z) is the logistic function of z."""
    rng = np.random.default_rng(0)
    z, y = rng.standard_normal((9, 1)), rng.integers(0, 2, 9).astype(np.float64)
    pair = np.hstack([np.zeros_like(z), z])
    assert layers.cross_entropy(pair, y)[0] == pytest.approx(layers.cross_entropy(z, y)[0])
    np.testing.assert_allclose(layers.softmax(pair)[:, 1:], layers.sigmoid(z))


def stepped(p: t.Optimizer, gradients: list[float], start: float = 1.0) -> list[float]:
    """One weight after each update, in float64."""
    weights: Arrays = {"w": np.array([start])}
    updates = Updates(p, weights)
    found = []
    for g in gradients:
        updates.step({"w": np.array([g])})
        found.append(float(weights["w"][0]))
    return found


def test_momentum_adds_up_and_nesterov_looks_ahead():
    assert stepped(t.Sgd(name="sgd", lr=0.1), [1, 1]) == pytest.approx([0.9, 0.8])
    assert stepped(t.Sgd(name="sgd", lr=0.1, momentum=0.5), [1, 1, 0]) == pytest.approx([0.9, 0.75, 0.675])
    nesterov = t.Sgd(name="sgd", lr=0.1, momentum=0.5, nesterov=True)
    assert stepped(nesterov, [1, 1]) == pytest.approx([0.85, 0.675])


def test_one_step_of_adam_moves_a_weight_by_the_learning_rate():
    """At t = 1 the corrected moments are g and g^2, so the step is lr g / (|g| + eps): Kingma & Ba, section 2.1."""
    assert stepped(t.Adam(lr=0.01, eps=1e-12), [7]) == pytest.approx([0.99])
    assert stepped(t.Adam(lr=0.01, eps=7), [7]) == pytest.approx([0.995]), "epsilon is outside of the root"


def test_adam_follows_its_algorithm():
    p, gradients = t.Adam(lr=0.1, beta1=0.8, beta2=0.9, eps=1e-3), [0.5, -2.0, 1.0, 0.1]
    w, m, v, expected = 1.0, 0.0, 0.0, []
    for step, g in enumerate(gradients, start=1):
        m, v = 0.8 * m + 0.2 * g, 0.9 * v + 0.1 * g * g
        w -= 0.1 * (m / (1 - 0.8**step)) / ((v / (1 - 0.9**step)) ** 0.5 + 1e-3)
        expected.append(w)
    assert stepped(p, gradients) == pytest.approx(expected)


def test_decoupled_decay_shrinks_weights_that_have_no_gradient():
    assert stepped(t.AdamW(name="adamw", lr=0.1, weight_decay=0.5), [0, 0]) == pytest.approx([0.95, 0.9025])


def test_a_split_takes_its_share_of_each_class_or_the_data_s_own():
    y = np.repeat([0, 1, 2], [40, 20, 8])
    given = SPLIT.givens(SPLIT.build({"test_fraction": 0.25, "seed": 1}), {"x": np.zeros((68, 2)), "y": y})
    assert np.bincount(y[given["test"]]).tolist() == [10, 5, 2]
    assert sorted([*given["train"], *given["test"]]) == list(range(68))
    own = np.zeros(68, dtype=np.uint8)
    own[[3, 50]] = 1
    given = SPLIT.givens(SPLIT.build({}), {"x": np.zeros((68, 2)), "y": y, "test": own})
    assert given["test"].tolist() == [3, 50]


def test_folds_have_their_share_of_each_class():
    y = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [41, 20, 7]))
    p, arrays = KFOLD.build({"folds": 5, "seed": 2}), {"x": np.zeros((68, 1)), "y": y}
    fold = KFOLD.reference(p, arrays, KFOLD.givens(p, arrays))["fold"]
    counts = np.array([np.bincount(y[fold == f], minlength=3) for f in range(5)])
    assert (counts.max(axis=0) - counts.min(axis=0) <= 1).all()
    assert np.ptp(counts.sum(axis=1)) <= 1
    other = KFOLD.build({"folds": 5, "seed": 3})
    assert (KFOLD.reference(other, arrays, KFOLD.givens(other, arrays))["fold"] != fold).any()


def test_batches_hand_out_every_row_once_in_the_given_order():
    op = ops.get("training.batches")
    p, arrays = op.build({"batch_size": 4, "seed": 1}), {"x": np.arange(10.0)[:, None] ** 2, "y": np.arange(10)}
    order = op.givens(p, arrays)["order"]
    assert sorted(order) == list(range(10))
    found = op.reference(p, arrays, {"order": order})
    assert found["label_sum"].tolist() == [order[:4].sum(), order[4:8].sum(), order[8:].sum()]
    np.testing.assert_allclose(found["mean"], [(order[i : i + 4] ** 2).mean() for i in (0, 4, 8)])


def test_a_reference_gives_float32_and_learns():
    params = MLP.build({"hidden": [8], "epochs": 30, "batch_size": 16, "optimizer": {"lr": 0.01}})
    rng = np.random.default_rng(3)
    x = rng.standard_normal((203, 4)).astype(np.float32)
    arrays = {"x_train": x, "y_train": (x[:, 0] * x[:, 1] > 0).astype(np.float32)}
    given = MLP.givens(params, arrays)
    model = MLP.reference(params, arrays, given)
    assert {values.dtype for values in networks.weights_of(model).values()} == {np.dtype(np.float32)}
    assert len(model["losses"]) == 30 * 13
    assert model["losses"][-13:].mean() < 0.5 * model["losses"][:13].mean()
    predict = ops.get("training.predict")
    scores = predict.reference(predict.build({"batch_size": 50}), model, {"x_test": x})["scores"]
    assert np.mean((scores > 0.5) == arrays["y_train"]) > 0.9
    one = predict.reference(predict.build({"batch_size": 1, "rows": 1}), model, {"x_test": x})["scores"]
    assert one == pytest.approx(scores[:1])


def test_the_start_depends_on_the_seed_alone():
    arrays = {"x_train": np.zeros((10, 2), dtype=np.float32), "y_train": np.zeros(10, dtype=np.float32)}
    starts = [MLP.givens(MLP.build({"hidden": [3], "epochs": 2, "seed": seed}), arrays) for seed in (1, 1, 2)]
    for name in starts[0]:
        np.testing.assert_array_equal(starts[0][name], starts[1][name])
    assert not np.array_equal(starts[0]["order"], starts[2]["order"])
    assert [sorted(order) for order in starts[0]["order"].tolist()] == [list(range(10))] * 2


def test_images_too_small_for_their_poolings_are_refused():
    cnn = ops.get("training.cnn")
    arrays = {"x_train": np.zeros((2, 5, 3), np.float32), "y_train": np.zeros(2, np.float32)}
    with pytest.raises(ValueError, match="images of 5 x 3, too small for 2 poolings; take images of 4 at least"):
        cnn.requires(cnn.build({"channels": [2, 2]}), arrays)


def test_parameters_that_make_no_sense_are_refused():
    for wrong in (
        {"hidden": [0]},
        {"hidden": [], "optimizer": {"name": "sgd", "nesterov": True}},
        {"hidden": [], "optimizer": {"eps": 0}},
    ):
        with pytest.raises(ValueError, match=r"at least 1|momentum|eps > 0"):
            MLP.build(wrong)
    with pytest.raises(ValueError, match="odd"):
        ops.get("training.cnn").build({"channels": [2], "kernel": 4})
    assert replace(MLP.build({"hidden": []}), seed=3).optimizer == t.Adam()


def test_z_scores_of_large_offsets_are_right_to_a_tenth_of_their_tolerance():
    """Against exact fractions, on epoch seconds with milliseconds of jitter, and on map coordinates."""
    op = ops.get("training.standardise")
    rng = np.random.default_rng(3)
    x = np.stack([1.7e9 + rng.normal(0, 3e-3, 40), -5.3e6 + rng.normal(0, 1e-4, 40), rng.normal(0, 1, 40)], axis=1)
    arrays = {"x": x}
    got = op.reference(op.build({}), arrays)["x"]
    allowed = op.tolerance.atol * op.scale(op.build({}), {"x": got}, arrays)["x"]
    for column in range(x.shape[1]):
        values = [Fraction(value) for value in x[:, column].tolist()]
        mean = sum(values) / len(values)
        variance = sum((value - mean) ** 2 for value in values) / len(values)
        with localcontext(prec=50):
            root = (Decimal(variance.numerator) / Decimal(variance.denominator)).sqrt()
            z = [float(Decimal((v - mean).numerator) / Decimal((v - mean).denominator) / root) for v in values]
        assert np.abs(got[:, column] - z).max() <= allowed[column] / 10
        wrong = op.reference(op.build({}), {"x": x[::-1]})["x"][::-1] * 1.01
        assert np.abs(wrong[:, column] - z).max() > allowed[column]
