"""Whether values still have the distribution that they had: tests, distances, and what may be called drifted.

Knows arrays only: what was known before is a sample (rows, features), what is asked about has the same columns.

- Massey (1951), The Kolmogorov-Smirnov test for goodness of fit, JASA 46:68-78.
- Fisher (1934), Statistical methods for research workers, section 21.02.
- Siddiqi (2006), Credit risk scorecards, chapter 9: the population stability index and its limits 0.1 and 0.25. It is
  the symmetric divergence of Jeffreys (1946), Proc. R. Soc. A 186:453-461.
- Yurdakul & Naranjo (2020), Statistical properties of the population stability index, J. Risk Model Validation 14(4):
  of data of the same distribution it is chi-square with ``bins - 1`` degrees of freedom, times ``1 / n + 1 / m``.
- Krichevsky & Trofimov (1981), The performance of universal encoding, IEEE Trans. Inf. Theory 27:199-207: half a row
  more in each bin.
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

FEWEST = 100
"""Rows from which something may be called drifted. Of fewer, the index of data of the same distribution is about
`NOTABLE` and more on average, so that half of the rule would be none."""

NOTABLE = 0.1
"""The index below which a shift is too small to matter, however sure it is."""

FEW = 20
"""A feature with at most so many different values, before and now together, is compared value by value, too."""

TENTHS = tuple(tenth / 10 for tenth in range(1, 10))

SMOOTHING = 0.5
"""Rows that every bin has beside its own: a bin that is empty on one side is no reason for a logarithm to fail."""

ROUNDING = 1e-6
"""Of the largest number that was known: a value so near to a known one is that one, computed by another library."""

POWER = 0.8
"""How often the smallest shift that is told would be found."""


@dataclass(frozen=True, slots=True)
class Shift:
    """One feature, then and now."""

    name: str
    test: Literal["KS", "Fisher", "both"]
    """Of two values Fisher's, of a few both, of many that of Kolmogorov and Smirnov."""
    distance: float
    """Of Kolmogorov and Smirnov: the largest difference of the shares of values up to any one, missing ones last."""
    psi: float
    """The population stability index: over the tenths of what was known, or over the values where they are few."""
    p_value: float
    adjusted: float
    """The p value, corrected for the number of features (Benjamini & Hochberg 1995)."""
    missing_before: float
    missing: float
    """Share of values that are NaN."""
    outside: float
    """Share of values beyond the smallest and the largest one known."""
    drifted: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What values were like: a sample of them, and the smallest and largest of all."""

    names: tuple[str, ...]
    sample: NDArray[Any]
    """(rows, features)."""
    low: NDArray[Any]
    high: NDArray[Any]


def shifts(known: Known, now: NDArray[Any]) -> Iterator[Shift]:
    """Every feature by itself: nothing is corrected for their number yet, and nothing called drifted."""
    for place, name in enumerate(known.names):
        yield _shift(name, known.sample[:, place], now[:, place], float(known.low[place]), float(known.high[place]))


def judged(found: Sequence[Shift], rows: int) -> list[Shift]:
    """Corrected for being so many, and called drifted where that is beyond doubt and large enough to matter.

    Of many rows any difference is beyond doubt, of few ones any index is large: neither is enough.
    """
    adjusted = benjamini_hochberg([shift.p_value for shift in found])
    return [
        replace(shift, adjusted=p, drifted=rows >= FEWEST and p < 1 - LEVEL and shift.psi >= NOTABLE)
        for shift, p in zip(found, adjusted, strict=True)
    ]


def smallest(rows: int, known: int, features: int) -> float:
    """The shift of one normal feature, in standard deviations, that would be called drifted in `POWER` of all cases.

    The first discovery of many must have a p value of 0.05 over their number; the index of two normal distributions of
    the same width is the square of their distance.
    """
    from scipy.stats import kstwo

    normal = NormalDist()
    noise = math.sqrt(1 / rows + 1 / known)
    luck = normal.inv_cdf(POWER) * noise
    critical = float(kstwo.isf((1 - LEVEL) / features, _effective(rows, known)))
    by_distance = 2 * normal.inv_cdf(min(0.5 + (critical + luck / 2) / 2, 1 - 1e-12))
    return max(by_distance, math.sqrt(NOTABLE) + luck)


def _shift(name: str, before: NDArray[Any], now: NDArray[Any], low: float, high: float) -> Shift:
    import numpy as np

    now = _as_known(now, before)
    values, place = np.unique(np.concatenate([before, now]), return_inverse=True)
    counts = np.stack([np.bincount(part, minlength=len(values)) for part in np.split(place, [len(before)])])
    distance = _distance(counts)
    test: Literal["KS", "Fisher", "both"] = "Fisher" if len(values) <= 2 else "both" if len(values) <= FEW else "KS"
    p_values = [] if test == "Fisher" else [_by_distance(distance, *counts.sum(axis=1).tolist())]
    p_values += [] if test == "KS" else [_by_value(counts)]
    return Shift(
        name=name,
        test=test,
        distance=distance,
        psi=psi(_tenths(values, counts, before) if test == "KS" else counts),
        p_value=min(1.0, len(p_values) * min(p_values)),
        adjusted=1.0,
        missing_before=float(np.isnan(before).mean()),
        missing=float(np.isnan(now).mean()),
        outside=float(((now < low) | (now > high)).mean()),
        drifted=False,
    )


def _as_known(now: NDArray[Any], before: NDArray[Any]) -> NDArray[Any]:
    """With the known value in place of one that only rounding tells from it."""
    import numpy as np

    known = np.unique(before[np.isfinite(before)])
    if not len(known):
        return now
    above = np.clip(np.searchsorted(known, now), 0, len(known) - 1)
    below = np.maximum(above - 1, 0)
    with np.errstate(invalid="ignore"):  # infinite values are nobody's neighbours
        nearer = np.where(np.abs(now - known[below]) < np.abs(now - known[above]), known[below], known[above])
        return np.where(np.abs(now - nearer) <= ROUNDING * np.abs(known[[0, -1]]).max(), nearer, now)


def _distance(counts: NDArray[Any]) -> float:
    """``counts``: rows by value in ascending order, before and now."""
    import numpy as np

    shares = np.cumsum(counts, axis=1) / counts.sum(axis=1, keepdims=True)
    return float(np.abs(shares[0] - shares[1]).max())


def _by_distance(distance: float, before: int, now: int) -> float:
    """As SciPy's ``ks_2samp`` has it for large samples; where values repeat, it is rather too large."""
    from scipy.stats import kstwo

    return float(kstwo.sf(distance, _effective(before, now)))


def _effective(before: int, now: int) -> int:
    """Rows of one sample that are worth as much as two."""
    return max(1, round(before * now / (before + now)))


def _by_value(counts: NDArray[Any]) -> float:
    """Fisher's exact test of every value against the rest, the least p value times their number (Bonferroni)."""
    from scipy.stats import fisher_exact

    values = counts.shape[1]
    if values == 1:
        return 1.0
    rest = counts.sum(axis=1, keepdims=True) - counts
    tested = 1 if values == 2 else values  # of two values both tests are the same
    found = [float(fisher_exact([counts[:, place], rest[:, place]]).pvalue) for place in range(tested)]
    return min(1.0, tested * min(found))


def _tenths(values: NDArray[Any], counts: NDArray[Any], before: NDArray[Any]) -> NDArray[Any]:
    """Rows by bin: the tenths of what was known, a bin of its own for a value that fills more than one, one for NaN."""
    import numpy as np

    there = before[~np.isnan(before)]
    edges, repeated = np.unique(
        np.quantile(there, TENTHS, method="inverted_cdf") if len(there) else there, return_counts=True
    )
    edges = np.union1d(edges, np.nextafter(edges[repeated > 1], edges.dtype.type(-np.inf)))
    place = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values))
    return np.stack([np.bincount(place, weights=side, minlength=len(edges) + 2) for side in counts])


def psi(counts: NDArray[Any]) -> float:
    """The population stability index of rows by bin, (2, bins): with `SMOOTHING`, over the bins that have any."""
    import numpy as np

    rows = counts[:, counts.sum(axis=0) > 0] + SMOOTHING
    before, now = rows / rows.sum(axis=1, keepdims=True)
    return float(((now - before) * np.log(now / before)).sum())
