"""Quality then and now: the metrics are the harness's, the intervals hold what they should, and the words are right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from twinbench import metrics
from twinbench.numbers.predictions import wilson
from twinbench.numbers.stats import Interval
from twinbench.results.models import fitness
from twinbench.results.models.fitness import QualityJudgement

Answers = tuple[np.ndarray, np.ndarray]


def answers(rows: int, seed: int, classes: int = 2, signal: float = 1.5) -> Answers:
    """Labels, and scores that are right more often than not."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, rows).astype(np.float64)
    logits = rng.normal(0, 1, (rows, classes)) + signal * (labels[:, None] == np.arange(classes))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return labels, (p[:, 1] if classes == 2 else p).astype(np.float32)


def judge(before: Answers, now: Answers, metric: str = "roc_auc", margin: float = 0.01) -> QualityJudgement:
    return fitness.judge(before, now, metric, margin)


@settings(deadline=None, max_examples=50)
@given(classes=st.integers(2, 5), rows=st.integers(40, 400), seed=st.integers(0, 2**32 - 1))
def test_the_metrics_are_those_of_a_run(classes: int, rows: int, seed: int):
    labels, scores = answers(rows, seed, classes)
    wanted = metrics.evaluate(labels, scores)
    found = fitness._metrics(labels, scores)
    assert {name: one.estimate for name, one in found.items()} == pytest.approx(wanted, rel=1e-6)
    assert all(one.low <= one.estimate <= one.high for one in found.values())


def test_the_difference_of_two_shares_is_newcombes_own_example():
    """1998, table II, (a) of method 10: 56 of 70 against 48 of 80."""
    before, now = (Interval(hits / rows, *wilson(hits, rows)) for hits, rows in ((48, 80), (56, 70)))
    found = fitness._difference(before, now)
    assert (found.low, found.high) == (pytest.approx(0.0524, abs=1e-4), pytest.approx(0.3339, abs=1e-4))


@pytest.mark.parametrize(("classes", "signal"), [(2, 0.5), (2, 3.0), (4, 1.5)])
@pytest.mark.parametrize("metric", ["accuracy", "log_loss", "roc_auc"])
def test_an_interval_of_a_difference_holds_the_true_one_in_95_of_100_cases(metric: str, classes: int, signal: float):
    draws = 120
    held = 0
    for seed in range(draws):
        before, now = (answers(rows, 2 * seed + other, classes, signal) for other, rows in enumerate((400, 200)))
        (change,) = (c for c in judge(before, now).changes if c.metric == metric)
        held += change.difference.low <= 0 <= change.difference.high
    assert binom.ppf(0.0005, draws, 0.95) <= held, f"{held} of {draws}"


@pytest.mark.parametrize("metric", ["accuracy", "log_loss", "roc_auc"])
def test_an_interval_is_as_wide_as_the_bootstraps(metric: str):
    """Where one class is rare, an area is known much worse than a share of so many rows."""
    labels, scores = answers(5000, 1)
    some = np.r_[np.flatnonzero(labels == 0)[:540], np.flatnonzero(labels == 1)[:60]]
    labels, scores = labels[some], scores[some]
    found = fitness._metrics(labels, scores)[metric]
    rng = np.random.default_rng(2)
    drawn = [rng.integers(0, 600, 600) for _ in range(300)]
    spread = np.std([fitness._metrics(labels[rows], scores[rows])[metric].estimate for rows in drawn])
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(spread, rel=0.12)


def test_a_perfect_model_is_not_perfectly_known():
    labels = np.repeat([0.0, 1.0], 60)
    found = judge((labels, labels.astype(np.float32)), (labels, labels.astype(np.float32)))
    by_name = {change.metric: change for change in found.changes}
    assert by_name["roc_auc"].now.low < 0.98
    assert by_name["accuracy"].now.low < 0.98
    assert found.verdict == "undecided", "120 rows don't show that it is within 0.01"


@pytest.mark.parametrize("metric", ["roc_auc", "accuracy", "log_loss"])
def test_labels_of_other_rows_are_worse(metric: str):
    labels, scores = answers(1000, 3)
    found = judge(answers(1000, 4), (np.random.default_rng(5).permutation(labels), scores), metric)
    assert (found.verdict, found.reason) == ("worse", "")
    assert found.changes[0].metric == metric
    assert found.calibration_error > found.calibration_before


def test_the_same_is_said_inside_the_margin_only():
    before, now = answers(1000, 6), answers(1000, 7)
    assert judge(before, now, margin=0.05).verdict == "same"
    undecided = judge(before, now, margin=0.024)
    assert undecided.verdict == "undecided"
    assert undecided.reason.startswith("the change is between -0.0")
    assert undecided.reason.endswith("the margin is 0.024")
    assert "more rows can't decide it" in judge(before, now, margin=0.001).reason


def test_what_surely_differs_by_less_than_the_margin_is_the_same():
    found = judge(answers(200_000, 6, signal=1.5), answers(200_000, 7, signal=1.47), margin=0.02)
    assert found.changes[0].difference.high < 0
    assert found.verdict == "same"


def test_better_is_not_worse():
    before, now = answers(1000, 6, signal=0.5), answers(1000, 7, signal=3)
    assert judge(before, now).verdict == "better"
    assert judge(before, now, "log_loss").verdict == "better"


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.tile([0.0, 1.0], 49), "98 rows with labels are too few: 100 are needed"),
        (np.zeros(200), "0 rows of class 1 are too few: 10 are needed"),
        (np.repeat([0.0, 1.0], [195, 5]), "5 rows of class 1 are too few: 10 are needed"),
    ],
)
def test_too_few_rows_are_undecided(labels: np.ndarray, said: str):
    found = judge(answers(1000, 1), (labels, 1 - labels.astype(np.float32)))
    assert (found.verdict, found.reason) == ("undecided", said)


def test_no_worse_model_is_called_worse_in_more_than_one_of_forty_cases():
    draws = 150
    worse = sum(judge(answers(600, 2 * seed), answers(150, 2 * seed + 1)).verdict == "worse" for seed in range(draws))
    assert worse <= binom.ppf(0.999, draws, 0.025), f"{worse} of {draws}"
