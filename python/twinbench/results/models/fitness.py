"""How good predictions are against how good they were: metrics with intervals, and what may be said of a difference.

A share has Wilson's interval. So has an area under a curve, with as many rows as would give a share the variance that
DeLong's components give the area. The intervals of independent rows together give that of the difference.

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
from twinbench.numbers.normal import NORMAL_95
from twinbench.numbers.predictions import calibration, calibration_error, predicted, probabilities, wilson
from twinbench.numbers.stats import Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST = 100
"""Rows with labels from which anything but "undecided" is said."""

FEWEST_OF_A_CLASS = 10
"""And of every class, where the metric is an area: its variance is estimated from each of them."""

Verdict = Literal["worse", "same", "better", "undecided"]


@dataclass(frozen=True, slots=True)
class Change:
    """A metric, then and now, each with its 95 % interval."""

    metric: str
    before: Interval
    now: Interval
    difference: Interval
    """Now less before."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How good the predictions of the rows with labels are."""

    rows: int
    metric: str
    """The one that decides: the pipeline's."""
    margin: float
    """How far it may be away and still count as the same."""
    verdict: Verdict
    reason: str
    """Why it is undecided, in words. Empty otherwise."""
    changes: tuple[Change, ...]
    calibration_before: float
    calibration_error: float


def judge(
    before: tuple[NDArray[Any], NDArray[Any]], now: tuple[NDArray[Any], NDArray[Any]], metric: str, margin: float
) -> Quality:
    """Each side: labels (rows,), and finite scores of these rows."""
    import numpy as np

    then_, now_ = _metrics(*before), _metrics(*now)
    both = [name for name in now_ if name in then_]
    changes = {name: Change(name, then_[name], now_[name], _difference(then_[name], now_[name])) for name in both}
    classes = 2 if now[1].ndim == 1 else now[1].shape[1]
    reason = _too_few(np.bincount(now[0].astype(int), minlength=classes).tolist(), metric)
    if not reason and metric not in changes:
        reason = f"{metric} is not known: the run's test rows are not of every class"
    verdict: Verdict = "undecided"
    if not reason:
        verdict, reason = _verdict(changes[metric], margin)
    return Quality(
        rows=len(now[0]),
        metric=metric,
        margin=margin,
        verdict=verdict,
        reason=reason,
        changes=tuple(sorted(changes.values(), key=lambda change: change.metric != metric)),
        calibration_before=calibration_error(calibration(*before)),
        calibration_error=calibration_error(calibration(*now)),
    )


def _too_few(of_class: list[int], metric: str) -> str:
    rows = sum(of_class)
    if rows < FEWEST:
        return f"{rows} rows with labels are too few: {FEWEST} are needed"
    rarest = min(range(len(of_class)), key=of_class.__getitem__)
    if metric == "roc_auc" and of_class[rarest] < FEWEST_OF_A_CLASS:
        return f"{of_class[rarest]} rows of class {rarest} are too few: {FEWEST_OF_A_CLASS} are needed"
    return ""


def _verdict(change: Change, margin: float) -> tuple[Verdict, str]:
    """What is inside the margin is the same, even where it is surely not equal."""
    sign = metrics.sign(change.metric)
    low, high = sorted((sign * change.difference.low, sign * change.difference.high))
    if -margin < low and high < margin:
        return "same", ""
    if high < 0:
        return "worse", ""
    if low > 0:
        return "better", ""
    found = f"between {change.difference.low:+.3f} and {change.difference.high:+.3f}"
    return "undecided", f"{found}, and the margin is {margin:g}" + _never(change, margin)


def _never(change: Change, margin: float) -> str:
    """Where more rows wouldn't help. Empty where they would."""
    left = max(change.before.high - change.before.estimate, change.before.estimate - change.before.low)
    return f": no number of rows decides it, the run's test rows leave {left:.3f} open" if left >= margin else ""


def _metrics(labels: NDArray[Any], scores: NDArray[Any]) -> dict[str, Interval]:
    """Those of the harness that can be told: without a row of some class there is no area."""
    import numpy as np

    truth, p = labels.astype(int), probabilities(scores)
    hits = float((predicted(scores) == truth).mean())
    found = {"accuracy": Interval(hits, *wilson(hits * len(truth), len(truth))), "log_loss": _log_loss(truth, p)}
    if len(np.unique(truth)) == p.shape[1]:
        found["roc_auc"] = _area(truth, p)
    return found


def _log_loss(truth: NDArray[Any], p: NDArray[Any]) -> Interval:
    """A mean of rows, and normal for that."""
    import numpy as np

    losses = -np.log(metrics.clipped(p)[np.arange(len(truth)), truth])
    mean, half = float(losses.mean()), NORMAL_95 * float(losses.std()) / math.sqrt(len(losses))
    return Interval(mean, max(0.0, mean - half), mean + half)


def _area(truth: NDArray[Any], p: NDArray[Any]) -> Interval:
    """Of two classes the area under the curve, of more the mean over each against the rest."""
    import numpy as np

    classes = [1] if p.shape[1] == 2 else list(range(p.shape[1]))
    areas, influence = [], np.zeros(len(truth))
    for one in classes:
        area, moved = _one_area(truth == one, p[:, one])
        areas.append(area)
        influence += moved / len(classes)
    area, variance = float(np.mean(areas)), float((influence**2).sum())
    rarest = float(np.bincount(truth).min())
    worth = min(area * (1 - area) / variance, float(len(truth))) if variance > 0 else rarest
    return Interval(area, *wilson(area * worth, worth))


def _one_area(positive: NDArray[Any], score: NDArray[Any]) -> tuple[float, NDArray[Any]]:
    """The area, and by how much each row moves it: DeLong's components over the rows of their class."""
    import numpy as np
    from scipy.stats import rankdata

    ones, zeros = int(positive.sum()), int((~positive).sum())
    ranks = rankdata(score)
    share = np.empty(len(score))
    share[positive] = (ranks[positive] - rankdata(score[positive])) / zeros
    share[~positive] = 1 - (ranks[~positive] - rankdata(score[~positive])) / ones
    area = float(share[positive].mean())
    return area, (share - area) / np.where(positive, ones, zeros)


def _difference(before: Interval, now: Interval) -> Interval:
    """Of independent estimates."""
    estimate = now.estimate - before.estimate
    low = math.hypot(now.estimate - now.low, before.high - before.estimate)
    high = math.hypot(now.high - now.estimate, before.estimate - before.low)
    return Interval(estimate, estimate - low, estimate + high)
