"""Figures computed from predictions: classes, confidence, calibration, and intervals of shares. Knows arrays only.

Scores are float arrays: (rows,), the probability of class 1 of two, or (rows, classes).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twinbench.numbers.normal import NORMAL_95

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 15
"""Number of bins of the reliability diagram, as in the tables of Guo et al. 2017, https://arxiv.org/abs/1706.04599."""


@dataclass(frozen=True, slots=True)
class Bin:
    """The test rows whose predicted class has a probability above ``low`` and up to ``high``."""

    low: float
    high: float
    rows: int
    confidence: float
    """Mean probability of the predicted class over these rows."""
    accuracy: float
    """Share of these rows whose predicted class is right."""


def probabilities(scores: NDArray[Any]) -> NDArray[Any]:
    """Return the probability of every class: float64, (rows, classes)."""
    import numpy as np

    p = scores.astype(np.float64)
    return np.stack([1 - p, p], axis=1) if p.ndim == 1 else p


def predicted(scores: NDArray[Any]) -> NDArray[Any]:
    """Return the predicted class of each row, int (rows,).

    With two classes it is 1 where the probability of class 1 is above 1/2, with more it is the most probable class.
    """
    classes: NDArray[Any] = (scores > 0.5).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
    return classes


def calibration(labels: NDArray[Any], scores: NDArray[Any]) -> tuple[Bin, ...]:
    """Compute the reliability diagram of ``labels`` (rows,) and ``scores``.

    The bins have equal width, and come in the order of rising confidence; bins without rows are left out.
    """
    import numpy as np

    classes = predicted(scores)
    return tuple(_bins(probabilities(scores)[np.arange(len(classes)), classes], labels.astype(int) == classes))


def _bins(confidence: NDArray[Any], right: NDArray[Any]) -> Iterator[Bin]:
    """Yield the bins of equal width over [0, 1] that have rows; a bin contains its upper edge."""
    import numpy as np

    edges = np.linspace(0, 1, BINS + 1)
    bin_of_row = np.searchsorted(edges[1:-1], confidence)
    for number in np.unique(bin_of_row).tolist():
        inside = bin_of_row == number
        rows = int(inside.sum())
        low, high = float(edges[number]), float(edges[number + 1])
        yield Bin(low, high, rows, float(confidence[inside].mean()), float(right[inside].mean()))


def calibration_error(bins: Sequence[Bin]) -> float:
    """Compute the expected calibration error: the mean distance of accuracy and confidence over the rows.

    Source: Guo et al. 2017.
    """
    return sum(b.rows * abs(b.accuracy - b.confidence) for b in bins) / sum(b.rows for b in bins)


def wilson(hits: float, rows: float) -> tuple[float, float]:
    """Compute the 95 % interval of the share ``hits / rows``.

    Source: Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953.
    """
    centre = (hits + NORMAL_95 * NORMAL_95 / 2) / (rows + NORMAL_95 * NORMAL_95)
    half = (
        NORMAL_95
        / (rows + NORMAL_95 * NORMAL_95)
        * math.sqrt(max(0.0, hits * (rows - hits) / rows) + NORMAL_95 * NORMAL_95 / 4)
    )
    return max(0.0, centre - half), min(1.0, centre + half)
