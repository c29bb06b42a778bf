"""The typical times of stacks that were measured side by side, with what slowed down all of them taken out.

The stacks of a block were measured next to each other, so that a disturbance of the machine moves all of them alike.
Tukey's median polish splits the log time of a block into the level of its stack in that process and the disturbance of
the block. A stack's time is the mean of its levels over processes, and the ratio of two stacks is the quotient of their
times: times, ratios and ranks rest on one estimate and can't contradict each other. Of two stacks, the ratio is the
median over blocks of the ratio in a block, as for duet benchmarks (Bulej et al. 2020).

Where stacks were measured in different processes, a process counts as faster or slower by what the stacks show that
were measured in it and elsewhere.

- Tukey (1977), Exploratory Data Analysis, chapter 11.
- Bulej, Horký, Tůma, Farquet & Prokopec (2020), Duet benchmarking: improving measurement accuracy in the cloud, ICPE.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from twinbench.numbers import stats
from twinbench.numbers.moderation import NOTHING, Prior
from twinbench.numbers.spreads import Spreads
from twinbench.numbers.stats import FLOOR, LEVEL, Interval, Ratio

Times = Mapping[tuple[int, int], Sequence[float]]
"""Times in seconds, by the ordinals of a process and of a block in it."""

ROUNDS = 4
"""Rounds of the median polish. The first is exact for two stacks with the same blocks; missing blocks take more."""

SWEEPS = 50
"""Sweeps over stacks and processes. The first is exact if all stacks were measured in the same processes."""


@dataclass(frozen=True, slots=True)
class Levels:
    """The log times of stacks that were measured side by side."""

    logs: Mapping[str, Mapping[tuple[int, int], float]]
    """Log of the median, by stack and block."""
    processes: Mapping[str, Mapping[int, float]]
    """Level by stack and process: the log of its typical time there, without the disturbances of single blocks."""
    centres: Mapping[str, float]
    """Log of the time by stack: the mean over processes of its levels."""

    def interval(self, stack: str, spreads: Spreads, level: float = LEVEL) -> Interval:
        """Return the time of a stack in seconds, with the interval that `stats.summarise` gives."""
        by_process = _by_process(self.logs[stack])
        levels = [self.processes[stack][process] for process in by_process]
        fit = stats.fit_processes(list(by_process.values()), spreads.time_sd, NOTHING, levels)
        return stats.interval(self.centres[stack], fit, level)

    def ratio(self, a: str, b: str, spreads: Spreads, prior: Prior, level: float = LEVEL) -> Ratio | None:
        """Return how many times as long ``a`` takes as ``b``; None if they share no block.

        The interval rests on the blocks that the two share, as `stats.ratio` does.
        """
        shared = self.logs[a].keys() & self.logs[b].keys()
        if not shared:
            return None
        pairs = _by_process({position: self.logs[a][position] - self.logs[b][position] for position in shared})
        levels = [self.processes[a][process] - self.processes[b][process] for process in pairs]
        fit = stats.fit_processes(list(pairs.values()), spreads.process_sd, prior, levels)
        return stats.ratio_of(self.centres[a] - self.centres[b], fit, level)


def levels(times: Mapping[str, Times]) -> Levels:
    """Estimate the levels of stacks, each of which has at least one block."""
    logs = {
        stack: {position: math.log(max(median(blocks[position]), FLOOR)) for position in sorted(blocks)}
        for stack, blocks in times.items()
    }
    processes: dict[str, dict[int, float]] = {stack: {} for stack in logs}
    for process in sorted({process for blocks in logs.values() for process, _ in blocks}):
        inside = {
            stack: {block: log for (its, block), log in blocks.items() if its == process}
            for stack, blocks in logs.items()
        }
        for stack, level in _polished({stack: blocks for stack, blocks in inside.items() if blocks}).items():
            processes[stack][process] = level
    return Levels(logs, processes, _centres(processes))


def _polished(logs: Mapping[str, Mapping[int, float]]) -> dict[str, float]:
    """Return the level of each stack in one process, from the logs of its blocks."""
    levels = {stack: median(blocks.values()) for stack, blocks in logs.items()}
    if len(logs) == 1:
        return levels
    for _ in range(ROUNDS):
        residuals = defaultdict(list)
        for stack, blocks in logs.items():
            for block, log in blocks.items():
                residuals[block].append(log - levels[stack])
        disturbances = {block: median(values) for block, values in residuals.items()}
        usual = median(disturbances.values())
        before = levels
        levels = {
            stack: median(log - disturbances[block] for block, log in blocks.items()) + usual
            for stack, blocks in logs.items()
        }
        if levels == before:
            break
    return levels


def _centres(processes: Mapping[str, Mapping[int, float]]) -> dict[str, float]:
    """Return the mean level of each stack, by least squares where stacks were measured in different processes."""
    centres = {stack: fmean(levels.values()) for stack, levels in processes.items()}
    if len({frozenset(levels) for levels in processes.values()}) <= 1:
        return centres
    for _ in range(SWEEPS):
        residuals = defaultdict(list)
        for stack, levels in processes.items():
            for process, level in levels.items():
                residuals[process].append(level - centres[stack])
        effects = {process: fmean(values) for process, values in residuals.items()}
        usual = fmean(effects.values())
        centres = {
            stack: fmean(level - effects[process] + usual for process, level in levels.items())
            for stack, levels in processes.items()
        }
    return centres


def _by_process(logs: Mapping[tuple[int, int], float]) -> dict[int, list[float]]:
    """Return the logs of the blocks by process, in order."""
    grouped: dict[int, list[float]] = defaultdict(list)
    for process, block in sorted(logs):
        grouped[process].append(logs[process, block])
    return grouped
