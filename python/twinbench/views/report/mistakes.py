"""The report's charts of wrong predictions: confusion matrices and reliability diagrams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from twinbench.results.summary.records import PipelineSummary
from twinbench.store.mistakes import CellErrors, Errors
from twinbench.views import text
from twinbench.views.report import svg
from twinbench.views.report.scale import Scale
from twinbench.views.report.svg import Axis, Series, tag

SIDE, EDGE = 46, 40
"""Side of a square of the matrix, and width of the margin with the class numbers, in pixels."""

FAINT = 0.06
"""Lowest opacity of a square that has any rows."""


def of_pipeline(pipeline: PipelineSummary, errors: Mapping[int, CellErrors]) -> list[CellErrors]:
    """Return the mistakes of a pipeline's cells, in their order, without the cells that predicted nothing."""
    return [errors[cell.cell_id] for cell in pipeline.cells if cell.cell_id in errors]


def confusion(name: str, errors: Errors) -> Markup:
    """Draw the confusion matrix, classes down and predicted classes across; a larger share of a class is darker."""
    parts = []
    for down, row in enumerate(errors.confusion):
        y = EDGE + down * SIDE
        parts.append(tag("text", down, x=EDGE - 8, y=y + SIDE / 2 + 4, text_anchor="end"))
        parts.append(tag("text", down, x=EDGE + (down + 0.5) * SIDE, y=EDGE - 8, text_anchor="middle"))
        for across, count in enumerate(row):
            x = EDGE + across * SIDE
            share = count / max(1, sum(row))
            kind = "right" if down == across else "wrong"
            shade = f"{FAINT + (0.75 - FAINT) * share if count else 0:.2f}"
            title = tag("title", f"{count:,} of class {down} predicted as {across}: {text.percent(share)}")
            parts.append(tag("rect", title, x=x, y=y, width=SIDE - 1, height=SIDE - 1, class_=kind, fill_opacity=shade))
            parts.append(tag("text", count, x=x + SIDE / 2, y=y + SIDE / 2 + 4, text_anchor="middle"))
    size = EDGE + len(errors.confusion) * SIDE
    middle = EDGE + (size - EDGE) / 2
    parts.append(tag("text", "predicted", x=middle, y=12, text_anchor="middle", class_="name"))
    turned = f"translate(11 {middle:.0f}) rotate(-90)"
    parts.append(tag("text", "class", transform=turned, text_anchor="middle", class_="name"))
    box = f"0 0 {size} {size}"
    style = f"max-width:{size}px"
    return tag("svg", *parts, viewBox=box, role="img", aria_label=f"{name}: confusion", class_="chart", style=style)


def reliability(cells: Sequence[CellErrors], numbers: Mapping[str, int]) -> Markup:
    """Draw the share of right predictions over their probability; on the dashed line both are equal."""
    series = [
        Series(
            cell.stack,
            numbers[cell.stack],
            [(part.confidence, part.accuracy) for part in cell.errors.bins],
            f"{cell.stack}: expected calibration error "
            + text.between(cell.errors.calibration_error, cell.errors.calibration_interval),
            cell.stack,
        )
        for cell in cells
    ]
    lowest = min(min(point) for each in series for point in each.points)
    scale = Scale(max(0.0, lowest - 0.05), 1.0, False)
    return svg.chart(
        "accuracy against confidence",
        Axis(scale, "confidence", text.percent),
        Axis(scale, "accuracy", text.percent),
        series,
        diagonal=True,
    )


def pictures(cell: CellErrors) -> Mapping[str, Markup]:
    """Return both charts of a cell, by name."""
    return {
        "confusion": confusion(cell.stack, cell.errors),
        "calibration": reliability([cell], {cell.stack: 0}),
    }
