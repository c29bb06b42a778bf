"""How often identical stacks get different ranks, and how often 5 % is seen, whatever the spread between processes is.

Simulated: runs of four processes, whose log times vary by process, in part alike for all steps of a process, with a
normal spread or with a slow mode that three of ten processes are in. The ranks are those that `twinbench show` prints.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from itertools import combinations
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from benchmarks.figures.figure import Figure

if TYPE_CHECKING:
    from twinbench.numbers.stats import Ratio

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
    yield Figure("false, of the differences stated where 3 of 6 stacks are slower", false_share(rng), "", "<=", allowed)
    power = detected(rng)
    yield Figure("detectable differences that are seen: at least", power, "", ">=", 0.77)
    yield Figure("detectable differences that are seen: at most", power, "", "<=", 0.83)


def false_share(rng: random.Random) -> float:
    """Share of false statements among all differences that a run states, on average over runs; 0 where none is."""
    from twinbench.numbers import stats

    shares = []
    for _ in range(RUNS):
        effects = run(rng, 6, 0.02, False)
        for stack in ("stack 0", "stack 1", "stack 2"):
            effects[stack] = {step: [log + 0.08 for log in logs] for step, logs in effects[stack].items()}
        pairs, ratios = ratios_of(effects)
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
    from twinbench.numbers import ranks

    pairs, ratios = ratios_of(effects)
    found = dict(zip(pairs, ratios, strict=True))
    estimates = {stack: math.exp(fmean(steps["step 0"])) for stack, steps in effects.items()}
    return len({stack.rank for stack in ranks.rank(estimates, lambda a, b: found[a, b])}) > 1


def ratios_of(effects: dict[str, dict[str, list[float]]]) -> tuple[list[tuple[str, str]], list[Ratio]]:
    """All ordered pairs of stacks whose first is the slower one at the first step, and their ratios there."""
    from twinbench.numbers import moderation
    from twinbench.numbers.levels import levels
    from twinbench.numbers.spreads import Spreads

    prior = moderation.prior(effects)
    fitted = levels(
        {
            stack: {(process, 0): [math.exp(log)] for process, log in enumerate(steps["step 0"])}
            for stack, steps in effects.items()
        }
    )
    slowest_first = sorted(effects, key=lambda stack: -fitted.centres[stack])
    pairs = list(combinations(slowest_first, 2))
    ratios = [fitted.ratio(a, b, Spreads(), prior) for a, b in pairs]
    return pairs, [ratio for ratio in ratios if ratio is not None]
