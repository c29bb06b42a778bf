"""How often identical contenders are called different, when samples of one process resemble each other.

Simulated: 20 processes of 3 values each, which is what pyperf takes by default, with 1 % spread between processes and
0.2 % within. Our comparison and pyperf's pooled t-test see the same values.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

from benchmarks.figures.figure import Figure

LIBRARIES = ("pyperf",)
PROCESSES, VALUES = 20, 3
BETWEEN, WITHIN = 0.01, 0.002
PAIRS = 4000
STATED = 0.05


def measure() -> Iterator[Figure]:
    """Measure both rates. Ours may exceed the stated rate by three standard errors of a rate over this many pairs."""
    from pyperf._utils import is_significant  # what `pyperf compare_to` decides by

    from twinbench.numbers import stats

    rng = random.Random(20130101)
    ours = theirs = 0
    for _ in range(PAIRS):
        a, b = sample(rng), sample(rng)
        ours += stats.verdict(stats.ratio([[p] for p in a], [[p] for p in b])) != "undecided"
        theirs += is_significant([v for p in a for v in p], [v for p in b for v in p])[0]
    allowed = STATED + 3 * math.sqrt(STATED * (1 - STATED) / PAIRS)
    yield Figure("twinbench: identical pairs declared different", ours / PAIRS, "", "<=", round(allowed, 3))
    yield Figure("pyperf: the same pairs declared different", theirs / PAIRS)


def sample(rng: random.Random) -> list[list[float]]:
    """Seconds, by process."""
    processes = [rng.gauss(1.0, BETWEEN) for _ in range(PROCESSES)]
    return [[rng.gauss(level, WITHIN * level) for _ in range(VALUES)] for level in processes]
