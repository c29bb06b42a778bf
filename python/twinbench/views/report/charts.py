"""The report's charts: bars on a shared axis, the parts of the time, quality against time, and growth.

Rows are HTML, so that they can be sorted and filtered; charts with two axes are SVG.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from twinbench import metrics
from twinbench.numbers.stats import Interval
from twinbench.results.summary.growth import points
from twinbench.results.summary.records import CellSummary, Growth, PipelineSummary, StepSummary
from twinbench.views import text, words
from twinbench.views.report import svg
from twinbench.views.report.scale import Scale, linear_scale, log_scale
from twinbench.views.report.svg import Axis, Series, tag

COLOURED_STEPS = 7
"""Number of steps, those that take longest, that have a colour of their own; the others share the eighth colour."""


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars of times on one logarithmic axis."""

    scale: Scale

    @property
    def axis(self) -> Markup:
        """The ticks, for the header of the column."""
        ticks = [tag("span", text.tick(tick), style=f"left:{self.scale.percent(tick)}") for tick in self.scale.ticks(4)]
        return tag("div", *ticks, class_="axis")

    @property
    def grid(self) -> str:
        """The lines behind the bars, as the style of a table."""
        line = "linear-gradient(var(--line),var(--line))"
        lines = [f"{line} {self.scale.percent(tick)} 0/1px 100% no-repeat" for tick in self.scale.ticks(4)]
        return f"--grid:{','.join(lines) or 'none'}"

    def bar(self, interval: Interval | None, rank: int | None) -> Markup:
        """Draw a bar up to the estimate, with its interval."""
        if interval is None:
            return Markup("")
        low, high = self.scale.position(interval.low), self.scale.position(interval.high)
        kind = "bar" if rank == 1 else "bar other" if rank else "bar none"
        return tag(
            "div",
            tag("i", class_=kind, style=f"width:{self.scale.percent(interval.estimate)}"),
            tag("i", class_="interval", style=f"left:{100 * low:.2f}%;width:{100 * (high - low):.2f}%"),
            class_="track",
            title=f"{text.interval(interval)} [{text.seconds(interval.low)}, {text.seconds(interval.high)}]",
        )


def bars(pipeline: PipelineSummary) -> Bars | None:
    """Return the bars of a pipeline's totals, or None if there are no totals."""
    totals = [cell.total for cell in pipeline.cells if cell.total is not None]
    scale = log_scale(end for total in totals for end in (total.low, total.high))
    return Bars(scale) if scale else None


@dataclass(frozen=True, slots=True)
class Timeline:
    """The parts of a stack's time in the first execution and in every later one, as a row of segments each."""

    colours: Mapping[str, int]
    """Number of the colour, by step."""
    cold_s: float
    """Longest first execution of any stack, in seconds."""
    warm_s: float
    """Longest later execution of any stack, in seconds."""

    def cold(self, cell: CellSummary) -> Markup:
        """Draw the imports, then the first call of every step."""
        imports = [(f"import {name}", seconds, "import") for name, seconds in cell.imports_s.items()]
        calls = [(step.step, step.first_call_s, self._class(step)) for step in cell.steps if step.first_call_s]
        return _segments([*imports, *calls], self.cold_s)

    def warm(self, cell: CellSummary) -> Markup:
        """Draw every step after warm-up."""
        return _segments([(s.step, s.steady.estimate, self._class(s)) for s in cell.steps if s.steady], self.warm_s)

    def legend(self) -> Iterator[tuple[str, str]]:
        """Yield the CSS class and the name of every colour."""
        yield "import", "imports"
        for step, number in self.colours.items():
            yield svg.colour(number), step
        yield "rest", "other steps"

    def _class(self, step: StepSummary) -> str:
        number = self.colours.get(step.step)
        return "rest" if number is None else svg.colour(number)


def timeline(pipeline: PipelineSummary) -> Timeline | None:
    """Return the timeline of a pipeline's stacks, or None if nothing was measured."""
    cold = [sum(c.imports_s.values()) + sum(s.first_call_s or 0.0 for s in c.steps) for c in pipeline.cells]
    warm = [sum(s.steady.estimate for s in c.steps if s.steady) for c in pipeline.cells]
    if not any(cold) and not any(warm):
        return None
    shares: dict[str, float] = {}
    for cell in pipeline.cells:
        for step in cell.steps:
            shares[step.step] = max(shares.get(step.step, 0.0), step.share or 0.0)
    longest = set(sorted(shares, key=lambda step: -shares[step])[:COLOURED_STEPS])
    order = [step for step, _ in pipeline.steps if step in longest]
    return Timeline({step: number for number, step in enumerate(order)}, max(cold), max(warm))


def _segments(parts: Iterable[tuple[str, float, str]], longest: float) -> Markup:
    segments = [
        tag("i", class_=kind, style=f"width:{100 * seconds / longest:.3f}%", title=f"{name}: {text.seconds(seconds)}")
        for name, seconds, kind in parts
        if longest and seconds / longest > 0.0005
    ]
    return tag("div", *segments, class_="segments")


def row(cells: Sequence[CellSummary], number: int) -> list[StepSummary]:
    """Return one step of every stack."""
    return [cell.steps[number] for cell in cells]


def compared(pipeline: PipelineSummary) -> list[CellSummary]:
    """Return the stacks of which any output was checked against the reference."""
    return [cell for cell in pipeline.cells if any(step.level for step in cell.steps)]


def share_bar(value: float | None, most: float) -> Markup:
    """Draw a plain bar, such as for memory."""
    if not value or not most:
        return Markup("")
    return tag("div", tag("i", class_="bar other", style=f"width:{100 * value / most:.2f}%"), class_="track")


def shade(step: StepSummary, row: Sequence[StepSummary]) -> str:
    """Return the style of a step's time: the slower beside other stacks, the warmer; half of the scale is 4 times."""
    times = [other.steady.estimate for other in row if other.steady]
    if step.steady is None or not times:
        return ""
    slower = step.steady.estimate / min(times)
    return f"--heat:{min(100, round(100 * (1 - 1 / slower**0.5)))}%"


LEAST_QUALITY = 0.02
"""Smallest length of an axis of quality, so that a difference in the fourth decimal doesn't look large."""


def quality(pipeline: PipelineSummary, numbers: Mapping[str, int]) -> Markup | None:
    """Draw quality against the time of one execution, with the Pareto front; None if there is no quality."""
    reached_by = [
        (cell, cell.total.estimate, reached.mean)
        for cell in pipeline.cells
        if (cell.rank is not None or cell.assumed)
        and cell.total
        and (reached := cell.quality.get(pipeline.metric or ""))
    ]
    x = log_scale(seconds for _, seconds, _ in reached_by)
    y = linear_scale((value for _, _, value in reached_by), least=LEAST_QUALITY)
    if x is None or y is None or pipeline.metric is None:
        return None
    series = [
        Series(
            name=cell.stack,
            number=numbers[cell.stack],
            points=[(seconds, value)],
            title=f"{words.named(cell)}: {text.seconds(seconds)}, {pipeline.metric} {text.quality(value)}",
            filter_by=cell.stack,
        )
        for cell, seconds, value in reached_by
    ]
    front = pareto([(s, v) for _, s, v in reached_by], lower_is_better=metrics.sign(pipeline.metric) < 0)
    title = f"{pipeline.metric} against the time of one execution"
    return svg.chart(
        title,
        Axis(x, "one execution after warm-up", text.tick),
        Axis(y, pipeline.metric, text.quality),
        series,
        front=front,
    )


def curves(pipeline: PipelineSummary, numbers: Mapping[str, int]) -> list[tuple[str, Markup]]:
    """Draw the loss and the pipeline's metric against the seconds of training; return titles with charts."""
    trained = [cell for cell in pipeline.cells if cell.curve]
    losses = {cell.stack: [(p.seconds, p.loss) for p in cell.curve] for cell in trained}
    drawn: list[tuple[str, dict[str, list[tuple[float, float]]], float | None]] = [("loss", losses, None)]
    metric = pipeline.metric
    if metric is not None:
        reached = {
            cell.stack: [(p.seconds, p.metrics[metric]) for p in cell.curve if metric in p.metrics] for cell in trained
        }
        drawn.append((metric, reached, pipeline.target))
    named = [(name, _curve(name, lines, level, numbers)) for name, lines, level in drawn]
    return [(name, chart) for name, chart in named if chart is not None]


def _curve(
    name: str,
    lines: Mapping[str, Sequence[tuple[float, float]]],
    level: float | None,
    numbers: Mapping[str, int],
) -> Markup | None:
    finite = {
        stack: [point for point in points if math.isfinite(point[1])] for stack, points in lines.items() if any(points)
    }
    x = linear_scale((seconds for points in finite.values() for seconds, _ in points), from_zero=True)
    values = [value for points in finite.values() for _, value in points]
    y = linear_scale(values if level is None else [*values, level])
    if x is None or y is None or not values:
        return None
    series = [
        Series(stack, numbers[stack], points, f"{stack}: {text.quality(points[-1][1])} at the end", stack)
        for stack, points in finite.items()
        if points
    ]
    return svg.chart(
        f"{name} against the seconds of training",
        Axis(x, "training", text.tick),
        Axis(y, name, text.quality),
        series,
        level=level,
    )


def pareto(points: Iterable[tuple[float, float]], *, lower_is_better: bool = False) -> list[tuple[float, float]]:
    """Return the points that no other point beats in both time and quality, by time."""
    front: list[tuple[float, float]] = []
    sign = -1.0 if lower_is_better else 1.0
    for seconds, value in sorted(points, key=lambda point: (point[0], -sign * point[1])):
        if not front or sign * value > sign * front[-1][1]:
            front.append((seconds, value))
    return front


def growth(
    pipelines: Sequence[PipelineSummary], step: str, exponents: Sequence[Growth], numbers: Mapping[str, int]
) -> Markup | None:
    """Draw the time of the total or of a step against the amount of data; None with fewer than two sizes."""
    lines_by_step = {
        stack: sorted((amount, time.estimate) for amount, time in times.values())
        for (stack, of), times in points(pipelines).items()
        if of == step
    }
    fitted = {growth.stack: growth for growth in exponents if growth.step == step}
    lines = {stack: line for stack, line in lines_by_step.items() if stack in fitted}
    x = log_scale(amount for line in lines.values() for amount, _ in line)
    y = log_scale(seconds for line in lines.values() for _, seconds in line)
    if x is None or y is None:
        return None
    unit = str(pipelines[0].dataset.get("unit", ""))
    series = [
        Series(stack, numbers[stack], line, f"{stack}: time ~ {unit} ^ {words.exponent(fitted[stack])}", stack)
        for stack, line in lines.items()
    ]
    return svg.chart(
        f"time against {unit}",
        Axis(x, unit, text.amount),
        Axis(y, "one execution", text.tick),
        series,
    )


def measured(pipeline: PipelineSummary) -> list[CellSummary]:
    """Return the stacks of which any step was measured."""
    return [cell for cell in pipeline.cells if any(step.steady for step in cell.steps)]


def rated(pipeline: PipelineSummary) -> list[tuple[CellSummary, StepSummary]]:
    """Return the steps that train, score or save models, with their cells, by step and stack."""
    return [
        (cell, step)
        for name, _ in pipeline.steps
        for cell in pipeline.cells
        for step in cell.steps
        if step.step == name and words.is_rated(step)
    ]
