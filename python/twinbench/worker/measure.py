"""The measurement protocol, in Python. ``julia/src/measure.jl`` is the same protocol in Julia, line for line.

Everything is timed in the process that computes, with a monotonic clock. This file knows no framework and no op: it
times calls without arguments.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat
from time import perf_counter_ns, process_time_ns
from typing import Any

MIN_SAMPLE_NS = 1_000_000
"""A sample lasts at least 1 ms: reading the clock twice costs under 0.2 us, so under 0.02 % of it."""

CERTAIN_NS = 100 * MIN_SAMPLE_NS
"""Nothing disturbs a short sample for as long as this."""

TREND_WINDOW = 10
"""Samples that the trend test looks at: the fewest at which it finds a steady fall of 1 in 10 reliably."""

TREND_Z = -1.645
"""One-sided 5 % point of the normal distribution."""

Call = Callable[[], Any]

WAITS: list[Callable[[], object]] = []
"""What waits for a device; empty where all is computed on the processor."""


@dataclass(frozen=True, slots=True)
class Timing:
    """One sample: ``evals`` evaluations, timed together. All times are per evaluation, in nanoseconds."""

    wall_ns: float
    cpu_ns: float
    """CPU time of the whole process: more than ``wall_ns`` when several threads worked."""
    gc_ns: float
    evals: int


class _GcClock:
    """Adds up the time spent in Python's cyclic garbage collector while it is installed."""

    def __init__(self) -> None:
        self.spent_ns = 0
        self._since = 0

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        now = perf_counter_ns()
        if phase == "start":
            self._since = now
        else:
            self.spent_ns += now - self._since


def wait_for(wait: Callable[[], object]) -> None:
    """Samples begin and end when a device has done what it was asked: ``wait()`` tells."""
    WAITS.append(wait)


def settle() -> None:
    """Wait for all of them."""
    for wait in WAITS:
        wait()


def timed(call: Call, evals: int = 1) -> Timing:
    """The timed kernel. Results are dropped as they come: freeing them is part of what a library costs."""
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
    """The first execution, with all that is compiled or set up in it. Returns its timing and its result."""
    results: list[Any] = []
    timing = timed(lambda: results.append(call()))
    return timing, results[0]


def calibrate(call: Call) -> int:
    """How many evaluations make a sample last at least `MIN_SAMPLE_NS`: the least such power of two."""
    gc.collect()
    evals = 1
    while not lasts(call, evals):
        evals *= 2
    return evals


def lasts(call: Call, evals: int) -> bool:
    """Whether three samples in a row are long enough, since a disturbed one is too; a very long one is believed."""
    for _ in range(3):
        wall = timed(call, evals).wall_ns * evals
        if wall < MIN_SAMPLE_NS or wall >= CERTAIN_NS:
            return wall >= CERTAIN_NS
    return True


def falling(values: Sequence[float]) -> bool:
    """Whether values still fall with time: Mann (1945), Kendall's tau against time, one-sided at 5 %."""
    n = len(values)
    score = sum((b > a) - (b < a) for i, a in enumerate(values) for b in values[i + 1 :])
    variance = n * (n - 1) * (2 * n + 5) / 18
    return bool(score < 0 and (score + 1) / variance**0.5 < TREND_Z)


def warm_up(call: Call, evals: int, limit_ns: int) -> tuple[int, bool]:
    """Run until the last `TREND_WINDOW` samples show no fall, or the limit is reached; at least once.

    Returns how many samples were discarded and whether the times had settled.
    """
    walls: list[float] = []
    spent = 0.0
    while True:
        timing = timed(call, evals)
        walls.append(timing.wall_ns)
        spent += timing.wall_ns * evals
        if len(walls) >= TREND_WINDOW and not falling(walls[-TREND_WINDOW:]):
            return len(walls), True
        if spent >= limit_ns:
            return len(walls), False


def burst(call: Call, evals: int, min_samples: int, limit_ns: int) -> list[Timing]:
    """One block's samples of one step: a full collection first, untimed, then at least `min_samples` and `limit_ns`."""
    gc.collect()
    timings: list[Timing] = []
    spent = 0.0
    while len(timings) < min_samples or spent < limit_ns:
        timings.append(timed(call, evals))
        spent += timings[-1].wall_ns * evals
    return timings
