"""Rich's console on a guarded stream: colours and columns are ours, the texts in them may be somebody else's."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from typing import IO, Any

from rich.console import Console, ConsoleDimensions, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from twinbench.cli.streams import unguarded
from twinbench.foreign import visible


class Screen(Console):
    """A console for plain text, which escapes control characters in every text."""

    def __init__(self, stream: IO[str], width: int | None) -> None:
        """``width``: columns; None takes the terminal's."""
        super().__init__(file=unguarded(stream), width=width, markup=False, highlight=False, emoji=False)
        if self.is_dumb_terminal and width is None:
            self.size = ConsoleDimensions(*shutil.get_terminal_size())  # Rich takes such a terminal for 80 columns

    def print(self, *objects: Any, **options: Any) -> None:
        """Print objects; a table whose words are wider than the screen becomes a line for each of its cells."""
        for each in objects or ("",):
            if isinstance(each, Table) and self._too_wide(each):
                super().print(*_records(each), sep="\n", soft_wrap=True)
            else:
                super().print(each, **options)

    def _too_wide(self, table: Table) -> bool:
        unbounded = self.options.update(max_width=10_000)
        return Measurement.get(self, unbounded, table).minimum > self.width

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of a renderable, their texts made visible."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else visible(text), style, control)


def _records(table: Table) -> Iterator[Text]:
    """Yield the cells of a table as lines, those of a row under its first."""
    headers = [_text(column.header) for column in table.columns]
    for row in zip(*(map(_text, column.cells) for column in table.columns), strict=True):
        first, *others = zip(headers, row, strict=True)
        yield Text.assemble(first[0], ": " * bool(first[0].plain), first[1])
        for header, cell in others:
            if cell.plain:
                yield Text.assemble("  ", header, ": " * bool(header.plain), cell)


def _text(value: object) -> Text:
    return value if isinstance(value, Text) else Text(str(value))
