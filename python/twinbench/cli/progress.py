"""The progress of a run on stderr: bars on a terminal, plain lines elsewhere, and a table of the figures so far."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from twinbench.cli.console import console
from twinbench.run.watch import Watch
from twinbench.views.text import seconds

if TYPE_CHECKING:
    from rich.console import Group
    from rich.progress import Progress

    from twinbench.store.store import Store

Figures = Callable[[int, int], "tuple[Group, int]"]
"""Function of the present process and their number that returns the provisional table, and its
`twinbench.views.provisional.Stage`."""

WAIT_S = (75.0, 60.0, 0.0)
"""Seconds after which the table is shown, by its stage. It shall stand within 90 s, and a first call, which isn't
interrupted, may take 15 s."""

AGAIN_S = 2.0
"""Seconds until a late table is made again, to see whether it is complete by now."""

QUICK_S = 2.0
"""Seconds after which it is shown how long the reference computes."""

EVERY_S = 10.0
"""Seconds between two tables on a terminal: a table takes some 50 ms, in which nothing is measured."""


class Provisional:
    """The table of the figures so far, which decides when to be made anew."""

    def __init__(self, figures: Figures | None, clock: Callable[[], float] = time.monotonic) -> None:
        """``figures``: None never shows a table."""
        self._figures = figures
        self._clock = clock
        self._start = clock()
        self._last: float | None = None
        self._seen = -AGAIN_S
        self._process = (1, 1)

    @property
    def is_late(self) -> bool:
        """Whether there should be a table by now, and there is none."""
        now = self._clock()
        due = now >= max(self._start + min(WAIT_S[:2]), self._seen + AGAIN_S)
        return self._figures is not None and self._last is None and due

    def at(self, process: int, processes: int) -> None:
        """Note which process is being measured, and how many there will be."""
        self._process = (process, processes)

    def latest(self, *, once: bool) -> Group | None:
        """Return the table if a new one is due, or None. With ``once`` there is only one."""
        now = self._clock()
        if self._figures is None or (self._last is not None and (once or now - self._last < EVERY_S)):
            return None
        self._seen = now
        table, stage = self._figures(*self._process)
        if now - self._start < WAIT_S[stage]:
            return None
        self._last = now
        return table


class Lines(Watch):
    """Progress as lines: one line per event, for bursts one line every ten seconds, and the table once."""

    EVERY_S = 10.0

    def __init__(self, provisional: Provisional) -> None:
        self._last = time.monotonic()
        self._provisional = provisional

    def planned(self, pipeline: str, size: str, stacks: list[str]) -> None:
        """Show the pipeline and the stacks that are measured next."""
        self._say(f"{pipeline} ({size}): {len(stacks)} stack(s) to measure: {', '.join(stacks) or 'none'}")

    def computing(self, what: str, seconds: float) -> None:
        """Show what the reference computes, once it takes long."""
        if seconds > QUICK_S and time.monotonic() - self._last > self.EVERY_S:
            self._last = time.monotonic()
            self._say(f"reference: computing {what} for {seconds:.0f} s")

    def doing(self, stack: str, what: str) -> None:
        """Show what a stack does."""
        if what == "import":
            self._say(f"{stack}: starting")
        if self._provisional.is_late:
            self._show()

    def measured(self, stack: str, step: str, took: float, fraction: float) -> None:
        """Show the share of the budget that is spent, and the newest time."""
        if time.monotonic() - self._last > self.EVERY_S:
            self._last = time.monotonic()
            self._say(f"measuring: {fraction:.0%} of the budget, last {stack} {step} {seconds(took)}")

    def refined(self, process: int, processes: int) -> None:
        """Show the figures so far, once."""
        self._provisional.at(process, processes)
        self._show()

    def _show(self) -> None:
        table = self._provisional.latest(once=True)
        if table is not None:
            from twinbench.views import layout

            out = console(None, stderr=True)
            layout.widen(out)
            out.print(table)

    def ended(self, stack: str, status: str, reason: str) -> None:
        """Show how a stack ended."""
        self._say(f"{stack}: {status}{': ' + reason if reason else ''}")

    @staticmethod
    def _say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)


class Bars(Watch):
    """Progress as a bar for the pipeline that is measured, with the current cell, the newest time and the time left.

    The table of the figures so far stands above the bar, and is refined there.
    """

    def __init__(self, progress: Progress, provisional: Provisional) -> None:
        from rich.markup import escape

        self._progress = progress
        self._provisional = provisional
        self._escape = escape
        self._task = progress.add_task("planning", total=1.0)
        self._name = ""
        self.table: Group | None = None
        """The newest table; None before the first and between two pipelines."""

    def planned(self, pipeline: str, size: str, stacks: list[str]) -> None:
        """Show the pipeline and the stacks that are measured next."""
        self._name = f"{pipeline} ({size})"
        self.table = None
        self._progress.reset(self._task, description=self._escape(self._name), total=1.0)

    def computing(self, what: str, seconds: float) -> None:
        """Show what the reference computes, and how long it has taken."""
        text = self._escape(f"{self._name} reference: {what}".strip())
        self._progress.update(self._task, description=f"{text}, {seconds:.0f} s" if seconds > QUICK_S else text)

    def doing(self, stack: str, what: str) -> None:
        """Show what a stack does."""
        self._progress.update(self._task, description=self._escape(f"{self._name} {stack}: {what}"))
        if self._provisional.is_late:
            self.table = self._provisional.latest(once=False)

    def measured(self, stack: str, step: str, took: float, fraction: float) -> None:
        """Show the share of the budget that is spent, and the newest time."""
        text = self._escape(f"{self._name} {stack}: {step} {seconds(took)}")
        self._progress.update(self._task, description=text, completed=fraction)

    def refined(self, process: int, processes: int) -> None:
        """Refine the figures so far."""
        self._provisional.at(process, processes)
        self.table = self._provisional.latest(once=False) or self.table

    def ended(self, stack: str, status: str, reason: str) -> None:
        """Show how a stack ended."""
        text = self._escape(f"{stack}: {status}{': ' + reason if reason else ''}")
        self._progress.console.print(text, highlight=False)


def figures_of(results: Store, run_id: str) -> Figures:
    """Return the function that makes the provisional table of a run."""

    def figures(process: int, processes: int) -> tuple[Group, int]:
        from twinbench.results.summary.run import summarise
        from twinbench.store.records import LOOK
        from twinbench.views import provisional

        summary = summarise(results, run_id)
        looks = {
            cell.cell_id: sum(fact.value.values())
            for pipeline in summary.pipelines
            for cell in pipeline.cells
            for fact in results.facts(cell.cell_id)
            if fact.key == LOOK
        }
        return provisional.shown(summary, process, processes, looks), provisional.stage(summary)

    return figures


@contextmanager
def watching(figures: Figures | None = None) -> Iterator[Watch]:
    """Yield the watch for stderr: `Bars` on a terminal, else `Lines`. Without ``figures`` there is no table."""
    provisional = Provisional(figures)
    if not sys.stderr.isatty():
        yield Lines(provisional)
        return
    from rich.console import Group
    from rich.live import Live
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (BarColumn(bar_width=20), TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    out = console(None, stderr=True)
    progress = Progress(*columns, console=out)
    bars = Bars(progress, provisional)

    def renderable() -> Group:
        return Group(*([bars.table] if bars.table is not None else []), progress)

    with Live(get_renderable=renderable, console=out, transient=True, refresh_per_second=4):
        yield bars
