"""Scores that are equal: no metric and no error of a metric depends on the order of the rows among equals."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinbench import metrics
from twinbench.numbers import influence
from twinbench.numbers.predictions import calibration, predicted, probabilities

LEVELS = [0.0, 0.25, 0.5, 0.5, 0.75, 1.0]
TIED = st.lists(st.tuples(st.integers(0, 1), st.sampled_from(LEVELS)), min_size=4, max_size=24).filter(
    lambda rows: {label for label, _ in rows} == {0, 1}
)


def area(labels: list[int], scores: list[float]) -> Fraction:
    """The share of pairs in which the row of class 1 has the higher score; a tie counts half."""
    ones = [score for label, score in zip(labels, scores, strict=True) if label == 1]
    zeros = [score for label, score in zip(labels, scores, strict=True) if label == 0]
    won = sum(Fraction(2) if one > zero else Fraction(one == zero) for one, zero in product(ones, zeros))
    return won / (2 * len(ones) * len(zeros))


@settings(max_examples=100, deadline=None)
@given(rows=TIED, seed=st.integers(0, 99))
def test_tied_scores_count_half_and_their_order_counts_nothing(rows: list[tuple[int, float]], seed: int):
    labels, scores = np.array([label for label, _ in rows]), np.array([s for _, s in rows], np.float32)
    found = metrics.evaluate(labels, scores)
    assert found["roc_auc"] == pytest.approx(float(area(labels.tolist(), scores.tolist())), abs=1e-12)
    assert found["accuracy"] == pytest.approx(np.mean((scores > 0.5) == labels), abs=1e-12)
    order = np.random.default_rng(seed).permutation(len(rows))
    assert metrics.evaluate(labels[order], scores[order]) == pytest.approx(found, abs=1e-12)
    moved = influence.of_area(labels, probabilities(scores))
    np.testing.assert_allclose(influence.of_area(labels[order], probabilities(scores[order])), moved[order], atol=1e-12)
    equal = {}
    for label, score, of in zip(labels.tolist(), scores.tolist(), moved.tolist(), strict=True):
        assert equal.setdefault((label, score), of) == pytest.approx(of, abs=1e-12), "equal rows have equal influence"
    assert calibration(labels[order], scores[order]) == pytest.approx(calibration(labels, scores))


def test_equal_scores_of_all_rows_are_worth_a_half():
    labels = np.array([0, 1, 1, 0, 1])
    assert metrics.evaluate(labels, np.full(5, 0.3, np.float32))["roc_auc"] == 0.5
    assert not influence.of_area(labels, probabilities(np.full(5, 0.3))).any()


def test_the_area_of_several_classes_counts_ties_half_in_each():
    labels = np.array([0, 1, 2, 0, 1, 2])
    scores = np.array([[4, 4, 2], [4, 4, 2], [2, 4, 4], [4, 3, 3], [3, 4, 3], [4, 2, 4]], np.float32) / 10
    of_classes = [area((labels == k).astype(int).tolist(), scores[:, k].tolist()) for k in range(3)]
    assert metrics.evaluate(labels, scores)["roc_auc"] == pytest.approx(float(sum(of_classes) / 3), abs=1e-12)
    assert predicted(scores).tolist() == [0, 0, 1, 0, 1, 0], "of equally probable classes the first is predicted"
