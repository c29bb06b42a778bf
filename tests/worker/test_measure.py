"""The measurement protocol in Python. ``julia/test`` holds the same tests for Julia."""

from __future__ import annotations

import gc
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinbench.worker import measure


def spin(ns: int) -> None:
    end = time.perf_counter_ns() + ns
    while time.perf_counter_ns() < end:
        pass


def test_calibration_finds_the_least_power_of_two_that_fills_a_sample():
    evals = measure.calibrate(lambda: spin(100_000))
    assert evals in (8, 16)  # 0.8 ms are too short, and a disturbed try may end one earlier
    assert measure.calibrate(lambda: spin(2_000_000)) == 1


def test_samples_are_per_evaluation():
    timing = measure.timed(lambda: spin(200_000), evals=10)
    assert timing.evals == 10
    assert 200_000 <= timing.wall_ns < 2_000_000
    assert timing.cpu_ns > 100_000


def test_a_burst_has_its_minimum_count_however_short_its_time():
    assert len(measure.burst(lambda: None, 1, 7, 0)) == 7


def test_a_burst_goes_on_until_its_time_is_up():
    timings = measure.burst(lambda: spin(1_000_000), 1, 1, 20_000_000)
    assert sum(timing.wall_ns for timing in timings) >= 20_000_000
    assert len(timings) > 2


def test_a_burst_collects_garbage_first_and_leaves_collection_on():
    class Ring:
        pass

    ring = Ring()
    ring.self = ring
    seen = []
    ring.__class__.__del__ = lambda self: seen.append(len(calls))
    del ring
    calls: list[int] = []
    measure.burst(lambda: calls.append(1), 1, 1, 0)
    assert seen == [0], "the ring went before the first call"
    assert gc.isenabled()


def test_collections_while_timing_are_recorded():
    timing = measure.timed(gc.collect)
    assert 0 < timing.gc_ns <= timing.wall_ns
    assert measure.timed(lambda: None).gc_ns == 0


def test_warm_up_goes_on_while_times_fall_and_stops_when_they_have_settled():
    times = iter([*range(6_000_000, 1_000_000, -250_000), *[1_000_000] * 1000])  # steps that no hiccup hides
    discarded, settled = measure.warm_up(lambda: spin(next(times)), 1, 10_000_000_000)
    assert settled
    assert discarded > 20


def test_warm_up_ends_at_its_limit_and_says_so():
    assert measure.warm_up(lambda: spin(2_000_000), 1, 1) == (1, False)


def test_the_first_call_keeps_the_result():
    timing, result = measure.first_call(lambda: "result")
    assert result == "result"
    assert timing.evals == 1


@given(st.lists(st.floats(0, 1e9), min_size=10, max_size=10, unique=True))
def test_a_sorted_fall_is_a_trend_and_its_reverse_is_none(values: list[float]):
    assert measure.falling(sorted(values, reverse=True))
    assert not measure.falling(sorted(values))


@pytest.mark.parametrize("values", [[5.0] * 10, [1, 2, 1, 2, 1, 2, 1, 2, 1, 2]])
def test_level_times_are_no_trend(values: list[float]):
    assert not measure.falling(values)
