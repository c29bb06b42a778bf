"""A run as tables on a terminal, and as plain text where there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, Protocol

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinbench.results.decisions.recommend_records import Recommendation
from twinbench.results.summary.run import LEVELS, CellSummary, Growth, PipelineSummary, RunSummary, StepSummary
from twinbench.store.records import Status
from twinbench.views import endpoints, layout, text, words

STYLES = {Status.DONE: "green", Status.UNAVAILABLE: "dim", Status.RUNNING: "yellow", Status.PLANNED: "dim"}
"""Of a status; red for any other."""

LEGEND = """\
total: one execution of all steps after warm-up; ± is half of a 95 % interval over processes and blocks.
rank: stacks that can't be told apart share one; what failed or disagrees with the reference has none.
cold start: imports and first calls. agreement: worst error against its tolerance, at most 1 agrees.
of a step: ! disagrees, * can't follow the contract, [1] is its rank where steps are questions of their own."""


GROWTH_LEGEND = """\
exponent: time grows as amount ^ exponent, so 1 is linear; ± is half of the 95 % interval of the fit, which takes three
sizes or more; * not measured at all of the sizes."""


AGREEMENT_LEGEND = """\
the class, and in brackets error / tolerance (at most 1 agrees); of what is different the largest absolute error, and
for images the peak signal-to-noise ratio. * is declared: the library can't follow the contract. '-': not compared."""


class Finding(Protocol):
    """How one output compares with the reference's."""

    @property
    def level(self) -> str:
        """Tolerance class."""

    @property
    def error(self) -> float:
        """As a multiple of the tolerance."""

    @property
    def max_abs(self) -> float:
        """The largest absolute error."""

    @property
    def psnr_db(self) -> float | None:
        """Of an image that differs."""

    @property
    def ok(self) -> bool:
        """Whether it is inside."""

    @property
    def declared(self) -> str:
        """Why the library can't get there, if its framework says so."""


@dataclass(frozen=True, slots=True)
class _Column:
    """``keep``: columns with the lowest go first when the terminal is narrow."""

    header: str
    cell: Callable[[CellSummary], Text]
    keep: int
    justify: Literal["left", "right"] = "right"


def render(summary: RunSummary, console: Console, recommendations: Sequence[Recommendation] = ()) -> None:
    """Print a run: per pipeline its answer, its stacks, what went wrong, and its steps; then what to choose."""
    layout.widen(console)
    for pipeline in summary.pipelines:
        layout.say(console, f"{pipeline.pipeline} ({pipeline.size})", pipeline.question, style="bold")
        layout.say(console, words.data(pipeline))
        layout.say(console, words.headline(pipeline), style="bold green")
        console.print(_stacks(pipeline, console))
        for cell in pipeline.cells:
            if cell.reason:
                layout.say(console, f"{cell.stack}: {cell.kind or cell.status}", cell.reason, style=_style(cell.status))
        layout.say(console, words.break_even(pipeline))
        for table in _steps(pipeline, console):
            console.print(table)
        for line in words.qualities(pipeline):
            layout.say(console, *line)
        if any(words.is_rated(step) for cell in pipeline.cells for step in cell.steps):
            console.print(_rates(pipeline))
        deployed = [one for cell in pipeline.cells for one in cell.endpoints]
        if deployed:
            endpoints.render(deployed, console)
    for name, exponents in groupby(summary.growth, key=lambda one: one.pipeline):
        growth = list(exponents)
        sizes = max((one.sizes for one in growth), key=len)
        layout.say(console, f"{name}: exponent of time over amount", ", ".join(sizes), style="bold")
        for table in _growth(growth, sizes, console):
            console.print(table)
    for warning in summary.warnings:
        layout.say(console, "warning", warning, style="yellow")
    for found in recommendations:
        layout.say(console, "recommended", f"{words.choice(found)} (weights: {words.weights(found) or 'none'})")
    if summary.pipelines:
        console.print(Text(LEGEND, style="dim"))
    if summary.growth:
        console.print(Text(GROWTH_LEGEND, style="dim"))
    layout.say(console, f"run {summary.run_id}, {summary.created}, {summary.status}", style="dim")


def agreement_matrix(
    steps: Mapping[str, str], findings: Mapping[str, Mapping[str, Sequence[Finding]]], console: Console
) -> None:
    """Print steps (id to op) against stacks: how the worst of a step's outputs compares, and by how much.

    ``findings`` holds, by stack and step id, one finding per compared output.
    """
    layout.widen(console)
    stacks = [layout.cell(stack) for stack in findings]
    rows = [(step, op, [by_step.get(step, ()) for by_step in findings.values()]) for step, op in steps.items()]

    def table(first: int, last: int) -> Table:
        made = layout.table("step", "op", *stacks[first:last])
        for step, op, found in rows:
            made.add_row(layout.cell(step), layout.cell(op), *map(_finding, found[first:last]))
        return made

    for made in layout.chunks(table, len(stacks), console):
        console.print(made)
    for stack, by_step in findings.items():
        for step, found in by_step.items():
            for reason in dict.fromkeys(f.declared for f in found if f.declared):
                layout.say(console, f"{stack} {step}: different", reason)
    console.print(Text(AGREEMENT_LEGEND, style="dim"))


def _stacks(pipeline: PipelineSummary, console: Console) -> Table:
    columns = [
        _Column("rank", lambda c: layout.cell(c.rank or text.NOTHING), 9),
        _Column("stack", lambda c: layout.cell(c.stack, "" if c.rank else "dim"), 9, "left"),
        _Column("total", lambda c: layout.cell(text.interval(c.total)), 8),
        _Column("to fastest", lambda c: layout.cell("1" if c.rank and not c.ratio else text.ratio(c.ratio)), 6),
        _Column("cold start", lambda c: layout.cell(text.seconds(c.cold_start_s)), 5),
        _Column("boundary", lambda c: layout.cell(text.seconds(c.boundary_in_s or None)), 1),
        _Column(pipeline.metric or "quality", lambda c: _quality(c, pipeline.metric), 4),
        _Column("agreement", lambda c: _agreement(c.agreement_error), 3),
        _Column("memory", lambda c: layout.cell(text.size(c.peak_rss_bytes)), 2),
        _Column("status", lambda c: layout.cell(_status(c), _style(c.status)), 7, "left"),
    ]
    columns = [column for column in columns if any(str(column.cell(c)) != text.NOTHING for c in pipeline.cells)]
    while layout.width(table := _stack_table(columns, pipeline.cells), console) > console.width and len(columns) > 3:
        columns.remove(min(columns, key=lambda column: column.keep))
    return table


def _stack_table(columns: Sequence[_Column], cells: Sequence[CellSummary]) -> Table:
    table = layout.table()
    for column in columns:
        table.add_column(layout.cell(column.header), justify=column.justify)
    for cell in cells:
        table.add_row(*(column.cell(cell) for column in columns))
    return table


def _steps(pipeline: PipelineSummary, console: Console) -> list[Table]:
    """Median times by step and stack, over several tables when the stacks don't fit side by side.

    Independent steps have their ranks beside them.
    """
    cells = [cell for cell in pipeline.cells if any(step.steady for step in cell.steps)]

    def table(first: int, last: int) -> Table:
        made = layout.table("step", "op", *(layout.cell(cell.stack) for cell in cells[first:last]))
        for row, (step, op) in enumerate(pipeline.steps):
            made.add_row(layout.cell(step), layout.cell(op), *(_step(cell.steps[row]) for cell in cells[first:last]))
        return made

    return layout.chunks(table, len(cells), console)


def _rates(pipeline: PipelineSummary) -> Table:
    """How fast models are trained, asked and saved: examples a second, latency of single requests, bytes on disk."""
    table = layout.table("step", "stack", "examples/s", "latency p50", "p95", "p99", "requests", "size")
    for step, _ in pipeline.steps:
        for cell in pipeline.cells:
            for found in cell.steps:
                if found.step == step and words.is_rated(found):
                    table.add_row(*map(layout.cell, (step, cell.stack, *words.rate(found))))
    return table


def _status(cell: CellSummary) -> str:
    return f"{cell.status}{', reused' if cell.reused and cell.total else ''}"


def _quality(cell: CellSummary, metric: str | None) -> Text:
    """Red where a dummy does as well."""
    quality = cell.quality.get(metric or "")
    if quality is None:
        return layout.cell(text.NOTHING)
    mark = " below baseline" if cell.beats_baseline is False else ""
    return layout.cell(f"{quality.mean:.3f}{mark}", "red" if mark else "")


def _agreement(error: float | None) -> Text:
    return layout.cell(text.error(error), "red" if error is not None and not error <= 1 else "")


def _step(step: StepSummary) -> Text:
    """The time; of an independent step its rank and ratio, or ``*`` where the library can't follow the contract."""
    if step.steady is None:
        return layout.cell(text.NOTHING)
    time = text.seconds(step.steady.estimate)
    if step.agrees is False:
        return layout.cell(f"{time} {'*' if step.declared else '!'}", "yellow" if step.declared else "red")
    if step.rank is None:
        return layout.cell(time)
    times = f"{step.ratio.estimate:.3g}x" if step.ratio else "1x"
    return layout.cell(f"{time} {times} [{step.rank}]", "green" if step.rank == 1 else "")


def _growth(growth: Sequence[Growth], sizes: Sequence[str], console: Console) -> list[Table]:
    """Exponents of one pipeline: a row for each step, or one for the total, and a column for each stack."""
    found = {(one.stack, one.step): one for one in growth}
    stacks, steps = (list(dict.fromkeys(names)) for names in zip(*found, strict=True))

    def table(first: int, last: int) -> Table:
        made = layout.table("step", *map(layout.cell, stacks[first:last]))
        made.columns[1].justify = "right"
        for step in steps:
            made.add_row(
                layout.cell(step or "total"), *(_exponent(found.get((s, step)), sizes) for s in stacks[first:last])
            )
        return made

    return layout.chunks(table, len(stacks), console)


def _exponent(growth: Growth | None, sizes: Sequence[str]) -> Text:
    """With half of its interval, where there is one, and a star where some of the sizes are missing."""
    if growth is None:
        return layout.cell(text.NOTHING)
    half = "" if growth.high is None else f" ±{growth.high - growth.exponent:.2f}"
    return layout.cell(f"{growth.exponent:.2f}{half}{'' if growth.sizes == tuple(sizes) else '*'}")


def _finding(found: Sequence[Finding]) -> Text:
    if not found:
        return layout.cell(text.NOTHING)
    worst = max(found, key=lambda one: (not one.ok, math.inf if math.isnan(one.error) else one.error))
    if worst.ok:
        level = max((one.level for one in found), key=LEVELS.index)
        return layout.cell(level if level == "exact" else f"{level} ({text.error(worst.error)})", "green")
    size = "" if math.isinf(worst.max_abs) else f" max {worst.max_abs:.3g}"
    psnr = "" if worst.psnr_db is None else f" {worst.psnr_db:.1f} dB"
    declared = all(one.ok or one.declared for one in found)
    return layout.cell(f"{'different*' if declared else 'DIFFERENT'}{size}{psnr}", "yellow" if declared else "red")


def _style(status: Status) -> str:
    return STYLES.get(status, "red")
