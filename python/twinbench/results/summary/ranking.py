"""Ranks of cells by their totals, or of independent steps: 1 plus the number of stacks that are distinguishably faster.

The times, their ratios and the ranks rest on one estimate, that of `twinbench.numbers.levels`. A stack counts as faster
if its typical time is distinguishably lower and its mean isn't higher. Agreement comes before speed: a cell that failed
or disagrees has no rank.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from twinbench.numbers import means, ranks
from twinbench.numbers.levels import levels
from twinbench.numbers.load import beside
from twinbench.numbers.moderation import Prior
from twinbench.numbers.ranks import Ranked
from twinbench.numbers.spreads import Spreads
from twinbench.numbers.stats import Interval, Ratio
from twinbench.results.summary import load
from twinbench.results.summary.load import Surroundings
from twinbench.results.summary.records import CellSummary, StepSummary
from twinbench.store.records import Status
from twinbench.store.samples import Blocks, Figures, mean_blocks, paired, spread


def by_total(
    cells: Sequence[CellSummary],
    measured: Mapping[str, Figures],
    steps: Sequence[str],
    spreads: Spreads,
    around: Surroundings,
) -> list[CellSummary]:
    """Return the cells that are done, with their ranks and by rank; then the others."""
    by_name = {cell.stack: cell for cell in cells if cell.status is Status.DONE and cell.total is not None}
    totals = {stack: measured[stack].totals(steps) for stack in by_name}
    all_means = {stack: measured[stack].mean_totals(steps) for stack in by_name}
    prior = spread({stack: measured[stack].steady | {"": totals[stack]} for stack in by_name})
    computing = {stack: load.computing(measured[stack], steps, around)[""] for stack in by_name}
    order = _ranked(totals, all_means, computing, spreads, prior, around.quiet)
    ranked = [replace(by_name[stack.name], **_standing(stack, time), total=time) for stack, time in order]
    return ranked + [cell for cell in cells if cell.stack not in by_name]


def by_step(
    cells: Sequence[CellSummary], measured: Mapping[str, Figures], spreads: Spreads, around: Surroundings
) -> list[CellSummary]:
    """Return the cells in their order, with each step that agrees ranked against the same step of the other stacks."""
    order: dict[tuple[str, str], tuple[Ranked, Interval]] = {}
    complete = [cell.stack for cell in cells if cell.status in (Status.DONE, Status.DISAGREES)]
    prior = spread({stack: measured[stack].steady for stack in complete})
    computing = {stack: load.computing(figures, (), around) for stack, figures in measured.items()}
    for name in dict.fromkeys(step.step for cell in cells for step in cell.steps):
        blocks = {
            cell.stack: measured[cell.stack].steady[name]
            for cell in cells
            for step in cell.steps
            if step.step == name and step.steady is not None and step.agrees is not False
        }
        all_means = {stack: mean_blocks(its) for stack, its in blocks.items()}
        own = {stack: computing[stack].get(name, {}) for stack in blocks}
        for ranked, time in _ranked(blocks, all_means, own, spreads, prior, around.quiet):
            order[ranked.name, name] = ranked, time
    return [replace(cell, steps=_with_ranks(cell, order), total=None) for cell in cells]


def _with_ranks(cell: CellSummary, order: Mapping[tuple[str, str], tuple[Ranked, Interval]]) -> tuple[StepSummary, ...]:
    pairs = [(step, order.get((cell.stack, step.step))) for step in cell.steps]
    return tuple(replace(step, **_standing(*found), steady=found[1]) if found else step for step, found in pairs)


def _standing(ranked: Ranked, time: Interval) -> dict[str, Any]:
    """Return the fields of a summary that say how its stack stands among the others."""
    assumed = ranked.rank is None or time.assumed
    return {"rank": None if assumed else ranked.rank, "assumed": assumed, "ratio": ranked.ratio}


def _ranked(
    times: Mapping[str, Blocks],
    all_means: Mapping[str, Blocks],
    computing: Mapping[str, Blocks],
    spreads: Spreads,
    prior: Prior,
    quiet: bool,
) -> list[tuple[Ranked, Interval]]:
    """Rank stacks by the blocks of their times.

    The means of the same blocks must differ in the same direction, and ``computing``, their times without
    interruptions, must not contradict them unless the machine was quiet.
    """
    fitted = levels(times)
    without = levels({stack: blocks for stack, blocks in computing.items() if blocks})

    def ratio(a: str, b: str) -> Ratio | None:
        found = fitted.ratio(a, b, spreads, prior)
        if found is None:
            return None
        cpu = without.ratio(a, b, spreads, prior) if {a, b} <= without.logs.keys() else None
        wall = replace(found, mean=means.ratio(*paired(all_means[a], all_means[b])))
        return beside(wall, cpu, quiet=quiet)

    intervals = {stack: fitted.interval(stack, spreads) for stack in times}
    order = ranks.rank({stack: time.estimate for stack, time in intervals.items()}, ratio)
    return [(stack, intervals[stack.name]) for stack in order]
