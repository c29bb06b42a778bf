"""The influence of each test row on a quality metric, which gives the metric's standard error. Knows arrays only.

Two stacks are judged on the same rows, so their influences also say how much of the luck of the rows both share: the
correlation of their errors. With the influences ``a`` and ``b`` of two stacks, the covariance of the two metrics is
``sum(a * b)``.

- DeLong, DeLong & Clarke-Pearson (1988), Comparing the areas under two or more correlated receiver operating
  characteristic curves, Biometrics 44:837-845.
- Hanley & McNeil (1982), The meaning and use of the area under a receiver operating characteristic (ROC) curve,
  Radiology 143:29-36.
- Agresti & Coull (1998), Approximate is better than "exact" for interval estimation of binomial proportions, Am. Stat.
  52:119-126: two more rows of either kind.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

MORE_ROWS = 4
"""Rows that are added to a share, half of them right: without them a share of 1 would have no error."""


def of_mean(values: NDArray[Any]) -> NDArray[Any]:
    """Return the influence of each row on a mean over rows, such as the log loss: float64, (rows,)."""
    values = values.astype("float64")
    influence: NDArray[Any] = (values - values.mean()) / len(values)
    return influence


def of_area(truth: NDArray[Any], p: NDArray[Any]) -> NDArray[Any]:
    """Return the influence of each row on the area under the curve: float64, (rows,).

    ``truth`` holds the classes 0, 1, ... (rows,), and ``p`` the probability of each (rows, classes). With more than two
    classes the area is the mean over each class against the rest.
    """
    import numpy as np

    classes = [1] if p.shape[1] == 2 else list(range(p.shape[1]))
    influence = np.zeros(len(truth))
    for number in classes:
        influence += area_of_class(truth == number, p[:, number])[1] / len(classes)
    return influence


def area_of_class(positive: NDArray[Any], score: NDArray[Any]) -> tuple[float, NDArray[Any]]:
    """Return the area and the influence of each row on it: DeLong's components, divided by the rows of their class."""
    import numpy as np
    from scipy.stats import rankdata

    ones, zeros = int(positive.sum()), int((~positive).sum())
    ranks = rankdata(score)
    share = np.empty(len(score))
    share[positive] = (ranks[positive] - rankdata(score[positive])) / zeros
    share[~positive] = 1 - (ranks[~positive] - rankdata(score[~positive])) / ones
    area = float(share[positive].mean())
    return area, (share - area) / np.where(positive, ones, zeros)


def share_error(hits: float, rows: int) -> float:
    """Compute the standard error of the share ``hits / rows``, which is above 0 for a share of 0 or 1, too."""
    share = (hits + MORE_ROWS / 2) / (rows + MORE_ROWS)
    return math.sqrt(share * (1 - share) / (rows + MORE_ROWS))


def area_error(area: float, positive: int, negative: int) -> float:
    """Compute the standard error of an area under the curve from the numbers of rows only (Hanley & McNeil 1982)."""
    area = (area * positive * negative + 1) / (positive * negative + 2)  # of a perfect area it would be 0
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    spread = (positive - 1) * (q1 - area**2) + (negative - 1) * (q2 - area**2)
    return math.sqrt((area * (1 - area) + spread) / (positive * negative))
