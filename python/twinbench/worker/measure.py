"""The measurement protocol, in Python. ``julia/src/measure.jl`` is the same protocol in Julia, line for line.

Everything is timed in the process that computes, with a monotonic clock. This file doesn't know frameworks or
ops: it times calls without arguments.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat
from time import perf_counter_ns, process_time_ns
from typing import Any

MIN_SAMPLE_NS = 1_000_000
"""Least time of a sample: 1 ms. Reading the clock twice costs under 0.2 us, which is under 0.02 % of a sample."""

CERTAIN_NS = 100 * MIN_SAMPLE_NS
"""Time from which one sample proves that calls are long: no disturbance of a short sample lasts for 100 ms."""

TREND_WINDOW = 10
"""Samples in the trend test: the fewest for which the test reliably finds a steady fall of 1 in 10."""

TREND_Z = -1.645
"""5 % quantile of the normal distribution, for a one-sided test."""

Call = Callable[[], Any]
"""A call to time: an implementation with its parameters and native inputs."""

WAITS: list[Callable[[], object]] = []
"""Functions that wait until a device has finished its work; empty where everything is computed on the CPU."""


@dataclass(frozen=True, slots=True)
class Timing:
    """One sample: ``evals`` evaluations, timed together. All times are per evaluation, in nanoseconds."""

    wall_ns: float
    cpu_ns: float
    """CPU time of the whole process: more than ``wall_ns`` when several threads worked."""
    gc_ns: float
    """Time in Python's cyclic garbage collector."""
    evals: int


class _GcClock:
    """A callback of `gc` that adds up the time spent in Python's cyclic garbage collector."""

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
    """Let every sample begin and end with ``wait()``, which returns when a device has finished its work."""
    WAITS.append(wait)


def settle() -> None:
    """Wait until every device has finished its work."""
    for wait in WAITS:
        wait()


def timed(call: Call, evals: int = 1) -> Timing:
    """Time evaluations of a call. Each result is freed at once, since freeing results is part of a library's cost."""
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


def calibrate(call: Call) -> int:
    """Return the evaluations of a sample: the least power of two for which it lasts at least `MIN_SAMPLE_NS`."""
    gc.collect()
    evals = 1
    while not lasts(call, evals):
        evals *= 2
    return evals


def lasts(call: Call, evals: int) -> bool:
    """Whether three samples in a row are long enough, as a disturbed sample is too, or one lasts `CERTAIN_NS`."""
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
    """Take one block's samples of one step, after an untimed full garbage collection.

    Samples are taken until there are at least ``min_samples`` that last at least ``limit_ns`` together.
    """
    gc.collect()
    timings: list[Timing] = []
    spent = 0.0
    while len(timings) < min_samples or spent < limit_ns:
        timings.append(timed(call, evals))
        spent += timings[-1].wall_ns * evals
    return timings
