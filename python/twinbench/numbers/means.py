"""Means of all samples, slow ones included, beside the typical times of `twinbench.numbers.stats`."""

from __future__ import annotations

from statistics import fmean, median

from twinbench.numbers.stats import FLOOR, Values


def ratio(a: Values, b: Values) -> float:
    """Divide the mean of all samples of ``a`` by that of ``b`` in each process; return the median over processes.

    The typical time of a stack that pauses now and then, such as for a garbage collection, leaves the pauses out; the
    mean has them in. The median over processes keeps a single disturbance of the machine out.
    """
    return median(x / y for x, y in zip(_means(a), _means(b), strict=True))


def mean(values: Values) -> float:
    """Return the mean of all samples, every process and every block of it with the same weight."""
    return fmean(_means(values))


def _means(values: Values) -> list[float]:
    return [max(fmean(map(fmean, process)), FLOOR) for process in values]
