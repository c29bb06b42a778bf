"""The exponent of time over amount."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinbench.results.summary.growth import fit


@given(st.floats(-3, 3), st.floats(1e-6, 1e3))
def test_a_power_law_is_found_exactly(exponent: float, factor: float):
    found, half = fit({amount: factor * amount**exponent for amount in (1e3, 1e4, 1e6)})
    assert found == pytest.approx(exponent, abs=1e-9)
    assert half == pytest.approx(0, abs=1e-6)


def test_two_sizes_give_a_slope_and_no_interval():
    assert fit({10.0: 1.0, 1000.0: 100.0}) == (pytest.approx(1.0), None)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    amounts = [1e3, 1e4, 1e5, 1e6]
    hits = 0
    for _ in range(1000):
        found, half = fit({a: a**1.2 * np.exp(rng.normal(0, 0.1)) for a in amounts})
        hits += abs(found - 1.2) <= half
    assert 930 <= hits <= 970
