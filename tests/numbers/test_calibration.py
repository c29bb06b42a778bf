"""Intervals of near-perfect models cover the truth, which a large sample of the same model shows."""

from __future__ import annotations

import numpy as np
import pytest

from twinbench import metrics
from twinbench.numbers.calibration import calibration_interval, log_loss_interval
from twinbench.numbers.predictions import calibration, calibration_error

RUNS = 250

MODELS = {
    "near-perfect": (8.0, 1.5, 1.0),
    "near-perfect, too sure": (9.0, 1.5, 0.7),
    "good": (4.0, 2.0, 1.0),
    "poor, too sure": (1.5, 1.5, 0.6),
}
"""Mean and standard deviation of the logit of the predicted class, and the factor by which the true logit differs."""


def drawn(rng, model, rows):
    centre, spread, factor = MODELS[model]
    logit = rng.normal(centre, spread, rows)
    p = 1 / (1 + np.exp(-logit))
    truth = rng.random(rows) < 1 / (1 + np.exp(-factor * logit))
    flip = rng.random(rows) < 0.5
    return np.where(flip, ~truth, truth).astype(float), np.where(flip, 1 - p, p)


def probabilities(p):
    p = metrics.clipped(p)
    return np.stack([1 - p, p], axis=1)


def loss(truth, p):
    both = probabilities(p)
    return float(-np.log(both[np.arange(len(truth)), truth.astype(int)]).mean())


@pytest.mark.parametrize("rows", [200, 1000])
@pytest.mark.parametrize("model", MODELS)
def test_the_interval_of_a_log_loss_covers_the_truth(model, rows):
    rng = np.random.default_rng(rows)
    true = loss(*drawn(rng, model, 500_000))
    held = normal = 0
    for _ in range(RUNS):
        truth, p = drawn(rng, model, rows)
        low, high = log_loss_interval(truth.astype(int), probabilities(p))
        held += low <= true <= high
        estimate = loss(truth, p)
        assert low <= estimate <= high
        losses = -np.log(probabilities(p)[np.arange(rows), truth.astype(int)])
        normal += abs(estimate - true) <= 1.96 * losses.std() / np.sqrt(rows)
    assert held / RUNS >= 0.91
    if model == "near-perfect" and rows == 200:
        assert normal / RUNS < 0.6, "the model is too easy to show anything"


@pytest.mark.parametrize("rows", [200, 2000])
@pytest.mark.parametrize("model", MODELS)
def test_the_interval_of_a_calibration_error_covers_the_truth(model, rows):
    rng = np.random.default_rng(rows)
    true = calibration_error(calibration(*drawn(rng, model, 500_000)))
    held = 0
    for _ in range(RUNS):
        bins = calibration(*drawn(rng, model, rows))
        low, high = calibration_interval(bins)
        assert low <= calibration_error(bins) <= high
        held += low <= true <= high
    assert held / RUNS >= 0.93


def test_a_model_that_made_no_mistake_is_not_known_to_make_none():
    labels = np.tile([0.0, 1.0], 100)
    low, high = calibration_interval(calibration(labels, labels))
    assert low == 0
    assert 0.005 < high < 0.03
    low, high = log_loss_interval(labels.astype(int), probabilities(labels))
    assert low < 1e-6
    assert high > 0.1, "one wrong row of 200 costs 34 / 200"
