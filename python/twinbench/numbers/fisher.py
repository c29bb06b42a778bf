"""The F distribution, without SciPy, whose import takes longer than all the statistics of a run.

- Press, Teukolsky, Vetterling & Flannery (2007), Numerical Recipes, 3rd edition, section 6.4: the continued fraction.
"""

from __future__ import annotations

import math

_TINY = 1e-300


def upper_tail(value: float, df1: float, df2: float) -> float:
    """Compute P(F > value) for positive degrees of freedom, to 1e-9 absolute."""
    return 1.0 if value <= 0 else _beta(df2 / (df2 + df1 * value), df2 / 2, df1 / 2)


def _beta(x: float, a: float, b: float) -> float:
    """Compute the regularised incomplete beta function."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    log = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    if x < (a + 1) / (a + b + 2):
        return math.exp(log) * _fraction(x, a, b) / a
    return 1 - math.exp(log) * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    """Evaluate the continued fraction of the incomplete beta function by Lentz's method."""
    above, below = 1.0, 1 / _least(1 - (a + b) * x / (a + 1))
    result = below
    for m in range(1, 300):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            below = 1 / _least(1 + term * below)
            above = _least(1 + term / above)
            factor = below * above
            result *= factor
        if abs(factor - 1) < 1e-12:
            break
    return result


def _least(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
