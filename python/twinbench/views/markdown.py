"""Markdown output: escaping of text, and a console that writes a terminal's tables and lines as a document."""

from __future__ import annotations

import re
from typing import IO, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinbench.views import text

WIDTH = 10_000
"""Width in columns, so large that the tables of a document are never split."""


def plain(value: str) -> str:
    """Return the value on one line, with every character escaped that Markdown or HTML would interpret."""
    return _escaped(text.clean(value))


def _escaped(line: str) -> str:
    line = line.replace("&", "&amp;").replace("<", "&lt;")  # not every Markdown allows a backslash before these
    return re.sub(r"([\\`*_\[\]>|#])", r"\\\1", line)


class Document(Console):
    """A console that writes tables as pipe tables and lines as paragraphs, with bold text, but without colours."""

    def __init__(self, file: IO[str] | None = None) -> None:
        super().__init__(file=file, width=WIDTH, force_terminal=False, markup=False, highlight=False, emoji=False)

    def print(self, *objects: Any, **_: Any) -> None:
        """Write each object, a table or a text, as a separate block."""
        for each in objects:
            self.file.write((_table(each) if isinstance(each, Table) else _paragraph(each)) + "\n\n")


def _table(table: Table) -> str:
    """Convert a table to a pipe table with the same columns and justification."""
    columns = [[_inline(column.header), *map(_inline, column.cells)] for column in table.columns]
    head, *rows = (f"| {' | '.join(row)} |" for row in zip(*columns, strict=True))
    rule = " | ".join("---:" if column.justify == "right" else "---" for column in table.columns)
    return "\n".join([head, f"| {rule} |", *rows])


def _paragraph(value: Any) -> str:
    """Join the text's lines with Markdown hard breaks, so that each stays on a line of its own."""
    return "  \n".join(map(_inline, _as_text(value).split()))


def _inline(value: Any) -> str:
    """Return the text escaped, with its first bold part in bold."""
    styled = _as_text(value)
    bold = next((span for span in styled.spans if "bold" in str(span.style)), None)
    if bold is None:
        return _escaped(styled.plain)
    ends = (None, bold.start), (bold.start, bold.end), (bold.end, None)
    return "**".join(_escaped(styled.plain[slice(*pair)]) for pair in ends)


def _as_text(value: Any) -> Text:
    return value if isinstance(value, Text) else Text(str(value))
