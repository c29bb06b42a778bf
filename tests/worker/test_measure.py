"""The measurement protocol in Python. ``julia/test`` holds the same tests for Julia."""

from __future__ import annotations

import gc
import time

import pytest

from twinbench.worker import measure


class Clock:
    """Time that passes only in `spin`, so that no other work on the machine can change what a test sees."""

    def __init__(self) -> None:
        self.now_ns = 0

    def spin(self, ns: int) -> None:
        self.now_ns += ns

    def read(self) -> int:
        return self.now_ns


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(measure, "perf_counter_ns", made.read)
    monkeypatch.setattr(measure, "thread_time_ns", made.read)
    monkeypatch.setattr(measure, "process_time_ns", lambda: 2 * made.now_ns)
    return made


@pytest.mark.parametrize(("ns", "evals"), [(100_000, 16), (125_000, 8), (999_999, 2), (1_000_000, 1), (2_000_000, 1)])
def test_calibration_finds_the_least_power_of_two_that_fills_a_sample(clock: Clock, ns: int, evals: int):
    assert measure.calibrate(lambda: clock.spin(ns)) == evals


def test_a_disturbed_reading_does_not_end_the_calibration(clock: Clock):
    times = iter([100_000, 5_000_000, *[100_000] * 1_000])  # the first two make a sample, and so would the second alone
    assert measure.calibrate(lambda: clock.spin(next(times))) == 16


def test_what_is_very_long_is_calibrated_by_a_single_call(clock: Clock):
    calls = []
    assert measure.calibrate(lambda: (calls.append(1), clock.spin(measure.CERTAIN_NS))) == 1
    assert len(calls) == 1


def test_samples_are_per_evaluation(clock: Clock):
    timing = measure.timed(lambda: clock.spin(200_000), evals=10)
    assert timing == measure.Timing(wall_ns=200_000, cpu_ns=400_000, gc_ns=0, evals=10)


def test_the_clock_is_the_machines():
    start = time.perf_counter_ns()
    timing = measure.timed(lambda: time.sleep(0.002))
    assert 2_000_000 <= timing.wall_ns <= time.perf_counter_ns() - start


def test_a_burst_has_its_minimum_count_however_short_its_time():
    assert len(measure.burst(lambda: None, 1, 7, 0)) == 7


def test_a_burst_goes_on_until_its_time_is_up(clock: Clock):
    assert len(measure.burst(lambda: clock.spin(1_000_000), 1, 1, 20_000_000)) == 20
    assert len(measure.burst(lambda: clock.spin(1_000_000), 4, 1, 20_000_000)) == 5


@pytest.mark.parametrize(("ns", "discarded"), [(1_000_000, 5), (6_000_000, 1), (measure.CERTAIN_NS, 0)])
def test_what_a_stop_leaves_cold_is_discarded_where_it_weighs(clock: Clock, ns: int, discarded: int):
    calls: list[int] = []
    timings = measure.burst(lambda: (calls.append(1), clock.spin(ns)), 1, 4, 0)
    assert (len(timings), len(calls)) == (4, 4 + discarded)


def test_a_burst_leaves_the_collector_as_it_is_in_a_loop():
    before = [generation["collections"] for generation in gc.get_stats()]
    measure.burst(lambda: None, 1_000, 3, 0)
    assert gc.isenabled()
    assert [generation["collections"] for generation in gc.get_stats()] == before


def test_collections_while_timing_are_recorded():
    timing = measure.timed(gc.collect)
    assert 0 < timing.gc_ns <= timing.wall_ns
    assert measure.timed(lambda: None).gc_ns == 0


def test_the_first_call_keeps_the_result():
    timing, result = measure.first_call(lambda: "result")
    assert result == "result"
    assert timing.evals == 1
