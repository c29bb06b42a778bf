"""How often identical stacks get different ranks, and how often 5 % is seen, whatever the spread between processes is.

Simulated: runs of four processes of three blocks or more. Log times vary by process, in part alike for all steps of a
process, with a normal spread or with a slow mode that three of ten processes are in, and by block, independently or
each block much like the one before (a correlation of 0.9). The ranks are those that `twinbench show` prints. In the
last figures, blocks are taken as a run takes them, until nothing is left to be decided.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from itertools import combinations

from benchmarks.figures.figure import Figure

LIBRARIES = ()
PROCESSES, STEPS, BLOCKS, RUNS = 4, 6, 3, 400
STATED = 0.05
SHARED = 0.5
"""Share of a process's variance that all its steps have alike."""

BLOCK_SD, CORRELATION = 0.01, 0.9
"""Spread between the blocks of a process, and the correlation of neighbours where they are correlated."""

MOST_BLOCKS, DIVIDED_RUNS = 10, 150
"""Blocks of a process for which the budget of a divided run suffices, and number of those runs."""

ALIKE, UNLIKE = "normal, blocks correlated", "normal"
CASES = (UNLIKE, "slow mode", ALIKE)

Times = dict[str, dict[str, list[list[float]]]]
"""Log times by stack, step, process and block."""


def measure() -> Iterator[Figure]:
    """All rates. False ranks may be above what is stated by three standard errors of the rate of this many runs."""
    rng = random.Random(20261126)
    for stacks in (2, 4, 8):
        for sd in (0.005, 0.02, 0.05):
            for case in CASES:
                alarms = sum(called_different(run(rng, stacks, sd, case)) for _ in range(RUNS)) / RUNS
                words = f"{stacks} identical stacks, sd {100 * sd:g} %, {case}"
                yield Figure(f"{words}: runs with different ranks", alarms, "", "<=", _allowed(RUNS))
    seen = sum(called_different(run(rng, 2, 0.02 / math.sqrt(2), UNLIKE, slower=0.05)) for _ in range(RUNS)) / RUNS
    yield Figure("5 % seen, sd of the ratio 2 %", seen, "", ">=", 0.9)
    for case in CASES:
        drawn = (run(rng, 4, 0.02, case, blocks=MOST_BLOCKS) for _ in range(DIVIDED_RUNS))
        alarms = sum(called_different(divided(times)) for times in drawn) / DIVIDED_RUNS
        words = f"4 identical stacks, sd 2 %, {case}, time divided"
        yield Figure(f"{words}: runs with different ranks", alarms, "", "<=", _allowed(DIVIDED_RUNS))


def _allowed(runs: int) -> float:
    return round(STATED + 3 * math.sqrt(STATED * (1 - STATED) / runs), 3)


def run(rng: random.Random, stacks: int, sd: float, case: str, slower: float = 0.0, blocks: int = BLOCKS) -> Times:
    """Draw log times. The first stack is slower."""

    def luck() -> float:
        return (1.53 if rng.random() < 0.3 else -0.655) if case == "slow mode" else rng.gauss(0, 1)

    drawn = {}
    for stack in range(stacks):
        common = [luck() for _ in range(PROCESSES)]
        shift = math.log1p(slower) if stack == 0 else 0.0
        drawn[f"stack {stack}"] = {
            f"step {step}": [
                _blocks(rng, shift + sd * (math.sqrt(SHARED) * c + math.sqrt(1 - SHARED) * luck()), case, blocks)
                for c in common
            ]
            for step in range(STEPS)
        }
    return drawn


def _blocks(rng: random.Random, centre: float, case: str, count: int) -> list[float]:
    """Draw the blocks of a process: an autoregression of the first order."""
    correlation = CORRELATION if case == ALIKE else 0.0
    deviation, values = rng.gauss(0, BLOCK_SD if case == ALIKE else BLOCK_SD / 10), []
    for _ in range(count):
        values.append(centre + deviation)
        fresh = rng.gauss(0, BLOCK_SD if case == ALIKE else BLOCK_SD / 10)
        deviation = correlation * deviation + math.sqrt(1 - correlation**2) * fresh
    return values


def divided(times: Times) -> Times:
    """Return the blocks that a run would have taken of these, in which every step is a figure of its own."""
    from twinbench.numbers.stats import PROCESS_SD
    from twinbench.run.division import Needs

    step = "step 0"
    taken: dict[str, dict[tuple[int, int], list[float]]] = {stack: {} for stack in times}
    for process in range(PROCESSES):
        for block in range(MOST_BLOCKS):
            if block >= BLOCKS and not Needs({step: taken}, process, PROCESS_SD).open[step]:
                break
            for stack, steps in times.items():
                taken[stack][process, block] = [math.exp(steps[step][process][block])]
    counts = [max(block for number, block in taken["stack 0"] if number == process) + 1 for process in range(PROCESSES)]
    return {
        stack: {name: [its[p][: counts[p]] for p in range(PROCESSES)] for name, its in steps.items()}
        for stack, steps in times.items()
    }


def called_different(times: Times) -> bool:
    """Whether two stacks have different ranks at the first step."""
    from statistics import median

    from twinbench.numbers import moderation, stats

    prior = moderation.prior(
        {stack: {step: [median(its) for its in by] for step, by in steps.items()} for stack, steps in times.items()}
    )
    walls = {stack: [[[math.exp(x)] for x in its] for its in steps["step 0"]] for stack, steps in times.items()}
    ratios = {pair: stats.ratio(*(walls[stack] for stack in pair), prior=prior) for pair in combinations(walls, 2)}
    ranked = stats.rank(
        {stack: stats.summarise(its).estimate for stack, its in walls.items()},
        lambda a, b: ratios.get((a, b)) or stats.ratio(walls[a], walls[b], prior=prior),
    )
    return len({stack.rank for stack in ranked}) > 1
