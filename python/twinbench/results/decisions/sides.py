"""One side of a comparison: a run with its pipelines, cells, summaries and times. Makes no judgement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twinbench.results.summary import load
from twinbench.results.summary.load import surroundings
from twinbench.results.summary.records import CellSummary
from twinbench.results.summary.run import summarise
from twinbench.store.records import Cell, PlannedPipeline, Run, Status
from twinbench.store.samples import Blocks, figures
from twinbench.store.store import Store

TOTAL = ""
"""Step id that stands for the total of all steps."""

Key = tuple[str, str, str]
"""Pipeline, size and stack of a cell."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison."""

    run: Run
    pipelines: dict[tuple[str, str], PlannedPipeline]
    cells: dict[Key, Cell]
    summaries: dict[Key, CellSummary]
    metrics: dict[tuple[str, str], str | None]
    times: dict[Key, dict[str, Blocks]]
    """Samples by cell and step; `TOTAL` is one of the steps unless they are independent."""

    computing: dict[Key, dict[str, Blocks]]
    """The same without interruptions by other processes, as far as CPU times were measured."""
    quiet: bool
    """Whether the machine is known to have been quiet."""

    def computing_blocks(self, key: Key, step: str) -> Blocks:
        """Return the samples of a step without interruptions; empty if there are none."""
        return self.computing.get(key, {}).get(step, {})

    def blocks(self, key: Key, step: str) -> Blocks:
        """Return the samples of a step; empty if there are none."""
        return self.times.get(key, {}).get(step, {})

    def spec(self, key: Key) -> Mapping[str, Any]:
        """Return the pipeline of a cell as JSON data."""
        return self.pipelines[key[:2]].spec

    def independent(self, key: Key) -> bool:
        """Return whether each step of a cell's pipeline is judged by itself."""
        return bool(self.spec(key).get("independent", False))

    def rankable(self, key: Key) -> bool:
        """Return whether a cell may have times to compare: a wrong step spoils others only where they depend on it."""
        status = self.cells[key].status
        return status is Status.DONE or (status is Status.DISAGREES and self.independent(key))

    def agreeing(self, key: Key) -> set[str]:
        """Return the ids of the steps that don't disagree with the reference."""
        return {step.step for step in self.summaries[key].steps if step.agrees is not False}


def side(store: Store, run_id: str) -> Side:
    """Read one side from a store. Raises BadInput for an unknown run."""
    summary = summarise(store, run_id)
    cells = {(cell.pipeline, cell.size, cell.label): cell for cell in store.cells(summary.run_id)}
    pipelines = {(planned.name, planned.size): planned for planned in store.pipelines(summary.run_id)}
    run = store.find_run(summary.run_id)
    around = surroundings(store, run)
    times: dict[Key, dict[str, Blocks]] = {}
    computing: dict[Key, dict[str, Blocks]] = {}
    for key, cell in cells.items():
        spec = pipelines[key[:2]].spec
        measured = figures(store.samples(cell.id))
        total = {} if spec.get("independent") else {TOTAL: measured.totals(step["id"] for step in spec["steps"])}
        times[key] = total | measured.steady
        computing[key] = load.computing(measured, [step["id"] for step in spec["steps"]], around)
    return Side(
        run=run,
        pipelines=pipelines,
        cells=cells,
        summaries={(p.pipeline, p.size, cell.stack): cell for p in summary.pipelines for cell in p.cells},
        metrics={(p.pipeline, p.size): p.metric for p in summary.pipelines},
        times=times,
        computing=computing,
        quiet=around.quiet,
    )


def where(key: Key) -> str:
    """Name a cell: ``pandas+torch on flights-delay (small)``."""
    return f"{key[2]} on {key[0]} ({key[1]})"
