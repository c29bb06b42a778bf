"""The figures so far of a run that is still being measured, as one table that says that it is provisional."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import IntEnum

from rich.console import Group
from rich.table import Table
from rich.text import Text

from twinbench.results.summary.run import CellSummary, PipelineSummary, RunSummary
from twinbench.store.records import Status
from twinbench.views import layout, text

MEASURED = (Status.PLANNED, Status.RUNNING)
"""Statuses of cells that are still to be measured; a pipeline with one of these is shown."""


class Stage(IntEnum):
    """How far the cells that are being measured have come, all of them."""

    MISSING = 0
    """At least one has no figure."""
    EXECUTED = 1
    """Each has executed all its steps."""
    MEASURED = 2
    """Each has a block."""


def shown(summary: RunSummary, process: int, processes: int, looks: Mapping[int, float]) -> Group:
    """Return the present pipelines' headlines and tables. ``process`` counts from 1.

    ``looks`` has the seconds of a single warm execution by cell, for cells without a block.
    """
    parts: list[Text | Table] = []
    for pipeline in summary.pipelines:
        if any(cell.status in MEASURED for cell in pipeline.cells):
            head = f"{pipeline.pipeline} ({pipeline.size})"
            state = f"provisional, in process {process} of {processes}; nothing is ranked yet"
            if any(_is_first(cell, looks) for cell in pipeline.cells):
                state += "; first: the first execution, with all that it compiles or sets up"
            parts += [Text.assemble((text.clean(head), "bold"), ": ", (state, "yellow")), _table(pipeline, looks)]
    return Group(*parts)


def stage(summary: RunSummary) -> Stage:
    """Return how far all cells have come that are being measured."""
    cells = [cell for pipeline in summary.pipelines for cell in pipeline.cells if cell.status in MEASURED]
    if not cells or not all(_seconds(cell) or cell.first_call_s for cell in cells):
        return Stage.MISSING
    return Stage.MEASURED if all(_seconds(cell) for cell in cells) else Stage.EXECUTED


def _table(pipeline: PipelineSummary, looks: Mapping[int, float]) -> Table:
    table = layout.table("stack", "total" if not pipeline.independent else "sum of steps", "cold start", "agreement")
    table.columns[1].justify = "right"
    cells = [cell for cell in pipeline.cells if cell.status is not Status.UNAVAILABLE]
    for cell in sorted(cells, key=lambda cell: _seconds(cell) or looks.get(cell.cell_id, math.inf)):
        figures = (cell.stack, _time(cell, looks), text.seconds(cell.cold_start_s), text.error(cell.agreement_error))
        table.add_row(*map(layout.cell, figures))
    return table


def _time(cell: CellSummary, looks: Mapping[int, float]) -> str:
    if cell.total:
        return text.interval(cell.total)
    if not _seconds(cell) and cell.cell_id in looks:
        return f"about {text.seconds(looks[cell.cell_id])}"
    if _is_first(cell, looks):
        return f"first {text.seconds(cell.first_call_s)}"
    return text.seconds(_seconds(cell))


def _is_first(cell: CellSummary, looks: Mapping[int, float]) -> bool:
    """Whether the only execution so far is the first."""
    return not _seconds(cell) and cell.cell_id not in looks and cell.first_call_s is not None


def _seconds(cell: CellSummary) -> float | None:
    """Return the time of one execution so far; None before the first block."""
    if cell.total is not None:
        return cell.total.estimate
    return sum(step.steady.estimate for step in cell.steps if step.steady is not None) or None
