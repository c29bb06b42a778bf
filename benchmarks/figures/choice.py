"""How often one of identical stacks is chosen, and how often one that is a tenth better in everything.

Simulated: four criteria that are measured in every process, with a spread of 2 or 5 % between processes, and random
weights, often nearly all on one criterion.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from benchmarks.figures.figure import Figure

if TYPE_CHECKING:
    import numpy as np

LIBRARIES = ()
RUNS = 600
STATED = 0.05
CRITERIA = 4
USUAL_SD = 0.02


def measure() -> Iterator[Figure]:
    """Both rates. The first may exceed what is stated by three standard errors of the rate of this many runs."""
    import numpy as np

    rng = np.random.default_rng(20261127)
    allowed = round(STATED + 3 * math.sqrt(STATED * (1 - STATED) / RUNS), 3)
    for stacks in (2, 5):
        for processes in (1, 4, 8):
            for sd in (0.02, 0.05):
                words = f"{stacks} identical stacks, {processes} processes, sd {100 * sd:g} %: one is chosen"
                yield Figure(words, chosen(rng, stacks, processes, sd, 0.0), "", "<=", allowed)
    yield Figure("one of 2 is 10 % better, 4 processes, sd 2 %: chosen", chosen(rng, 2, 4, 0.02, math.log(1.1)))


def chosen(rng: np.random.Generator, stacks: int, processes: int, sd: float, better: float) -> float:
    """Return the share of runs in which a stack is chosen."""
    import numpy as np

    from twinbench.numbers import two_runs
    from twinbench.results.decisions import draws

    names = [str(stack) for stack in range(stacks)]
    count = 0
    for _ in range(RUNS):
        weights = rng.dirichlet(np.full(CRITERIA, 0.3))
        scores = 0.0
        for weight in weights:
            logs = sd * rng.standard_normal((stacks, processes)) - better * np.arange(stacks)[::-1, None]
            figures = [draws.LogFigure(float(own.mean()), two_runs.mean_error(own.tolist(), USUAL_SD)) for own in logs]
            scores = scores + weight * draws.joint(figures, names, rng)
        count += max(draws.first(scores)) >= draws.DECISION
    return count / RUNS
