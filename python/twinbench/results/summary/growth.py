"""The growth of time with the amount of data: the slope of log time over log amount, by least squares.

Source: ordinary least squares, Draper & Smith (1998), Applied Regression Analysis, chapter 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from statistics import linear_regression

from twinbench.numbers.stats import LEVEL
from twinbench.numbers.student import quantile
from twinbench.results.summary.records import CellSummary, Growth, PipelineSummary


def growths(pipelines: Sequence[PipelineSummary]) -> tuple[Growth, ...]:
    """Fit an exponent for every stack (and step, if steps are independent) that was measured at two sizes or more."""
    by_name = groupby(sorted(pipelines, key=lambda p: p.pipeline), key=lambda p: p.pipeline)
    return tuple(growth for name, sizes in by_name for growth in _growths(name, list(sizes)))


def _growths(name: str, sizes: Sequence[PipelineSummary]) -> Iterator[Growth]:
    amounts = {p.size: float(p.dataset.get("amount") or 0) for p in sizes}
    series: dict[tuple[str, str], dict[str, float]] = {}
    for pipeline in sizes:
        if amounts[pipeline.size] > 0:
            for cell in pipeline.cells:
                for step, seconds in _times(cell, pipeline.independent):
                    series.setdefault((cell.stack, step), {})[pipeline.size] = seconds
    for (stack, step), times in series.items():
        if len({amounts[size] for size in times}) > 1:
            exponent, half = fit({amounts[size]: seconds for size, seconds in times.items()})
            low, high = (None, None) if half is None else (exponent - half, exponent + half)
            yield Growth(name, stack, step, exponent, low, high, tuple(times))


def _times(cell: CellSummary, independent: bool) -> Iterator[tuple[str, float]]:
    if independent:
        yield from ((step.step, step.steady.estimate) for step in cell.steps if step.steady is not None)
    elif cell.total is not None:
        yield "", cell.total.estimate


def fit(times: Mapping[float, float], level: float = LEVEL) -> tuple[float, float | None]:
    """Fit the exponent of time over amount, and return it with half the width of its confidence interval.

    ``times`` holds seconds by amount, both positive, with at least two amounts. The half width is None with two
    amounts, through which a line always goes.
    """
    x, y = [math.log(amount) for amount in times], [math.log(seconds) for seconds in times.values()]
    slope, intercept = linear_regression(x, y)
    df = len(x) - 2
    if df == 0:
        return slope, None
    mean = sum(x) / len(x)
    residual = sum((b - intercept - slope * a) ** 2 for a, b in zip(x, y, strict=True)) / df
    return slope, quantile(level, df) * math.sqrt(residual / sum((a - mean) ** 2 for a in x))
