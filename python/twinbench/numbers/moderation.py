"""The spread between processes, estimated from all comparisons of a run together: pure functions over numbers.

Four processes say little about a spread: the variance of four values is off by a factor of 2 in one run of three. But a
run compares many pairs of stacks at many steps, and each comparison has a variance of its own. Smyth (2004) models
these variances as draws from one distribution, estimates the distribution from all of them, and moderates each variance
towards its centre. The weight of the centre, in degrees of freedom, follows from how much the variances differ.

Two facts of benchmarks are added. Steps of one process share the luck of that process (its memory layout, its core), so
that S steps are worth fewer than S independent ones; and pairs share stacks. Both limit how many degrees of freedom a
comparison may borrow. And a variance is never moderated below its own estimate.

- Smyth (2004), Linear models and empirical Bayes methods for assessing differential expression, Stat. Appl. Genet.
  Mol. Biol. 3(1):3, section 6.2.
- Cheverud (2001), A simple correction for multiple comparisons in interval mapping genome scans, Heredity 87:52-58, and
  Bretherton et al. (1999), The effective number of spatial degrees of freedom, J. Climate 12:1990-2009: the effective
  number of correlated variables.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean, variance

LEAST_VARIANCE = 1e-18
"""Lower bound of a variance of log values, so that log(0) can't occur where two clocks read the same."""

MOST_DF = 1000.0
"""Degrees of freedom that stand for infinitely many: no variance differs more from the others than chance explains."""

Effects = Mapping[str, Mapping[str, Sequence[float]]]
"""Log values by stack, by step and by process. A step has as many processes in each stack that has the step."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What the other comparisons of a run say about the variance of one of them."""

    variance: float
    """Centre of the distribution of variances, of log values."""
    df: float
    """The evidence for the centre, in degrees of freedom; 0 where a variance must speak for itself."""

    def moderate(self, observed: float, df: int) -> tuple[float, float]:
        """Return the moderated variance, which is at least the observed one, and its degrees of freedom."""
        if self.df == 0:
            return observed, float(df)
        total = self.df + df
        return max(observed, (self.df * self.variance + df * observed) / total), total


NOTHING = Prior(0.0, 0.0)
"""The prior of a comparison that has no others beside it."""


def prior(effects: Effects) -> Prior:
    """Estimate the prior for comparisons of two stacks at a step. `NOTHING` with fewer than two processes.

    The variances are those of the differences between two stacks, for each pair and step.
    """
    stacks = list(effects)
    differences = [
        [x - y for x, y in zip(effects[a][step], effects[b][step], strict=True)]
        for a, b in combinations(stacks, 2)
        for step in effects[a]
        if step in effects[b]
    ]
    counts = {len(values) for values in differences}
    if not counts or min(counts) < 2:
        return NOTHING
    df = min(counts) - 1
    centre, evidence = _fit([variance(values) for values in differences], df)
    borrowable = independent_steps(effects) * (len(stacks) - 1) * df - df
    return Prior(centre, max(0.0, min(evidence, borrowable)))


def independent_steps(effects: Effects) -> float:
    """Estimate how many independent steps the steps are worth: 1 if a process moves all of them alike.

    With r the correlation of two steps' residuals over all stacks and processes, it is S^2 / sum(r^2) over all pairs.
    """
    steps = list(dict.fromkeys(step for by_step in effects.values() for step in by_step))
    shared = [step for step in steps if all(step in by_step for by_step in effects.values())]
    if len(shared) < 2:
        return 1.0
    residuals = [_residuals([effects[stack][step] for stack in effects]) for step in shared]
    lengths = [math.sqrt(sum(x * x for x in values)) for values in residuals]
    moving = [(values, length) for values, length in zip(residuals, lengths, strict=True) if length > 0]
    if not moving:
        return 1.0
    unit = [[x / length for x in values] for values, length in moving]
    squares = sum(sum(x * y for x, y in zip(a, b, strict=True)) ** 2 for a in unit for b in unit)
    return len(unit) ** 2 / squares


def _residuals(values: Sequence[Sequence[float]]) -> list[float]:
    """Log values by stack and process, less the means of each stack and of each process."""
    processes = [fmean(column) for column in zip(*values, strict=True)]
    overall = fmean(processes)
    return [x - fmean(stack) - processes[i] + overall for stack in values for i, x in enumerate(stack)]


def _fit(variances: Sequence[float], df: int) -> tuple[float, float]:
    """Estimate centre and degrees of freedom of a scaled inverse chi-squared distribution, by moments of the logs."""
    offset = digamma(df / 2) - math.log(df / 2)
    logs = [math.log(max(value, LEAST_VARIANCE)) - offset for value in variances]
    if len(logs) < 2:
        return variances[0], 0.0
    mean = fmean(logs)
    excess = variance(logs) - trigamma(df / 2)
    if excess <= 0:
        return math.exp(mean), MOST_DF
    evidence = min(MOST_DF, 2 * inverse_trigamma(excess))
    return math.exp(mean + digamma(evidence / 2) - math.log(evidence / 2)), evidence


def digamma(x: float) -> float:
    """Return the derivative of log gamma for x > 0, to 1e-12. Source: Abramowitz & Stegun (1964), 6.3.5 and 6.3.18."""
    total = 0.0
    while x < 10:
        total -= 1 / x
        x += 1
    y = 1 / (x * x)
    series = y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y * (1 / 132)))))
    return total + math.log(x) - 0.5 / x - series


def trigamma(x: float) -> float:
    """Return the second derivative of log gamma for x > 0, to 1e-12. Source: as `digamma`, 6.4.6 and 6.4.12."""
    total = 0.0
    while x < 10:
        total += 1 / (x * x)
        x += 1
    y = 1 / (x * x)
    return total + 1 / x + y / 2 + y / x * (1 / 6 - y * (1 / 30 - y * (1 / 42 - y * (1 / 30 - y * (5 / 66)))))


def inverse_trigamma(value: float) -> float:
    """Return the x > 0 with ``trigamma(x) = value``, by bisection of the logarithm, to 1e-9 relative."""
    low, high = 1e-8, 1e8
    for _ in range(100):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if trigamma(middle) > value else (low, middle)
    return math.sqrt(low * high)
