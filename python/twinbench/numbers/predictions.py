"""What predictions say of rows: classes, confidence, and intervals of shares. Knows numbers only.

Scores are (rows,), the probability of class 1 of two, or (rows, classes).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 15
"""Of the reliability diagram: the number in the tables of Guo et al. 2017, https://arxiv.org/abs/1706.04599."""

Z = 1.959964
"""Of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Bin:
    """The test rows whose predicted class has a probability above ``low`` and at most ``high``."""

    low: float
    high: float
    rows: int
    confidence: float
    """Mean of these probabilities."""
    accuracy: float
    """Share of rows whose class is predicted rightly."""


def probabilities(scores: NDArray[Any]) -> NDArray[Any]:
    """(rows, classes) in float64."""
    import numpy as np

    p = scores.astype(np.float64)
    return np.stack([1 - p, p], axis=1) if p.ndim == 1 else p


def predicted(scores: NDArray[Any]) -> NDArray[Any]:
    """The class of each row: of two, 1 where its probability is above 1/2; of more, the most probable one."""
    found: NDArray[Any] = (scores > 0.5).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
    return found


def calibration(labels: NDArray[Any], scores: NDArray[Any]) -> tuple[Bin, ...]:
    """The reliability diagram, from the least confident rows to the most: bins of equal width that have rows."""
    import numpy as np

    said = predicted(scores)
    return tuple(_bins(probabilities(scores)[np.arange(len(said)), said], labels.astype(int) == said))


def _bins(confidence: NDArray[Any], right: NDArray[Any]) -> Iterator[Bin]:
    """Of equal width over [0, 1]; the upper edge belongs to a bin."""
    import numpy as np

    edges = np.linspace(0, 1, BINS + 1)
    place = np.searchsorted(edges[1:-1], confidence)
    for number in np.unique(place).tolist():
        inside = place == number
        rows = int(inside.sum())
        low, high = float(edges[number]), float(edges[number + 1])
        yield Bin(low, high, rows, float(confidence[inside].mean()), float(right[inside].mean()))


def calibration_error(bins: Sequence[Bin]) -> float:
    """The expected one: the mean distance of accuracy and confidence over the rows (Guo et al. 2017)."""
    return sum(b.rows * abs(b.accuracy - b.confidence) for b in bins) / sum(b.rows for b in bins)


def wilson(hits: float, rows: float) -> tuple[float, float]:
    """A 95 % interval of a share (Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953)."""
    centre = (hits + Z * Z / 2) / (rows + Z * Z)
    half = Z / (rows + Z * Z) * math.sqrt(max(0.0, hits * (rows - hits) / rows) + Z * Z / 4)
    return max(0.0, centre - half), min(1.0, centre + half)
