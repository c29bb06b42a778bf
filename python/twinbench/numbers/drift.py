"""Tests and distances that show whether values still have their former distribution, and the rule for "drifted".

Knows arrays only: the reference is a sample (rows, features), and the values that are tested have the same columns.

- Massey (1951), The Kolmogorov-Smirnov test for goodness of fit, JASA 46:68-78.
- Fisher (1934), Statistical methods for research workers, section 21.02.
- Siddiqi (2006), Credit risk scorecards, chapter 9: the population stability index and its limits 0.1 and 0.25. It is
  the symmetric divergence of Jeffreys (1946), Proc. R. Soc. A 186:453-461.
- Yurdakul & Naranjo (2020), Statistical properties of the population stability index, J. Risk Model Validation 14(4):
  for two samples of the same distribution it is chi-square with ``bins - 1`` degrees of freedom, times
  ``1 / n + 1 / m``.
- Krichevsky & Trofimov (1981), The performance of universal encoding, IEEE Trans. Inf. Theory 27:199-207: a
  pseudo-count of half a row in each bin.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal

from twinbench.numbers.stats import LEVEL, benjamini_hochberg

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_ROWS = 100
"""Smallest number of rows with which a feature may be called drifted. With fewer rows, the stability index of two
samples of the same distribution is `NOTABLE` or more on average, so that the index couldn't reject anything."""

NOTABLE = 0.1
"""Population stability index below which a shift is too small to matter, however certain it is."""

FEW_VALUES = 20
"""Largest number of different values, in both samples together, with which a feature is also tested value by value."""

DECILES = tuple(tenth / 10 for tenth in range(1, 10))

SMOOTHING = 0.5
"""Pseudo-count added to every bin, so that an empty bin doesn't give log(0)."""

SAME_VALUE = 1e-6
"""Fraction of a feature's largest absolute value: values closer than this are treated as equal, because libraries
round differently."""

POWER = 0.8
"""Share of cases in which a shift as large as `smallest_shift` is called drifted."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How the distribution of one feature differs from its reference."""

    name: str
    test: Literal["KS", "Fisher", "both"]
    """The test: Fisher's for features with up to two values, both for a few values, Kolmogorov-Smirnov's for many."""
    distance: float
    """The Kolmogorov-Smirnov distance: the largest difference of the two cumulative shares, with NaN sorted last."""
    psi: float
    """The population stability index: over the deciles of the reference, or over the values where they are few."""
    p_value: float
    """The p value of the test, not corrected for the number of features."""
    adjusted: float
    """The p value, corrected for the number of features (Benjamini & Hochberg 1995)."""
    missing_before: float
    """Share of the reference's values that are NaN."""
    missing: float
    """Share of the tested values that are NaN."""
    outside: float
    """Share of the tested values that are below the reference's minimum or above its maximum."""
    drifted: bool
    """Whether the shift is both certain and large enough to matter."""


@dataclass(frozen=True, slots=True)
class ReferenceSample:
    """The values that features had before: a sample of rows, and the range of all rows."""

    names: tuple[str, ...]
    """Name of each feature."""
    sample: NDArray[Any]
    """Sampled rows: float, (rows, features)."""
    low: NDArray[Any]
    """Minimum of each feature over all rows: float, (features,)."""
    high: NDArray[Any]
    """Maximum of each feature over all rows: float, (features,)."""


def shifts(reference: ReferenceSample, now: NDArray[Any]) -> Iterator[Shift]:
    """Test every feature of ``now`` (rows, features) on its own.

    The p values aren't corrected for the number of features, and no feature is called drifted: see `with_verdicts`.
    """
    for column, name in enumerate(reference.names):
        low, high = float(reference.low[column]), float(reference.high[column])
        yield _shift(name, reference.sample[:, column], now[:, column], low, high)


def with_verdicts(shifts: Sequence[Shift], rows: int) -> list[Shift]:
    """Correct the p values for the number of shifts, and set ``drifted`` where a shift is certain and large.

    Both are needed: with many rows any difference is certain, and with few rows any index is large.
    """
    adjusted = benjamini_hochberg([shift.p_value for shift in shifts])
    return [
        replace(shift, adjusted=p, drifted=rows >= MIN_ROWS and p < 1 - LEVEL and shift.psi >= NOTABLE)
        for shift, p in zip(shifts, adjusted, strict=True)
    ]


def smallest_shift(rows: int, reference_rows: int, features: int) -> float:
    """Compute the shift of a normal feature, in standard deviations, that is called drifted in `POWER` of all cases.

    The first of several discoveries needs a p value of 0.05 divided by their number; the stability index of two normal
    distributions of the same width is the square of the distance of their means.
    """
    from scipy.stats import kstwo

    normal = NormalDist()
    noise = math.sqrt(1 / rows + 1 / reference_rows)
    margin = normal.inv_cdf(POWER) * noise
    critical = float(kstwo.isf((1 - LEVEL) / features, _effective(rows, reference_rows)))
    by_distance = 2 * normal.inv_cdf(min(0.5 + (critical + margin / 2) / 2, 1 - 1e-12))
    return max(by_distance, math.sqrt(NOTABLE) + margin)


def _shift(name: str, before: NDArray[Any], now: NDArray[Any], low: float, high: float) -> Shift:
    import numpy as np

    now = _snapped(now, before)
    values, value_of_row = np.unique(np.concatenate([before, now]), return_inverse=True)
    counts = np.stack([np.bincount(part, minlength=len(values)) for part in np.split(value_of_row, [len(before)])])
    distance = _distance(counts)
    test: Literal["KS", "Fisher", "both"] = (
        "Fisher" if len(values) <= 2 else "both" if len(values) <= FEW_VALUES else "KS"
    )
    p_values = [] if test == "Fisher" else [_by_distance(distance, *counts.sum(axis=1).tolist())]
    p_values += [] if test == "KS" else [_by_value(counts)]
    return Shift(
        name=name,
        test=test,
        distance=distance,
        psi=psi(_by_decile(values, counts, before) if test == "KS" else counts),
        p_value=min(1.0, len(p_values) * min(p_values)),
        adjusted=1.0,
        missing_before=float(np.isnan(before).mean()),
        missing=float(np.isnan(now).mean()),
        outside=float(((now < low) | (now > high)).mean()),
        drifted=False,
    )


def _snapped(now: NDArray[Any], before: NDArray[Any]) -> NDArray[Any]:
    """Replace each value of ``now`` by the nearest reference value, if they differ by rounding only."""
    import numpy as np

    references = np.unique(before[np.isfinite(before)])
    if not len(references):
        return now
    above = np.clip(np.searchsorted(references, now), 0, len(references) - 1)
    below = np.maximum(above - 1, 0)
    with np.errstate(invalid="ignore"):  # infinite values have no nearest reference value
        is_below = np.abs(now - references[below]) < np.abs(now - references[above])
        nearest = np.where(is_below, references[below], references[above])
        return np.where(np.abs(now - nearest) <= SAME_VALUE * np.abs(references[[0, -1]]).max(), nearest, now)


def _distance(counts: NDArray[Any]) -> float:
    """Compute the Kolmogorov-Smirnov distance from the rows by value in ascending order, (2, values)."""
    import numpy as np

    shares = np.cumsum(counts, axis=1) / counts.sum(axis=1, keepdims=True)
    return float(np.abs(shares[0] - shares[1]).max())


def _by_distance(distance: float, before: int, now: int) -> float:
    """Compute the p value of the Kolmogorov-Smirnov test, as SciPy's ``ks_2samp`` does for large samples.

    Where values repeat, the p value is too large: the test is conservative.
    """
    from scipy.stats import kstwo

    return float(kstwo.sf(distance, _effective(before, now)))


def _effective(before: int, now: int) -> int:
    """Return the size of one sample that carries as much information as the two samples together."""
    return max(1, round(before * now / (before + now)))


def _by_value(counts: NDArray[Any]) -> float:
    """Test every value against all others with Fisher's exact test, and return the Bonferroni-corrected smallest p."""
    from scipy.stats import fisher_exact

    values = counts.shape[1]
    if values == 1:
        return 1.0
    rest = counts.sum(axis=1, keepdims=True) - counts
    tested = 1 if values == 2 else values  # with two values both tests are the same
    p_values = [float(fisher_exact([counts[:, value], rest[:, value]]).pvalue) for value in range(tested)]
    return min(1.0, tested * min(p_values))


def _by_decile(values: NDArray[Any], counts: NDArray[Any], before: NDArray[Any]) -> NDArray[Any]:
    """Count the rows in the bins between the reference's deciles: (2, bins).

    A value that fills more than one bin has a bin of its own, and so has NaN.
    """
    import numpy as np

    present = before[~np.isnan(before)]
    edges, repeated = np.unique(
        np.quantile(present, DECILES, method="inverted_cdf") if len(present) else present, return_counts=True
    )
    edges = np.union1d(edges, np.nextafter(edges[repeated > 1], edges.dtype.type(-np.inf)))
    bin_of_value = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values))
    return np.stack([np.bincount(bin_of_value, weights=side, minlength=len(edges) + 2) for side in counts])


def psi(counts: NDArray[Any]) -> float:
    """Compute the population stability index of rows by bin, (2, bins), over the bins that aren't empty on both sides.

    `SMOOTHING` is added to the count of each of these bins.
    """
    import numpy as np

    rows = counts[:, counts.sum(axis=0) > 0] + SMOOTHING
    before, now = rows / rows.sum(axis=1, keepdims=True)
    return float(((now - before) * np.log(now / before)).sum())
