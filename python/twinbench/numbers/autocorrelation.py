"""The variance of a mean of values of which each resembles the one before it: pure functions over numbers.

- Bayley & Hammersley (1946), The "effective" number of independent observations in an autocorrelated time series,
  J. R. Stat. Soc. Suppl. 8:184-197.
- Kendall (1954), Note on bias in the estimation of autocorrelation, Biometrika 41:403-404.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean

LEAST_VALUES = 8
"""Fewest values whose correlation can be estimated; fewer count as independent."""

EVIDENCE = 1.645
"""Standard errors of a correlation of independent values above which values count as correlated: one in twenty."""

MOST = 0.95
"""Largest correlation that is assumed: with more, a handful of values would say nothing at all."""


def inflation(values: Sequence[float]) -> float:
    """Return how many times as large the variance of their mean is as if the values were independent; at least 1.

    The model is an autoregression of the first order.
    """
    count = len(values)
    mean = fmean(values)
    deviations = [value - mean for value in values]
    total = sum(deviation**2 for deviation in deviations)
    if count < LEAST_VALUES or not total:
        return 1.0
    seen = sum(a * b for a, b in pairwise(deviations)) / total
    if seen < EVIDENCE / math.sqrt(count):
        return 1.0
    correlation = min(MOST, (count * seen + 1) / (count - 4))
    more = 1 + 2 * sum((1 - lag / count) * correlation**lag for lag in range(1, count))
    return more * (count - 1) / (count - more)  # the values' own variance is too small by the second factor
