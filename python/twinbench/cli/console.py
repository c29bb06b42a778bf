"""How commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from twinbench.store.records import Cell

PIPE_WIDTH = 240
"""Width of the output in columns without a terminal: wide enough that ``grep`` sees whole lines."""


def console(width: int | None = PIPE_WIDTH, *, stderr: bool = False) -> Console:
    """Return an output for plain text, never markup: names such as ``twinbench[rivals]`` stay as they are.

    ``width``: number of columns of output that goes to a file or a pipe.
    """
    from twinbench.cli.screen import Screen

    stream = sys.stderr if stderr else sys.stdout
    return Screen(stream, None if stream.isatty() else width)


def print_json(data: Any, *, one_line: bool = False) -> None:
    """Print data as one JSON document, indented or, where several documents follow each other, on one line.

    Raises ValueError for NaN and infinity, which JSON doesn't have.
    """
    from twinbench.foreign import json_visible

    indent = None if one_line else 2
    unicode = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
    print(json_visible(json.dumps(data, indent=indent, ensure_ascii=not unicode, allow_nan=False, default=str)))


def warn_of_doubts(cell: Cell, doubts: Iterable[str]) -> None:
    """Print what is doubtful about the quality of a cell's model to stderr, a line each."""
    for sentence in doubts:
        print(f"warning: {cell.stack} on {cell.pipeline} ({cell.size}): {sentence}", file=sys.stderr)


def print_table(out: Console, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table under a title; a cell that is None is shown as ``-``."""
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, pad_edge=False, header_style="dim", show_header=any(columns))
    for row in rows:
        table.add_row(*("-" if cell is None else str(cell) for cell in row))
    out.print(Text(title, style="bold"))
    out.print(table)
    out.print()


def print_facts(out: Console, title: str, facts: Iterable[tuple[str, object]]) -> None:
    """Print names and values under a title; a value that is None or empty is left out."""
    print_table(out, title, ("", ""), [(name, value) for name, value in facts if value not in (None, "")])
