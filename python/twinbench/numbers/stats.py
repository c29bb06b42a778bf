"""What the samples say, and how sure that is. Pure functions over numbers: no store, no units, no printing.

Samples are clustered: process > block > sample. Those of one process share its memory layout and its luck, so only
processes count as independent, and a comparison is a ratio inside a block, whose samples were taken side by side.

The hierarchical bootstrap over processes and blocks is taken in closed form, because resampling says little here. Over
``k`` processes it understates the variance by ``(k - 1) / k``, and says nothing at ``k = 1``. So the variance between
processes is the corrected one, and is moderated by what the machine is known to do (Smyth 2004): ``PRIOR_DF`` imagined
earlier processes with the spread ``process_sd``. Over blocks it is the bootstrap variance of a median, exactly known
(Maritz & Jarrett 1978), and matters where there are few processes.

- Smyth (2004), Linear models and empirical Bayes methods for assessing differential expression, Stat. Appl. Genet.
  Mol. Biol. 3(1):3.
- Maritz & Jarrett (1978), A note on estimating the variance of the sample median, JASA 73:194-196.
- Harrell & Davis (1982), A new distribution-free quantile estimator, Biometrika 69:635-640.
- Benjamini & Hochberg (1995), Controlling the false discovery rate, J. R. Stat. Soc. B 57:289-300.
- Schuirmann (1987), A comparison of the two one-sided tests procedure and the power approach, J. Pharmacokinet.
  Biopharm. 15:657-680.
- Welch (1947), The generalization of Student's problem when several different population variances are involved,
  Biometrika 34:28-35.
- Kalibera & Jones (2013), Rigorous benchmarking in reasonable time, ISMM.
- Satterthwaite (1946), An approximate distribution of estimates of variance components, Biometrics Bulletin 2:110-114.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import combinations
from statistics import fmean, median, variance
from typing import Literal

from twinbench.numbers.student import quantile, two_sided_p

Values = Sequence[Sequence[Sequence[float]]]
"""Process > block > sample. Processes may differ in their number of blocks, and blocks in their number of samples."""

Verdict = Literal["faster", "slower", "same", "undecided"]

LEVEL = 0.95

PROCESS_SD = 0.02
"""Standard deviation between processes of the log ratio of two identical workers. On shared 2-core machines it was
1.2 % in a quiet hour and 1.6 to 3.1 % in others. `twinbench selftest` measures it anew."""

TIME_SD = 0.05
"""Standard deviation between processes of one run of the log time of the same stack: nothing is divided out here. On a
shared 2-core machine it was 3 % in a quiet hour and 14 % in a busy one."""

RUN_SD = 0.04
"""Standard deviation of the log time of the same stack between runs, beside that between their processes: up to 6 % on
that machine. `twinbench selftest` measures both anew."""

PRIOR_DF = 4
"""How many processes' worth of evidence `PROCESS_SD` counts for: enough to make one process usable, few enough that
five real ones outweigh it."""

MIN_SEEDS = 5
"""Trainings from which a mean quality and its spread may be told."""

FLOOR = 1e-12
"""A clock that didn't move is no reason for a logarithm to fail."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and where the true value probably lies, in the unit of the values."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as long ``a`` takes as ``b``: below 1, ``a`` is faster."""

    estimate: float
    low: float
    high: float
    processes: int
    """Pairs of processes behind it; of two runs the smaller number of processes."""
    blocks: int
    """Pairs of blocks, in all processes together; of two runs the smaller number of blocks."""
    resolvable: float
    """The smallest difference that these data could have shown: 0.02 stands for 2 %."""
    p_value: float
    """Two-sided, against a ratio of 1, before any correction for many comparisons."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """The place of a stack: 1 and how many are distinguishably faster. Those who can't be told apart share a place."""

    name: str
    rank: int
    ratio: Ratio | None
    """To the fastest; None for the fastest itself, and where the two share no block."""


@dataclass(frozen=True, slots=True)
class _Fit:
    """Log values: what the processes say (one value each), and the moderated standard error of their mean."""

    processes: list[float]
    error: float
    df: int
    blocks: int


def summarise(values: Values, level: float = LEVEL, *, process_sd: float = PROCESS_SD) -> Interval:
    """The typical value: the median over processes of the median over blocks of the block medians.

    Raises ValueError without a sample.
    """
    fit = _fit(_log_medians(values), process_sd)
    centre = median(fit.processes)
    # A median of three or more normal values varies up to pi / 2 times as much as their mean.
    error = fit.error * (1.0 if len(fit.processes) < 3 else math.sqrt(math.pi / 2))
    half = quantile(level, fit.df) * error
    return Interval(math.exp(centre), math.exp(centre - half), math.exp(centre + half))


def ratio(a: Values, b: Values, *, level: float = LEVEL, process_sd: float = PROCESS_SD) -> Ratio:
    """How many times as long ``a`` takes as ``b``, from paired blocks: block ``j`` of process ``i`` on both sides.

    Inside a process it is the median over blocks, which a disturbed block can't move; over processes the mean of the
    logs. ``ratio(b, a)`` is the reciprocal. Raises ValueError without a pair, or where blocks have no partner.
    """
    fit = _fit(_log_ratios(a, b), process_sd)
    return _ratio(fmean(fit.processes), fit.error, fit.df, level, processes=len(fit.processes), blocks=fit.blocks)


def unpaired(a: Values, b: Values, *, level: float = LEVEL, time_sd: float = TIME_SD, run_sd: float = RUN_SD) -> Ratio:
    """How many times as long ``a`` takes as ``b``, where the two are of different runs and no block has a partner.

    The model is that of Kalibera & Jones: a log time is the stack's, plus its run's luck, plus its process's. The luck
    of processes is in the data, moderated by ``time_sd``; two runs can't show the luck of runs, so that is ``run_sd``.
    Degrees of freedom are Satterthwaite's, rounded down. Raises ValueError without a sample.
    """
    return _difference(_fit(_log_medians(a), time_sd), _fit(_log_medians(b), time_sd), run_sd, level)


def controlled(
    a: tuple[Values, Values],
    b: tuple[Values, Values],
    *,
    level: float = LEVEL,
    process_sd: float = PROCESS_SD,
) -> Ratio:
    """As `unpaired`, where both runs measured the same control: each side is a stack and the control in its blocks.

    What slowed a run down slowed its control down too, and is divided out.
    """
    return _difference(_fit(_log_ratios(*a), process_sd), _fit(_log_ratios(*b), process_sd), 0.0, level)


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Whether pairs of values have the same mean, up to a margin."""

    verdict: Literal["equivalent", "different", "not enough seeds"]
    difference: float
    low: float
    """Of the 90 % interval of the difference, which lies inside the margins where they are equivalent."""
    high: float
    margin: float


def equivalence(a: Sequence[float], b: Sequence[float], margin: float, level: float = LEVEL) -> Equivalence:
    """Two one-sided tests (Schuirmann 1987) of the mean difference of pairs: ``a[i]`` and ``b[i]`` had the same seed.

    A seed gives both the same initial weights and batches, so that what it brings to one it brings to the other.
    "equivalent" where both reject at ``1 - level`` that the means are ``margin`` apart; "different" where the two-sided
    interval at ``level`` leaves 0 out; otherwise, and with fewer than `MIN_SEEDS` pairs, "not enough seeds".
    Raises ValueError where a value has no partner.
    """
    differences = [x - y for x, y in zip(a, b, strict=True)]
    if len(differences) < MIN_SEEDS:
        difference = fmean(differences) if differences else math.nan
        return Equivalence("not enough seeds", difference, -math.inf, math.inf, margin)
    difference, df = fmean(differences), len(differences) - 1
    error = math.sqrt(variance(differences) / len(differences))
    half = error * quantile(2 * level - 1, df)
    found = partial(Equivalence, difference=difference, low=difference - half, high=difference + half, margin=margin)
    if abs(difference) + half < margin:
        return found("equivalent")
    return found("different" if abs(difference) > error * quantile(level, df) else "not enough seeds")


def verdict(ratio: Ratio, margin: float = 0.0) -> Verdict:
    """What may be said about ``a``. ``same`` takes a margin (0.02 for 2 %) with the whole interval inside."""
    if same(ratio, margin):
        return "same"
    if ratio.high < 1:
        return "faster"
    return "slower" if ratio.low > 1 else "undecided"


def same(ratio: Ratio, margin: float) -> bool:
    """Whether the whole interval is inside a margin: 0.02 for 2 %."""
    return margin > 0 and ratio.low >= 1 / (1 + margin) and ratio.high <= 1 + margin


def verdicts(ratios: Sequence[Ratio], margin: float = 0.0, *, level: float = LEVEL) -> list[Verdict]:
    """A word for each of many comparisons: of those called faster or slower at most ``1 - level`` are false."""
    adjusted = benjamini_hochberg([ratio.p_value for ratio in ratios])
    return [
        verdict(ratio, margin) if same(ratio, margin) or p <= 1 - level else "undecided"
        for ratio, p in zip(ratios, adjusted, strict=True)
    ]


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values, in the order given: those up to ``q`` are discoveries with at most ``q`` of them false."""
    count = len(p_values)
    adjusted = [1.0] * count
    running = 1.0
    for place, index in sorted(enumerate(sorted(range(count), key=p_values.__getitem__), 1), reverse=True):
        running = min(running, p_values[index] * count / place)
        adjusted[index] = running
    return adjusted


def rank(
    estimates: Mapping[str, float], compare: Callable[[str, str], Ratio | None], *, level: float = LEVEL
) -> list[Ranked]:
    """Stacks by rank, then by estimate. ``compare(a, b)`` is their ratio, None where they can't be paired.

    All pairs are compared, at a false discovery rate of ``1 - level``.
    """
    names = sorted(estimates, key=estimates.__getitem__)
    pairs = {(slow, fast): compare(slow, fast) for fast, slow in combinations(names, 2)}
    adjusted = benjamini_hochberg([1.0 if ratio is None else ratio.p_value for ratio in pairs.values()])
    beaten_by = dict.fromkeys(names, 0)
    for ((slow, fast), ratio), p in zip(pairs.items(), adjusted, strict=True):
        if ratio is not None and p <= 1 - level:
            beaten_by[slow if ratio.estimate > 1 else fast] += 1
    ranked = [Ranked(name, 1 + beaten_by[name], pairs.get((name, names[0]))) for name in names]
    return sorted(ranked, key=lambda stack: stack.rank)


def break_even(cold_a: float, steady_a: float, cold_b: float, steady_b: float) -> int | None:
    """After how many calls ``a`` has taken no more time than ``b``, for good. None if never.

    ``cold`` is the time to the end of the first call, imports included; ``steady`` that of each further call.
    """
    if steady_a > steady_b or (steady_a == steady_b and cold_a > cold_b):
        return None
    if cold_a <= cold_b:
        return 1
    return 1 + math.ceil((cold_a - cold_b) / (steady_b - steady_a))


def _ratio(centre: float, error: float, df: int, level: float, *, processes: int, blocks: int) -> Ratio:
    """From logs. An error of 0 is that of a clock that stood still."""
    half = quantile(level, df) * error
    return Ratio(
        estimate=math.exp(centre),
        low=math.exp(centre - half),
        high=math.exp(centre + half),
        processes=processes,
        blocks=blocks,
        resolvable=math.expm1(half),
        p_value=two_sided_p(centre / error, df) if error else float(centre == 0),
    )


def _difference(a: _Fit, b: _Fit, run_sd: float, level: float) -> Ratio:
    """Of two runs, each of which had its own luck."""
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
    """Per process, the log of the ratio of each block's medians."""
    if [len(process) for process in a] != [len(process) for process in b]:
        raise ValueError("blocks without a partner to compare them with")
    pairs = zip(_log_medians(a), _log_medians(b), strict=True)
    return [[x - y for x, y in zip(one, other, strict=True)] for one, other in pairs]


def _log_medians(values: Values) -> list[list[float]]:
    """Per process, the log of the median of each block."""
    return [[math.log(max(_median(block), FLOOR)) for block in process] for process in values]


def _median(values: Sequence[float]) -> float:
    """The usual one; totals have one value per block, and there are many of those."""
    return values[0] if len(values) == 1 else median(values)


def _fit(logs: Sequence[Sequence[float]], process_sd: float) -> _Fit:
    if not logs or not all(map(len, logs)):
        raise ValueError("no samples to summarise")
    processes = [median(blocks) for blocks in logs]
    within = fmean(_median_variance(blocks) if len(blocks) > 1 else process_sd**2 for blocks in logs)
    known = len(processes) - 1
    centre = fmean(processes)
    between = sum((process - centre) ** 2 for process in processes) / known if known else 0.0
    df = PRIOR_DF + known
    moderated = (PRIOR_DF * (process_sd**2 + within) + known * between) / df
    return _Fit(processes, math.sqrt(moderated / len(processes)), df, sum(map(len, logs)))


def _median_variance(values: Sequence[float]) -> float:
    """The bootstrap variance of the median, from the weight that resampling gives to each order statistic."""
    weights, ordered = _median_weights(len(values)), sorted(values)
    centre = sum(weight * value for weight, value in zip(weights, ordered, strict=True))
    return sum(weight * (value - centre) ** 2 for weight, value in zip(weights, ordered, strict=True))


@lru_cache(maxsize=256)
def _median_weights(count: int) -> list[float]:
    """Those of Harrell & Davis, Beta((n + 1) / 2, (n + 1) / 2), by the midpoint rule."""
    places = [(place + 0.5) / count for place in range(count)]
    weights = [(4 * x * (1 - x)) ** ((count - 1) / 2) for x in places]
    total = sum(weights)
    return [weight / total for weight in weights]
