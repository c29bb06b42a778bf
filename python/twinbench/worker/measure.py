"""The measurement protocol, in Python. ``julia/src/measure.jl`` is the same protocol in Julia, line for line.

Everything is timed in the process that computes, with a monotonic clock. This file doesn't know frameworks or
ops: it times calls without arguments. It needs Python 3.9 and the standard library, as it times users' functions, too.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, repeat
from math import ceil, exp, inf, sqrt
from time import perf_counter_ns, process_time_ns, thread_time_ns
from typing import Any, Literal

MIN_SAMPLE_NS = 1_000_000
"""Least time of a sample: 1 ms. Reading the clock twice costs under 0.2 us, which is under 0.02 % of a sample."""

CERTAIN_NS = 100 * MIN_SAMPLE_NS
"""Time from which one sample proves that calls are long: no disturbance of a short sample lasts for 100 ms."""

LEAST_SAMPLES = 10
"""Fewest samples in which a change is looked for: with fewer, no order of them is rare enough."""

FIRST_LOOK = 64
"""Samples before the first look at the times, or as many as fit into a quarter of the limit, if those are fewer."""

GROUPS = 32
"""Most groups into which the samples of a look are divided."""

CHANGE_P = 0.05
"""Probability of calling times that don't change changed, in one look."""

CHANGE = 0.01
"""Least relative change of the times that keeps a warm-up going: 1 %."""

COLLECTIONS = 20
"""Samples with garbage collections after which the collector's time in the long run is known well enough."""

FEW_COLLECTIONS = 3
"""Fewest samples with collections that show a whole cycle of the collector, from one collection to the next."""

SPIKES = 0.02
"""Share of the samples between collections that may be spikes of the machine: they cost no more than the longest
other."""

WAKING_NS = 5_000_000
"""Time at the start of a burst whose samples are discarded: 5 ms. After a stop, calls find cold caches; that costs up
to 1.5 ms of CPU time, all of it in the first 5 ms."""

Call = Callable[[], Any]
"""A call to time: an implementation with its parameters and native inputs.

A call that needs something new for each evaluation has a method ``prepare(evals)``, which returns the call for one
sample before the clock starts, and the most evaluations of a sample as ``most_evals``.
"""

Trend = Literal["settled", "faster", "slower", "short"]
"""What the times do at the end of a warm-up: nothing, get ``faster`` or ``slower``, or ``short``: too few to tell."""

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


def trend(times: Sequence[float]) -> Trend:
    """Look for a change in the last half of the times, at least `LEAST_SAMPLES` of them, in either direction.

    Medians of up to `GROUPS` groups are tested: a longer warm-up has longer groups, which spikes and slow waves of the
    machine disturb less.
    """
    if len(times) < LEAST_SAMPLES:
        return "short"
    window = times[-max(len(times) // 2, LEAST_SAMPLES) :]
    size = -(-len(window) // GROUPS)
    groups = [_middle(window[end - size : end]) for end in range(len(window), size - 1, -size)][::-1]
    split = change_point(groups)
    if split is None:
        return "settled"
    before, after = _middle(groups[:split]), _middle(groups[split:])
    if abs(after - before) <= CHANGE * before:
        return "settled"
    return "slower" if after > before else "faster"


def samples_to_level(times: Sequence[float]) -> int:
    """Return after how many samples the times had the level of their last half, by groups of 1, 1, 2, 4, ... samples.

    It is the end of the last group whose median is outside the middle three quarters of that half by `CHANGE` more.
    """
    half = sorted(times[len(times) // 2 :])
    rare = len(half) // 8
    low, high = half[rare] * (1 - CHANGE), half[-1 - rare] * (1 + CHANGE)
    level, start, end = 0, 0, 1
    while end <= len(times) // 2:
        if not low <= _middle(times[start:end]) <= high:
            level = end
        start, end = end, 2 * end
    return level


def _middle(values: Sequence[float]) -> float:
    """Return the median; of an even number of values, the higher of the two in the middle."""
    return sorted(values)[len(values) // 2]


def change_point(values: Sequence[float]) -> int | None:
    """Return the ordinal of the value with which the level changes, or None: Pettitt (1979), two-sided at `CHANGE_P`.

    Pettitt's limit is corrected for few values as Siegmund (1985) corrects maxima of random walks.
    """
    n = len(values)
    if n < 2:
        return None
    scores = accumulate(sum((other > value) - (other < value) for other in values) for value in values)
    highest, split = max((abs(score), ordinal) for ordinal, score in enumerate(scores, 1))
    height = highest + 0.5826 * n / sqrt(3)
    return split if 2 * exp(-6 * height**2 / (n**3 + n**2)) < CHANGE_P else None


def collector_ns(timings: Sequence[Timing]) -> float | None:
    """Return the garbage collector's time per evaluation in the long run, in nanoseconds.

    It is what whole cycles of the collector cost above the median of their samples without collections: the mean CPU
    time from the sample after the first collection to the sample with the last one, less that median. A collection's
    sample holds the memory that is cold afterwards, and samples between collections hold the pages that the kernel
    hands out anew: both come with the garbage, and a median shows neither. Where most samples have collections, the
    median is that of the times without what the collector itself took. The longest `SPIKES` of the samples between
    collections count as the next shorter one. It is 0 where noise would make it negative.

    Where the collector took less than `CHANGE` of the time, or there were fewer collections than `FEW_COLLECTIONS`, the
    collections' samples alone count. None for fewer samples than `LEAST_SAMPLES`: calls that long have their
    collections in every sample, and pay there.
    """
    if len(timings) < LEAST_SAMPLES:
        return None
    ran = [ordinal for ordinal, timing in enumerate(timings) if timing.gc_ns]
    if len(ran) < FEW_COLLECTIONS:
        usual = _middle([timing.cpu_ns for timing in timings if not timing.gc_ns])
        return sum(max(timings[ordinal].cpu_ns - usual, 0.0) for ordinal in ran) / len(timings)
    return _cost_above_median(timings[ran[0] + 1 : ran[-1] + 1])


def _cost_above_median(timings: Sequence[Timing]) -> float:
    """Return what whole cycles cost per evaluation above the median without collections, in nanoseconds."""
    quiet = [timing.cpu_ns for timing in timings if not timing.gc_ns]
    mostly = 2 * len(quiet) < len(timings)
    between = sorted([timing.cpu_ns - timing.gc_ns for timing in timings] if mostly else quiet)
    usual, most = _middle(between), between[ceil((1 - SPIKES) * len(between)) - 1]
    if sum(timing.gc_ns for timing in timings) < CHANGE * sum(timing.cpu_ns for timing in timings):
        return sum(max(timing.cpu_ns - usual, 0.0) for timing in timings if timing.gc_ns) / len(timings)
    costs = [
        collector + min(timing.cpu_ns - collector, most) - usual
        if mostly or not timing.gc_ns
        else max(timing.cpu_ns - usual, 0.0)
        for timing in timings
        for collector in [timing.gc_ns if mostly else 0.0]
    ]
    return max(0.0, sum(costs) / len(costs))


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
    usual_ns = _middle([timing.wall_ns for timing in timings[len(timings) // 2 :]])
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
