"""The measurement protocol, in Python. ``julia/src/measure.jl`` is the same protocol in Julia, line for line.

Everything is timed in the process that computes, with a monotonic clock. This file doesn't know frameworks or
ops: it times calls without arguments. It needs Python 3.9 and the standard library, as it times users' functions, too.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from math import inf
from time import perf_counter_ns, process_time_ns, thread_time_ns
from typing import Any

from twinbench.worker.collector import collector_ns
from twinbench.worker.trend import CHANGE, LEAST_SAMPLES, Trend, middle, samples_to_level, trend

MIN_SAMPLE_NS = 1_000_000
"""Least time of a sample: 1 ms. Reading the clock twice costs under 0.2 us, which is under 0.02 % of a sample."""

CERTAIN_NS = 100 * MIN_SAMPLE_NS
"""Time from which one sample proves that calls are long: no disturbance of a short sample lasts for 100 ms."""

FIRST_LOOK = 64
"""Samples before the first look at the times, or as many as fit into a quarter of the limit, if those are fewer."""

COLLECTIONS = 20
"""Samples with garbage collections after which the collector's time in the long run is known well enough."""

WAKING_NS = 5_000_000
"""Time at the start of a burst whose samples are discarded: 5 ms. After a stop, calls find cold caches; that costs up
to 1.5 ms of CPU time, all of it in the first 5 ms."""

Call = Callable[[], Any]
"""A call to time: an implementation with its parameters and native inputs.

A call that needs something new for each evaluation has a method ``prepare(evals)``, which returns the call for one
sample before the clock starts, and the most evaluations of a sample as ``most_evals``.
"""

WAITS: list[Callable[[], object]] = []
"""Functions that wait until a device has finished its work; empty where everything is computed on the CPU."""


@dataclass(frozen=True)
class Timing:
    """One sample: ``evals`` evaluations, timed together. All times are per evaluation, in nanoseconds."""

    wall_ns: float
    cpu_ns: float
    """CPU time of the whole process: more than ``wall_ns`` when several threads worked."""
    gc_ns: float
    """CPU time in Python's cyclic garbage collector."""
    evals: int


@dataclass(frozen=True)
class WarmUp:
    """What warm-up showed about a call."""

    discarded: int
    """Samples of the warm-up."""
    trend: Trend
    collector_ns: float | None
    """Time of the garbage collector per evaluation in the long run; None where each sample pays for itself."""
    collections: int
    """Samples in which the collector ran."""
    allocated_bytes: float | None
    """Bytes allocated by an evaluation; None in Python, whose collector goes by the number of objects."""
    level_ns: float
    """Time of the samples before the times had the level of the end, without waits for the processor; that of all
    samples if the times changed to the end."""
    usual_ns: float
    """Median of the last half of the samples, per evaluation."""


class _GcClock:
    """A callback of `gc` that adds up the time spent in Python's cyclic garbage collector.

    CPU time of the thread: a collection takes microseconds, and a thread that waits for a processor waits for far more.
    """

    def __init__(self) -> None:
        self.spent_ns = 0
        self._since = 0

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        now = thread_time_ns()
        if phase == "start":
            self._since = now
        else:
            self.spent_ns += now - self._since


def wait_for(wait: Callable[[], object]) -> None:
    """Let every sample begin and end with ``wait()``, which returns when a device has finished its work."""
    WAITS.append(wait)


def settle() -> None:
    """Wait until every device has finished its work."""
    for wait in WAITS:
        wait()


def timed(call: Call, evals: int = 1) -> Timing:
    """Time evaluations of a call. Each result is freed at once, since freeing results is part of a library's cost."""
    prepare = getattr(call, "prepare", None)
    if prepare is not None:
        call = prepare(evals)
    clock = _GcClock()
    gc.callbacks.append(clock)
    settle()
    cpu = process_time_ns()
    start = perf_counter_ns()
    for _ in repeat(None, evals):
        call()
    settle()
    wall = perf_counter_ns() - start
    cpu = process_time_ns() - cpu
    gc.callbacks.remove(clock)
    return Timing(wall / evals, cpu / evals, clock.spent_ns / evals, evals)


def first_call(call: Call) -> tuple[Timing, Any]:
    """Time the first execution, including all compilation and set-up. Returns the timing and the result."""
    results: list[Any] = []
    timing = timed(lambda: results.append(call()))
    return timing, results[0]


def collect() -> None:
    """Free the garbage that first calls and checks left behind, once, before the first warm-up of a process."""
    gc.collect()


def calibrate(call: Call) -> int:
    """Return the evaluations of a sample: the least power of two for which it lasts at least `MIN_SAMPLE_NS`.

    A call that is prepared may allow fewer.
    """
    evals, most = 1, getattr(call, "most_evals", inf)
    while 2 * evals <= most and not lasts(call, evals):
        evals *= 2
    return evals


def lasts(call: Call, evals: int) -> bool:
    """Whether three samples in a row are long enough, as a disturbed sample is too, or one lasts `CERTAIN_NS`."""
    for _ in range(3):
        wall = timed(call, evals).wall_ns * evals
        if wall < MIN_SAMPLE_NS or wall >= CERTAIN_NS:
            return wall >= CERTAIN_NS
    return True


def warm_up(call: Call, evals: int, limit_ns: int) -> WarmUp:
    """Run until no change of the times is seen, or the limit is reached; at least once.

    The first look is after `FIRST_LOOK` samples or a quarter of the limit, and each further look after twice as many
    samples. Where the garbage collector took `CHANGE` of the time or more, warm-up goes on for up to another quarter
    of the limit, until `COLLECTIONS` samples had collections.
    """
    timings: list[Timing] = []
    spent, look = 0.0, FIRST_LOOK
    seen: Trend = "short"
    while seen != "settled" and (not timings or spent < limit_ns):
        timings.append(timed(call, evals))
        spent += timings[-1].wall_ns * evals
        early = look == FIRST_LOOK and len(timings) >= LEAST_SAMPLES and spent >= limit_ns / 4
        if len(timings) >= look or early or spent >= limit_ns:
            seen = trend(_times(timings))
            look = 2 * len(timings)
    weighs = sum(timing.gc_ns for timing in timings) * evals >= CHANGE * spent > 0
    busy = [min(timing.wall_ns, timing.cpu_ns) for timing in timings]  # a wait for the processor is not a change
    level = len(busy) if seen in ("faster", "slower") else samples_to_level(busy)
    level_ns = sum(busy[:level]) * evals
    if weighs and len(timings) >= LEAST_SAMPLES:
        _watch_collector(call, evals, timings, limit_ns / 4)
    return _warm(timings, seen, level_ns)


def warm_again(call: Call, evals: int, time_ns: float, collector_limit_ns: float) -> WarmUp:
    """Warm up for a time that another process has shown to be enough; at least one sample.

    With a limit for the collector, at least `LEAST_SAMPLES` are taken, and it is watched for up to that time. Without a
    limit each sample pays for itself.
    """
    timings: list[Timing] = []
    spent = 0.0
    while not timings or spent < time_ns:
        timings.append(timed(call, evals))
        spent += timings[-1].wall_ns * evals
    if collector_limit_ns:
        _watch_collector(call, evals, timings, collector_limit_ns)
    warm = _warm(timings, trend(_times(timings)), time_ns)
    return warm if collector_limit_ns else replace(warm, collector_ns=None)


def _watch_collector(call: Call, evals: int, timings: list[Timing], limit_ns: float) -> None:
    """Add samples until `COLLECTIONS` of them had collections, or for ``limit_ns``; `LEAST_SAMPLES` in any case."""
    ran = sum(timing.gc_ns > 0 for timing in timings)
    spent = 0.0
    while len(timings) < LEAST_SAMPLES or (ran <= COLLECTIONS and spent < limit_ns):
        timings.append(timed(call, evals))
        spent += timings[-1].wall_ns * evals
        ran += timings[-1].gc_ns > 0


def _times(timings: Sequence[Timing]) -> list[float]:
    return [timing.wall_ns - timing.gc_ns for timing in timings]


def _warm(timings: Sequence[Timing], seen: Trend, level_ns: float) -> WarmUp:
    ran = sum(timing.gc_ns > 0 for timing in timings)
    usual_ns = middle([timing.wall_ns for timing in timings[len(timings) // 2 :]])
    return WarmUp(len(timings), seen, collector_ns(timings), ran, None, level_ns, usual_ns)


def burst(call: Call, evals: int, min_samples: int, limit_ns: int) -> list[Timing]:
    """Take one block's samples of one step: at least ``min_samples``, and at least ``limit_ns``.

    Samples that begin in the first `WAKING_NS` are discarded, unless they last `CERTAIN_NS`: in such a sample, what a
    stop costs is about 1 %.
    """
    timings: list[Timing] = []
    spent = 0.0
    start = perf_counter_ns()
    while len(timings) < min_samples or spent < limit_ns:
        waking = perf_counter_ns() - start < WAKING_NS
        timing = timed(call, evals)
        lasted = timing.wall_ns * evals
        if waking and lasted < CERTAIN_NS:
            continue
        timings.append(timing)
        spent += lasted
    return timings
