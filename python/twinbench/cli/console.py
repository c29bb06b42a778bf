"""How commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 240
"""Columns where there is no terminal: enough that lines stay whole for ``grep``."""


def console() -> Console:
    """Standard output. What is printed is text, never markup: names such as ``twinbench[rivals]`` stay as they are."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else PIPE_WIDTH
    return Console(markup=False, highlight=False, emoji=False, width=width)


def print_json(data: Any) -> None:
    """One JSON document, indented, with NaN refused: it would not be JSON."""
    print(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False, default=str))


def print_table(out: Console, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A titled table of plain cells; None is shown as ``-``."""
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, pad_edge=False, header_style="dim", show_header=any(columns))
    for row in rows:
        table.add_row(*("-" if cell is None else str(cell) for cell in row))
    out.print(Text(title, style="bold"))
    out.print(table)
    out.print()


def print_facts(out: Console, title: str, facts: Iterable[tuple[str, object]]) -> None:
    """A titled list of names and values; what is None or empty is left out."""
    print_table(out, title, ("", ""), [(name, value) for name, value in facts if value not in (None, "")])
