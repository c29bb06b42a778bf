"""Ranks of cells by their totals, or of independent steps; stacks that can't be told apart share a rank.

Agreement comes before speed: a cell that failed or disagrees has no rank.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from twinbench.numbers import stats
from twinbench.numbers.moderation import Prior
from twinbench.numbers.stats import Interval, Ranked, Ratio
from twinbench.results.summary.records import BreakEven, CellSummary, StepSummary
from twinbench.store.records import Status
from twinbench.store.samples import Blocks, Figures, paired, spread


def by_total(
    cells: Sequence[CellSummary], measured: Mapping[str, Figures], steps: Sequence[str], process_sd: float
) -> list[CellSummary]:
    """Return the cells that are done, with their ranks and by rank; then the others."""
    totals = {stack: figures.totals(steps) for stack, figures in measured.items()}
    by_name = {cell.stack: cell for cell in cells}
    estimates = {c.stack: c.total.estimate for c in cells if c.status is Status.DONE and c.total is not None}
    prior = spread({stack: measured[stack].steady | {"": totals[stack]} for stack in estimates})
    order = stats.rank(estimates, partial(_ratio, totals, process_sd, prior))
    ranked = [replace(by_name[stack.name], **_standing(stack, by_name[stack.name].total)) for stack in order]
    return ranked + [cell for cell in cells if cell.stack not in estimates]


def by_step(cells: Sequence[CellSummary], measured: Mapping[str, Figures], process_sd: float) -> list[CellSummary]:
    """Return the cells in their order, with each step that agrees ranked against the same step of the other stacks."""
    ranks: dict[tuple[str, str], Ranked] = {}
    complete = [cell.stack for cell in cells if cell.status in (Status.DONE, Status.DISAGREES)]
    prior = spread({stack: measured[stack].steady for stack in complete})
    for name in dict.fromkeys(step.step for cell in cells for step in cell.steps):
        blocks = {stack: figures.steady.get(name, {}) for stack, figures in measured.items()}
        estimates = {
            cell.stack: step.steady.estimate
            for cell in cells
            for step in cell.steps
            if step.step == name and step.steady is not None and step.agrees is not False
        }
        for ranked in stats.rank(estimates, partial(_ratio, blocks, process_sd, prior)):
            ranks[ranked.name, name] = ranked
    return [replace(cell, steps=_with_ranks(cell, ranks), total=None) for cell in cells]


def _with_ranks(cell: CellSummary, ranks: Mapping[tuple[str, str], Ranked]) -> tuple[StepSummary, ...]:
    pairs = [(step, ranks.get((cell.stack, step.step))) for step in cell.steps]
    return tuple(replace(step, **_standing(ranked, step.steady)) if ranked else step for step, ranked in pairs)


def _standing(ranked: Ranked, time: Interval | None) -> dict[str, Any]:
    """Return the fields of a summary that say how its stack stands among the others."""
    assumed = ranked.rank is None or time is None or time.assumed
    return {"rank": None if assumed else ranked.rank, "assumed": assumed, "ratio": ranked.ratio}


def break_even(ranked: Sequence[CellSummary]) -> BreakEven | None:
    """Return when the fastest cell has made up for its slower start; None if none starts distinguishably sooner."""
    starts = [(cell.cold_start_s, cell) for cell in ranked if cell.rank is not None and cell.cold_start_s is not None]
    if not starts or starts[0][1].rank != 1:
        return None
    cold, winner = starts[0]
    cold_first, first = min(starts, key=lambda start: start[0])
    if winner.total is None or first.total is None or first.ratio is None or stats.verdict(first.ratio) != "slower":
        return None
    calls = stats.break_even(cold, winner.total.estimate, cold_first, first.total.estimate)
    return BreakEven(winner.stack, first.stack, calls)


def _ratio(blocks: Mapping[str, Blocks], process_sd: float, prior: Prior, a: str, b: str) -> Ratio | None:
    pair = paired(blocks[a], blocks[b])
    return stats.ratio(*pair, process_sd=process_sd, prior=prior) if pair[0] else None
