"""From which execution on a slow start is made up for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinbench.numbers.breakeven import Calls, break_even

positive = st.floats(1e-9, 1e3)


@pytest.mark.parametrize(
    ("a", "b", "calls"),
    [
        ((10, 1), (1, 2), 10),  # 10 + 9 * 1 = 1 + 9 * 2
        ((10.5, 1), (1, 2), 11),
        ((1, 1), (2, 2), 1),
        ((1, 2), (2, 1), None),
        ((2, 1), (1, 1), None),
        ((1, 1), (1, 1), 1),
    ],
)
def test_break_even(a, b, calls):
    found = break_even([a[0]], [a[1]], [b[0]], [b[1]])
    assert found == (None if calls is None else Calls(calls, None, None))


@settings(deadline=None)
@given(st.tuples(positive, positive), st.tuples(positive, positive))
def test_break_even_is_the_first_call_at_which_a_has_caught_up(a, b):
    found = break_even([a[0]], [a[1]], [b[0]], [b[1]])
    if found is not None and found.estimate < 1e6:
        calls = found.estimate
        assert a[0] + (calls - 1) * a[1] <= (b[0] + (calls - 1) * b[1]) * (1 + 1e-9)
        assert calls == 1 or a[0] + (calls - 2) * a[1] >= (b[0] + (calls - 2) * b[1]) * (1 - 1e-9)


@pytest.mark.parametrize("gain", [0.2, 0.5])
@pytest.mark.parametrize("processes", [4, 10])
def test_the_interval_covers_the_truth_as_often_as_it_says(processes, gain):
    """The machine moves a process's start and its later executions alike."""
    rng, runs, covered, open_ended = np.random.default_rng(processes), 1500, 0, 0
    truth = 1 + math.ceil(30 / gain)
    for _ in range(runs):
        machine = np.exp(rng.normal(0, 0.05, processes))
        cold_a, cold_b, a, b = (
            machine * level * np.exp(rng.normal(0, 0.05, processes)) for level in (35.0, 5.0, 1.0, 1.0 + gain)
        )
        calls = break_even(*map(list, (cold_a, a, cold_b, b)))
        if calls is None:
            continue
        open_ended += calls.high is None
        covered += calls.low <= truth <= (math.inf if calls.high is None else calls.high)
    assert 0.93 <= covered / runs <= 0.97
    if gain == 0.5:
        assert open_ended < 0.05 * runs


def test_what_may_never_pay_off_has_no_upper_end():
    cold_a, cold_b = [9.0, 9.1, 9.2, 9.3], [1.0, 1.1, 1.0, 1.2]
    calls = break_even(cold_a, [1.0, 1.3, 0.9, 1.2], cold_b, [1.3, 1.1, 1.4, 1.0])
    assert calls is not None
    assert calls.high is None
    assert 1 <= calls.low <= calls.estimate


def test_a_start_that_is_not_slower_is_made_up_for_at_once():
    assert break_even([1.0] * 4, [1.0] * 4, [2.0] * 4, [2.0] * 4) == Calls(1, 1, 1)
