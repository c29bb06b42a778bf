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
from twinbench.numbers.moderation import Prior
from twinbench.numbers.ranks import Ranked
from twinbench.numbers.spreads import Spreads
from twinbench.numbers.stats import Interval, Ratio
from twinbench.results.summary.records import CellSummary, StepSummary
from twinbench.store.records import Status
from twinbench.store.samples import Blocks, Figures, mean_blocks, paired, spread


def by_total(
    cells: Sequence[CellSummary], measured: Mapping[str, Figures], steps: Sequence[str], spreads: Spreads
) -> list[CellSummary]:
    """Return the cells that are done, with their ranks and by rank; then the others."""
    by_name = {cell.stack: cell for cell in cells if cell.status is Status.DONE and cell.total is not None}
    totals = {stack: measured[stack].totals(steps) for stack in by_name}
    all_means = {stack: measured[stack].mean_totals(steps) for stack in by_name}
    prior = spread({stack: measured[stack].steady | {"": totals[stack]} for stack in by_name})
    order = _ranked(totals, all_means, spreads, prior)
    ranked = [replace(by_name[stack.name], **_standing(stack, time), total=time) for stack, time in order]
    return ranked + [cell for cell in cells if cell.stack not in by_name]


def by_step(cells: Sequence[CellSummary], measured: Mapping[str, Figures], spreads: Spreads) -> list[CellSummary]:
    """Return the cells in their order, with each step that agrees ranked against the same step of the other stacks."""
    order: dict[tuple[str, str], tuple[Ranked, Interval]] = {}
    complete = [cell.stack for cell in cells if cell.status in (Status.DONE, Status.DISAGREES)]
    prior = spread({stack: measured[stack].steady for stack in complete})
    for name in dict.fromkeys(step.step for cell in cells for step in cell.steps):
        blocks = {
            cell.stack: measured[cell.stack].steady[name]
            for cell in cells
            for step in cell.steps
            if step.step == name and step.steady is not None and step.agrees is not False
        }
        all_means = {stack: mean_blocks(its) for stack, its in blocks.items()}
        for ranked, time in _ranked(blocks, all_means, spreads, prior):
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
    times: Mapping[str, Blocks], all_means: Mapping[str, Blocks], spreads: Spreads, prior: Prior
) -> list[tuple[Ranked, Interval]]:
    """Rank stacks by the blocks of their times; the means of the same blocks must differ in the same direction."""
    fitted = levels(times)

    def ratio(a: str, b: str) -> Ratio | None:
        found = fitted.ratio(a, b, spreads, prior)
        return found and replace(found, mean=means.ratio(*paired(all_means[a], all_means[b])))

    intervals = {stack: fitted.interval(stack, spreads) for stack in times}
    order = ranks.rank({stack: time.estimate for stack, time in intervals.items()}, ratio)
    return [(stack, intervals[stack.name]) for stack in order]
