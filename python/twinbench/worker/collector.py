"""What the garbage collector costs in the long run, by samples. ``julia/src/collector.jl`` says the same in Julia.

The functions are pure. The file needs Python 3.9 and the standard library.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Protocol

from twinbench.worker.trend import CHANGE, LEAST_SAMPLES, middle

FEW_COLLECTIONS = 3
"""Fewest samples with collections that show a whole cycle of the collector, from one collection to the next."""

SPIKES = 0.02
"""Share of the samples between collections that may be spikes of the machine: they cost no more than the longest
other."""


class Sample(Protocol):
    """A sample's times per evaluation, in nanoseconds."""

    @property
    def cpu_ns(self) -> float:
        """CPU time of the process."""

    @property
    def gc_ns(self) -> float:
        """Time of the garbage collector."""


def collector_ns(timings: Sequence[Sample]) -> float | None:
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
        usual = middle([timing.cpu_ns for timing in timings if not timing.gc_ns])
        return sum(max(timings[ordinal].cpu_ns - usual, 0.0) for ordinal in ran) / len(timings)
    return _cost_above_median(timings[ran[0] + 1 : ran[-1] + 1])


def _cost_above_median(timings: Sequence[Sample]) -> float:
    """Return what whole cycles cost per evaluation above the median without collections, in nanoseconds."""
    quiet = [timing.cpu_ns for timing in timings if not timing.gc_ns]
    mostly = 2 * len(quiet) < len(timings)
    between = sorted([timing.cpu_ns - timing.gc_ns for timing in timings] if mostly else quiet)
    usual, most = middle(between), between[ceil((1 - SPIKES) * len(between)) - 1]
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
