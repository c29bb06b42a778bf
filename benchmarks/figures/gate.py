"""How often the gate of a build fails at a slowdown that is just allowed, and at twice as large a one.

Simulated: two runs of a stack and a control, with luck that both share, a spread between processes, and an interaction
of stack and run as large as the one that is assumed. The interval is that of ``twinbench compare --control``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from benchmarks.figures.figure import Figure

if TYPE_CHECKING:
    import numpy as np

LIBRARIES = ()
LIMIT = 0.05
BUILDS, BLOCKS = 2000, 5
STATED, POWER = 0.025, 0.95


def measure() -> Iterator[Figure]:
    """Both rates. A rate may miss what is stated by three standard errors of the rate of this many builds."""
    import numpy as np

    rng = np.random.default_rng(20261127)
    allowed = round(STATED + 3 * math.sqrt(STATED * (1 - STATED) / BUILDS), 3)
    for processes in (1, 2, 4, 8):
        for sd in (0.005, 0.02, 0.05):
            words = f"+5 %, sd {100 * sd:g} %, {processes} processes: builds that fail"
            yield Figure(words, failing(rng, 1 + LIMIT, sd, processes), "", "<=", allowed)
    least = round(POWER - 3 * math.sqrt(POWER * (1 - POWER) / BUILDS), 3)
    yield Figure("+10 %, sd 2 %, 8 processes: builds that fail", failing(rng, 1.1, 0.02, 8), "", ">=", least)


def failing(rng: np.random.Generator, factor: float, sd: float, processes: int) -> float:
    """Return the share of builds that fail where the stack takes ``factor`` times as long as in the base."""
    from twinbench.numbers import stats, two_runs
    from twinbench.results.decisions.time_ratios import INTERACTION_SD

    def side(times: float) -> tuple[stats.Values, stats.Values]:
        import numpy as np

        luck = rng.normal(0, 0.05) + rng.normal(0, 0.02, (processes, BLOCKS))
        own = rng.normal(0, sd, (processes, 1)) + rng.normal(0, INTERACTION_SD)
        noise = rng.normal(0, 0.002, (2, processes, BLOCKS))
        stack, control = times * np.exp(luck + own + noise[0]), np.exp(luck + noise[1])
        return stack[:, :, None].tolist(), control[:, :, None].tolist()

    ratios = (two_runs.controlled(side(factor), side(1.0), interaction_sd=INTERACTION_SD) for _ in range(BUILDS))
    return sum(ratio.low > 1 + LIMIT for ratio in ratios) / BUILDS
