"""A run as tables on a terminal, and as plain text where there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinbench.results.decisions.recommend_records import Recommendation
from twinbench.results.summary.run import LEVELS, CellSummary, Growth, PipelineSummary, RunSummary, StepSummary
from twinbench.store.records import Agreement, Status
from twinbench.views import endpoints, layout, text, words

STYLES = {Status.DONE: "green", Status.UNAVAILABLE: "dim", Status.RUNNING: "yellow", Status.PLANNED: "dim"}
"""Style of a status; red for any other."""

LEGEND = """\
total: typical time of one execution of all steps after warm-up; ± is half of the 95 % interval, by the spread between
processes. to fastest: quotient of totals, measured side by side; ± is corrected for the number of pairs of stacks.
assumed: with fewer than 4 processes their spread is assumed, and nothing is ranked.
rank: 1 plus the number of stacks that are distinguishably faster, in the typical time with certainty and in the mean
(mean: all samples, slow ones included); a stack that failed or disagrees with the reference has none.
cold start: imports and first calls. agreement: largest error divided by its tolerance; at most 1 agrees.
quality: ! a line below the table says which baseline or target it misses.
steps: ! disagrees; * the library can't follow the contract; ~ (unsettled) its times were still changing when warm-up
ended; [1] is the rank where each step is ranked by itself."""


GROWTH_LEGEND = """\
exponent: time grows as amount ^ exponent, so 1 is linear; ± is half of the 95 % interval of the fit, which needs three
sizes or more; a -> b: no single exponent fits (a test at 5 %), it is a between the two smallest sizes and b between the
two largest; *: not measured at every size."""


AGREEMENT_LEGEND = """\
exact, rounding, approximate: agrees, with error / tolerance in brackets (at most 1). DIFFERENT: largest absolute
error, and for images the peak signal-to-noise ratio. different*: the library can't follow the contract.
-: not checked."""


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the table of stacks."""

    header: str
    cell: Callable[[CellSummary], Text]
    priority: int
    """On a narrow terminal, the columns with the lowest priority are left out first."""
    justify: Literal["left", "right"] = "right"


def render(summary: RunSummary, console: Console, recommendations: Sequence[Recommendation] = ()) -> None:
    """Print a run: its pipelines, the growth of time, warnings, and the recommended stacks."""
    layout.widen(console)
    for pipeline in summary.pipelines:
        _render_pipeline(pipeline, console)
    for name, exponents in groupby(summary.growth, key=lambda growth: growth.pipeline):
        _render_growth(name, list(exponents), console)
    for warning in summary.warnings:
        layout.say(console, "warning", warning, style="yellow")
    for answer in recommendations:
        counted = "; ".join((f"weights: {words.weights(answer) or 'none'}", *answer.uncounted))
        layout.say(console, "recommended", f"{words.choice(answer)} ({counted})")
    if summary.pipelines:
        console.print(Text(LEGEND, style="dim"))
    if summary.growth:
        console.print(Text(GROWTH_LEGEND, style="dim"))
    layout.say(console, f"run {summary.run_id}, {summary.created}, {summary.status}", style="dim")


def _render_pipeline(pipeline: PipelineSummary, console: Console) -> None:
    """Print a pipeline's headline, stacks, failures, steps, quality, models and endpoints."""
    layout.say(console, f"{pipeline.pipeline} ({pipeline.size})", pipeline.question, style="bold")
    layout.say(console, words.data(pipeline))
    layout.say(console, words.headline(pipeline), style="bold green")
    console.print(_stacks(pipeline, console))
    for cell in pipeline.cells:
        if cell.reason:
            layout.say(console, f"{cell.stack}: {cell.kind or cell.status}", cell.reason, style=_style(cell.status))
        for doubt in cell.doubts.values():
            layout.say(console, cell.stack, doubt, style="red")
        for step in cell.steps:
            if step.declared:
                layout.say(console, f"{cell.stack} {step.step}: different", step.declared)
    layout.say(console, words.break_even(pipeline))
    for table in _steps(pipeline, console):
        console.print(table)
    for line in (*words.slow_samples(pipeline), *words.qualities(pipeline)):
        layout.say(console, *line)
    if any(words.is_rated(step) for cell in pipeline.cells for step in cell.steps):
        console.print(_rates(pipeline))
    deployed = [endpoint for cell in pipeline.cells for endpoint in cell.endpoints]
    if deployed:
        endpoints.render(deployed, console)


def _render_growth(pipeline: str, exponents: Sequence[Growth], console: Console) -> None:
    """Print the exponents of one pipeline."""
    sizes = max((growth.sizes for growth in exponents), key=len)
    layout.say(console, f"{pipeline}: exponent of time over amount of data", ", ".join(sizes), style="bold")
    for table in _growth(exponents, sizes, console):
        console.print(table)


def agreement_matrix(
    steps: Mapping[str, str], findings: Mapping[str, Mapping[str, Sequence[Agreement]]], console: Console
) -> None:
    """Print a matrix of steps (id to op) and stacks: the agreement of the worst output of each step.

    ``findings`` holds, by stack and step id, one result for each output that was checked.
    """
    layout.widen(console)
    stacks = [layout.cell(stack) for stack in findings]
    rows = [(step, op, [by_step.get(step, ()) for by_step in findings.values()]) for step, op in steps.items()]

    def table(first: int, last: int) -> Table:
        matrix = layout.table("step", "op", *stacks[first:last])
        for step, op, by_stack in rows:
            matrix.add_row(layout.cell(step), layout.cell(op), *map(_worst_output, by_stack[first:last]))
        return matrix

    for matrix in layout.chunks(table, len(stacks), console):
        console.print(matrix)
    for stack, by_step in findings.items():
        for step, outputs in by_step.items():
            for reason in dict.fromkeys(output.declared for output in outputs if output.declared):
                layout.say(console, f"{stack} {step}: different", reason)
    console.print(Text(AGREEMENT_LEGEND, style="dim"))


def _stacks(pipeline: PipelineSummary, console: Console) -> Table:
    columns = [
        _Column("rank", lambda c: layout.cell(c.rank or text.NOTHING), 9),
        _Column("stack", lambda c: layout.cell(c.stack, "" if c.rank or c.assumed else "dim"), 9, "left"),
        _Column("total", lambda c: layout.cell(text.interval(c.total)), 8),
        _Column("mean", lambda c: layout.cell(text.seconds(c.mean_s)), 1),
        _Column("to fastest", lambda c: layout.cell(words.standing(c)), 6),
        _Column("cold start", lambda c: layout.cell(text.seconds(c.cold_start_s)), 5),
        _Column("boundary", lambda c: layout.cell(text.seconds(c.boundary_in_s or None)), 0),
        _Column(pipeline.metric or "quality", lambda c: _quality(c, pipeline.metric), 4),
        _Column("agreement", lambda c: _agreement(c.agreement_error), 3),
        _Column("memory", lambda c: layout.cell(text.size(c.peak_rss_bytes)), 2),
        _Column("status", lambda c: layout.cell(_status(c), _style(c.status)), 7, "left"),
    ]
    columns = [column for column in columns if any(str(column.cell(c)) != text.NOTHING for c in pipeline.cells)]
    while layout.width(table := _stack_table(columns, pipeline.cells), console) > console.width and len(columns) > 3:
        columns.remove(min(columns, key=lambda column: column.priority))
    return table


def _stack_table(columns: Sequence[_Column], cells: Sequence[CellSummary]) -> Table:
    table = layout.table()
    for column in columns:
        table.add_column(layout.cell(column.header), justify=column.justify)
    for cell in cells:
        table.add_row(*(column.cell(cell) for column in columns))
    return table


def _steps(pipeline: PipelineSummary, console: Console) -> list[Table]:
    """Return tables of times by step and stack: several tables if the stacks don't fit side by side.

    Independent steps are shown with their ranks.
    """
    cells = [cell for cell in pipeline.cells if any(step.steady for step in cell.steps)]

    def table(first: int, last: int) -> Table:
        matrix = layout.table("step", "op", *(layout.cell(cell.stack) for cell in cells[first:last]))
        for row, (step, op) in enumerate(pipeline.steps):
            matrix.add_row(layout.cell(step), layout.cell(op), *(_step(cell.steps[row]) for cell in cells[first:last]))
        return matrix

    return layout.chunks(table, len(cells), console)


def _rates(pipeline: PipelineSummary) -> Table:
    """Return the table of models: examples per second, latency of single requests, and size on disk."""
    table = layout.table("step", "stack", "examples/s", "latency p50", "p95", "p99", "requests", "size")
    for name, _ in pipeline.steps:
        for cell in pipeline.cells:
            for step in cell.steps:
                if step.step == name and words.is_rated(step):
                    table.add_row(*map(layout.cell, (name, cell.stack, *words.rate(step))))
    return table


def _status(cell: CellSummary) -> str:
    unsettled = ", unsettled" if cell.unsettled and cell.rank is not None else ""
    return f"{cell.status}{', reused' if cell.reused and cell.total else ''}{unsettled}"


def _quality(cell: CellSummary, metric: str | None) -> Text:
    """Show the quality in red if there are doubts about it."""
    quality = cell.quality.get(metric or "")
    return layout.cell(words.quality(quality.mean if quality else None, cell.doubts), "red" if cell.doubts else "")


def _agreement(error: float | None) -> Text:
    return layout.cell(text.error(error), "red" if error is not None and not error <= 1 else "")


def _step(step: StepSummary) -> Text:
    """Show a step's time, with ``!`` or ``*`` if it disagrees, or with ratio and rank if it is ranked by itself."""
    if step.steady is None:
        return layout.cell(text.NOTHING)
    time = text.seconds(step.steady.estimate) + "~" * step.changing
    if step.agrees is False:
        return layout.cell(f"{time} {'*' if step.declared else '!'}", "yellow" if step.declared else "red")
    times = f"{step.ratio.estimate:.3g}x" if step.ratio else "1x"
    if step.assumed:
        return layout.cell(f"{time} {times} assumed")
    if step.rank is None:
        return layout.cell(time)
    if step.ratio and step.ratio.disturbed and step.ratio.cpu:
        times += f" (disturbed, CPU {step.ratio.cpu.estimate:.3g}x)"
    return layout.cell(f"{time} {times} [{step.rank}]", "green" if step.rank == 1 else "")


def _growth(growth: Sequence[Growth], sizes: Sequence[str], console: Console) -> list[Table]:
    """Return the exponents of one pipeline: a row for each step, or one for the total, and a column for each stack."""
    by_stack_and_step = {(exponent.stack, exponent.step): exponent for exponent in growth}
    stacks, steps = (list(dict.fromkeys(names)) for names in zip(*by_stack_and_step, strict=True))

    def table(first: int, last: int) -> Table:
        matrix = layout.table("step", *map(layout.cell, stacks[first:last]))
        matrix.columns[1].justify = "right"
        for step in steps:
            exponents = [_exponent(by_stack_and_step.get((stack, step)), sizes) for stack in stacks[first:last]]
            matrix.add_row(layout.cell(step or "total"), *exponents)
        return matrix

    return layout.chunks(table, len(stacks), console)


def _exponent(growth: Growth | None, sizes: Sequence[str]) -> Text:
    """Show an exponent, with half of its interval if it has one, and a star if some of the sizes are missing."""
    if growth is None:
        return layout.cell(text.NOTHING)
    half = "" if growth.high is None else f" ±{growth.high - growth.exponent:.2f}"
    exponent = words.exponent(growth) if growth.fits is False else f"{growth.exponent:.2f}{half}"
    return layout.cell(f"{exponent}{'' if growth.sizes == tuple(sizes) else '*'}")


def _worst_output(outputs: Sequence[Agreement]) -> Text:
    if not outputs:
        return layout.cell(text.NOTHING)
    worst = max(outputs, key=lambda out: (not out.ok, math.inf if math.isnan(out.error) else out.error))
    if worst.ok:
        level = max((output.level for output in outputs), key=LEVELS.index)
        return layout.cell(level if level == "exact" else f"{level} ({text.error(worst.error)})", "green")
    size = "" if math.isinf(worst.max_abs) else f" max {worst.max_abs:.3g}"
    psnr = "" if worst.psnr_db is None else f" {worst.psnr_db:.1f} dB"
    declared = all(output.ok or output.declared for output in outputs)
    return layout.cell(f"{'different*' if declared else 'DIFFERENT'}{size}{psnr}", "yellow" if declared else "red")


def _style(status: Status) -> str:
    return STYLES.get(status, "red")
