"""Whether two stacks reach the same mean quality, up to a margin, by pairs of trainings: pure functions over numbers.

- Schuirmann (1987), A comparison of the two one-sided tests procedure and the power approach, J. Pharmacokinet.
  Biopharm. 15:657-680.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean, variance
from typing import Literal

from twinbench.numbers.student import quantile

LEVEL = 0.95
"""Confidence level of the tests, as that of `stats.LEVEL`."""

MIN_SEEDS = 5
"""Smallest number of trainings from which the equivalence of two mean qualities is tested."""


@dataclass(frozen=True, slots=True)
class Equivalence:
    """The result of a test whether two stacks reach the same mean quality, up to a margin."""

    verdict: Literal["equivalent", "different", "not enough seeds"]
    difference: float
    """Mean difference of the pairs, in the unit of the metric."""
    low: float
    """Lower end of the interval of the difference that the two one-sided tests make, at 90 % for two stacks, and wider
    for more; the stacks are equivalent if both ends are inside the margin."""
    high: float
    """Upper end of that interval."""
    margin: float
    """Largest difference that counts as equivalent, in the unit of the metric."""


def equivalence(
    a: Sequence[float], b: Sequence[float], margin: float, level: float = LEVEL, *, stacks: int = 2
) -> Equivalence:
    """Apply two one-sided tests (Schuirmann 1987) to the mean difference of pairs: ``a[i]`` and ``b[i]`` share a seed.

    A seed gives both stacks the same initial weights and batches, so that its effect on the quality is common to them.
    The verdict is "equivalent" if both tests reject at ``1 - level`` that the means are ``margin`` apart; "different"
    if the two-sided interval at ``level`` excludes 0; otherwise, and with fewer than `MIN_SEEDS` pairs, "not enough
    seeds". If ``b`` is the best of several ``stacks``, any two of them might have been the pair: the level is corrected
    for the number of pairs (Bonferroni). Raises ValueError if ``a`` and ``b`` differ in length.
    """
    level = 1 - (1 - level) / math.comb(max(stacks, 2), 2)
    differences = [x - y for x, y in zip(a, b, strict=True)]
    if len(differences) < MIN_SEEDS:
        difference = fmean(differences) if differences else math.nan
        return Equivalence("not enough seeds", difference, -math.inf, math.inf, margin)
    difference, df = fmean(differences), len(differences) - 1
    error = math.sqrt(variance(differences) / len(differences))
    half = error * quantile(2 * level - 1, df)
    result = partial(Equivalence, difference=difference, low=difference - half, high=difference + half, margin=margin)
    if abs(difference) + half < margin:
        return result("equivalent")
    return result("different" if abs(difference) > error * quantile(level, df) else "not enough seeds")
