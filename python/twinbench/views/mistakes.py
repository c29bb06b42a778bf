"""Wrong predictions as tables on a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinbench.store.mistakes import CellErrors, Disagreement, Errors
from twinbench.views import layout, text

LEGEND = """\
precision: share of the rows predicted as a class that belong to it; recall: share of a class's rows that are predicted
as it. slices: the worst first, by the lower end of the 95 % interval. right: share of right predictions among the rows
whose predicted class has that probability; the expected calibration error is their mean distance (Guo et al. 2017)."""


def render(cells: Iterable[CellErrors], console: Console) -> None:
    """Print the mistakes of cells, one after the other."""
    layout.widen(console)
    for cell in cells:
        layout.say(console, f"{cell.pipeline} ({cell.size})", cell.stack, style="bold")
        layout.say(console, headline(cell.errors))
        for table in (_classes(cell.errors), _slices(cell.errors), _bins(cell.errors)):
            console.print(table)
        if cell.disagreement is not None:
            layout.say(console, "predictions that differ from other stacks", differs(cell.disagreement))
            if cell.disagreement.samples:
                console.print(_samples(cell.disagreement))
    console.print(Text(LEGEND, style="dim"))


def headline(errors: Errors) -> str:
    """Return one line with the number and share of wrong rows, and the expected calibration error."""
    share = text.percent(errors.wrong / errors.rows)
    calibration = text.between(errors.calibration_error, errors.calibration_interval)
    wrong = f"{errors.wrong:,} of {errors.rows:,} test rows are predicted wrongly ({share})"
    return f"{wrong}; expected calibration error {calibration}"


def differs(disagreement: Disagreement) -> str:
    """Return the number of rows with another predicted class, by other stack."""
    return ", ".join(f"{stack}: {rows:,} rows" for stack, rows in disagreement.differs.items())


def share(value: float | None) -> str:
    """Show a precision or a recall."""
    return text.NOTHING if value is None else text.quality(value)


def _table(*headers: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for header in headers:
        table.add_column(header, justify="left" if header in ("slice", "values") else "right")
    return table


def _classes(errors: Errors) -> Table:
    """Return the confusion matrix, with the precision and the recall of each class."""
    table = _table("class", *(f"as {number}" for number in range(len(errors.classes))), "precision", "recall")
    for number, (row, of_class) in enumerate(zip(errors.confusion, errors.classes, strict=True)):
        table.add_row(str(number), *(f"{n:,}" for n in row), share(of_class.precision), share(of_class.recall))
    return table


def _slices(errors: Errors) -> Table:
    table = _table("slice", "rows", "wrong", "95 % interval")
    for part in errors.slices:
        interval = f"{text.percent(part.low)} to {text.percent(part.high)}"
        wrong = text.percent(part.wrong / part.rows)
        table.add_row(f"{part.column} = {part.value}", f"{part.rows:,}", wrong, interval)
    return table if errors.slices else _table()


def _bins(errors: Errors) -> Table:
    table = _table("confidence", "rows", "mean", "right")
    for part in errors.bins:
        span = f"{text.percent(part.low)} to {text.percent(part.high)}"
        table.add_row(span, f"{part.rows:,}", text.percent(part.confidence), text.percent(part.accuracy))
    return table


def _samples(disagreement: Disagreement) -> Table:
    stacks = list(disagreement.samples[0].predicted)
    table = _table("test row", "class", *stacks, "values")
    for row in disagreement.samples:
        predictions = (f"{row.predicted[stack]} ({text.percent(row.confidence[stack])})" for stack in stacks)
        values = ", ".join(f"{column}={value}" for column, value in row.values.items())
        table.add_row(str(row.row), str(row.truth), *predictions, values)
    return table
