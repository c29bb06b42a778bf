"""``python docs/pictures.py [NAME...]``: draw the pictures that the site shows.

The picture of the front page is drawn from the stored summary of a run, which ``twinbench show --json`` printed. The
others show the datasets, of those that are here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from markupsafe import Markup
from pydantic import TypeAdapter

from twinbench.data import picture
from twinbench.data.registry import DATASETS, get
from twinbench.results.summary.records import CellSummary, PipelineSummary, RunSummary
from twinbench.views import text
from twinbench.views.report.scale import Scale, linear_scale
from twinbench.views.report.svg import tag

FOLDER = Path(__file__).parent / "data"
FRONT = Path(__file__).parent / "pictures" / "flights-delay.json"
"""What ``twinbench show --json`` printed of the run, without the curves of training and the record of the machine."""

ENOUGH = 20_000
"""Rows, records or images that a picture shows at most: more are not visible."""

WIDTH, LEFT, RIGHT, TOP, ROW = 760, 130, 190, 34, 34
"""Width, margins and height of a row of the front page's picture, in its own units."""

STYLE = """
rect.page { fill: #ffffff } .grid { stroke: #d7dbe6 } .bar { fill: #0072b2 } .other { fill: #8fb8d4 }
.interval { stroke: #1d2433; stroke-width: 2 } text { font: 14px sans-serif; fill: #1d2433 }
.small { font-size: 12px; fill: #444c5e }
"""


def front() -> None:
    """Draw the totals of the stored run, with their intervals."""
    summary = TypeAdapter(RunSummary).validate_python(json.loads(FRONT.read_text(encoding="utf-8")))
    drawn = totals(summary.pipelines[0])
    FRONT.with_suffix(".svg").write_text(str(drawn) + "\n", encoding="utf-8")


def totals(pipeline: PipelineSummary) -> Markup:
    """Bars of the ranked stacks on an axis that begins at zero, the fastest stack first."""
    ranked = [cell for cell in pipeline.cells if cell.rank is not None]
    scale = linear_scale((cell.total.high for cell in ranked if cell.total), from_zero=True)
    assert scale is not None
    height = TOP + ROW * len(ranked) + 26
    rows = [part for number, cell in enumerate(ranked) for part in _row(cell, scale, TOP + ROW * number)]
    title = f"{pipeline.pipeline}: time of one execution by stack"
    return tag(
        "svg",
        tag("title", title),
        tag("style", Markup(STYLE)),
        tag("rect", class_="page", width=WIDTH, height=height),
        *_axis(scale, height),
        *rows,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {height}",
        role="img",
    )


def _axis(scale: Scale, height: int) -> Iterator[Markup]:
    for tick in scale.ticks(4):
        x = _x(scale, tick)
        yield tag("line", x1=x, x2=x, y1=TOP - 6, y2=height - 24, class_="grid")
        yield tag("text", text.tick(tick), x=x, y=TOP - 12, text_anchor="middle", class_="small")
    yield tag("text", "one execution after warm-up, with its 95 % interval", x=LEFT, y=height - 8, class_="small")


def _row(cell: CellSummary, scale: Scale, top: int) -> Iterator[Markup]:
    assert cell.total is not None
    middle, kind = top + ROW / 2, "bar" if cell.rank == 1 else "other"
    yield tag("text", cell.stack, x=LEFT - 10, y=middle + 5, text_anchor="end")
    yield tag("rect", x=LEFT, y=top + 7.0, width=_x(scale, cell.total.estimate) - LEFT, height=20, class_=kind)
    ends = {"x1": _x(scale, cell.total.low), "x2": _x(scale, cell.total.high)}
    yield tag("line", **ends, y1=middle, y2=middle, class_="interval")
    ratio = "" if cell.ratio is None else f", {text.ratio(cell.ratio)}"
    said = f"{text.seconds(cell.total.estimate)}{ratio}"
    yield tag("text", said, x=WIDTH - RIGHT + 12, y=middle + 5)


def _x(scale: Scale, value: float) -> float:
    return LEFT + scale.place(value) * (WIDTH - RIGHT - LEFT)


def main(names: list[str]) -> None:
    """Draw the datasets with these names, or all pictures."""
    if not names:
        front()
    for dataset in [get(name) for name in names] or DATASETS.values():
        reason = dataset.missing()
        if reason is None:
            small = {"seconds": 1, "megapixels": 0.3}.get(dataset.unit, ENOUGH)
            amount = small if dataset.most is None or dataset.most > small else None
            picture.draw(dataset, amount, FOLDER / f"{dataset.name}.png")
        print(f"{dataset.name}: {reason or 'drawn'}")


if __name__ == "__main__":
    main(sys.argv[1:])
