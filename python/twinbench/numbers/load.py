"""What a loaded machine does to ratios of times: pure functions over numbers.

Other processes interrupt a long sample and spare a short one, so that load doesn't cancel in a ratio as other
disturbances do. The CPU time of a sample leaves the interruptions out. But it isn't the wall time: several threads add
up, and a step that waits for a device or a disk computes less. So each sample counts with the share of its time in
which it computed as much as the step does when nothing interrupts it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median

from twinbench.numbers.stats import Interval, Ratio

Times = Mapping[tuple[int, int], Sequence[float]]
"""Values of samples by the ordinals of a process and of a block in it."""

UNINTERRUPTED = 0.9
"""Quantile of the busy cores of a step's samples that stands for a sample without interruptions, on a machine that was
loaded: the load varies, and some samples escape it."""

LEAST_GAP = 0.05
"""Least difference of the two log ratios that counts: kernels account CPU time by ticks, and clocks differ a little."""


def computing(times: Times, busy: Times, *, cores: float, loaded: bool) -> dict[tuple[int, int], list[float]]:
    """Return the times of samples without their interruptions, in the unit of ``times``.

    ``busy`` has the average number of busy cores during each sample. ``cores`` is the least number that the step keeps
    busy when nothing interrupts it: 1 on a CPU, 0 where a device may do the work. Steps that keep more busy are judged
    by their own samples: their most usual number, or on a ``loaded`` machine a high one.
    """
    values = sorted(value for block in busy.values() for value in block)
    if not values:
        return {}
    full = max(cores, values[int(UNINTERRUPTED * (len(values) - 1))] if loaded else median(values))
    if full <= 0:
        return {}
    return {
        position: [time * min(1.0, share / full) for time, share in zip(times[position], block, strict=True)]
        for position, block in busy.items()
    }


def beside(wall: Ratio, cpu: Ratio | None, *, quiet: bool) -> Ratio:
    """Return the ratio of wall times with that of CPU times beside it: disturbed if their intervals leave a gap.

    On a machine that was ``quiet`` nothing interrupts a step: where it computes for a part of its time, it waits.
    """
    if cpu is None:
        return wall
    apart = wall.low > cpu.high or wall.high < cpu.low
    gap = abs(math.log(max(wall.estimate, 1e-300) / max(cpu.estimate, 1e-300)))
    return replace(
        wall, cpu=Interval(cpu.estimate, cpu.low, cpu.high), disturbed=apart and gap > LEAST_GAP and not quiet
    )
