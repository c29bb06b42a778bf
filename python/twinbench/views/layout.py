"""Tables and lines on a terminal, and as plain text where there is none. Knows no results.

Every cell is a ``Text``, never a string: Rich would read markup in what a pipeline or a library says.
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
"""Columns of the output where there is no terminal to ask."""


def widen(console: Console) -> None:
    """Give plain text its width."""
    if not console.is_terminal:
        console.width = max(console.width, PLAIN_WIDTH)


def table(*headers: str | Text, left: int = 2) -> Table:
    """An empty table whose first columns are ``left``-justified, the others to the right."""
    made = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for place, header in enumerate(headers):
        made.add_column(header, justify="left" if place < left else "right")
    return made


def chunks(table: Callable[[int, int], Table], count: int, console: Console) -> list[Table]:
    """Tables of as many columns each as the console is wide, at least one."""
    made = []
    first = 0
    while first < count:
        last = count
        while last > first + 1 and width(table(first, last), console) > console.width:
            last -= 1
        made.append(table(first, last))
        first = last
    return made


def width(table: Table, console: Console) -> int:
    """What a table would like to have."""
    return Measurement.get(console, console.options.update(max_width=10_000), table).maximum


def cell(value: object, style: str = "") -> Text:
    """Anything as one line of plain text."""
    return Text(text.clean(str(value)), style=style)


def say(console: Console, head: str, tail: str = "", *, style: str = "") -> None:
    """A line, or nothing for an empty one: a head in style, and what it says."""
    if head:
        console.print(Text.assemble((text.clean(head), style), ": " * bool(tail), text.clean(tail)), soft_wrap=True)
