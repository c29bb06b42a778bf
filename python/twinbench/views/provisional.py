"""The figures so far of a run that is still being measured, as one table that says that it is provisional."""

from __future__ import annotations

import math
from collections.abc import Mapping

from rich.console import Group
from rich.table import Table
from rich.text import Text

from twinbench.results.summary.run import CellSummary, PipelineSummary, RunSummary
from twinbench.store.records import Status
from twinbench.views import layout, text

MEASURED = (Status.PLANNED, Status.RUNNING)
"""Statuses of cells that are still to be measured; a pipeline with one of these is shown."""


def shown(summary: RunSummary, process: int, processes: int, looks: Mapping[int, float]) -> Group:
    """Return the present pipelines' headlines and tables. ``process`` counts from 1.

    ``looks`` has the seconds of a single execution by cell, for cells without a block.
    """
    parts: list[Text | Table] = []
    for pipeline in summary.pipelines:
        if any(cell.status in MEASURED for cell in pipeline.cells):
            head = f"{pipeline.pipeline} ({pipeline.size})"
            state = f"provisional, in process {process} of {processes}; nothing is ranked yet"
            parts += [Text.assemble((text.clean(head), "bold"), ": ", (state, "yellow")), _table(pipeline, looks)]
    return Group(*parts)


def complete(summary: RunSummary) -> bool:
    """Return whether each cell that is being measured has a time."""
    cells = [cell for pipeline in summary.pipelines for cell in pipeline.cells if cell.status in MEASURED]
    return bool(cells) and all(_seconds(cell) for cell in cells)


def _table(pipeline: PipelineSummary, looks: Mapping[int, float]) -> Table:
    table = layout.table("stack", "total" if not pipeline.independent else "sum of steps", "cold start", "agreement")
    table.columns[1].justify = "right"
    cells = [cell for cell in pipeline.cells if cell.status is not Status.UNAVAILABLE]
    for cell in sorted(cells, key=lambda cell: _seconds(cell) or looks.get(cell.cell_id, math.inf)):
        time = text.interval(cell.total) if cell.total else text.seconds(_seconds(cell))
        if time == text.NOTHING and cell.cell_id in looks:
            time = f"about {text.seconds(looks[cell.cell_id])}"
        figures = (cell.stack, time, text.seconds(cell.cold_start_s), text.error(cell.agreement_error))
        table.add_row(*map(layout.cell, figures))
    return table


def _seconds(cell: CellSummary) -> float | None:
    """Return the time of one execution so far; None before the first block."""
    if cell.total is not None:
        return cell.total.estimate
    return sum(step.steady.estimate for step in cell.steps if step.steady is not None) or None
