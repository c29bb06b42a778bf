"""The progress of a run on stderr: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from twinbench.run.runner import Watch
from twinbench.views.text import seconds

if TYPE_CHECKING:
    from rich.progress import Progress


class Lines(Watch):
    """Progress as lines: one line per event, and for bursts one line every ten seconds."""

    EVERY_S = 10.0

    def __init__(self) -> None:
        self._last = time.monotonic()

    def planned(self, pipeline: str, size: str, stacks: list[str]) -> None:
        """Show the pipeline and the stacks that are measured next."""
        self._say(f"{pipeline} ({size}): {len(stacks)} stack(s) to measure: {', '.join(stacks) or 'none'}")

    def doing(self, stack: str, what: str) -> None:
        """Show what a stack does."""
        if what == "import":
            self._say(f"{stack}: starting")

    def measured(self, stack: str, step: str, took: float, fraction: float) -> None:
        """Show the share of the budget that is spent, and the newest time."""
        if time.monotonic() - self._last > self.EVERY_S:
            self._last = time.monotonic()
            self._say(f"measuring: {fraction:.0%} of the budget, last {stack} {step} {seconds(took)}")

    def ended(self, stack: str, status: str, reason: str) -> None:
        """Show how a stack ended."""
        self._say(f"{stack}: {status}{': ' + reason if reason else ''}")

    @staticmethod
    def _say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)


class Bars(Watch):
    """Progress as a bar for the pipeline that is measured, with the current cell, the newest time and the time left."""

    def __init__(self, progress: Progress) -> None:
        from rich.markup import escape

        self._progress = progress
        self._escape = escape
        self._task = progress.add_task("planning", total=1.0)

    def planned(self, pipeline: str, size: str, stacks: list[str]) -> None:
        """Show the pipeline and the stacks that are measured next."""
        self._name = f"{pipeline} ({size})"
        self._progress.reset(self._task, description=self._escape(self._name), total=1.0)

    def doing(self, stack: str, what: str) -> None:
        """Show what a stack does."""
        self._progress.update(self._task, description=self._escape(f"{self._name} {stack}: {what}"))

    def measured(self, stack: str, step: str, took: float, fraction: float) -> None:
        """Show the share of the budget that is spent, and the newest time."""
        text = self._escape(f"{self._name} {stack}: {step} {seconds(took)}")
        self._progress.update(self._task, description=text, completed=fraction)

    def ended(self, stack: str, status: str, reason: str) -> None:
        """Show how a stack ended."""
        text = self._escape(f"{stack}: {status}{': ' + reason if reason else ''}")
        self._progress.console.print(text, highlight=False)


@contextmanager
def watching() -> Iterator[Watch]:
    """Yield the watch for stderr: `Bars` on a terminal, else `Lines`."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (BarColumn(bar_width=20), TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Bars(progress)
