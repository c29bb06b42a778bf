"""Estimates, intervals and comparisons of samples. Pure functions over numbers: no store, no units, no printing.

Samples are clustered: process > block > sample. The samples of one process share its memory layout and its
disturbances, so only processes count as independent, and a comparison is a ratio inside a block, whose samples were
taken side by side.

The variances of a hierarchical bootstrap over processes and blocks are computed in closed form, because resampling
fails with small numbers of them: over ``k`` processes it understates the variance by ``(k - 1) / k``, and gives no
variance for ``k = 1``. So the variance between processes is the unbiased one, and is moderated by the machine's usual
spread (Smyth 2004), as if ``PRIOR_DF`` earlier processes had shown the spread ``process_sd``. The variance within a
process is the bootstrap variance of a median, which is known exactly (Maritz & Jarrett 1978), and larger where blocks
resemble their neighbours (`twinbench.numbers.autocorrelation`); it matters with few processes.

- Smyth (2004), Linear models and empirical Bayes methods for assessing differential expression, Stat. Appl. Genet.
  Mol. Biol. 3(1):3.
- Maritz & Jarrett (1978), A note on estimating the variance of the sample median, JASA 73:194-196.
- Harrell & Davis (1982), A new distribution-free quantile estimator, Biometrika 69:635-640.
- Benjamini & Hochberg (1995), Controlling the false discovery rate, J. R. Stat. Soc. B 57:289-300.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import fmean, median
from typing import Literal

from twinbench.numbers.autocorrelation import inflation
from twinbench.numbers.moderation import NOTHING, Prior
from twinbench.numbers.spreads import PROCESS_SD, TIME_SD
from twinbench.numbers.student import detectable, quantile, two_sided_p

Values = Sequence[Sequence[Sequence[float]]]
"""Process > block > sample. Processes may differ in their number of blocks, and blocks in their number of samples."""

Verdict = Literal["faster", "slower", "same", "undecided"]

LEVEL = 0.95
"""Confidence level of intervals; 1 minus this is the false discovery rate of many comparisons."""

PRIOR_DF = 4
"""Number of measured processes that the prior `PROCESS_SD` weighs as much as: enough to make one process usable, few
enough that five measured processes outweigh it."""

OWN_SPREAD = 4
"""Processes from which a run's own comparisons, and not an assumed spread, say how far processes differ. With the
assumed 2 %, identical stacks of a machine whose processes differ by 5 % are called different in 20 to 40 % of runs."""

POWER = 0.8
"""Probability with which a difference of the size ``Ratio.resolvable`` is found."""

FLOOR = 1e-12
"""Lower bound for a time in seconds, so that log(0) can't occur when the clock didn't advance."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its confidence interval, in the unit of the values."""

    estimate: float
    low: float
    high: float
    error: float = 0.0
    """Standard error of the logarithm of a time. 0 for other estimates."""
    df: int = 1
    """Degrees of freedom of ``error``."""
    assumed: bool = False
    """Whether the width rests on an assumed spread between processes, as `assumed` says."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as long ``a`` takes as ``b``: below 1, ``a`` is faster."""

    estimate: float
    low: float
    high: float
    processes: int
    """Number of pairs of processes; for two runs the smaller of their numbers of processes."""
    blocks: int
    """Number of pairs of blocks, in all processes together; for two runs the smaller of their numbers of blocks."""
    resolvable: float
    """The smallest difference that such data show with a probability of `POWER`: 0.02 stands for 2 %. As strict as the
    interval: where the interval was corrected for many comparisons, so is this."""
    p_value: float
    """Two-sided, against a ratio of 1, before any correction for many comparisons."""
    error: float = 0.0
    """Standard error of the logarithm of ``estimate``."""
    df: int = 1
    """Degrees of freedom of ``error``."""
    cpu: Interval | None = None
    """Ratio of the times without interruptions by other processes, from CPU times: see `numbers.load`. None where CPU
    time wasn't measured."""
    disturbed: bool = False
    """Whether load moved the ratio: the intervals of wall and CPU times leave a gap."""
    assumed: bool = False
    """Whether the width rests on an assumed spread between processes, as `assumed` says."""
    mean: float | None = None
    """Ratio of the means of all samples, slow ones included, where it was computed: see `means.ratio`."""

    @property
    def holds_for_the_mean(self) -> bool:
        """Whether the means differ in the same direction as the typical times; true where no mean was computed."""
        return self.mean is None or (self.mean < 1 if self.estimate < 1 else self.mean > 1)


@dataclass(frozen=True, slots=True)
class Fit:
    """The log values of processes, and the moderated standard error of their mean."""

    processes: Sequence[float]
    """One log value per process."""
    error: float
    """Standard error of the mean of ``processes``."""
    df: int
    """Degrees of freedom of ``error``."""
    blocks: int
    """Number of blocks, in all processes together."""


def assumed(processes: int) -> bool:
    """Return whether an interval over this many processes rests on an assumed spread between them.

    Such an interval is shown with the word "assumed", and no rank is claimed from it.
    """
    return processes < OWN_SPREAD


def summarise(values: Values, level: float = LEVEL, *, time_sd: float = TIME_SD) -> Interval:
    """Estimate the typical time: over the blocks of a process the median, over processes the mean of the logarithms.

    The interval rests on the spread of times, which a disturbance of the machine moves with it, and not on the spread
    of ratios, which it leaves alone: from `OWN_SPREAD` processes on the spread that they show, with Student's t, and
    with fewer also on ``time_sd``. Raises ValueError if there are no samples.
    """
    fit = fit_processes(log_medians(values), time_sd, NOTHING)
    return interval(fmean(fit.processes), fit, level)


def ratio(
    a: Values, b: Values, *, level: float = LEVEL, process_sd: float = PROCESS_SD, prior: Prior | None = None
) -> Ratio:
    """Estimate how many times as long ``a`` takes as ``b``, from pairs: block ``j`` of process ``i`` on both sides.

    Inside a process it is the median over blocks, which one disturbed block hardly moves; over processes it is the mean
    of the logs. With ``prior``, the variance between `OWN_SPREAD` or more processes is moderated by what the other
    comparisons of the run say, and not by ``process_sd``. ``ratio(b, a)`` is the reciprocal. Raises ValueError if there
    are no pairs, or if the numbers of blocks differ.
    """
    fit = fit_processes(log_ratios(a, b), process_sd, prior)
    return ratio_of(fmean(fit.processes), fit, level)


def verdict(ratio: Ratio, margin: float = 0.0) -> Verdict:
    """Return the verdict on ``a``; it is "same" if the whole interval is inside the margin (0.02 for 2 %).

    "faster" and "slower" hold for the typical time, with the interval's certainty, and for the mean in these data. A
    ratio that load disturbed is undecided.
    """
    if ratio.disturbed:
        return "undecided"
    if same(ratio, margin):
        return "same"
    if not ratio.holds_for_the_mean:
        return "undecided"
    if ratio.high < 1:
        return "faster"
    return "slower" if ratio.low > 1 else "undecided"


def same(ratio: Ratio, margin: float) -> bool:
    """Return whether the whole interval is inside the margin (0.02 for 2 %)."""
    return margin > 0 and ratio.low >= 1 / (1 + margin) and ratio.high <= 1 + margin


def verdicts(ratios: Sequence[Ratio], margin: float = 0.0, *, level: float = LEVEL) -> list[Verdict]:
    """Return the verdict of each of many comparisons, as the interval that `corrected` gives it would.

    Where all compared are alike, some verdict is "faster" or "slower" in at most ``1 - level`` of the cases; where some
    differ, at most that share of these verdicts is false on average.
    """
    adjusted = benjamini_hochberg([ratio.p_value for ratio in ratios])
    return [
        verdict(ratio, margin) if same(ratio, margin) or p <= 1 - level else "undecided"
        for ratio, p in zip(ratios, adjusted, strict=True)
    ]


def corrected(ratios: Sequence[Ratio], *, level: float = LEVEL) -> list[Ratio]:
    """Widen the intervals of many comparisons so that they leave out 1 where Benjamini & Hochberg's procedure rejects.

    Of ``m`` comparisons, of which ``r`` are rejected, each interval gets the level ``1 - max(r, 1) (1 - level) / m``.
    On average, at most ``1 - level`` of the rejected have an interval that misses the truth. Source: Benjamini &
    Yekutieli (2005), False discovery rate-adjusted multiple confidence intervals, JASA 100:71-81.
    """
    rejected = sum(p <= 1 - level for p in benjamini_hochberg([ratio.p_value for ratio in ratios]))
    strict = 1 - max(rejected, 1) * (1 - level) / max(len(ratios), 1)
    return [_with_interval(ratio, strict) for ratio in ratios]


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjust p values for their number, in the order given: of those up to ``q``, at most a share ``q`` is false."""
    count = len(p_values)
    adjusted = [1.0] * count
    running = 1.0
    for position, index in sorted(enumerate(sorted(range(count), key=p_values.__getitem__), 1), reverse=True):
        running = min(running, p_values[index] * count / position)
        adjusted[index] = running
    return adjusted


def interval(centre: float, fit: Fit, level: float = LEVEL) -> Interval:
    """Make the interval of a time from the centre of its logarithms and their fit."""
    half = quantile(level, fit.df) * fit.error
    return Interval(
        math.exp(centre),
        math.exp(centre - half),
        math.exp(centre + half),
        fit.error,
        fit.df,
        assumed(len(fit.processes)),
    )


def ratio_of(centre: float, fit: Fit, level: float = LEVEL) -> Ratio:
    """Make a ratio from the centre of log ratios and their fit, whose error is 0 if the clock never advanced."""
    ratio = Ratio(
        estimate=math.exp(centre),
        low=0.0,
        high=math.inf,
        processes=len(fit.processes),
        blocks=fit.blocks,
        resolvable=math.inf,
        p_value=two_sided_p(centre / fit.error, fit.df) if fit.error else float(centre == 0),
        error=fit.error,
        df=fit.df,
        assumed=assumed(len(fit.processes)),
    )
    return _with_interval(ratio, level)


def _with_interval(ratio: Ratio, level: float) -> Ratio:
    """Return the ratio with the interval at this level, and the difference that is shown at this level."""
    half = quantile(level, ratio.df) * ratio.error
    return replace(
        ratio,
        low=ratio.estimate * math.exp(-half),
        high=ratio.estimate * math.exp(half),
        resolvable=math.expm1(detectable(level, ratio.df, POWER) * ratio.error),
    )


def log_ratios(a: Values, b: Values) -> list[list[float]]:
    """Return, per process, the log ratio of the medians of each pair of blocks."""
    if [len(process) for process in a] != [len(process) for process in b]:
        raise ValueError("blocks can't be paired: the two sides have different numbers of them")
    pairs = zip(log_medians(a), log_medians(b), strict=True)
    return [[x - y for x, y in zip(logs_a, logs_b, strict=True)] for logs_a, logs_b in pairs]


def log_medians(values: Values) -> list[list[float]]:
    """Return, per process, the log of the median of each block."""
    return [[math.log(max(_median(block), FLOOR)) for block in process] for process in values]


def _median(values: Sequence[float]) -> float:
    """Compute the median; a shortcut for single values, because totals have one value in each of many blocks."""
    return values[0] if len(values) == 1 else median(values)


def fit_processes(
    logs: Sequence[Sequence[float]],
    process_sd: float,
    prior: Prior | None = None,
    levels: Sequence[float] | None = None,
) -> Fit:
    """Estimate the standard error of a mean over processes from the log values of their blocks.

    ``levels`` has the log value of each process, if it isn't the median over its blocks. With ``prior``, the variance
    between `OWN_SPREAD` or more processes is moderated by the prior; otherwise by ``process_sd``. Raises ValueError if
    there are no values.
    """
    if not logs or not all(map(len, logs)):
        raise ValueError("no samples to summarise")
    processes = [median(blocks) for blocks in logs] if levels is None else levels
    within = fmean(median_variance(blocks) * inflation(blocks) if len(blocks) > 1 else process_sd**2 for blocks in logs)
    own_df = len(processes) - 1
    centre = fmean(processes)
    between = sum((process - centre) ** 2 for process in processes) / own_df if own_df else 0.0
    if prior is not None and len(processes) >= OWN_SPREAD:
        moderated, evidence = prior.moderate(between, own_df)
        df = int(evidence)
    else:
        df = PRIOR_DF + own_df
        moderated = (PRIOR_DF * (process_sd**2 + within) + own_df * between) / df
    return Fit(processes, math.sqrt(moderated / len(processes)), df, sum(map(len, logs)))


def median_variance(values: Sequence[float]) -> float:
    """Compute the bootstrap variance of the median, from the weight that resampling gives to each order statistic."""
    weights, ordered = _median_weights(len(values)), sorted(values)
    centre = sum(weight * value for weight, value in zip(weights, ordered, strict=True))
    return sum(weight * (value - centre) ** 2 for weight, value in zip(weights, ordered, strict=True))


@lru_cache(maxsize=256)
def _median_weights(count: int) -> list[float]:
    """Compute the weights of Harrell & Davis, Beta((n + 1) / 2, (n + 1) / 2), by the midpoint rule."""
    midpoints = [(index + 0.5) / count for index in range(count)]
    weights = [(4 * x * (1 - x)) ** ((count - 1) / 2) for x in midpoints]
    total = sum(weights)
    return [weight / total for weight in weights]
