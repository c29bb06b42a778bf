"""The ratio of two times and its interval: in one run, in two runs, and in two runs that share controls.

A control is a stack that both runs measured and that didn't change. What slowed down a whole run slowed down its
controls, and is divided out; but not all stacks bear a disturbance alike. That interaction of stack and run stays in
the interval. One control can't show it, so it is assumed; the changes between several controls show it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean, median

from twinbench.errors import BadInput, nearest
from twinbench.numbers import stats, two_runs
from twinbench.numbers.load import beside
from twinbench.numbers.stats import FLOOR, PRIOR_DF, Ratio
from twinbench.results.decisions.sides import Key, Side, where
from twinbench.store.records import Status
from twinbench.store.samples import Blocks, nested, paired

INTERACTION_SD = 0.004
"""Standard deviation between runs of the log ratio of two stacks that didn't change, without the part that comes from
their processes. It is assumed with one control; each further control weighs as much as one of `PRIOR_DF` earlier ones.
"""

_BlocksOf = Callable[[Side, Key, str], Blocks]
"""Function that returns the samples of a cell's step: wall times, or times without interruptions."""

_RatioOf = Callable[[Key, Key, str, float, _BlocksOf], Ratio | None]

_UNUSABLE = "--control {}: not measured with the same code in both runs"

TimeRatio = Callable[[Key, Key, str, float], Ratio | None]
"""Function of two cells, a step and the level of the interval: how many times as long the step takes in the second cell
as in the first. None if it is unknown."""


def between(before: Side, after: Side) -> TimeRatio:
    """Compare times that weren't measured side by side: the intervals include the spread between runs."""
    spreads = before.run.spreads.wider(after.run.spreads)
    time_sd, run_sd = spreads.time_sd, spreads.run_sd

    def ratio(key: Key, _: Key, step: str, level: float, blocks: _BlocksOf) -> Ratio | None:
        a, b = blocks(before, key, step), blocks(after, key, step)
        return two_runs.unpaired(nested(b), nested(a), level=level, time_sd=time_sd, run_sd=run_sd) if a and b else None

    return _with_cpu(ratio, before, after)


def within(side: Side) -> TimeRatio:
    """Compare times that were measured side by side, in the blocks that both cells have."""
    process_sd = side.run.spreads.process_sd

    def ratio(a_key: Key, b_key: Key, step: str, level: float, blocks: _BlocksOf) -> Ratio | None:
        b, a = paired(blocks(side, b_key, step), blocks(side, a_key, step))
        return stats.ratio(b, a, level=level, process_sd=process_sd) if b else None

    return _with_cpu(ratio, side, side)


def _with_cpu(ratio: _RatioOf, before: Side, after: Side) -> TimeRatio:
    """Put the ratio of the times without interruptions beside that of the wall times."""
    quiet = before.quiet and after.quiet

    def both(a_key: Key, b_key: Key, step: str, level: float) -> Ratio | None:
        wall = ratio(a_key, b_key, step, level, Side.blocks)
        cpu = ratio(a_key, b_key, step, level, Side.computing_blocks)
        return wall and beside(wall, cpu, quiet=quiet)

    return both


def relative_to(controls: Sequence[str], before: Side, after: Side) -> TimeRatio:
    """Compare times relative to the controls that each run measured beside them.

    Raises BadInput, with the reason, for a control that no pipeline can be judged by.
    """
    for control in controls:
        faults = list(control_faults(control, before, after))
        names = {key[2] for side in (before, after) for key in side.cells}
        if control not in names:
            raise BadInput(f"{_UNUSABLE.format(control)}, which have no such stack{nearest(control, names)}")
        if len(faults) == len(_shared(before, after)):
            reason = faults[0] if faults else "they share no pipeline"
            raise BadInput(f"{_UNUSABLE.format(control)}: {reason}")
    process_sd = before.run.spreads.wider(after.run.spreads).process_sd
    usable = {control: _usable(control, before, after) for control in controls}

    def ratio(key: Key, _: Key, step: str, level: float, blocks: _BlocksOf) -> Ratio | None:
        if not all(key[:2] in usable[control] for control in controls):
            return None
        keys = [(*key[:2], control) for control in controls]
        means = [_mean([blocks(side, control, step) for control in keys]) for side in (after, before)]
        sides = [paired(blocks(side, key, step), mean) for side, mean in zip((after, before), means, strict=True)]
        if not all(pair[0] for pair in sides):
            return None
        sd, df = _interaction(before, after, keys, step, process_sd)
        return two_runs.controlled(*sides, level=level, process_sd=process_sd, interaction_sd=sd, interaction_df=df)

    return _with_cpu(ratio, before, after)


def control_faults(control: str, before: Side, after: Side) -> Iterator[str]:
    """Yield, for each pipeline that both runs have, why a control can't be used there."""
    for pipeline in _shared(before, after):
        fault = _fault((*pipeline, control), before, after)
        if fault:
            yield fault


def _fault(key: Key, before: Side, after: Side) -> str:
    for side in (before, after):
        if key not in side.cells:
            return f"{where(key)} is missing from run {side.run.id}"
        if not side.rankable(key):
            cell = side.cells[key]
            reason = f": {cell.reason}" if cell.reason else ""
            hint = "; finish the run with --resume" if cell.status in (Status.PLANNED, Status.RUNNING) else ""
            return f"{where(key)}: {cell.status} in run {side.run.id}{reason}{hint}"
    if before.cells[key].fingerprint != after.cells[key].fingerprint:
        return f"{where(key)} has other code or libraries in run {after.run.id}; name a stack that didn't change"
    return ""


def _shared(before: Side, after: Side) -> list[tuple[str, str]]:
    return [pipeline for pipeline in before.pipelines if pipeline in after.pipelines]


def _usable(control: str, before: Side, after: Side) -> set[tuple[str, str]]:
    return {pipeline for pipeline in _shared(before, after) if not _fault((*pipeline, control), before, after)}


def _mean(controls: Sequence[Blocks]) -> Blocks:
    """Return the geometric mean of the controls' medians, in the blocks that all of them have."""
    if len(controls) == 1:
        return controls[0]
    shared = set.intersection(*map(set, controls))
    logs = {block: [math.log(max(median(control[block]), FLOOR)) for control in controls] for block in shared}
    return {block: [math.exp(fmean(values))] for block, values in logs.items()}


def _interaction(before: Side, after: Side, controls: Sequence[Key], step: str, process_sd: float) -> tuple[float, int]:
    """Estimate the interaction's standard deviation and degrees of freedom, from the controls' changes to the first.

    Each change holds the spread of processes as well, so that the interaction is rather over- than underestimated.
    """
    first, *others = controls
    squares = []
    for other in others:
        pairs = [paired(side.blocks(other, step), side.blocks(first, step)) for side in (after, before)]
        if all(pair[0] for pair in pairs):
            squares.append(math.log(two_runs.controlled(*pairs, process_sd=process_sd).estimate) ** 2 / 2)
    df = PRIOR_DF + len(squares)
    return math.sqrt((PRIOR_DF * INTERACTION_SD**2 + sum(squares)) / df), df
