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
from statistics import fmean, median, stdev
from typing import TYPE_CHECKING

from benchmarks.figures.figure import Figure

if TYPE_CHECKING:
    from twinbench.numbers.levels import Levels
    from twinbench.numbers.stats import Ratio

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
    yield Figure(
        "false, of the differences stated where 3 of 6 stacks are slower", false_share(rng), "", "<=", _allowed(RUNS)
    )
    power = detected(rng)
    yield Figure("detectable differences that are seen: at least", power, "", ">=", 0.77)
    yield Figure("detectable differences that are seen: at most", power, "", "<=", 0.83)
    for case in CASES:
        drawn = (run(rng, 4, 0.02, case, blocks=MOST_BLOCKS) for _ in range(DIVIDED_RUNS))
        alarms = sum(called_different(divided(times)) for times in drawn) / DIVIDED_RUNS
        words = f"4 identical stacks, sd 2 %, {case}, time divided"
        yield Figure(f"{words}: runs with different ranks", alarms, "", "<=", _allowed(DIVIDED_RUNS))


def false_share(rng: random.Random) -> float:
    """Share of false statements among all differences that a run states, on average over runs; 0 where none is."""
    from twinbench.numbers import stats

    shares = []
    for _ in range(RUNS):
        times = run(rng, 6, 0.02, UNLIKE)
        for stack in ("stack 0", "stack 1", "stack 2"):
            times[stack] = {step: [[log + 0.08 for log in its] for its in by] for step, by in times[stack].items()}
        pairs, ratios = ratios_of(times)
        stated = [pair for pair, word in zip(pairs, stats.verdicts(ratios), strict=True) if word != "undecided"]
        alike = [(a < "stack 3") == (b < "stack 3") for a, b in stated]
        shares.append(sum(alike) / max(1, len(alike)))
    return sum(shares) / RUNS


def detected(rng: random.Random) -> float:
    """Rate at which a run shows the difference that earlier runs of the same kind called detectable, corrected."""
    from twinbench.numbers import student

    others, df = 9, PROCESSES - 1
    strict = 1 - STATED / (1 + others)
    effect = student.detectable(strict, df, 0.8) / math.sqrt(PROCESSES)
    seen = 0
    for _ in range(10 * RUNS):
        logs = [rng.gauss(effect, 1.0) for _ in range(PROCESSES)]
        seen += fmean(logs) > student.quantile(strict, df) * stdev(logs) / math.sqrt(PROCESSES)
    return seen / (10 * RUNS)


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
    from twinbench.numbers.spreads import PROCESS_SD
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
    from twinbench.numbers import ranks

    pairs, ratios = ratios_of(times)
    found = dict(zip(pairs, ratios, strict=True))
    fitted = fitted_levels(times)
    estimates = {stack: math.exp(fitted.centres[stack]) for stack in times}
    return len({stack.rank for stack in ranks.rank(estimates, lambda a, b: found[a, b])}) > 1


def fitted_levels(times: Times) -> Levels:
    """The levels of all stacks at the first step."""
    from twinbench.numbers.levels import levels

    return levels(
        {
            stack: {(p, j): [math.exp(log)] for p, its in enumerate(steps["step 0"]) for j, log in enumerate(its)}
            for stack, steps in times.items()
        }
    )


def ratios_of(times: Times) -> tuple[list[tuple[str, str]], list[Ratio]]:
    """All pairs of stacks whose first is the slower one at the first step, and their ratios there."""
    from twinbench.numbers import moderation
    from twinbench.numbers.spreads import Spreads

    prior = moderation.prior(
        {stack: {step: [median(its) for its in by] for step, by in steps.items()} for stack, steps in times.items()}
    )
    fitted = fitted_levels(times)
    slowest_first = sorted(times, key=lambda stack: -fitted.centres[stack])
    pairs = list(combinations(slowest_first, 2))
    ratios = [fitted.ratio(a, b, Spreads(), prior) for a, b in pairs]
    return pairs, [ratio for ratio in ratios if ratio is not None]
