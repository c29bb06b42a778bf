"""What a run tells while it is measured. Knows no view."""

from __future__ import annotations


class Watch:
    """Callbacks for the progress of a run; a progress bar overrides the ones that it shows."""

    def planned(self, pipeline: str, size: str, stacks: list[str]) -> None:
        """Note that a pipeline's cells are about to be measured."""

    def computing(self, what: str, seconds: float) -> None:
        """Note, again and again, that the reference has computed a stage for this many seconds."""

    def doing(self, stack: str, what: str) -> None:
        """Note that a cell enters a stage: import, a step's first call, warming up."""

    def measured(self, stack: str, step: str, took: float, fraction: float) -> None:
        """Note a burst: the last evaluation took ``took`` seconds; ``fraction`` of the process's budget is spent."""

    def refined(self, process: int, processes: int) -> None:
        """Note that the store has new figures, and that no worker is measured at this moment.

        ``process`` counts from 1; ``processes`` is the number of processes that the run will have, as far as is known.
        """

    def ended(self, stack: str, status: str, reason: str) -> None:
        """Note that a cell has ended."""
