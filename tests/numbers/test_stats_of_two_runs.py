"""Runs that were never side by side: the intervals hold what differs between runs, or a control divides it out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinbench.numbers import stats, two_runs
from twinbench.numbers.spreads import RUN_SD
from twinbench.numbers.stats import Ratio, Values

RUN, PROCESS, BLOCK = 0.04, 0.03, 0.005
"""Standard deviations of log times, at each level of the hierarchy."""

ROUNDS = 600


def measured(rng: np.random.Generator, processes: int, factor: float = 1.0, luck: float = 0.0) -> Values:
    process = rng.normal(0, PROCESS, (processes, 1, 1))
    return (factor * np.exp(luck + process + rng.normal(0, BLOCK, (processes, 6, 3)))).tolist()


def compared(rng: np.random.Generator, processes: int, factor: float = 1.0) -> Ratio:
    after, before = (measured(rng, processes, f, rng.normal(0, RUN)) for f in (factor, 1.0))
    return two_runs.unpaired(after, before, time_sd=PROCESS, run_sd=RUN)


@pytest.mark.parametrize("processes", [1, 2, 5, 20])
def test_identical_stacks_of_two_runs_are_rarely_called_different(processes):
    rng = np.random.default_rng(processes)
    alarms = sum(stats.verdict(compared(rng, processes)) != "undecided" for _ in range(ROUNDS))
    assert alarms / ROUNDS <= 0.07


def test_without_the_spread_between_runs_they_would_be():
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(ROUNDS):
        after, before = (measured(rng, 20, luck=rng.normal(0, RUN)) for _ in "ab")
        alarms += stats.verdict(two_runs.unpaired(after, before, time_sd=PROCESS, run_sd=0.0)) != "undecided"
    assert alarms / ROUNDS > 0.5, "the data is too easy to show anything"


def test_processes_that_differ_more_than_was_assumed_widen_the_interval():
    rng = np.random.default_rng(2)
    alarms = 0
    for _ in range(ROUNDS):
        after, before = (measured(rng, 20) for _ in "ab")
        alarms += stats.verdict(two_runs.unpaired(after, before, time_sd=PROCESS / 3, run_sd=0.0)) != "undecided"
    assert alarms / ROUNDS <= 0.11, "of one process, which shows nothing, it would be 0.4"


def test_the_intervals_of_two_runs_cover_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(3)
    found = [compared(rng, 4, 1.3) for _ in range(ROUNDS)]
    assert 0.92 <= sum(r.low <= 1.3 <= r.high for r in found) / ROUNDS <= 0.99


def test_of_hundred_identical_stacks_hardly_one_is_called_different():
    rng = np.random.default_rng(4)
    alarms = [sum(w != "undecided" for w in stats.verdicts([compared(rng, 3) for _ in range(100)])) for _ in range(20)]
    assert sum(map(bool, alarms)) <= 3


def beside_a_control(rng: np.random.Generator, processes: int, factor: float = 1.0) -> Ratio:
    """Both stacks of a run share its luck and their blocks'; the luck of runs is ten times what may be found."""
    sides = []
    for times in (factor, 1.0):
        luck = rng.normal(0, 0.5) + rng.normal(0, 0.1, (processes, 6, 1))
        pair = [
            (
                f * np.exp(luck + rng.normal(0, 0.01, (processes, 1, 1)) + rng.normal(0, 0.002, (processes, 6, 3)))
            ).tolist()
            for f in (times, 2.0)
        ]
        sides.append((pair[0], pair[1]))
    return two_runs.controlled(sides[0], sides[1], process_sd=0.015)


@pytest.mark.parametrize("processes", [1, 3, 8])
def test_a_control_divides_out_the_luck_of_runs_without_false_alarms(processes):
    rng = np.random.default_rng(processes)
    alarms = sum(stats.verdict(beside_a_control(rng, processes)) != "undecided" for _ in range(ROUNDS))
    assert alarms / ROUNDS <= 0.07


def test_beside_a_control_a_slowdown_of_5_percent_is_found():
    rng = np.random.default_rng(5)
    found = [beside_a_control(rng, 5, 1.05) for _ in range(200)]
    assert sum(stats.verdict(r) == "slower" for r in found) / 200 >= 0.9


def test_more_processes_can_not_tell_what_the_luck_of_runs_hides():
    rng = np.random.default_rng(6)
    assert compared(rng, 200).resolvable > RUN_SD


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 5))
def test_swapping_two_runs_gives_the_reciprocal(seed, more, fewer):
    rng = np.random.default_rng(seed)
    a, b = measured(rng, more), measured(rng, fewer)
    there, back = two_runs.unpaired(a, b), two_runs.unpaired(b, a)
    assert (back.estimate, back.low, back.high) == pytest.approx(
        (1 / there.estimate, 1 / there.high, 1 / there.low), rel=1e-9
    )


def test_nothing_can_not_be_compared():
    with pytest.raises(ValueError, match="no samples"):
        two_runs.unpaired([], [[[1.0]]])


@pytest.mark.parametrize(
    ("p_values", "words"),
    [((0.04, 0.9, 0.8), ["undecided"] * 3), ((0.001, 0.9, 0.8), ["slower", "undecided", "undecided"])],
)
def test_verdicts_are_corrected_for_their_number(p_values, words):
    ratios = [Ratio(1.1, 1.01 if p < 0.05 else 0.9, 1.2, 1, 1, 0.1, p) for p in p_values]
    assert stats.verdicts(ratios) == words


def test_the_margin_needs_no_correction():
    assert stats.verdicts([Ratio(1.001, 0.995, 1.01, 1, 1, 0.01, 0.9)] * 3, 0.02) == ["same"] * 3
