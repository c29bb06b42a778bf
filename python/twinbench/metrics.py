"""The quality metrics of predictions: their names, which direction is better, and how each is computed.

This table is the only file that knows a metric: pipelines name them, runs compute them, and every view judges by them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from numpy.typing import NDArray

MetricName = Literal["roc_auc", "log_loss", "accuracy"]
"""The metrics that a pipeline may name as its goal."""

CLIP = 1e-7
"""Smallest probability after clipping to [CLIP, 1 - CLIP], so that a wrong certainty has a finite log loss."""

DEFAULT_MARGIN = 0.01
"""Default of the largest difference between two stacks' metrics that still count as the same quality."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A quality metric of a classifier's predictions."""

    name: MetricName
    better: Literal["higher", "lower"]
    compute: Callable[[NDArray[Any], NDArray[Any]], float]
    """Function of labels (n,) and float64 probabilities: (n,) for class 1 of two classes, or (n, classes)."""
    margin: float = DEFAULT_MARGIN

    @property
    def sign(self) -> float:
        """1.0 if higher values are better, else -1.0: ``sign * value`` is better when it is larger."""
        return 1.0 if self.better == "higher" else -1.0


def _accuracy(labels: NDArray[Any], p: NDArray[Any]) -> float:
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(labels, p > 0.5 if p.ndim == 1 else p.argmax(axis=1)))


def _log_loss(labels: NDArray[Any], p: NDArray[Any]) -> float:
    from sklearn.metrics import log_loss

    return float(log_loss(labels, clipped(p), labels=list(range(2 if p.ndim == 1 else p.shape[1]))))


def _roc_auc(labels: NDArray[Any], p: NDArray[Any]) -> float:
    """Rank by the scores as they are: scaling rows to a sum of 1 would part equal scores of a class by roundings."""
    from sklearn.metrics import roc_auc_score

    if p.ndim == 1:
        return float(roc_auc_score(labels, p))
    return fmean(float(roc_auc_score(labels == number, p[:, number])) for number in range(p.shape[1]))


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "higher", _accuracy),
        Metric("log_loss", "lower", _log_loss),
        Metric("roc_auc", "higher", _roc_auc),
    )
}
"""Every metric by its name, in the order in which they are stored and shown."""


def sign(name: str | None) -> float:
    """Return the sign of a metric by its name; 1.0 for None and for a name that this twinbench doesn't have."""
    return METRICS[name].sign if name in METRICS else 1.0


def clipped(p: NDArray[Any]) -> NDArray[Any]:
    """Convert probabilities to float64 and clip them to [CLIP, 1 - CLIP]; rows of several classes sum to 1 again."""
    import numpy as np

    p = np.clip(p.astype(np.float64), CLIP, 1 - CLIP)
    return p if p.ndim == 1 else p / p.sum(axis=1, keepdims=True)


def obstacle(labels: NDArray[Any], scores: NDArray[Any]) -> str:
    """Say why `evaluate` can't compute the metrics of these scores: a class is absent, or a score isn't finite."""
    import numpy as np

    classes = range(2 if scores.ndim == 1 else scores.shape[1])
    absent = next((number for number in classes if not (labels == number).any()), None)
    if absent is not None:
        return f"no test row is of class {absent}"
    wrong = np.argwhere(~np.isfinite(scores))
    return f"the score of test row {wrong[0][0]} is {scores[tuple(wrong[0])]}" if len(wrong) else ""


def evaluate(labels: NDArray[Any], scores: NDArray[Any]) -> dict[str, float]:
    """Compute every metric of ``scores`` against ``labels`` (n,); empty if a class is absent or a score isn't finite.

    Scores are (n,), the probability of class 1 of two, or (n, classes), where ROC AUC is the mean over the classes,
    each against the rest. Source: scikit-learn's ``accuracy_score``, ``log_loss`` and ``roc_auc_score``.
    """
    if obstacle(labels, scores):
        return {}
    p = scores.astype("float64")
    return {name: metric.compute(labels, p) for name, metric in METRICS.items()}
