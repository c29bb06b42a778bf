"""The ratio of times of two runs, which were never measured side by side, and the error of a mean over processes.

The model is that of Kalibera & Jones: a log time is the stack's mean, plus a random effect of the run, plus a random
effect of the process.

- Kalibera & Jones (2013), Rigorous benchmarking in reasonable time, ISMM.
- Satterthwaite (1946), An approximate distribution of estimates of variance components, Biometrics Bulletin 2:110-114.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean, variance

from twinbench.numbers.normal import NORMAL_95
from twinbench.numbers.spreads import PROCESS_SD, RUN_SD, TIME_SD
from twinbench.numbers.stats import (
    LEVEL,
    OWN_SPREAD,
    PRIOR_DF,
    Fit,
    Ratio,
    Values,
    fit_processes,
    log_medians,
    log_ratios,
    ratio_of,
)
from twinbench.numbers.student import quantile

WIDER = 3
"""Factor of the assumed spread between few processes of two runs: a machine may differ from the usual one by this much,
so that at most 2.5 % of slowdowns that are just allowed count as too large, whether processes differ by 0.5 or 5 %."""


def unpaired(a: Values, b: Values, *, level: float = LEVEL, time_sd: float = TIME_SD, run_sd: float = RUN_SD) -> Ratio:
    """Estimate how many times as long ``a`` takes as ``b``, where the two are of different runs and share no blocks.

    The model is that of Kalibera & Jones: a log time is the stack's mean, plus a random effect of the run, plus a
    random effect of the process. The spread of processes is estimated from the data and moderated by ``time_sd``; two
    runs can't show the spread of runs, which is therefore given by ``run_sd``. The degrees of freedom are
    Satterthwaite's, rounded down. Raises ValueError if there are no samples.
    """
    after, before = (fit_of_run(log_medians(side), time_sd) for side in (a, b))
    return _difference(after, before, run_sd, level)


def controlled(
    a: tuple[Values, Values],
    b: tuple[Values, Values],
    *,
    level: float = LEVEL,
    process_sd: float = PROCESS_SD,
    interaction_sd: float = 0.0,
    interaction_df: int = PRIOR_DF,
) -> Ratio:
    """Do as `unpaired` does, for runs that measured the same control: each side is a stack and the control beside it.

    A disturbance of a whole run slows its control by the same factor, and is divided out. What doesn't slow both alike
    is the interaction of stack and run: ``interaction_sd`` is the standard deviation between runs of their log ratio,
    known with ``interaction_df`` degrees of freedom.
    """
    after, before = (fit_of_run(log_ratios(*side), process_sd) for side in (a, b))
    return _difference(after, before, interaction_sd, level, interaction_df)


def mean_error(values: Sequence[float], usual_sd: float) -> float:
    """Return the standard error of the mean of one log value per process, as that of a normal distribution.

    It is the half-width of the 95 % interval, in which Student's t is, divided by that of a normal one. ``usual_sd`` is
    the spread that is assumed between processes, as far as they don't show it.
    """
    fit = fit_of_run([[value] for value in values], usual_sd)
    return quantile(LEVEL, fit.df) * fit.error / NORMAL_95


def _difference(a: Fit, b: Fit, run_sd: float, level: float, run_df: int = PRIOR_DF) -> Ratio:
    """Make the ratio of two runs, each of which has a random effect with the standard deviation ``run_sd``."""
    parts = [(a.error**2, a.df), (b.error**2, b.df), (2 * run_sd**2, run_df)]
    variance = sum(part for part, _ in parts)
    weight = sum(part**2 / df for part, df in parts)
    shorter = min(a, b, key=lambda fit: len(fit.processes))
    df = int(variance**2 / weight) if weight else PRIOR_DF
    fit = Fit(shorter.processes, math.sqrt(variance), df, min(a.blocks, b.blocks))
    return ratio_of(fmean(a.processes) - fmean(b.processes), fit, level)


def fit_of_run(logs: Sequence[Sequence[float]], process_sd: float) -> Fit:
    """Fit one of two runs: its processes are never taken to differ less than they do.

    With fewer than `OWN_SPREAD` of them, which show little, they are taken to differ `WIDER` times as much as usual.
    """
    if len(logs) < OWN_SPREAD:
        return fit_processes(logs, WIDER * process_sd)
    fit = fit_processes(logs, process_sd)
    own = variance(fit.processes) / len(logs)
    return replace(fit, error=math.sqrt(own), df=len(logs) - 1) if own > fit.error**2 else fit
