"""The execution from which on a slow start is made up for, with its interval. Pure functions over numbers.

- Fieller (1954), Some problems in interval estimation, J. R. Stat. Soc. B 16:175-185: the interval of a quotient.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import covariance, fmean, variance

from twinbench.numbers.stats import LEVEL, OWN_SPREAD
from twinbench.numbers.student import quantile


@dataclass(frozen=True, slots=True)
class Calls:
    """A number of executions, the first included."""

    estimate: int
    low: int | None
    """Lower end of the interval. None with fewer than `OWN_SPREAD` processes."""
    high: int | None
    """Upper end of the interval. None with fewer than `OWN_SPREAD` processes, and where there is no upper limit."""


def break_even(
    cold_a: Sequence[float],
    steady_a: Sequence[float],
    cold_b: Sequence[float],
    steady_b: Sequence[float],
    level: float = LEVEL,
) -> Calls | None:
    """Return the number of executions from which on ``a`` has taken no more time in total than ``b``; None if never.

    ``cold`` is the time in seconds to the end of the first execution, imports included; ``steady`` is the time of each
    further execution. Each has one value per process, in the same order. The interval is Fieller's of the quotient of
    what ``a`` loses at its start and what it gains with each further execution.
    """
    lost = [a - b for a, b in zip(cold_a, cold_b, strict=True)]
    gained = [b - a for a, b in zip(steady_a, steady_b, strict=True)]
    loss, gain = fmean(lost), fmean(gained)
    if gain < 0 or (gain == 0 and loss > 0):
        return None
    if loss <= 0:
        return Calls(1, 1, 1) if len(lost) >= OWN_SPREAD else Calls(1, None, None)
    estimate = _call(loss / gain)
    if len(lost) < OWN_SPREAD:
        return Calls(estimate, None, None)
    low, high = _fieller(lost, gained, level)
    return Calls(estimate, _call(low), None if high is None else _call(high))


def _call(quotient: float) -> int:
    """Return the execution at which a loss of this many gains is made up for."""
    return 1 + max(0, math.ceil(quotient))


def _fieller(above: Sequence[float], below: Sequence[float], level: float) -> tuple[float, float | None]:
    """Return the interval of the quotient of two means of pairs; no upper end if the divisor may be 0."""
    count = len(above)
    factor = quantile(level, count - 1) ** 2 / count
    a, b = fmean(above), fmean(below)
    square = b * b - factor * variance(below)
    middle = a * b - factor * covariance(above, below)
    rest = a * a - factor * variance(above)
    root = math.sqrt(max(0.0, middle * middle - square * rest))
    if square > 0:
        return (middle - root) / square, (middle + root) / square
    # The divisor may be 0: the set of quotients that the data allow goes on to infinity.
    return (rest / (middle + root) if middle + root > 0 else 0.0), None
