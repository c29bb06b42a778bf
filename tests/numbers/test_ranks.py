"""Ranks and the correction for many comparisons: what their words say is true, by simulation."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.numbers.test_stats import SPREAD, clustered
from twinbench.numbers import means, stats, student
from twinbench.numbers.ranks import rank
from twinbench.numbers.stats import Fit, Ratio

unhurried = settings(deadline=None)

found_ratios = st.lists(
    st.builds(
        lambda centre, error, df: stats.ratio_of(centre, Fit([0.0] * 4, error, df, 1)),
        st.floats(-0.3, 0.3),
        st.floats(0.001, 0.2),
        st.integers(1, 40),
    ),
    min_size=1,
    max_size=12,
)


def ranks_of(values, **options):
    estimates = {name: stats.summarise(v).estimate for name, v in values.items()}
    return rank(estimates, lambda a, b: stats.ratio(values[a], values[b], **options))


def test_stacks_of_which_none_is_distinguishably_faster_have_one_rank():
    rng = np.random.default_rng(20)
    values = {name: clustered(rng, 4, factor=f) for name, f in (("slow", 1.5), ("one", 1.0), ("two", 1.002))}
    ranked = ranks_of(values)
    assert {stack.name: stack.rank for stack in ranked} == {"one": 1, "two": 1, "slow": 3}
    assert ranked[0].ratio is None
    assert ranked[2].ratio.estimate == pytest.approx(1.5, rel=0.03)


def test_twenty_identical_stacks_share_the_first_rank():
    rng = np.random.default_rng(21)
    values = {str(number): clustered(rng, 4) for number in range(20)}
    assert {stack.rank for stack in ranks_of(values, process_sd=SPREAD)} == {1}


def test_stacks_without_a_common_block_are_not_told_apart():
    assert [stack.rank for stack in rank({"a": 1.0, "b": 9.0}, lambda a, b: None)] == [1, 1]


@unhurried
@given(found_ratios)
def test_an_interval_leaves_out_1_where_the_correction_rejects_and_nowhere_else(ratios):
    adjusted = stats.benjamini_hochberg([ratio.p_value for ratio in ratios])
    for ratio, strict, p in zip(ratios, stats.corrected(ratios), adjusted, strict=True):
        if abs(p - 0.05) > 1e-6:
            assert (strict.low > 1 or strict.high < 1) == (p < 0.05)
            assert stats.verdicts([replace(r, mean=None) for r in ratios])[ratios.index(ratio)] == stats.verdict(strict)
        assert strict.low <= ratio.low * (1 + 1e-9)
        assert strict.resolvable >= ratio.resolvable * (1 - 1e-9)
    assert stats.corrected(ratios[:1]) == ratios[:1]


@unhurried
@given(st.lists(st.floats(0.8, 1.2), min_size=2, max_size=6), st.floats(0.001, 0.1), st.integers(3, 20))
def test_ranks_count_the_pairs_whose_intervals_leave_out_1(times, error, df):
    logs = {str(index): math.log(time) for index, time in enumerate(times)}
    pairs: list[tuple[str, str]] = []

    def ratio(a: str, b: str) -> Ratio:
        pairs.append((a, b))
        return stats.ratio_of(logs[a] - logs[b], Fit([0.0] * 4, error, df, 1))

    ranked = rank({name: math.exp(log) for name, log in logs.items()}, ratio)
    strict = stats.corrected([ratio(a, b) for a, b in list(pairs)])
    beaten = [slow for (slow, _), found in zip(pairs, strict, strict=False) if found.low > 1]
    assert {stack.name: stack.rank for stack in ranked} == {name: 1 + beaten.count(name) for name in logs}
    first = ranked[0]
    assert first.ratio is None
    for stack in ranked[1:]:
        assert stack.rank > 1 or stack.ratio.low <= 1


@pytest.mark.parametrize(("processes", "comparisons"), [(4, 1), (8, 1), (4, 10)])
def test_the_difference_that_is_shown_is_found_in_four_of_five_cases(processes, comparisons):
    """Draw ``comparisons`` stacks. All but one are alike; that one differs by what the data are said to show."""
    rng, sd, runs = np.random.default_rng(comparisons + processes), 0.02, 1500
    df = processes - 1
    others = [stats.ratio_of(0.0, Fit([0.0] * 4, sd, df, 1))] * (comparisons - 1)
    error = sd / math.sqrt(processes)
    level = 1 - 0.05 / comparisons
    effect = error * student.detectable(level, df, stats.POWER)
    logs = rng.normal(effect, sd, (runs, processes))
    found = 0
    for centre, own in zip(logs.mean(axis=1), logs.std(axis=1, ddof=1) / math.sqrt(processes), strict=True):
        ratio = stats.corrected([stats.ratio_of(float(centre), Fit([0.0] * processes, float(own), df, 1)), *others])[0]
        found += ratio.low > 1
        if ratio.low <= 1:
            assert ratio.resolvable == pytest.approx(math.expm1(effect * ratio.error / error), rel=1e-6)
    assert 0.77 <= found / runs <= 0.83


def test_faster_holds_for_the_mean_as_well():
    paused, steady = [[[1.0, 1.0, 2.0]] * 6] * 4, [[[1.25]] * 6] * 4
    ratio = stats.ratio(paused, steady)
    assert ratio.high < 1
    with_mean = replace(ratio, mean=means.ratio(paused, steady))
    assert with_mean.mean == pytest.approx(4 / 3 / 1.25)
    assert stats.verdict(with_mean) == stats.verdict(replace(ratio, mean=1.0)) == "undecided"
    assert stats.verdict(replace(ratio, mean=0.9)) == stats.verdict(ratio) == "faster"
    ranked = rank({"paused": 1.0, "steady": 1.25}, lambda a, b: replace(stats.ratio(steady, paused), mean=1.25 * 0.75))
    assert [stack.rank for stack in ranked] == [1, 1]


def test_one_disturbed_process_does_not_change_a_ratio_of_means():
    a = [[[1.0, 1.0]], [[1.0, 1.0]], [[1.0, 90.0]]]
    assert means.ratio(a, [[[2.0, 2.0]]] * 3) == 0.5
