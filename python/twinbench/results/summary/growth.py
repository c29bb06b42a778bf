"""The growth of time with the amount of data: the slope of log time over log amount, by least squares.

Whether one slope fits all sizes is tested against the errors of the times themselves.

- Draper & Smith (1998), Applied Regression Analysis, chapters 1 (least squares) and 2 (lack of fit).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from statistics import fmean, linear_regression

from twinbench.numbers import fisher
from twinbench.numbers.spreads import Spreads
from twinbench.numbers.stats import LEVEL, PRIOR_DF, Interval, benjamini_hochberg
from twinbench.numbers.student import quantile
from twinbench.results.summary.records import CellSummary, Growth, PipelineSummary


@dataclass(frozen=True, slots=True)
class Fit:
    """A power law that was fitted to times over amounts."""

    exponent: float
    half: float | None
    """Half the width of the exponent's confidence interval. None with two amounts, through which a line always goes."""
    misfit: float | None
    """p value of the test for lack of fit. None with two amounts."""


def growths(pipelines: Sequence[PipelineSummary], spreads: Spreads) -> tuple[Growth, ...]:
    """Fit an exponent for every stack (and step, if steps are independent) that was measured at two sizes or more."""
    by_name = groupby(sorted(pipelines, key=lambda p: p.pipeline), key=lambda p: p.pipeline)
    found = [pair for name, sizes in by_name for pair in _growths(name, list(sizes), spreads)]
    tested = [misfit for _, misfit in found if misfit is not None]
    adjusted = iter(benjamini_hochberg(tested))
    return tuple(growth if misfit is None else _judged(growth, next(adjusted)) for growth, misfit in found)


def _judged(growth: Growth, misfit: float) -> Growth:
    """Say whether one exponent fits; where it doesn't, its interval means nothing and is left out."""
    fits = misfit > 1 - LEVEL
    return replace(growth, fits=True) if fits else replace(growth, fits=False, low=None, high=None)


def points(sizes: Sequence[PipelineSummary]) -> dict[tuple[str, str], dict[str, tuple[float, Interval]]]:
    """Return the measured times of a pipeline's sizes with their amounts of data, by stack and step, then by size.

    Inputs of own functions that are labelled by their sizes count as sizes, and have no step.
    """
    series: dict[tuple[str, str], dict[str, tuple[float, Interval]]] = {}
    for pipeline in sizes:
        amount = float(pipeline.dataset.get("amount") or 0)
        labelled: Mapping[str, float] = pipeline.dataset.get("amounts") or {}
        for cell in pipeline.cells:
            for step, time in _times(cell, pipeline.independent):
                if step in labelled:
                    series.setdefault((cell.stack, ""), {})[step] = (labelled[step], time)
                elif amount > 0:
                    series.setdefault((cell.stack, step), {})[pipeline.size] = (amount, time)
    return series


def _growths(name: str, sizes: Sequence[PipelineSummary], spreads: Spreads) -> Iterator[tuple[Growth, float | None]]:
    for (stack, step), times in points(sizes).items():
        by_amount = dict(times.values())
        if len(by_amount) > 1:
            line = fit(by_amount, spreads)
            low, high = (None, None) if line.half is None else (line.exponent - line.half, line.exponent + line.half)
            slopes = list(_slopes(by_amount))
            growth = Growth(name, stack, step, line.exponent, low, high, tuple(times), None, slopes[0], slopes[-1])
            yield growth, line.misfit


def _times(cell: CellSummary, independent: bool) -> Iterator[tuple[str, Interval]]:
    if independent:
        yield from ((step.step, step.steady) for step in cell.steps if step.steady is not None)
    elif cell.total is not None:
        yield "", cell.total


def _slopes(times: Mapping[float, Interval]) -> Iterator[float]:
    """Yield the exponents between neighbouring amounts, from the smallest on."""
    amounts = sorted(times)
    for less, more in pairwise(amounts):
        yield math.log(times[more].estimate / times[less].estimate) / math.log(more / less)


def fit(times: Mapping[float, Interval], spreads: Spreads, level: float = LEVEL) -> Fit:
    """Fit the exponent of time over amount, and test whether one exponent fits.

    ``times`` holds times in seconds by amount, both positive, with at least two amounts. The times of several amounts
    weren't measured side by side: besides their own errors they have the spread between runs, as
    `two_runs.unpaired` has it.
    """
    x, y = [math.log(amount) for amount in times], [math.log(time.estimate) for time in times.values()]
    slope, intercept = linear_regression(x, y)
    df = len(x) - 2
    if df == 0:
        return Fit(slope, None, None)
    mean = fmean(x)
    residual = sum((b - intercept - slope * a) ** 2 for a, b in zip(x, y, strict=True)) / df
    half = quantile(level, df) * math.sqrt(residual / sum((a - mean) ** 2 for a in x))
    own = fmean(time.error**2 for time in times.values())
    pure = own + spreads.run_sd**2
    weight = sum((time.error**2 / len(times)) ** 2 / time.df for time in times.values()) + spreads.run_sd**4 / PRIOR_DF
    if not weight:
        return Fit(slope, half, 0.0 if residual > 1e-18 else 1.0)
    return Fit(slope, half, fisher.upper_tail(residual / pure, df, pure**2 / weight))
