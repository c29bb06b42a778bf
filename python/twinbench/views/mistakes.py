"""Where predictions are wrong, as tables on a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinbench.store.mistakes import CellErrors, Disagreement, Errors
from twinbench.views import layout, text

LEGEND = """\
precision: share of the rows predicted as a class that are of it; recall: share of a class that is found. slices: the
worst first, by the lower end of a 95 % interval. calibration: of rows whose predicted class has that probability, the
share that is right; the expected calibration error is the mean distance of the two (Guo et al. 2017)."""


def render(found: Iterable[CellErrors], console: Console) -> None:
    """Print the errors of cells, one after the other."""
    layout.widen(console)
    for cell in found:
        layout.say(console, f"{cell.pipeline} ({cell.size})", cell.stack, style="bold")
        layout.say(console, headline(cell.errors))
        for table in (_classes(cell.errors), _slices(cell.errors), _bins(cell.errors)):
            console.print(table)
        if cell.disagreement is not None:
            layout.say(console, "predicts otherwise than", differs(cell.disagreement))
            if cell.disagreement.samples:
                console.print(_samples(cell.disagreement))
    console.print(Text(LEGEND, style="dim"))


def headline(errors: Errors) -> str:
    """Right and wrong in a sentence."""
    share = text.percent(errors.wrong / errors.rows)
    told = text.quality(errors.calibration_error)
    return f"{errors.wrong:,} of {errors.rows:,} test rows wrong ({share}); expected calibration error {told}"


def differs(disagreement: Disagreement) -> str:
    """By other stack the number of rows."""
    return ", ".join(f"{stack}: {rows:,} rows" for stack, rows in disagreement.differs.items())


def share(value: float | None) -> str:
    """Of precision and recall."""
    return text.NOTHING if value is None else text.quality(value)


def _table(*headers: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for header in headers:
        table.add_column(header, justify="left" if header in ("slice", "values") else "right")
    return table


def _classes(errors: Errors) -> Table:
    """The confusion matrix, with what belongs to each of its rows."""
    table = _table("class", *(f"as {number}" for number in range(len(errors.classes))), "precision", "recall")
    for number, (row, one) in enumerate(zip(errors.confusion, errors.classes, strict=True)):
        table.add_row(str(number), *(f"{count:,}" for count in row), share(one.precision), share(one.recall))
    return table


def _slices(errors: Errors) -> Table:
    table = _table("slice", "rows", "wrong", "95 % interval")
    for one in errors.slices:
        interval = f"{text.percent(one.low)} to {text.percent(one.high)}"
        table.add_row(f"{one.column} = {one.value}", f"{one.rows:,}", text.percent(one.wrong / one.rows), interval)
    return table if errors.slices else _table()


def _bins(errors: Errors) -> Table:
    table = _table("confidence", "rows", "mean", "right")
    for one in errors.bins:
        span = f"{text.percent(one.low)} to {text.percent(one.high)}"
        table.add_row(span, f"{one.rows:,}", text.percent(one.confidence), text.percent(one.accuracy))
    return table


def _samples(disagreement: Disagreement) -> Table:
    stacks = list(disagreement.samples[0].predicted)
    table = _table("test row", "class", *stacks, "values")
    for one in disagreement.samples:
        said = (f"{one.predicted[stack]} ({text.percent(one.confidence[stack])})" for stack in stacks)
        table.add_row(str(one.row), str(one.truth), *said, ", ".join(f"{k}={v}" for k, v in one.values.items()))
    return table
