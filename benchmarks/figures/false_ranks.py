"""How often identical stacks get different ranks, and how often 5 % is seen, whatever the spread between processes is.

Simulated: runs of four processes, whose log times vary by process, in part alike for all steps of a process, with a
normal spread or with a slow mode that three of ten processes are in. The ranks are those that `twinbench show` prints.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from itertools import combinations

from benchmarks.figures.figure import Figure

LIBRARIES = ()
PROCESSES, STEPS, RUNS = 4, 6, 400
STATED = 0.05
SHARED = 0.5
"""Share of a process's variance that all its steps have alike."""


def measure() -> Iterator[Figure]:
    """Both rates. False ranks may be above what is stated by three standard errors of the rate of this many runs."""
    rng = random.Random(20261126)
    allowed = round(STATED + 3 * math.sqrt(STATED * (1 - STATED) / RUNS), 3)
    for stacks in (2, 4, 8):
        for sd in (0.005, 0.05):
            for slow_mode in (False, True):
                alarms = sum(called_different(run(rng, stacks, sd, slow_mode)) for _ in range(RUNS)) / RUNS
                words = f"{stacks} identical stacks, sd {100 * sd:g} %, {'slow mode' if slow_mode else 'normal'}"
                yield Figure(f"{words}: runs with different ranks", alarms, "", "<=", allowed)
    seen = sum(called_different(run(rng, 2, 0.02 / math.sqrt(2), False, slower=0.05)) for _ in range(RUNS)) / RUNS
    yield Figure("5 % seen, sd of the ratio 2 %", seen, "", ">=", 0.9)


def run(
    rng: random.Random, stacks: int, sd: float, slow_mode: bool, slower: float = 0.0
) -> dict[str, dict[str, list[float]]]:
    """Draw log times by stack, step and process. The first stack is slower."""

    def luck() -> float:
        return (1.53 if rng.random() < 0.3 else -0.655) if slow_mode else rng.gauss(0, 1)

    drawn = {}
    for stack in range(stacks):
        common = [luck() for _ in range(PROCESSES)]
        shift = math.log1p(slower) if stack == 0 else 0.0
        drawn[f"stack {stack}"] = {
            f"step {step}": [
                shift + sd * (math.sqrt(SHARED) * c + math.sqrt(1 - SHARED) * luck()) + rng.gauss(0, 0.001)
                for c in common
            ]
            for step in range(STEPS)
        }
    return drawn


def called_different(effects: dict[str, dict[str, list[float]]]) -> bool:
    """Whether two stacks have different ranks at the first step."""
    from twinbench.numbers import moderation, stats

    prior = moderation.prior(effects)
    times = {stack: [[[math.exp(value)]] for value in steps["step 0"]] for stack, steps in effects.items()}
    ratios = {pair: stats.ratio(*(times[stack] for stack in pair), prior=prior) for pair in combinations(times, 2)}
    ranked = stats.rank(
        {stack: times[stack][0][0][0] for stack in times},
        lambda a, b: ratios.get((a, b)) or stats.ratio(times[a], times[b], prior=prior),
    )
    return len({stack.rank for stack in ranked}) > 1
