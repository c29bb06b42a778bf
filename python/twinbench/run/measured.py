"""The steady samples of a cell while it is measured, in memory: the store is read only once, when the cell begins."""

from __future__ import annotations

from collections.abc import Iterable

from twinbench.store.records import Sample
from twinbench.store.samples import NS, Blocks, sums


class Measured:
    """Seconds of the steady samples by step, process and block."""

    def __init__(self, samples: Iterable[Sample] = ()) -> None:
        self.last_process = -1
        """Largest ordinal of a process that has samples; -1 without samples."""
        self._steady: dict[str, Blocks] = {}
        self.add(samples)

    def add(self, samples: Iterable[Sample]) -> None:
        """Add samples of any kind; only steady samples are kept."""
        for sample in samples:
            self.last_process = max(self.last_process, sample.process)
            if sample.kind == "steady":
                blocks = self._steady.setdefault(sample.step, {})
                blocks.setdefault((sample.process, sample.block), []).append(sample.time_ns * NS)

    def blocks(self, step: str, process: int | None = None) -> Blocks:
        """Return the blocks of a step in one process, or in all."""
        blocks = self._steady.get(step, {})
        return {key: values for key, values in blocks.items() if process in (None, key[0])}

    def totals(self, steps: Iterable[str], process: int | None = None) -> Blocks:
        """Return the sums over these steps of the blocks' medians, in one process or in all."""
        steady = {step: self.blocks(step, process) for step in steps}
        return sums(steady, steady)
