"""Student's t distribution for whole degrees of freedom, in closed form.

SciPy isn't used, because importing it takes longer than all the statistics of a run. A test checks that both agree.
Source: Abramowitz & Stegun (1964), Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
"""

from __future__ import annotations

import math
from functools import lru_cache


def two_sided_p(t: float, df: int) -> float:
    """Compute P(|T| > |t|) for ``df >= 1`` degrees of freedom, to 1e-14 absolute."""
    theta = math.atan2(abs(t), math.sqrt(df))
    sin, cos = math.sin(theta), math.cos(theta)
    odd = df % 2
    term = cos if odd else 1.0
    total = term if df > 1 else 0.0
    for k in range(2 + odd, df - 1, 2):
        term *= cos * cos * (k - 1) / k
        total += term
    inside = 2 / math.pi * (theta + sin * total) if odd else sin * total
    return max(0.0, 1.0 - inside)


@lru_cache(maxsize=1024)
def quantile(level: float, df: int) -> float:
    """Compute the t with P(|T| <= t) = ``level``: half the width of a two-sided interval, in standard errors."""
    low, high = 0.0, 1.0
    while two_sided_p(high, df) > 1 - level:
        high *= 2
    for _ in range(60):  # bisection: each step adds one bit
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided_p(middle, df) > 1 - level else (low, middle)
    return high


@lru_cache(maxsize=1024)
def detectable(level: float, df: int, power: float) -> float:
    """Compute the difference, in true standard errors, that a two-sided test at ``level`` finds with this ``power``.

    The test statistic has a noncentral t distribution: a normal value with the difference as its mean, divided by the
    estimated standard error over the true one, whose square is chi-squared over ``df``. Its probabilities are
    integrated over the latter by the midpoint rule, to 0.002. Source: Johnson, Kotz & Balakrishnan (1995),
    Continuous Univariate Distributions 2, chapter 31.
    """
    critical, steps = quantile(level, df), 400
    width = (1 + 8 / math.sqrt(2 * df)) / steps
    errors = [(index + 0.5) * width for index in range(steps)]
    logs = [(df - 1) * math.log(s) - df * s * s / 2 for s in errors]
    weights = [math.exp(log - max(logs)) for log in logs]
    total = sum(weights)

    def found(difference: float) -> float:
        normal = (math.erfc((critical * s - difference) / math.sqrt(2)) / 2 for s in errors)
        return sum(weight * part for weight, part in zip(weights, normal, strict=True)) / total

    low, high = 0.0, 1.0
    while found(high) < power:
        high *= 2
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if found(middle) < power else (low, middle)
    return high
