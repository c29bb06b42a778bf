"""The division of measuring time among comparisons: pure functions over numbers.

More blocks in a process make the figure of that process sharper, and say nothing about how far processes differ. Two
kinds of figures therefore need no more blocks: those that are decided beyond doubt, and those whose process is already
known far better than processes differ.

A comparison that is looked at again and again is called different by chance more often than once in twenty. So a look
in the middle decides only at p < `SURE`, which leaves the level of the last look as it is, and the last look takes all
processes.

- Haybittle (1971), Repeated assessment of results in clinical trials of cancer treatment, Br. J. Radiol. 44:793-797.
- Peto et al. (1976), Design and analysis of randomized clinical trials requiring prolonged observation of each patient,
  Br. J. Cancer 34:585-612.
- Neyman (1934), On the two different aspects of the representative method, J. R. Stat. Soc. 97:558-625: samples are
  shared among the parts of a sum by their spread over the root of their cost.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median, variance

from twinbench.numbers.stats import PRIOR_DF, median_variance

SURE = 0.001
"""Largest p value that decides a comparison in the middle of a run."""

SHARE = 0.1
"""Share of the variance between processes from which on the variance of a process's own figure no longer matters: the
interval would be 5 % narrower without it."""

LEAST_EFFORT = 1 / 3
"""Size of a burst of a decided stack, as a share of a usual burst: one sample instead of three."""

MOST_EFFORT = 3.0
"""Size of the largest burst, as a multiple of a usual burst, so that a burst stays inside one moment of the machine."""


def blocks_matter(logs: Sequence[Sequence[float]], process_sd: float) -> bool:
    """Return whether more blocks in the last process would make the comparison sharper.

    ``logs`` has the log values of the blocks, by process. ``process_sd`` is the assumed spread between processes, which
    weighs as much as `PRIOR_DF` of them.
    """
    if len(logs[-1]) < 2:
        return True
    centres = [median(blocks) for blocks in logs]
    own_df = len(centres) - 1
    between = (PRIOR_DF * process_sd**2 + (own_df * variance(centres) if own_df else 0.0)) / (PRIOR_DF + own_df)
    return median_variance(logs[-1]) > SHARE * between


def efforts(costs: Sequence[float], spreads: Sequence[float]) -> list[float]:
    """Share the time of a round among the steps of a sum. Returns the size of each step's burst; 1 is the usual size.

    ``costs`` are the seconds of a usual burst, and ``spreads`` the standard deviations of the steps' times in seconds.
    The round takes as long as with usual bursts, apart from the limits `LEAST_EFFORT` and `MOST_EFFORT`.
    """
    wanted = [spread / math.sqrt(cost) for cost, spread in zip(costs, spreads, strict=True)]
    time = sum(want * cost for want, cost in zip(wanted, costs, strict=True))
    if not time:
        return [1.0] * len(costs)
    scale = sum(costs) / time
    return [min(MOST_EFFORT, max(LEAST_EFFORT, scale * want)) for want in wanted]


def within(processes: Sequence[Sequence[float]]) -> float:
    """Return the standard deviation of block values inside their processes; 0 where no process has two blocks."""
    several = [blocks for blocks in processes if len(blocks) > 1]
    return math.sqrt(fmean(map(variance, several))) if several else 0.0
