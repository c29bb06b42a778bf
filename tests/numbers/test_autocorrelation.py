"""Blocks of which each resembles the one before widen an interval; independent blocks don't."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinbench.numbers import stats
from twinbench.numbers.autocorrelation import LEAST_VALUES, inflation


def autoregression(rng: np.random.Generator, count: int, correlation: float) -> list[float]:
    """Values with the variance 1."""
    values = [rng.normal()]
    for fresh in rng.normal(0, np.sqrt(1 - correlation**2), count - 1):
        values.append(correlation * values[-1] + fresh)
    return [float(value) for value in values]


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=60))
def test_an_interval_is_never_narrower(values):
    assert 1 <= inflation(values) < 10 * len(values) ** 2


@pytest.mark.parametrize(("correlation", "least", "most"), [(0.0, 1.0, 1.6), (0.9, 6.0, 25.0)])
def test_the_factor_is_that_of_the_correlation(correlation, least, most):
    rng = np.random.default_rng(1)
    factors = [inflation(autoregression(rng, 25, correlation)) for _ in range(200)]
    assert least <= np.median(factors) <= most


def test_few_or_equal_values_count_as_independent():
    assert inflation(list(range(LEAST_VALUES - 1))) == 1
    assert inflation([2.0] * 20) == 1


@pytest.mark.parametrize(("correlation", "coverage"), [(0.0, 0.9), (0.9, 0.8)])
def test_an_interval_of_one_process_holds_its_true_time(correlation, coverage):
    """Without the factor, little more than half of the intervals of correlated blocks hold it."""
    rng = np.random.default_rng(2)
    intervals = [
        stats.summarise(
            [[[float(np.exp(0.02 * value))] for value in autoregression(rng, 25, correlation)]], time_sd=1e-6
        )
        for _ in range(200)
    ]
    assert np.mean([its.low <= 1 <= its.high for its in intervals]) >= coverage
