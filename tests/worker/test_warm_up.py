"""When a warm-up ends, and what it says. ``julia/test/warm_up.jl`` holds the same tests for Julia."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain, repeat
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinbench.worker import collector, measure, trend

LIMIT_NS = 1_000_000_000
SAMPLE_NS = 2_000_000
LONGEST = LIMIT_NS // SAMPLE_NS
"""Samples of `SAMPLE_NS` until the limit."""

TRIES = 40

NEVER = repeat(0.0)
"""Samples without collections."""


@pytest.fixture
def warm_up(monkeypatch: pytest.MonkeyPatch) -> Callable[..., measure.WarmUp]:
    """Warm up a call whose samples last the given multiples of `SAMPLE_NS`, and the collector's time besides.

    ``again`` has the arguments of a warm-up in a later process.
    """

    def warmed(
        times: Any, collections: Iterable[float] = NEVER, again: tuple[float, float] | None = None
    ) -> measure.WarmUp:
        work_ns, collected_ns = iter((times * SAMPLE_NS).tolist()), iter(collections)

        def timed(call: measure.Call, evals: int) -> measure.Timing:
            gc_ns = next(collected_ns)
            wall_ns = next(work_ns) + gc_ns
            return measure.Timing(wall_ns, wall_ns, gc_ns, evals)

        monkeypatch.setattr(measure, "timed", timed)
        if again is not None:
            return measure.warm_again(lambda: None, 1, *again)
        return measure.warm_up(lambda: None, 1, LIMIT_NS)

    return warmed


def level(at: int, before: float) -> Any:
    """Times of 1 that are ``before`` in the first ``at`` samples."""
    return np.where(np.arange(2 * LONGEST) < at, before, 1.0)


def even(rng: Any, size: int) -> Any:
    return rng.normal(0, 0.02, size)


def spiky(rng: Any, size: int) -> Any:
    return rng.normal(0, 0.01, size) + (rng.random(size) < 0.05) * rng.exponential(0.5, size)


def waves(rng: Any, size: int) -> Any:
    """Return AR(1) noise with a coefficient of 0.8 and a standard deviation of 2 %."""
    noise = rng.normal(0, 0.02 * 0.6, size)
    for at in range(1, size):
        noise[at] += 0.8 * noise[at - 1]
    return noise


@pytest.mark.parametrize("noise", [even, spiky, waves])
@pytest.mark.parametrize(("at", "before"), [(0, 1.0), (15, 1.1), (40, 1.1), (40, 1.5), (40, 0.85)])
def test_a_change_of_level_is_waited_for_and_level_times_are_settled(warm_up, at, before, noise):
    rng = np.random.default_rng(0)
    ended = [warm_up(level(at, before) * np.exp(noise(rng, 2 * LONGEST))) for _ in range(TRIES)]
    assert np.mean([warm.trend == "settled" for warm in ended]) >= 0.95
    assert np.mean([warm.discarded >= at + trend.LEAST_SAMPLES for warm in ended]) >= 0.95
    assert np.median([warm.discarded for warm in ended]) <= LONGEST / 2


@pytest.mark.parametrize("noise", [even, spiky])
@pytest.mark.parametrize(("end", "direction"), [(2.5, "slower"), (0.2, "faster")])
def test_times_that_go_on_changing_are_not_called_settled(warm_up, end, direction, noise):
    rng = np.random.default_rng(0)
    times = np.geomspace(1.0, end, LONGEST)
    ended = [warm_up(np.resize(times * np.exp(noise(rng, LONGEST)), 5 * LONGEST)) for _ in range(TRIES)]
    assert np.mean([warm.trend == direction for warm in ended]) >= 0.9


@pytest.mark.parametrize("noise", [even, spiky])
@pytest.mark.parametrize(("at", "before"), [(0, 1.0), (1, 2.0), (4, 0.7), (15, 1.1), (40, 1.5)])
def test_twice_the_time_to_the_level_is_enough_and_not_much_more(warm_up, at, before, noise):
    """Level times need next to nothing, and others twice this time reaches their level."""
    rng = np.random.default_rng(1)
    ended = [warm_up(level(at, before) * np.exp(noise(rng, 2 * LONGEST))) for _ in range(TRIES)]
    twice = np.array([2 * warm.level_ns / SAMPLE_NS for warm in ended])
    assert np.mean(twice >= at * max(1, before)) >= 0.95
    assert np.median(twice) <= max(3, 5 * at)


def test_times_that_never_got_level_are_warmed_up_for_as_long_again(warm_up):
    changing = warm_up(np.geomspace(1.0, 0.2, 5 * LONGEST))
    assert changing.trend == "faster"
    assert changing.level_ns >= LIMIT_NS


def test_a_later_process_warms_up_for_the_given_time_and_at_least_once(warm_up):
    assert warm_up(np.ones(100), again=(0, 0)).discarded == 1
    assert warm_up(np.ones(100), again=(7 * SAMPLE_NS, 0)).discarded == 7
    assert warm_up(np.full(100, 3.0), again=(7 * SAMPLE_NS, 0)).usual_ns == 3 * SAMPLE_NS


def test_a_later_process_watches_the_collector_where_it_is_asked_to(warm_up):
    quick = chain.from_iterable(repeat([0.0, 0.0, 0.0, 1e6]))
    assert warm_up(np.ones(LONGEST), quick, (40 * SAMPLE_NS, 0)).collector_ns is None, "each sample pays for itself"
    often = warm_up(np.ones(LONGEST), quick, (0, LIMIT_NS))
    assert (often.collections, often.collector_ns) == (measure.COLLECTIONS + 1, pytest.approx(2.5e5))
    slow = warm_up(np.full(100, 30.0), repeat(1e6), (0, LIMIT_NS // 4))
    assert slow.discarded == trend.LEAST_SAMPLES
    assert slow.collector_ns == pytest.approx(1e6)


@given(st.integers(10, 600), st.floats(0.1, 10), st.floats(-0.009, 0.009))
def test_a_change_below_one_percent_is_settled(count: int, start: float, change: float):
    assert trend.trend(np.linspace(start, start * (1 + change), count).tolist()) == "settled"


@given(st.lists(st.floats(1, 2), min_size=2, max_size=100))
def test_rises_and_falls_are_found_alike(values: list[float]):
    assert trend.change_point(values) == trend.change_point([-value for value in values])


def test_level_times_are_called_changed_at_the_stated_rate():
    rng = np.random.default_rng(0)
    for count in (trend.LEAST_SAMPLES, trend.GROUPS):
        changed = [trend.change_point(rng.random(count).tolist()) is not None for _ in range(1_000)]
        assert 0.01 < np.mean(changed) < trend.CHANGE_P + 0.02


def test_a_warm_up_ends_at_its_limit_after_one_sample_at_least(warm_up):
    whole_ns = 2.0 * LIMIT_NS
    assert warm_up(np.array([2.0 * LONGEST])) == measure.WarmUp(1, "short", None, 0, None, 0, whole_ns)
    nine = warm_up(np.full(9, LONGEST / 9 + 1))
    assert (nine.discarded, nine.trend) == (9, "short")
    more = warm_up(np.linspace(LONGEST / 9.5, LONGEST / 17, 20))
    assert more.trend == "faster"
    assert more.discarded >= trend.LEAST_SAMPLES


def test_slow_calls_take_a_quarter_of_the_limit_where_nothing_changes(warm_up):
    assert warm_up(np.full(100, 5.0)).discarded == LONGEST / 4 / 5


@given(st.integers(1, 40), st.floats(1e3, 1e8), st.integers(0, 39))
def test_the_collectors_time_is_the_mean_over_whole_cycles(rarely: int, pause: float, phase: int):
    gc_ns = [pause if (at + phase) % rarely == 0 else 0.0 for at in range(5 * rarely + 10)]
    timings = [measure.Timing(1e6 + gc, 1e6 + gc, gc, 1) for gc in gc_ns]
    assert collector.collector_ns(timings) == pytest.approx(pause / rarely)


@given(st.integers(2, 40), st.floats(1e3, 1e8), st.floats(0, 1e8))
def test_a_collection_costs_what_it_leaves_cold_too_and_no_time_without_a_processor(
    rarely: int, pause: float, cold: float
):
    gc_ns = [pause if at % rarely == 0 else 0.0 for at in range(5 * rarely + 10)]
    cpu_ns = [1e6 + (gc and gc + cold) for gc in gc_ns]
    timings = [measure.Timing(cpu + 5 * gc, cpu, 3 * gc, 1) for cpu, gc in zip(cpu_ns, gc_ns, strict=True)]
    assert collector.collector_ns(timings) == pytest.approx((pause + cold) / rarely)


@given(st.integers(4, 40), st.integers(2, 3), st.floats(1e3, 1e8))
def test_pages_that_are_handed_out_between_collections_are_in_the_collectors_time(rarely: int, every: int, page: float):
    """The median of the samples shows only what most of them have."""
    cycles = every * 60
    gc_ns = [max(1e6, page) if at % rarely == 0 else 0.0 for at in range(cycles * rarely + 1)]
    new = [page if gc == 0 and at % (2 * every) == 1 else 0.0 for at, gc in enumerate(gc_ns)]
    timings = [measure.Timing(1e6 + gc + n, 1e6 + gc + n, gc, 1) for gc, n in zip(gc_ns, new, strict=True)]
    loop = sum(timing.cpu_ns for timing in timings[1:]) / (len(timings) - 1)
    assert 1e6 + collector.collector_ns(timings) == pytest.approx(loop)


def test_what_a_collector_that_does_not_weigh_leaves_is_not_looked_for():
    gc_ns = [1e4 if at % 10 == 0 else 0.0 for at in range(201)]
    timings = [measure.Timing(1e6 + g, 1e6 + g + 3e5 * (at % 4 == 1), g, 1) for at, g in enumerate(gc_ns)]
    assert collector.collector_ns(timings) == pytest.approx(1e3)


@pytest.mark.parametrize("rarely", [1, 7, 40])
def test_a_spike_of_the_machine_is_not_the_collectors_time(rarely: int):
    gc_ns = [1e6 if at % rarely == 0 else 0.0 for at in range(10 * rarely + 200)]
    spikes = [5e8 if at in (101, 150) else 0.0 for at in range(len(gc_ns))]
    timings = [measure.Timing(1e6 + gc + s, 1e6 + gc + s, gc, 1) for gc, s in zip(gc_ns, spikes, strict=True)]
    assert collector.collector_ns(timings) == pytest.approx(1e6 / rarely, rel=0.05)


def test_calls_that_pay_the_collector_themselves_have_no_account():
    timing = measure.Timing(2e8, 2e8, 1e7, 1)
    assert collector.collector_ns([timing] * (trend.LEAST_SAMPLES - 1)) is None
    assert collector.collector_ns([timing] * trend.LEAST_SAMPLES) == pytest.approx(1e7)


def test_where_the_collector_runs_warm_up_goes_on_until_its_time_is_known(warm_up):
    quiet = warm_up(np.ones(LONGEST))
    assert (quiet.discarded, quiet.collector_ns, quiet.collections) == (measure.FIRST_LOOK, 0, 0)
    often = warm_up(np.ones(LONGEST), chain.from_iterable(repeat([0.0, 0.0, 0.0, 1e6])))
    assert often.collections == measure.COLLECTIONS + 1
    assert often.collector_ns == pytest.approx(2.5e5)
    rare = warm_up(np.ones(LONGEST), chain.from_iterable(repeat([*[0.0] * 49, 2e6])))
    assert rare.collector_ns == pytest.approx(4e4)
    assert measure.FIRST_LOOK < rare.discarded <= measure.FIRST_LOOK + LONGEST // 4 + 1
    light = warm_up(np.ones(LONGEST), chain.from_iterable(repeat([*[0.0] * 49, 1e5])))
    assert light.discarded == measure.FIRST_LOOK, "a collector that takes less than 1 % isn't waited for"


def test_collections_that_begin_are_not_a_change_of_the_times(warm_up):
    begun = warm_up(np.ones(2 * LONGEST), chain([0.0] * 48, repeat(1e6)))
    assert begun.trend == "settled"
    assert begun.discarded < 2 * measure.FIRST_LOOK


def rings(count: int) -> None:
    """Leave cycles behind, which only the garbage collector frees."""
    for _ in range(count):
        ring: list[object] = []
        ring.append(ring)


def test_the_accounted_time_is_a_bare_loops_where_the_collector_runs():
    """CPU time within 10 %. Other work on the machine can spoil a try, but not make a wrong account right."""
    call = partial(rings, 100)
    ratios = []
    for _ in range(10):
        evals = measure.calibrate(call)
        warm = measure.warm_up(call, evals, 200_000_000)
        assert warm.collector_ns
        steady = sorted(t.cpu_ns - t.gc_ns + warm.collector_ns for t in measure.burst(call, evals, 3, 20_000_000))
        ratios.append(steady[len(steady) // 2] / measure.timed(call, evals * 30).cpu_ns)
        if abs(ratios[-1] - 1) < 0.1:
            return
    raise AssertionError(f"accounted over bare: {ratios}")


def test_the_account_of_the_collector_is_never_negative():
    """Some samples are much faster than the median, as on a disturbed machine."""
    rng = np.random.default_rng(3)
    for _ in range(200):
        cpu = 1e6 * (1 - 0.9 * rng.random(60) ** 4)
        gc = np.where(rng.random(60) < 0.2, 0.2 * cpu * rng.random(60), 0.0)
        timings = [measure.Timing(c, c, float(g), 1) for c, g in zip(cpu.tolist(), gc, strict=True)]
        assert collector.collector_ns(timings) >= 0
