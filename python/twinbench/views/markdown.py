"""Markdown: text that it leaves alone, and a console that prints what a terminal shows as a document."""

from __future__ import annotations

import re
from typing import IO, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinbench.views import text

WIDTH = 10_000
"""Columns: tables of a document are never cut in pieces."""


def plain(value: str) -> str:
    """On one line, with everything that Markdown or HTML would act on escaped."""
    return _escaped(text.clean(value))


def _escaped(line: str) -> str:
    line = line.replace("&", "&amp;").replace("<", "&lt;")  # not every Markdown lets a backslash stand before these
    return re.sub(r"([\\`*_\[\]>|#])", r"\\\1", line)


class Document(Console):
    """Tables become pipe tables, lines become paragraphs; bold stays bold, and colours are dropped."""

    def __init__(self, file: IO[str] | None = None) -> None:
        super().__init__(file=file, width=WIDTH, force_terminal=False, markup=False, highlight=False, emoji=False)

    def print(self, *objects: Any, **_: Any) -> None:
        """Write each of the objects, a table or a text, as a block of its own."""
        for each in objects:
            self.file.write((_table(each) if isinstance(each, Table) else _paragraph(each)) + "\n\n")


def _table(made: Table) -> str:
    """A pipe table of the same columns, justified alike."""
    columns = [[_inline(column.header), *map(_inline, column.cells)] for column in made.columns]
    head, *rows = (f"| {' | '.join(row)} |" for row in zip(*columns, strict=True))
    rule = " | ".join("---:" if column.justify == "right" else "---" for column in made.columns)
    return "\n".join([head, f"| {rule} |", *rows])


def _paragraph(said: Any) -> str:
    """Each of its lines on one of its own."""
    return "  \n".join(map(_inline, (said if isinstance(said, Text) else Text(str(said))).split()))


def _inline(said: Any) -> str:
    """Escaped; its first bold part stays bold."""
    said = said if isinstance(said, Text) else Text(str(said))
    bold = next((span for span in said.spans if "bold" in str(span.style)), None)
    if bold is None:
        return _escaped(said.plain)
    ends = (None, bold.start), (bold.start, bold.end), (bold.end, None)
    return "**".join(_escaped(said.plain[slice(*pair)]) for pair in ends)
