"""Whether stacks reach the same quality: the test is Schuirmann's, and its words hold for several stacks."""

from __future__ import annotations

import numpy as np
import pytest

from twinbench.numbers import equivalence

SEEDS = [0.90, 0.91, 0.89, 0.905, 0.895]


def test_equal_qualities_are_equivalent_and_distant_ones_different():
    near = [value + step for value, step in zip(SEEDS, (0.001, 0.002, 0, 0.001, 0.003), strict=True)]
    found = equivalence.equivalence(near, SEEDS, 0.02)
    assert found.verdict == "equivalent"
    assert -0.02 < found.low < found.difference < found.high < 0.02
    assert equivalence.equivalence([value + 0.1 for value in SEEDS], SEEDS, 0.02).verdict == "different"


def test_a_wide_spread_or_few_seeds_decide_nothing():
    assert equivalence.equivalence(SEEDS[:4], SEEDS[:4], 0.5).verdict == "not enough seeds"
    spread = [0.7, 0.8, 0.9, 1.0, 1.1]
    assert equivalence.equivalence(spread, SEEDS, 0.01).verdict == "not enough seeds"


def test_seeds_that_all_agree_need_no_spread():
    same = [0.9] * 5
    assert equivalence.equivalence(same, same, 0.01).verdict == "equivalent"
    assert equivalence.equivalence([0.95] * 5, same, 0.01).verdict == "different"


def test_equivalence_is_the_two_one_sided_tests_of_pairs():
    from scipy.stats import ttest_rel

    rng = np.random.default_rng(4)
    a, b = rng.normal(0.9, 0.01, 8), rng.normal(0.905, 0.02, 8)
    verdicts = set()
    for margin in (0.01, 0.02, 0.03, 0.05):
        upper = ttest_rel(a - margin, b, alternative="less").pvalue
        lower = ttest_rel(a + margin, b, alternative="greater").pvalue
        expected = bool(max(upper, lower) < 0.05)
        assert (equivalence.equivalence(list(a), list(b), margin).verdict == "equivalent") is expected
        verdicts.add(expected)
    assert verdicts == {True, False}


def test_what_a_seed_brings_to_both_cancels():
    luck = [0.80, 0.95, 0.85, 0.99, 0.90]
    near = [value + step for value, step in zip(luck, (0.001, -0.001, 0.002, 0, -0.002), strict=True)]
    assert equivalence.equivalence(near, luck, 0.01).verdict == "equivalent"
    assert equivalence.equivalence(near[::-1], luck, 0.01).verdict == "not enough seeds"
    with pytest.raises(ValueError, match="shorter"):
        equivalence.equivalence(luck, luck[:4], 0.01)


@pytest.mark.parametrize("stacks", [2, 4, 8])
def test_of_identical_stacks_hardly_one_is_called_different_from_the_best(stacks):
    rng, runs = np.random.default_rng(stacks), 600
    corrected = uncorrected = 0
    for _ in range(runs):
        qualities = (0.9 + rng.normal(0, 0.01, (stacks, 6))).tolist()
        best = max(qualities, key=sum)
        others = [quality for quality in qualities if quality is not best]
        for count in {2, stacks}:
            words = [equivalence.equivalence(other, best, 1e-4, stacks=count).verdict for other in others]
            corrected += count == stacks and "different" in words
            uncorrected += count == 2 and "different" in words
    assert corrected / runs <= 0.07
    if stacks == 8:
        assert uncorrected / runs > 0.15, "the data is too easy to show anything"


def test_stacks_that_differ_by_the_margin_are_rarely_called_equivalent():
    rng, runs, wrong = np.random.default_rng(9), 600, 0
    for _ in range(runs):
        best = (0.9 + rng.normal(0, 0.004, 8)).tolist()
        others = (0.89 + rng.normal(0, 0.004, (5, 8))).tolist()
        wrong += any(equivalence.equivalence(o, best, 0.01, stacks=6).verdict == "equivalent" for o in others)
    assert wrong / runs <= 0.05
