"""Times, ratios and ranks of stacks that were measured side by side rest on one estimate, and it covers the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinbench.numbers import stats
from twinbench.numbers.levels import levels
from twinbench.numbers.moderation import NOTHING
from twinbench.numbers.spreads import Spreads

unhurried = settings(deadline=None)
positive = st.floats(1e-6, 1e3)
samples = st.lists(positive, min_size=1, max_size=3)
position = st.tuples(st.integers(0, 3), st.integers(0, 3))
stacks = st.dictionaries(st.sampled_from("abcd"), st.dictionaries(position, samples, min_size=1), min_size=2)


def nested(blocks):
    processes = sorted({process for process, _ in blocks})
    return [[blocks[position] for position in sorted(blocks) if position[0] == process] for process in processes]


@unhurried
@given(stacks)
def test_a_ratio_is_the_quotient_of_the_times_whatever_blocks_are_missing(times):
    fitted = levels(times)
    estimates = {stack: fitted.interval(stack, Spreads()).estimate for stack in times}
    for a in times:
        for b in times.keys() - {a}:
            ratio = fitted.ratio(a, b, Spreads(), NOTHING)
            assert (ratio is None) == (not times[a].keys() & times[b].keys())
            if ratio is not None:
                assert ratio.estimate == pytest.approx(estimates[a] / estimates[b], rel=1e-9)
                assert ratio.low <= ratio.estimate <= ratio.high
                assert ratio.blocks == len(times[a].keys() & times[b].keys())


@unhurried
@given(st.dictionaries(position, st.tuples(samples, samples), min_size=1))
def test_of_two_stacks_the_ratio_is_the_median_of_the_ratios_in_blocks(pairs):
    a, b = ({position: pair[side] for position, pair in pairs.items()} for side in (0, 1))
    ours = levels({"a": a, "b": b}).ratio("a", "b", Spreads(), NOTHING)
    alone = stats.ratio(nested(a), nested(b), prior=NOTHING)
    assert (ours.estimate, ours.error, ours.df) == pytest.approx((alone.estimate, alone.error, alone.df), rel=1e-9)


def measured(rng, stacks, processes, blocks, *, time_sd=0.0, sd=0.0, drift=0.0, noise=0.0):
    """Times of identical stacks. A process is moved by the machine, alike for all, and by its own luck."""
    machine = rng.normal(0, time_sd, (1, processes, 1)) + rng.normal(0, drift, (1, processes, blocks))
    logs = machine + rng.normal(0, sd, (stacks, processes, 1)) + rng.normal(0, noise, (stacks, processes, blocks))
    return {
        str(stack): {(p, j): [math.exp(logs[stack, p, j])] for p in range(processes) for j in range(blocks)}
        for stack in range(stacks)
    }


@pytest.mark.parametrize("sd", [0.02, 0.05, 0.14])
@pytest.mark.parametrize("processes", [4, 8])
def test_the_interval_of_a_time_covers_the_truth_whatever_the_spread_of_times_is(sd, processes):
    rng, runs, covered = np.random.default_rng(processes), 1500, 0
    for _ in range(runs):
        fitted = levels(measured(rng, 3, processes, 2, time_sd=sd, sd=0.01, drift=0.02, noise=0.005))
        interval = fitted.interval("1", Spreads())
        covered += interval.low <= 1 <= interval.high
    assert 0.93 <= covered / runs <= 0.97


def test_of_many_stacks_what_disturbs_all_of_them_is_taken_out():
    rng = np.random.default_rng(3)
    found, raw = [], []
    for _ in range(100):
        times = measured(rng, 4, 1, 11, drift=0.2, noise=0.005)
        found.append(math.log(levels(times).ratio("0", "3", Spreads(), NOTHING).estimate))
        raw.append(math.log(stats.summarise(nested(times["0"])).estimate))
    assert np.std(found) < 0.006
    assert np.std(raw) > 0.03, "the data is too easy to show anything"


def test_a_stack_that_a_slow_process_lacks_is_not_faster_for_it():
    slow = {(0, 0): [1.0], (1, 0): [2.0]}
    times = {"a": slow, "b": {position: [1.1 * x for x in its] for position, its in slow.items()}, "c": {(0, 0): [1.2]}}
    fitted = levels(times)
    assert fitted.ratio("c", "a", Spreads(), NOTHING).estimate == pytest.approx(1.2, rel=1e-6)
    assert fitted.ratio("c", "b", Spreads(), NOTHING).processes == 1
