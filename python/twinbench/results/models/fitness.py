"""The quality of predictions against that of the test rows: metrics with intervals, and a verdict on their difference.

A share has Wilson's interval. So has an area under a curve, with the number of rows for which a share would have the
variance that DeLong's components give the area. The intervals of the two independent samples give that of the
difference.

- Newcombe (1998), Interval estimation for the difference between independent proportions, Stat. Med. 17:873-890,
  method 10; Zou & Donner (2008), Stat. Med. 27:1693-1702, of other estimates.
- DeLong, DeLong & Clarke-Pearson (1988), Comparing the areas under two or more correlated receiver operating
  characteristic curves, Biometrics 44:837-845.
- Korn & Graubard (1998), Confidence intervals for proportions with small expected number of positive counts,
  Survey Methodology 24:193-201: the rows that a share is worth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from twinbench import metrics
from twinbench.numbers.calibration import calibration_interval, log_loss_interval
from twinbench.numbers.influence import area_of_class
from twinbench.numbers.predictions import calibration, calibration_error, predicted, probabilities, wilson
from twinbench.numbers.stats import Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_LABELLED_ROWS = 100
"""Smallest number of rows with labels that allows another verdict than "undecided"."""

MIN_ROWS_PER_CLASS = 10
"""Smallest number of labelled rows of every class, if the metric is an area: each class gives a part of its
variance."""

QualityVerdict = Literal["worse", "same", "better", "undecided"]


@dataclass(frozen=True, slots=True)
class MetricChange:
    """A metric of the test rows and of the new rows, each with its 95 % interval."""

    metric: str
    before: Interval
    now: Interval
    difference: Interval
    """``now`` minus ``before``."""


@dataclass(frozen=True, slots=True)
class QualityJudgement:
    """The quality of the predictions for rows with labels, and how it changed since the run."""

    rows: int
    """Number of rows with labels."""
    metric: str
    """The pipeline's metric, which decides the verdict."""
    margin: float
    """Largest change of the metric that still counts as the same."""
    verdict: QualityVerdict
    reason: str
    """Why the verdict is "undecided", in words. Empty otherwise."""
    changes: tuple[MetricChange, ...]
    """All metrics, the pipeline's first."""
    calibration_before: float
    """Expected calibration error of the test rows."""
    calibration_error: float
    """Expected calibration error of the new rows."""
    calibration_before_interval: tuple[float, float]
    """95 % interval of ``calibration_before``."""
    calibration_interval: tuple[float, float]
    """95 % interval of ``calibration_error``."""


def judge(
    before: tuple[NDArray[Any], NDArray[Any]], now: tuple[NDArray[Any], NDArray[Any]], metric: str, margin: float
) -> QualityJudgement:
    """Judge the quality of new rows against that of the test rows; each side holds labels (rows,) and finite scores."""
    import numpy as np

    then_, now_ = _metrics(*before), _metrics(*now)
    both = [name for name in now_ if name in then_]
    changes = {name: MetricChange(name, then_[name], now_[name], _difference(then_[name], now_[name])) for name in both}
    classes = 2 if now[1].ndim == 1 else now[1].shape[1]
    reason = _too_few(np.bincount(now[0].astype(int), minlength=classes).tolist(), metric)
    if not reason and metric not in changes:
        reason = f"{metric} can't be computed: a class is missing from the run's test rows"
    verdict: QualityVerdict = "undecided"
    if not reason:
        verdict, reason = _verdict(changes[metric], margin)
    bins = calibration(*before), calibration(*now)
    return QualityJudgement(
        rows=len(now[0]),
        metric=metric,
        margin=margin,
        verdict=verdict,
        reason=reason,
        changes=tuple(sorted(changes.values(), key=lambda change: change.metric != metric)),
        calibration_before=calibration_error(bins[0]),
        calibration_error=calibration_error(bins[1]),
        calibration_before_interval=calibration_interval(bins[0]),
        calibration_interval=calibration_interval(bins[1]),
    )


def _too_few(of_class: list[int], metric: str) -> str:
    rows = sum(of_class)
    if rows < MIN_LABELLED_ROWS:
        return f"{rows} rows with labels are too few: {MIN_LABELLED_ROWS} are needed"
    rarest = min(range(len(of_class)), key=of_class.__getitem__)
    if metric == "roc_auc" and of_class[rarest] < MIN_ROWS_PER_CLASS:
        return f"{of_class[rarest]} rows of class {rarest} are too few: {MIN_ROWS_PER_CLASS} are needed"
    return ""


def _verdict(change: MetricChange, margin: float) -> tuple[QualityVerdict, str]:
    """Return the verdict: "same" for a change smaller than the margin, even if it is statistically significant."""
    sign = metrics.sign(change.metric)
    low, high = sorted((sign * change.difference.low, sign * change.difference.high))
    if -margin < low and high < margin:
        return "same", ""
    if high < 0:
        return "worse", ""
    if low > 0:
        return "better", ""
    span = f"the change is between {change.difference.low:+.3f} and {change.difference.high:+.3f}"
    return "undecided", f"{span}, the margin is {margin:g}" + _hopeless(change, margin)


def _hopeless(change: MetricChange, margin: float) -> str:
    """Say why more rows wouldn't decide the verdict; empty if they would."""
    left = max(change.before.high - change.before.estimate, change.before.estimate - change.before.low)
    if left < margin:
        return ""
    return f"; more rows can't decide it, because the run's test rows give the metric to only ±{left:.3f}"


def _metrics(labels: NDArray[Any], scores: NDArray[Any]) -> dict[str, Interval]:
    """Compute the metrics with their intervals; without the area, if a class has no rows."""
    import numpy as np

    truth, p = labels.astype(int), probabilities(scores)
    hits = float((predicted(scores) == truth).mean())
    intervals = {"accuracy": Interval(hits, *wilson(hits * len(truth), len(truth))), "log_loss": _log_loss(truth, p)}
    if len(np.unique(truth)) == p.shape[1]:
        intervals["roc_auc"] = _area(truth, p)
    return intervals


def _log_loss(truth: NDArray[Any], p: NDArray[Any]) -> Interval:
    """Compute the log loss, with an interval that knows that rare errors may have been missed."""
    import numpy as np

    clipped = metrics.clipped(p)
    losses = -np.log(clipped[np.arange(len(truth)), truth])
    return Interval(float(losses.mean()), *log_loss_interval(truth, clipped))


def _area(truth: NDArray[Any], p: NDArray[Any]) -> Interval:
    """Compute the area under the curve; with more than two classes the mean over each class against the rest."""
    import numpy as np

    classes = [1] if p.shape[1] == 2 else list(range(p.shape[1]))
    areas, influence = [], np.zeros(len(truth))
    for number in classes:
        area, moved = area_of_class(truth == number, p[:, number])
        areas.append(area)
        influence += moved / len(classes)
    area, variance = float(np.mean(areas)), float((influence**2).sum())
    rarest = float(np.bincount(truth).min())
    worth = min(area * (1 - area) / variance, float(len(truth))) if variance > 0 else rarest
    return Interval(area, *wilson(area * worth, worth))


def _difference(before: Interval, now: Interval) -> Interval:
    """Compute the interval of the difference of two independent estimates (Newcombe 1998, Zou & Donner 2008)."""
    estimate = now.estimate - before.estimate
    low = math.hypot(now.estimate - now.low, before.high - before.estimate)
    high = math.hypot(now.high - now.estimate, before.estimate - before.low)
    return Interval(estimate, estimate - low, estimate + high)
