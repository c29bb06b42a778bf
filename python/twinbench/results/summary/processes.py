"""The figures of each process of a cell: what can be measured once in a process only, and its share of the times."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from twinbench.results.summary.records import ProcessFigures
from twinbench.store.records import PEAK
from twinbench.store.samples import Blocks, Figures, log_times


def of_cell(measured: Figures, ops: Collection[str], facts: Mapping[str, object]) -> tuple[ProcessFigures, ...]:
    """Return the figures of the processes of a cell, in the order of their starts."""
    steps: dict[str, Blocks] = {**measured.steady, "": measured.totals(ops)}
    starts = measured.cold_starts(ops)
    logs = {step: log_times(blocks) for step, blocks in steps.items()}
    peaks = {int(key.partition(":")[2]): value for key, value in facts.items() if key.startswith(f"{PEAK}:")}
    seen = sorted({*starts, *peaks, *(process for times in logs.values() for process in times)})
    return tuple(
        ProcessFigures(
            process=process,
            cold_start_s=starts.get(process),
            peak_rss_bytes=int(str(peaks[process])) if process in peaks else None,
            times_s={step: math.exp(times[process]) for step, times in logs.items() if process in times},
        )
        for process in seen
    )
