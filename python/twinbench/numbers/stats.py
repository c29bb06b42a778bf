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
- Welch (1947), The generalization of Student's problem when several different population variances are involved,
  Biometrika 34:28-35.
- Kalibera & Jones (2013), Rigorous benchmarking in reasonable time, ISMM.
- Satterthwaite (1946), An approximate distribution of estimates of variance components, Biometrics Bulletin 2:110-114.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from statistics import fmean, median
from typing import Literal

from twinbench.numbers.autocorrelation import inflation
from twinbench.numbers.moderation import Prior
from twinbench.numbers.student import quantile, two_sided_p

Values = Sequence[Sequence[Sequence[float]]]
"""Process > block > sample. Processes may differ in their number of blocks, and blocks in their number of samples."""

Verdict = Literal["faster", "slower", "same", "undecided"]

LEVEL = 0.95
"""Confidence level of intervals; 1 minus this is the false discovery rate of many comparisons."""

PROCESS_SD = 0.02
"""Standard deviation between processes of the log ratio of two identical workers. On shared 2-core machines it was
1.2 % in a quiet hour and 1.6 to 3.1 % in others. `twinbench selftest` measures it anew."""

TIME_SD = 0.05
"""Standard deviation between the processes of one run of the log time of one stack, not divided by another stack's. On
a shared 2-core machine it was 3 % in a quiet hour and 14 % in a busy one."""

RUN_SD = 0.04
"""Standard deviation between runs of the log time of one stack, in addition to the spread between their processes: up
to 6 % on a shared 2-core machine. `twinbench selftest` measures `TIME_SD` and `RUN_SD` anew."""

PRIOR_DF = 4
"""Number of measured processes that the prior `PROCESS_SD` weighs as much as: enough to make one process usable, few
enough that five measured processes outweigh it."""

OWN_SPREAD = 4
"""Processes from which a run's own comparisons, and not an assumed spread, say how far processes differ. With the
assumed 2 %, identical stacks of a machine whose processes differ by 5 % are called different in 20 to 40 % of runs."""

FLOOR = 1e-12
"""Lower bound for a time in seconds, so that log(0) can't occur when the clock didn't advance."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its confidence interval, in the unit of the values."""

    estimate: float
    low: float
    high: float
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
    """The smallest difference that these data could have shown: 0.02 stands for 2 %."""
    p_value: float
    """Two-sided, against a ratio of 1, before any correction for many comparisons."""
    assumed: bool = False
    """Whether the width rests on an assumed spread between processes, as `assumed` says."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A stack with its rank. Stacks that can't be told apart share a rank."""

    name: str
    rank: int | None
    """1 plus the number of stacks that are distinguishably faster; None if all its ratios are assumed."""
    ratio: Ratio | None
    """Ratio to the fastest stack; None for the fastest itself, and where the two share no block."""


@dataclass(frozen=True, slots=True)
class _Fit:
    """The log values of processes, and the moderated standard error of their mean."""

    processes: list[float]
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


def summarise(values: Values, level: float = LEVEL, *, process_sd: float = PROCESS_SD) -> Interval:
    """Estimate the typical value: the median over processes of the median over blocks of the block medians.

    Raises ValueError if there are no samples.
    """
    fit = _fit(_log_medians(values), process_sd)
    centre = median(fit.processes)
    # A median of three or more normal values varies up to pi / 2 times as much as their mean.
    error = fit.error * (1.0 if len(fit.processes) < 3 else math.sqrt(math.pi / 2))
    half = quantile(level, fit.df) * error
    return Interval(math.exp(centre), math.exp(centre - half), math.exp(centre + half), assumed(len(fit.processes)))


def ratio(
    a: Values, b: Values, *, level: float = LEVEL, process_sd: float = PROCESS_SD, prior: Prior | None = None
) -> Ratio:
    """Estimate how many times as long ``a`` takes as ``b``, from pairs: block ``j`` of process ``i`` on both sides.

    Inside a process it is the median over blocks, which one disturbed block hardly moves; over processes it is the mean
    of the logs. With ``prior``, the variance between `OWN_SPREAD` or more processes is moderated by what the other
    comparisons of the run say, and not by ``process_sd``. ``ratio(b, a)`` is the reciprocal. Raises ValueError if there
    are no pairs, or if the numbers of blocks differ.
    """
    fit = _fit(_log_ratios(a, b), process_sd, prior)
    return _ratio(fmean(fit.processes), fit.error, fit.df, level, processes=len(fit.processes), blocks=fit.blocks)


def unpaired(a: Values, b: Values, *, level: float = LEVEL, time_sd: float = TIME_SD, run_sd: float = RUN_SD) -> Ratio:
    """Estimate how many times as long ``a`` takes as ``b``, where the two are of different runs and share no blocks.

    The model is that of Kalibera & Jones: a log time is the stack's mean, plus a random effect of the run, plus a
    random effect of the process. The spread of processes is estimated from the data and moderated by ``time_sd``; two
    runs can't show the spread of runs, which is therefore given by ``run_sd``. The degrees of freedom are
    Satterthwaite's, rounded down. Raises ValueError if there are no samples.
    """
    return _difference(_fit(_log_medians(a), time_sd), _fit(_log_medians(b), time_sd), run_sd, level)


def controlled(
    a: tuple[Values, Values],
    b: tuple[Values, Values],
    *,
    level: float = LEVEL,
    process_sd: float = PROCESS_SD,
) -> Ratio:
    """Do as `unpaired` does, for runs that measured the same control: each side is a stack and the control beside it.

    A disturbance of a whole run slows its control by the same factor, and is divided out.
    """
    return _difference(_fit(_log_ratios(*a), process_sd), _fit(_log_ratios(*b), process_sd), 0.0, level)


def verdict(ratio: Ratio, margin: float = 0.0) -> Verdict:
    """Return the verdict on ``a``; it is "same" if the whole interval is inside the margin (0.02 for 2 %)."""
    if same(ratio, margin):
        return "same"
    if ratio.high < 1:
        return "faster"
    return "slower" if ratio.low > 1 else "undecided"


def same(ratio: Ratio, margin: float) -> bool:
    """Return whether the whole interval is inside the margin (0.02 for 2 %)."""
    return margin > 0 and ratio.low >= 1 / (1 + margin) and ratio.high <= 1 + margin


def verdicts(ratios: Sequence[Ratio], margin: float = 0.0, *, level: float = LEVEL) -> list[Verdict]:
    """Return the verdict of each of many comparisons; at most ``1 - level`` of all "faster" and "slower" are false."""
    adjusted = benjamini_hochberg([ratio.p_value for ratio in ratios])
    return [
        verdict(ratio, margin) if same(ratio, margin) or p <= 1 - level else "undecided"
        for ratio, p in zip(ratios, adjusted, strict=True)
    ]


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjust p values for their number, in the order given: of those up to ``q``, at most a share ``q`` is false."""
    count = len(p_values)
    adjusted = [1.0] * count
    running = 1.0
    for position, index in sorted(enumerate(sorted(range(count), key=p_values.__getitem__), 1), reverse=True):
        running = min(running, p_values[index] * count / position)
        adjusted[index] = running
    return adjusted


def rank(
    estimates: Mapping[str, float], compare: Callable[[str, str], Ratio | None], *, level: float = LEVEL
) -> list[Ranked]:
    """Rank stacks: by rank, then by estimate. ``compare(a, b)`` gives their ratio, or None if they share no block.

    All pairs are compared, at a false discovery rate of ``1 - level``. A pair whose ratio is assumed is not told apart,
    and a stack without any other pair has no rank, and comes last.
    """
    names = sorted(estimates, key=estimates.__getitem__)
    pairs = {(slow, fast): compare(slow, fast) for fast, slow in combinations(names, 2)}
    measured = {pair: ratio for pair, ratio in pairs.items() if ratio is not None and not ratio.assumed}
    adjusted = benjamini_hochberg([ratio.p_value for ratio in measured.values()])
    beaten_by = dict.fromkeys(names, 0)
    for ((slow, fast), ratio), p in zip(measured.items(), adjusted, strict=True):
        if p <= 1 - level:
            beaten_by[slow if ratio.estimate > 1 else fast] += 1
    without = {name for pair, ratio in pairs.items() if ratio is not None for name in pair}
    without -= {name for pair in measured for name in pair}
    ranked = [
        Ranked(name, None if name in without else 1 + beaten_by[name], pairs.get((name, names[0]))) for name in names
    ]
    return sorted(ranked, key=lambda stack: math.inf if stack.rank is None else stack.rank)


def break_even(cold_a: float, steady_a: float, cold_b: float, steady_b: float) -> int | None:
    """Return the number of calls from which on ``a`` has taken no more time in total than ``b``, or None if never.

    ``cold`` is the time to the end of the first call, imports included; ``steady`` is the time of each further call.
    """
    if steady_a > steady_b or (steady_a == steady_b and cold_a > cold_b):
        return None
    if cold_a <= cold_b:
        return 1
    return 1 + math.ceil((cold_a - cold_b) / (steady_b - steady_a))


def _ratio(centre: float, error: float, df: int, level: float, *, processes: int, blocks: int) -> Ratio:
    """Make a ratio from a mean of logs and its standard error, which is 0 if the clock never advanced."""
    half = quantile(level, df) * error
    return Ratio(
        estimate=math.exp(centre),
        low=math.exp(centre - half),
        high=math.exp(centre + half),
        processes=processes,
        blocks=blocks,
        resolvable=math.expm1(half),
        p_value=two_sided_p(centre / error, df) if error else float(centre == 0),
        assumed=assumed(processes),
    )


def _difference(a: _Fit, b: _Fit, run_sd: float, level: float) -> Ratio:
    """Make the ratio of two runs, each of which has a random effect with the standard deviation ``run_sd``."""
    parts = [(a.error**2, a.df), (b.error**2, b.df), (2 * run_sd**2, PRIOR_DF)]
    variance = sum(part for part, _ in parts)
    weight = sum(part**2 / df for part, df in parts)
    return _ratio(
        fmean(a.processes) - fmean(b.processes),
        math.sqrt(variance),
        int(variance**2 / weight) if weight else PRIOR_DF,
        level,
        processes=min(len(a.processes), len(b.processes)),
        blocks=min(a.blocks, b.blocks),
    )


def _log_ratios(a: Values, b: Values) -> list[list[float]]:
    """Return, per process, the log ratio of the medians of each pair of blocks."""
    if [len(process) for process in a] != [len(process) for process in b]:
        raise ValueError("blocks can't be paired: the two sides have different numbers of them")
    pairs = zip(_log_medians(a), _log_medians(b), strict=True)
    return [[x - y for x, y in zip(logs_a, logs_b, strict=True)] for logs_a, logs_b in pairs]


def _log_medians(values: Values) -> list[list[float]]:
    """Return, per process, the log of the median of each block."""
    return [[math.log(max(_median(block), FLOOR)) for block in process] for process in values]


def _median(values: Sequence[float]) -> float:
    """Compute the median; a shortcut for single values, because totals have one value in each of many blocks."""
    return values[0] if len(values) == 1 else median(values)


def _fit(logs: Sequence[Sequence[float]], process_sd: float, prior: Prior | None = None) -> _Fit:
    if not logs or not all(map(len, logs)):
        raise ValueError("no samples to summarise")
    processes = [median(blocks) for blocks in logs]
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
    return _Fit(processes, math.sqrt(moderated / len(processes)), df, sum(map(len, logs)))


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
