"""The statistics keep their promises on data of which the truth is known."""

from __future__ import annotations

import math
from itertools import chain

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from twinbench.numbers import stats, student
from twinbench.numbers.spreads import PROCESS_SD
from twinbench.numbers.stats import Ratio, Values

BETWEEN = 0.01
WITHIN = 0.002
"""The spread that the literature and our own measurements give: 1 % between processes, 0.2 % within."""

SPREAD = math.sqrt(2) * BETWEEN
"""Between the ratios of two such stacks."""


unhurried = settings(deadline=None)


def clustered(rng: np.random.Generator, processes: int, blocks: int = 8, factor: float = 1.0) -> Values:
    luck = rng.normal(0, BETWEEN, (processes, 1, 1))
    return (factor * np.exp(luck + rng.normal(0, WITHIN, (processes, blocks, 3)))).tolist()


def flat(values: Values) -> list[float]:
    return [*chain.from_iterable(chain.from_iterable(values))]


def ratio_of(low: float, high: float) -> Ratio:
    return Ratio(math.sqrt(low * high), low, high, 1, 1, 0.0, 0.5)


# What is promised on clustered samples


@pytest.mark.parametrize("processes", [1, 2, 5, 10])
def test_identical_stacks_are_rarely_called_different(processes):
    rng = np.random.default_rng(processes)
    ours = pooled = 0
    for _ in range(400):
        a, b = clustered(rng, processes), clustered(rng, processes)
        ours += stats.verdict(stats.ratio(a, b)) != "undecided"
        pooled += scipy.stats.ttest_ind(flat(a), flat(b)).pvalue < 0.05
    assert ours / 400 <= 0.08
    assert pooled / 400 > 0.15, "the data is too easy to show anything"


def test_the_intervals_of_a_ratio_cover_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(600):
        r = stats.ratio(clustered(rng, 6, factor=1.3), clustered(rng, 6), process_sd=SPREAD)
        covered += r.low <= 1.3 <= r.high
    assert 0.92 <= covered / 600 <= 0.98


def test_the_intervals_of_a_time_cover_the_truth():
    rng = np.random.default_rng(8)
    intervals = [stats.summarise(clustered(rng, 5, factor=0.02)) for _ in range(600)]
    assert 0.92 <= sum(i.low <= 0.02 <= i.high for i in intervals) / 600 <= 0.98


@pytest.mark.parametrize("processes", [2, 3])
def test_a_slowdown_of_5_percent_is_found_with_few_processes(processes):
    rng = np.random.default_rng(9)
    pairs = ((clustered(rng, processes, factor=1.05), clustered(rng, processes)) for _ in range(200))
    found = sum(stats.verdict(stats.ratio(slow, base, process_sd=SPREAD)) == "slower" for slow, base in pairs)
    assert found / 200 >= 0.95


def test_one_process_can_not_be_surer_than_the_machine_allows():
    steady = [[[1.0, 1.0, 1.0]] * 50]
    r = stats.ratio(steady, steady)
    assert r.resolvable > 2 * PROCESS_SD
    assert r.resolvable > r.high - 1, "a difference at the edge of the interval is found in half of the cases"


def test_what_processes_show_outweighs_what_was_assumed():
    rng = np.random.default_rng(10)
    a, b = clustered(rng, 40), clustered(rng, 40)
    timid, bold = (stats.ratio(a, b, process_sd=sd).resolvable for sd in (0.03, 0.003))
    assert timid / bold < 1.6


def test_a_disturbed_block_moves_nothing():
    rng = np.random.default_rng(11)
    a, b = clustered(rng, 3, blocks=9), clustered(rng, 3, blocks=9)
    before = stats.ratio(a, b).estimate
    a[1][4] = [50.0, 50.0, 50.0]
    assert stats.ratio(a, b).estimate == pytest.approx(before, rel=0.002)


def test_pairing_removes_the_drift_of_the_machine():
    rng = np.random.default_rng(12)
    drift = np.exp(rng.normal(0, 0.3, (2, 20, 1)))
    a, b = ((np.exp(rng.normal(0, 0.002, (2, 20, 3))) * drift * factor).tolist() for factor in (1.1, 1.0))
    assert stats.verdict(stats.ratio(a, b)) == "slower"


def test_the_spread_between_blocks_widens_the_interval():
    rng = np.random.default_rng(13)
    quiet, noisy = (np.exp(rng.normal(0, sd, (1, 9, 3))).tolist() for sd in (0.001, 0.2))
    one = [[[1.0]] * 9]
    assert stats.ratio(noisy, one).resolvable > 2 * stats.ratio(quiet, one).resolvable


@pytest.mark.parametrize("count", [2, 3, 4, 5, 9, 25])
def test_the_variance_of_a_median_is_the_bootstraps(count):
    rng = np.random.default_rng(count)
    found, resampled = 0.0, 0.0
    for _ in range(40):
        values = rng.normal(0, 1, count)
        found += stats.median_variance(values)
        resampled += np.median(rng.choice(values, (2000, count)), axis=1).var()
    unbiased = resampled * (2 if count == 2 else 1)  # the bootstrap of two values gives half of their variance
    assert found == pytest.approx(unbiased, rel=0.35 if count == 4 else 0.15)


# Invariances

positive = st.floats(1e-9, 1e3)
blocks = st.lists(st.tuples(positive, positive), min_size=1, max_size=6)
processes = st.lists(blocks, min_size=1, max_size=4)


def split(pairs: list[list[tuple[float, float]]]) -> tuple[Values, Values]:
    return [[[a] for a, _ in p] for p in pairs], [[[b] for _, b in p] for p in pairs]


@unhurried
@given(processes)
def test_swapping_the_two_gives_the_reciprocal(pairs):
    a, b = split(pairs)
    there, back = stats.ratio(a, b), stats.ratio(b, a)
    assert (back.estimate, back.low, back.high) == pytest.approx(
        (1 / there.estimate, 1 / there.high, 1 / there.low), rel=1e-9
    )
    assert back.p_value == pytest.approx(there.p_value, rel=1e-6, abs=1e-12)
    assert there.low <= there.estimate <= there.high


@unhurried
@given(processes, st.floats(1e-3, 1e3))
def test_the_unit_of_time_does_not_matter(pairs, factor):
    a, b = split(pairs)
    scaled = [[[factor * x for x in block] for block in process] for process in a]
    assert stats.summarise(scaled).high == pytest.approx(factor * stats.summarise(a).high, rel=1e-9)
    assert stats.ratio(scaled, b).low == pytest.approx(factor * stats.ratio(a, b).low, rel=1e-9)


@unhurried
@given(processes, st.randoms())
def test_the_order_of_processes_and_blocks_does_not_matter(pairs, random):
    shuffled = [random.sample(process, len(process)) for process in random.sample(pairs, len(pairs))]
    before, after = stats.ratio(*split(pairs)), stats.ratio(*split(shuffled))
    assert (after.low, after.high) == pytest.approx((before.low, before.high), rel=1e-9)


@unhurried
@given(processes, st.floats(0.5, 0.9), st.floats(0.91, 0.999))
def test_more_confidence_takes_a_wider_interval(pairs, lower, higher):
    a, b = split(pairs)
    narrow, wide = stats.ratio(a, b, level=lower), stats.ratio(a, b, level=higher)
    assert wide.low <= narrow.low <= narrow.high <= wide.high


# Input that can't be compared


def test_blocks_without_a_partner_are_refused():
    with pytest.raises(ValueError, match="can't be paired"):
        stats.ratio([[[1.0], [1.0]]], [[[1.0]]])
    with pytest.raises(ValueError, match="can't be paired"):
        stats.ratio([[[1.0]], [[1.0]]], [[[1.0]]])


@pytest.mark.parametrize("nothing", [[], [[]]])
def test_nothing_can_not_be_summarised(nothing):
    with pytest.raises(ValueError, match="no samples"):
        stats.summarise(nothing)


def test_a_clock_that_stood_still_breaks_nothing():
    interval = stats.summarise([[[0.0], [0.0]]])
    assert 0 <= interval.low <= interval.high < 1e-9
    assert stats.ratio([[[1.0]]], [[[1.0]]], process_sd=0.0).p_value == 1.0


def test_a_time_is_the_geometric_mean_over_processes_of_medians_of_medians():
    values = [[[1, 2, 9], [3, 3, 3], [4, 4, 4]], [[5], [6], [70]], [[2.5], [2.5], [2.5]]]
    assert stats.summarise(values).estimate == pytest.approx((3 * 6 * 2.5) ** (1 / 3))


# Words


@pytest.mark.parametrize(
    ("low", "high", "margin", "word"),
    [
        (0.90, 0.95, 0.0, "faster"),
        (1.05, 1.10, 0.0, "slower"),
        (0.95, 1.05, 0.0, "undecided"),
        (0.999, 1.001, 0.0, "undecided"),
        (0.99, 1.01, 0.02, "same"),
        (1.001, 1.01, 0.02, "same"),
        (1.001, 1.03, 0.02, "slower"),
        (0.97, 1.01, 0.02, "undecided"),
    ],
)
def test_verdicts(low, high, margin, word):
    assert stats.verdict(ratio_of(low, high), margin) == word


@unhurried
@given(st.lists(st.floats(0, 1), max_size=30))
def test_the_false_discovery_rate_is_the_textbooks(p_values):
    expected = scipy.stats.false_discovery_control(p_values) if p_values else []
    assert stats.benjamini_hochberg(p_values) == pytest.approx(list(expected))


# Student's t


@unhurried
@given(st.integers(1, 200), st.floats(-50, 50))
def test_the_t_distribution_is_scipys(df, t):
    assert student.two_sided_p(t, df) == pytest.approx(
        2 * scipy.stats.t.sf(abs(t), df), abs=1e-10
    )  # SciPy's error near 0, df 1: 4e-11


@unhurried
@given(st.integers(1, 200), st.floats(0.5, 0.999))
def test_the_quantile_is_scipys(df, level):
    assert student.quantile(level, df) == pytest.approx(scipy.stats.t.ppf((1 + level) / 2, df), rel=1e-9)


@pytest.mark.parametrize("df", [1, 2, 3, 8, 60])
@pytest.mark.parametrize("level", [0.95, 0.999])
def test_the_detectable_difference_is_that_of_scipys_noncentral_t(df, level):
    critical, difference = student.quantile(level, df), student.detectable(level, df, 0.8)
    assert scipy.stats.nct.sf(critical, df, difference) == pytest.approx(0.8, abs=2e-3)
