"""Rich's console behind the door: colours and columns are ours, the texts in them may be somebody else's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from twinbench.cli.door import behind
from twinbench.foreign import visible


class Screen(Console):
    """A console for plain text, which escapes control characters in every text."""

    def __init__(self, stream: IO[str], width: int | None) -> None:
        """``width``: columns; None takes the terminal's."""
        super().__init__(file=behind(stream), width=width, markup=False, highlight=False, emoji=False)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of a renderable, their texts made visible."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else visible(text), style, control)
