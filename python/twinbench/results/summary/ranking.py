"""Who is fastest, and who can't be told from whom: cells by their totals, or steps that are questions of their own.

Agreement comes before speed: what failed or disagrees has no rank.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from twinbench.numbers import stats
from twinbench.numbers.stats import Ranked, Ratio
from twinbench.results.summary.records import BreakEven, CellSummary, StepSummary
from twinbench.store.records import Status
from twinbench.store.samples import Blocks, Figures, paired


def by_total(cells: Sequence[CellSummary], totals: Mapping[str, Blocks], process_sd: float) -> list[CellSummary]:
    """Cells that are done, by rank; then the others."""
    by_name = {cell.stack: cell for cell in cells}
    estimates = {c.stack: c.total.estimate for c in cells if c.status is Status.DONE and c.total is not None}
    order = stats.rank(estimates, partial(_compare, totals, process_sd))
    ranked = [replace(by_name[place.name], rank=place.rank, ratio=place.ratio) for place in order]
    return ranked + [cell for cell in cells if cell.stack not in estimates]


def by_step(cells: Sequence[CellSummary], measured: Mapping[str, Figures], process_sd: float) -> list[CellSummary]:
    """The cells in their order, with every step that agrees ranked among the same step of the others."""
    places: dict[tuple[str, str], Ranked] = {}
    for step in dict.fromkeys(step.step for cell in cells for step in cell.steps):
        blocks = {stack: figures.steady.get(step, {}) for stack, figures in measured.items()}
        estimates = {
            cell.stack: one.steady.estimate
            for cell in cells
            for one in cell.steps
            if one.step == step and one.steady is not None and one.agrees is not False
        }
        for ranked in stats.rank(estimates, partial(_compare, blocks, process_sd)):
            places[ranked.name, step] = ranked
    return [replace(cell, steps=_placed(cell, places), total=None) for cell in cells]


def _placed(cell: CellSummary, places: Mapping[tuple[str, str], Ranked]) -> tuple[StepSummary, ...]:
    found = [(step, places.get((cell.stack, step.step))) for step in cell.steps]
    return tuple(replace(step, rank=place.rank, ratio=place.ratio) if place else step for step, place in found)


def break_even(ranked: Sequence[CellSummary]) -> BreakEven | None:
    """When the fastest has made up for a slower start than another's; None where it needn't."""
    starts = [(cell.cold_start_s, cell) for cell in ranked if cell.rank is not None and cell.cold_start_s is not None]
    if not starts or starts[0][1].rank != 1:
        return None
    cold, winner = starts[0]
    cold_first, first = min(starts, key=lambda start: start[0])
    if winner.total is None or first.total is None or first.ratio is None or stats.verdict(first.ratio) != "slower":
        return None
    calls = stats.break_even(cold, winner.total.estimate, cold_first, first.total.estimate)
    return BreakEven(winner.stack, first.stack, calls)


def _compare(blocks: Mapping[str, Blocks], process_sd: float, a: str, b: str) -> Ratio | None:
    pair = paired(blocks[a], blocks[b])
    return stats.ratio(*pair, process_sd=process_sd) if pair[0] else None
