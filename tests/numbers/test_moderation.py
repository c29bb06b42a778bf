"""The spread between processes from all comparisons together: its parts against SciPy, its rates by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from twinbench.numbers import moderation, stats, student
from twinbench.numbers.moderation import NOTHING, Prior, prior

PROCESSES = 4
DF = PROCESSES - 1


def effects(rng, stacks, steps, sd, shared, draw="normal"):
    """Log values of identical stacks. ``shared``: the share of a process's variance that all its steps have alike."""

    def standard(*shape):
        if draw == "bimodal":  # three of ten processes are in the slow mode
            return np.where(rng.random(shape) < 0.3, 1.53, -0.655)
        return rng.standard_normal(shape)

    common, own = standard(stacks, 1, PROCESSES), standard(stacks, steps, PROCESSES)
    values = sd * (shared**0.5 * common + (1 - shared) ** 0.5 * own) + 0.001 * rng.standard_normal(own.shape)
    return {f"stack{k}": {f"step{s}": list(values[k, s]) for s in range(steps)} for k in range(stacks)}


def alarm(found, shift=0.0):
    """Whether any two stacks are called different at the first step, as `stats.rank` decides."""
    borrowed, names, p_values = prior(found), list(found), []
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            d = np.subtract(found[a]["step0"], found[b]["step0"]) + shift
            variance, df = borrowed.moderate(float(np.var(d, ddof=1)), DF)
            p_values.append(student.two_sided_p(float(d.mean() / (variance / len(d)) ** 0.5), int(df)))
    return min(stats.benjamini_hochberg(p_values)) <= 0.05


@given(x=st.floats(0.05, 500))
def test_the_polygamma_functions_are_those_of_scipy(x):
    assert moderation.digamma(x) == pytest.approx(special.digamma(x), rel=1e-10, abs=1e-10)
    assert moderation.trigamma(x) == pytest.approx(special.polygamma(1, x), rel=1e-10)
    assert moderation.inverse_trigamma(moderation.trigamma(x)) == pytest.approx(x, rel=1e-7)


def test_equal_spreads_are_recognised_and_lend_many_degrees_of_freedom():
    found = prior(effects(np.random.default_rng(1), stacks=6, steps=10, sd=0.02, shared=0.0))
    assert found.variance == pytest.approx(2 * 0.02**2, rel=0.3)
    assert found.df > 20


def test_steps_that_a_process_moves_alike_count_as_one():
    rng = np.random.default_rng(2)
    assert moderation.independent_steps(effects(rng, 4, 12, sd=0.02, shared=1.0)) < 1.1
    assert moderation.independent_steps(effects(rng, 4, 12, sd=0.02, shared=0.0)) > 4
    two = prior(effects(rng, 2, 12, sd=0.02, shared=1.0))
    assert two.df < 1  # the pair has one comparison in effect, and nothing to borrow from


def test_a_variance_is_never_moderated_below_what_was_observed():
    assert Prior(1e-4, 10.0).moderate(4e-4, DF) == (4e-4, 13.0)
    variance, df = Prior(1e-4, 10.0).moderate(1e-6, DF)
    assert variance == pytest.approx((10 * 1e-4 + 3 * 1e-6) / 13)
    assert df == 13
    assert NOTHING.moderate(1e-6, DF) == (1e-6, 3)


@pytest.mark.parametrize("processes", [0, 1])
def test_one_process_says_nothing_about_a_spread(processes):
    assert prior({"a": {"x": [0.1] * processes}, "b": {"x": [0.2] * processes}}) == NOTHING


def test_a_clock_that_stood_still_is_no_error():
    found = prior({name: {"x": [0.0] * 4, "y": [0.0] * 4} for name in "ab"})
    assert found.df == 0 or found.variance < 1e-15


@pytest.mark.parametrize("draw", ["normal", "bimodal"])
@pytest.mark.parametrize("shared", [0.0, 1.0])
@pytest.mark.parametrize(("stacks", "steps"), [(2, 1), (2, 8), (4, 4)])
def test_identical_stacks_are_called_different_in_at_most_5_percent_of_runs(stacks, steps, shared, draw):
    rng = np.random.default_rng(20261126)
    runs = 120
    alarms = sum(alarm(effects(rng, stacks, steps, 0.05, shared, draw)) for _ in range(runs))
    assert alarms / runs <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5  # three standard errors of this many runs


def test_five_percent_are_seen_in_nine_of_ten_runs_of_four_processes():
    rng = np.random.default_rng(7)
    runs = 150
    seen = sum(alarm(effects(rng, 2, 12, sd=0.02 / 2**0.5, shared=0.3), np.log(1.05)) for _ in range(runs))
    assert seen / runs >= 0.9
