"""Tables and lines on a terminal, and as plain text elsewhere. Knows no results.

Every cell is a ``Text``, never a string, because Rich would interpret markup in texts of pipelines and libraries.
"""

from __future__ import annotations

from collections.abc import Callable

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from twinbench.views import text

PLAIN_WIDTH = 140
"""Width in columns of output that doesn't go to a terminal."""


def widen(console: Console) -> None:
    """Set the width of output that doesn't go to a terminal."""
    if not console.is_terminal:
        console.width = max(console.width, PLAIN_WIDTH)


def table(*headers: str | Text, left: int = 2) -> Table:
    """Return an empty table: the first ``left`` columns are justified to the left, the others to the right."""
    empty = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for column, header in enumerate(headers):
        empty.add_column(header, justify="left" if column < left else "right")
    return empty


def chunks(table: Callable[[int, int], Table], count: int, console: Console) -> list[Table]:
    """Split a table of ``count`` columns into tables that fit the console; each has at least one of the columns.

    ``table(first, last)`` makes the table of the columns from ``first`` up to, but not including, ``last``.
    """
    tables = []
    first = 0
    while first < count:
        last = count
        while last > first + 1 and width(table(first, last), console) > console.width:
            last -= 1
        tables.append(table(first, last))
        first = last
    return tables


def width(table: Table, console: Console) -> int:
    """Return the width in columns that a table needs without wrapping."""
    return Measurement.get(console, console.options.update(max_width=10_000), table).maximum


def cell(value: object, style: str = "") -> Text:
    """Convert any value to one line of plain text."""
    return Text(text.clean(str(value)), style=style)


def say(console: Console, head: str, tail: str = "", *, style: str = "") -> None:
    """Print a line: ``head`` in ``style``, then ``tail``. Print nothing if ``head`` is empty."""
    if head:
        console.print(Text.assemble((text.clean(head), style), ": " * bool(tail), text.clean(tail)), soft_wrap=True)
