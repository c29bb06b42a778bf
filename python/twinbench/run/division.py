"""The division of a run's time: which steps are fast enough for several processes, and what each of them still needs.

It follows from the samples alone, so that the same samples give the same division. This file measures nothing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from statistics import fmean, median

from twinbench.numbers import allocation, stats
from twinbench.numbers.moderation import NOTHING, Prior
from twinbench.numbers.stats import FLOOR
from twinbench.run.measurable import Step
from twinbench.run.measured import Measured
from twinbench.run.options import MIN_ROUNDS, USUAL_PROCESSES
from twinbench.store.samples import Blocks, paired

EXECUTIONS = MIN_ROUNDS
"""Executions of a fast step that fit into the budget: the fewest that a single process would make of it. In four
processes of three blocks a step at this limit takes up to 2.4 times the budget."""

TOTAL = ""
"""The figure of a pipeline whose steps are a chain; the figures of independent steps have the ids of the steps."""


def typical_s(measured: Iterable[Measured], step: str) -> float:
    """Return the mean over the stacks of the median time of a step in seconds; 0 where no stack has the step.

    Only the first process of each stack counts, so that later processes don't change what follows from the time.
    """
    blocks = [its.blocks(step) for its in measured]
    firsts = [{key: samples for key, samples in its.items() if key[0] == min(its)[0]} for its in blocks]
    return fmean([median(x for samples in its.values() for x in samples) for its in firsts if its] or [0.0])


def fast(steps: Sequence[Step], seconds: Mapping[str, float], budget_s: float, *, independent: bool) -> set[str]:
    """Return the steps that are fast enough for the usual number of processes.

    A chain of steps is fast if `EXECUTIONS` of it fit into the budget of a cell. Independent steps are taken from the
    fastest on, as long as theirs do, with the slower steps that must be executed in each process for their output.
    """
    if not independent:
        return {step.id for step in steps} if EXECUTIONS * sum(seconds.values()) <= budget_s else set()
    chosen: set[str] = set()
    for name in sorted(seconds, key=lambda step: seconds[step]):
        more = chosen | {name}
        once = needed(steps, more) - more
        time = EXECUTIONS * sum(seconds[step] for step in more)
        if time + (USUAL_PROCESSES - 1) * sum(seconds[step] for step in once) > budget_s:
            break
        chosen = more
    return chosen


def needed(steps: Sequence[Step], wanted: Iterable[str]) -> set[str]:
    """Return the steps that must be executed for the wanted ones, those included."""
    result = set(wanted)
    for step in reversed(steps):
        if step.id in result:
            result |= set(step.inputs) & {other.id for other in steps}
    return result


class Needs:
    """What the samples so far leave to be decided, in the process that is being measured."""

    def __init__(
        self, figures: Mapping[str, Mapping[str, Blocks]], process: int, process_sd: float, prior: Prior = NOTHING
    ) -> None:
        """``figures`` has the blocks of all processes by figure and stack, ``process`` is the present process."""
        self.undecided: dict[str, set[str]] = {}
        """Stacks that aren't decided against each other stack, by figure."""
        self.open: dict[str, set[str]] = {}
        """Those of the undecided stacks whose comparison more blocks of this process would make sharper, by figure."""
        for figure, blocks in figures.items():
            alone = len(blocks) == 1
            pairs = [(a, a) for a in blocks] if alone else list(combinations(blocks, 2))
            undecided = [pair for pair in pairs if alone or not _decided(blocks, pair, process_sd, prior)]
            matter = [pair for pair in undecided if _blocks_matter(blocks, pair, process, process_sd)]
            self.undecided[figure] = {stack for pair in undecided for stack in pair}
            self.open[figure] = {stack for pair in matter for stack in pair}


def efforts(measured: Measured, steps: Sequence[str], *, decided: bool) -> dict[str, float]:
    """Return by step the size of a stack's next burst, as a multiple of a usual burst, for a total over these steps."""
    if decided:
        return dict.fromkeys(steps, allocation.LEAST_EFFORT)
    blocks = {step: _medians(measured.blocks(step)) for step in steps}
    costs = [fmean([FLOOR, *(x for its in blocks[step].values() for x in its)]) for step in steps]
    spreads = [allocation.within(list(blocks[step].values())) for step in steps]
    return dict(zip(steps, allocation.efforts(costs, spreads), strict=True))


def _decided(blocks: Mapping[str, Blocks], pair: tuple[str, str], process_sd: float, prior: Prior) -> bool:
    a, b = paired(*(blocks[stack] for stack in pair))
    return bool(a) and stats.ratio(a, b, process_sd=process_sd, prior=prior).p_value <= allocation.SURE


def _blocks_matter(blocks: Mapping[str, Blocks], pair: tuple[str, str], process: int, process_sd: float) -> bool:
    """Return whether more blocks of the process help a pair, or a stack that is alone, which is paired with itself."""
    first, second = pair
    own = blocks[first] if first == second else _ratios(*(blocks[stack] for stack in pair))
    if not any(number == process for number, _ in own):
        return True
    return allocation.blocks_matter(list(_medians(own, logs=True).values()), process_sd)


def _ratios(a: Blocks, b: Blocks) -> Blocks:
    return {key: [median(a[key]) / max(median(b[key]), FLOOR)] for key in sorted(a.keys() & b.keys())}


def _medians(blocks: Blocks, *, logs: bool = False) -> dict[int, list[float]]:
    """Return the medians of the blocks by process, in the order of the processes."""
    medians: dict[int, list[float]] = defaultdict(list)
    for (process, _), samples in sorted(blocks.items()):
        value = median(samples)
        medians[process].append(math.log(max(value, FLOOR)) if logs else value)
    return medians
