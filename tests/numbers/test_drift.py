"""What is called drifted has drifted: the tests are SciPy's, false alarms are rare, and a shift as told is found."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binom, fisher_exact, ks_2samp

from twinbench.numbers import drift
from twinbench.numbers.drift import ReferenceSample, Shift

HALF_MISSING = np.array([1.0, np.nan] * 500)


def found(before: np.ndarray, now: np.ndarray) -> Shift:
    (shift,) = drift.with_verdicts(list(drift.shifts(known(before[:, None]), now[:, None])), len(now))
    return shift


def known(sample: np.ndarray) -> ReferenceSample:
    names = tuple(f"x{place}" for place in range(sample.shape[1]))
    return ReferenceSample(names, sample, np.fmin.reduce(sample), np.fmax.reduce(sample))


def values(least: int, most: int, **bounds: bool) -> st.SearchStrategy[np.ndarray]:
    """Numbers of all kinds, or few different ones, or whole ones."""
    number = st.floats(width=32, **bounds) | st.sampled_from([0.0, -0.0, 1.0]) | st.integers(-3, 3).map(float)
    return arrays(np.float32, st.integers(least, most), elements=number)


@settings(deadline=None, max_examples=50)
@given(before=values(1, 60), now=values(1, 60))
def test_any_numbers_get_figures_that_are_numbers(before: np.ndarray, now: np.ndarray):
    shift = found(before, now)
    for share in (shift.distance, shift.p_value, shift.adjusted, shift.missing, shift.missing_before, shift.outside):
        assert 0 <= share <= 1
    assert 0 <= shift.psi < math.inf
    assert not shift.drifted, "of fewer than 100 rows nothing is"
    assert shift.missing == np.isnan(now).mean()


@settings(deadline=None, max_examples=50)
@given(both=values(1, 80), seed=st.integers(0, 99))
def test_the_same_values_in_another_order_are_no_shift(both: np.ndarray, seed: int):
    shift = found(both, np.random.default_rng(seed).permutation(both))
    assert (shift.distance, shift.psi) == (0, pytest.approx(0))
    assert shift.p_value == pytest.approx(1)
    assert shift.outside == 0


@settings(deadline=None, max_examples=50)
@given(
    before=values(21, 200, allow_nan=False, allow_infinity=False),
    now=values(1, 200, allow_nan=False, allow_infinity=False),
    lost=st.integers(0, 10),
)
def test_the_distance_and_its_p_value_are_those_of_scipy(before: np.ndarray, now: np.ndarray, lost: int):
    before = np.concatenate([before, np.linspace(-500, 500, 21, dtype=np.float32)])
    now = np.concatenate([now, np.full(lost, np.nan, np.float32)])
    shift = found(before, now)
    snapped = drift._snapped(now, before)
    last = np.where(np.isnan(snapped), np.inf, snapped)
    wanted = ks_2samp(before, last, method="asymp")
    assert shift.test == "KS"
    assert shift.distance == pytest.approx(wanted.statistic)
    assert shift.p_value == pytest.approx(wanted.pvalue, abs=1e-12)


@settings(deadline=None, max_examples=50)
@given(before=st.tuples(st.integers(0, 90), st.integers(1, 90)), now=st.tuples(st.integers(0, 90), st.integers(1, 90)))
def test_of_two_values_the_p_value_is_fishers(before: tuple[int, int], now: tuple[int, int]):
    shift = found(*(np.repeat([0.0, 1.0], counts) for counts in (before, now)))
    assert shift.test == "Fisher"
    assert shift.p_value == pytest.approx(fisher_exact([before, now]).pvalue)


@given(counts=arrays(np.int64, st.tuples(st.just(2), st.integers(1, 12)), elements=st.integers(0, 10_000)))
def test_the_index_is_a_distance_of_two_sides(counts: np.ndarray):
    counts[:, 0] += 1  # no side is empty
    index = drift.psi(counts)
    assert index >= -1e-12
    assert index == pytest.approx(drift.psi(counts[::-1])), "either way"
    assert index == pytest.approx(drift.psi(counts[:, ::-1])), "bins have no order"
    more = np.hstack([counts, [[0], [0]]])
    assert index == pytest.approx(drift.psi(more)), "an empty bin is none"


@settings(deadline=None, max_examples=50)
@given(counts=arrays(np.int64, st.tuples(st.just(2), st.integers(3, 9)), elements=st.integers(1, 40)))
def test_of_a_few_values_the_p_value_is_corrected_for_all_the_tests(counts: np.ndarray):
    before, now = (np.repeat(np.arange(len(side), dtype=float), side) for side in counts)
    rest = counts.sum(axis=1, keepdims=True) - counts
    tables = np.stack([counts, rest], axis=2).transpose(1, 0, 2)
    by_value = len(tables) * min(fisher_exact(table).pvalue for table in tables)
    by_order = ks_2samp(before, now, method="asymp").pvalue
    assert found(before, now).p_value == pytest.approx(min(1, 2 * min(by_value, by_order)))


def test_of_few_values_that_have_an_order_a_shift_is_found_that_no_single_value_shows():
    """A month, an hour: every share changes a little, and all of them to one side."""
    rng = np.random.default_rng(4)
    draws = [
        found(rng.binomial(18, 0.5, 2000).astype(float), rng.binomial(18, 0.57, 150).astype(float)) for _ in range(20)
    ]
    assert {shift.test for shift in draws} == {"both"}
    assert sum(shift.drifted for shift in draws) >= 16


def test_the_index_is_that_of_the_textbook():
    before, now = np.array([100_000, 300_000, 600_000]), np.array([200_000, 300_000, 500_000])
    wanted = 0.1 * math.log(2) + (-0.1) * math.log(5 / 6)
    assert drift.psi(np.stack([before, now])) == pytest.approx(wanted, rel=1e-4)


def test_the_index_of_the_same_distribution_is_what_the_literature_says():
    rng = np.random.default_rng(1)
    indices = [shift.psi for shift in drift.shifts(known(rng.normal(size=(2000, 400))), rng.normal(size=(1000, 400)))]
    assert np.mean(indices) == pytest.approx(9 * (1 / 2000 + 1 / 1000), rel=0.1)


SHARES = np.linspace(0.002, 0.5, 20)
KINDS = {
    "continuous": lambda rng, rows: rng.normal(size=(rows, 20)),
    "one-hot": lambda rng, rows: (rng.random((rows, 20)) < SHARES).astype(float),
    "few values": lambda rng, rows: rng.integers(0, 8, (rows, 20)).astype(float),
    "repeated values": lambda rng, rows: rng.poisson(50 * SHARES, (rows, 20)).astype(float),
}
"""Rows of 20 features, which are drawn in the same way before and now."""


@pytest.mark.parametrize("kind", KINDS)
def test_of_the_same_distribution_one_p_value_of_twenty_is_below_a_twentieth(kind: str):
    rng, draw, draws = np.random.default_rng(7), KINDS[kind], 15
    p = [shift.p_value for _ in range(draws) for shift in drift.shifts(known(draw(rng, 400)), draw(rng, 150))]
    for level in (0.01, 0.05, 0.2):
        assert sum(value < level for value in p) <= binom.ppf(0.999, len(p), level)


@pytest.mark.parametrize(("kind", "rows"), [("continuous", 100), ("continuous", 1000), ("one-hot", 150)])
def test_the_same_distribution_raises_a_false_alarm_in_one_of_twenty_draws_at_most(kind: str, rows: int):
    """Of 20 features at once, and by the corrected p value alone: that the index must be large, too, only helps."""
    rng, draw, draws = np.random.default_rng(7), KINDS[kind], 100
    alarms = called = 0
    for _ in range(draws):
        judged = drift.with_verdicts(list(drift.shifts(known(draw(rng, 400)), draw(rng, rows))), rows)
        alarms += any(shift.adjusted < 0.05 for shift in judged)
        called += any(shift.drifted for shift in judged)
    assert alarms <= binom.ppf(0.999, draws, 0.05), f"{alarms} of {draws}"
    assert called <= alarms
    if kind == "continuous":
        assert alarms >= binom.ppf(0.01, draws, 0.05), "the test is blunter than it says"


@pytest.mark.parametrize(("rows", "features"), [(100, 40), (300, 4), (2000, 40), (20_000, 40)])
def test_the_smallest_shift_that_is_told_is_found_in_four_of_five_cases(rows: int, features: int):
    """Up to what 100 draws show, and half of it isn't."""
    rng, told, draws = np.random.default_rng(3), drift.smallest_shift(rows, 2000, features), 100
    hits = {share: 0 for share in (1.0, 0.5)}
    for share in hits:
        for _ in range(draws):
            before, now = rng.normal(size=(2000, 1)), rng.normal(told * share, 1, (rows, 1))
            (shift,) = drift.shifts(known(before), now)
            unmoved = [Shift("", "KS", 0, 0, 1, 1, 0, 0, 0, False)] * (features - 1)
            hits[share] += drift.with_verdicts([shift, *unmoved], rows)[0].drifted
    assert hits[1.0] >= binom.ppf(0.001, draws, drift.POWER)
    assert hits[0.5] < draws / 2


def test_the_feature_that_moved_is_called_drifted_and_no_other():
    rng = np.random.default_rng(5)
    before, now = rng.normal(size=(2000, 30)), rng.normal(size=(500, 30))
    now[:, 17] += 0.8
    judged = drift.with_verdicts(list(drift.shifts(known(before), now)), 500)
    assert [shift.name for shift in judged if shift.drifted] == ["x17"]


def test_a_shift_that_is_sure_and_small_is_not_called_drifted():
    rng = np.random.default_rng(5)
    shift = found(rng.normal(size=2000), rng.normal(0.15, 1, 200_000))
    assert shift.adjusted < 1e-5
    assert (shift.psi < drift.NOTABLE, shift.drifted) == (True, False)


def test_of_few_rows_nothing_is_called_drifted_however_far_it_moved():
    rng = np.random.default_rng(5)
    before = rng.normal(size=2000)
    assert not found(before, rng.normal(9, 1, drift.MIN_ROWS - 1)).drifted
    assert found(before, rng.normal(9, 1, drift.MIN_ROWS)).drifted


RNG = np.random.default_rng(11)


@pytest.mark.parametrize(
    ("before", "now", "drifted"),
    [
        pytest.param(np.zeros(1000), np.zeros(500), False, id="constant"),
        pytest.param(np.zeros(1000), np.ones(500), True, id="another constant"),
        pytest.param(np.zeros(1000), -RNG.random(500), True, id="a constant that now varies below"),
        pytest.param(np.zeros(1000), RNG.random(500), True, id="a constant that now varies above"),
        pytest.param(RNG.random(1000), np.zeros(500), True, id="a constant now"),
        pytest.param(np.repeat([0.0, 1.0], [900, 100]), np.repeat([0.0, 1.0], [350, 150]), True, id="one-hot"),
        pytest.param(np.repeat([0.0, 1.0], [900, 100]), np.repeat([0.0, 1.0], [449, 51]), False, id="one-hot, same"),
        pytest.param(np.repeat([0.0, 1.0], [900, 100]), np.repeat([0.0, 2.0], [450, 50]), True, id="another value"),
        pytest.param(
            np.r_[np.zeros(900), RNG.random(100)], np.r_[np.zeros(300), RNG.random(200)], True, id="mostly zero"
        ),
        pytest.param(
            np.r_[np.zeros(900), RNG.random(100)], np.r_[np.zeros(450), RNG.random(50)], False, id="mostly zero, same"
        ),
        pytest.param(np.arange(1000.0), np.r_[np.arange(0, 1000, 4.0), [np.nan] * 100], True, id="now missing"),
        pytest.param(HALF_MISSING, HALF_MISSING[:500], False, id="always missing"),
        pytest.param(np.full(1000, np.nan), np.full(500, np.nan), False, id="all missing"),
        pytest.param(np.full(1000, np.nan), RNG.random(500), True, id="was missing"),
        pytest.param(RNG.random(1000), np.r_[RNG.random(350), [np.inf] * 150], True, id="infinite now"),
        pytest.param(RNG.random(1000), np.r_[RNG.random(350), [-np.inf] * 150], True, id="infinite below"),
        pytest.param(RNG.integers(0, 9, 1000), RNG.integers(0, 9, 500), False, id="whole numbers"),
    ],
)
def test_features_of_every_kind(before: np.ndarray, now: np.ndarray, drifted: bool):
    assert found(np.asarray(before, np.float32), np.asarray(now, np.float32)).drifted is drifted


def test_what_only_rounding_tells_apart_is_the_same():
    """One library's zero, standardised, is not to the last bit another's."""
    rng = np.random.default_rng(2)
    before = np.where(rng.random(2000) < 0.7, 0.3, rng.normal(size=2000)).astype(np.float32)
    now = np.where(rng.random(500) < 0.7, 0.3, rng.normal(size=500)).astype(np.float32)
    now = np.nextafter(now, np.float32(9))
    assert found(before, now).distance < 0.1


def test_missing_and_outside_are_shares_of_all_rows():
    before = np.linspace(0, 1, 500)
    shift = found(before, np.r_[np.linspace(0, 1, 60), [np.nan] * 20, [2.0] * 15, [-np.inf] * 5])
    assert (shift.missing_before, shift.missing, shift.outside) == (0, 0.2, 0.2)
