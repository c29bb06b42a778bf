"""Intervals of a calibration error and of a log loss that hold for near-perfect models, too.

A model that is right on every test row shows no spread from which its errors could be estimated. Its interval comes
from what the errors that weren't seen would have cost.

- Agresti & Coull (1998), Approximate is better than "exact" for interval estimation of binomial proportions, Am. Stat.
  52:119-126.
- Fay & Feuer (1997), Confidence intervals for directly standardized rates, Stat. Med. 16:791-801, and Tiwari, Clegg &
  Zou (2006), Efficient interval estimation for age-adjusted cancer rates, Stat. Methods Med. Res. 15:547-569: the gamma
  interval of a weighted sum of rare events.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from twinbench.numbers.normal import NORMAL_95
from twinbench.numbers.predictions import Bin, calibration_error

if TYPE_CHECKING:
    from numpy.typing import NDArray


def calibration_interval(bins: Sequence[Bin]) -> tuple[float, float]:
    """Compute the 95 % interval of the expected calibration error.

    The error is a sum of absolute values, which chance alone makes positive. By the triangle inequality, it is too
    large by at most the sum of the absolute deviations of the bins' accuracies, whose mean and variance are those of
    half-normal values; and it is too small by no more than a sum of the deviations with the true signs.
    """
    rows = sum(part.rows for part in bins)
    error = calibration_error(bins)
    deviations = [part.rows / rows * _deviation(part) for part in bins]
    spread = math.sqrt(sum(deviation**2 for deviation in deviations))
    upward = sum(deviations) * math.sqrt(2 / math.pi) + NORMAL_95 * spread * math.sqrt(1 - 2 / math.pi)
    return max(0.0, error - upward), min(1.0, error + NORMAL_95 * spread)


def _deviation(part: Bin) -> float:
    """Compute the standard error of a bin's accuracy, with the four rows that Agresti & Coull add."""
    rows = part.rows + NORMAL_95**2
    share = (part.rows * part.accuracy + NORMAL_95**2 / 2) / rows
    return math.sqrt(share * (1 - share) / rows)


def log_loss_interval(truth: NDArray[Any], p: NDArray[Any]) -> tuple[float, float]:
    """Compute the 95 % interval of the log loss of ``truth`` (rows,) int and ``p`` (rows, classes), within 0 and 1.

    A row costs little where its predicted class is right, and an excess where it is wrong. The excesses are rare and
    large, so their sum has a gamma interval, whose upper end has one more wrong row, of average cost.
    """
    import numpy as np
    from scipy.stats import gamma

    rows = np.arange(len(truth))
    predicted = p.argmax(axis=1)
    confidence = p[rows, predicted]
    right = -np.log(confidence)
    losses = -np.log(p[rows, truth])
    excesses = losses - right
    if_wrong = -np.log((1 - confidence) / (p.shape[1] - 1)) - right
    excess, variance = float(excesses.mean()), float(excesses.var()) / len(truth)
    one_more, its_variance = float(if_wrong.mean()) / len(truth), float((if_wrong**2).mean()) / len(truth) ** 2
    low = high = excess
    if excess > 0 and variance > 0:
        low = float(gamma.ppf(0.025, excess**2 / variance, scale=variance / excess))
    if (mean := excess + one_more) > 0 and (total := variance + its_variance) > 0:
        high = float(gamma.ppf(0.975, mean**2 / total, scale=total / mean))
    high = max(high, excess + NORMAL_95 * math.sqrt(variance))
    # The rest of the variance is that of the rows' own costs, and of how they go together with the excesses.
    rest = NORMAL_95 * math.sqrt(max(0.0, float(losses.var()) / len(truth) - variance))
    loss = float(losses.mean())
    return max(0.0, loss - math.hypot(excess - low, rest)), loss + math.hypot(high - excess, rest)
