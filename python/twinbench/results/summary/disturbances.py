"""Sentences about what may have disturbed the figures of a run, or makes them mean less than they seem to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from twinbench.numbers.equivalence import MIN_SEEDS
from twinbench.results.summary.records import PipelineSummary
from twinbench.store.records import Run
from twinbench.store.store import Store

SPARE_CORES = 0.25
"""Number of cores that a stack may keep busy beyond its threads, such as by a garbage collector, without a warning."""


def warnings(store: Store, run: Run, pipelines: Sequence[PipelineSummary]) -> Iterator[str]:
    """Yield the runner's warnings, then those about single stacks."""
    yield from _noise(store, run.id)
    yield from _undecided(pipelines)
    yield from _too_busy(run, pipelines)
    yield from _unsettled(pipelines)
    yield from _reused(pipelines)
    yield from _parted(pipelines)


def disturbed(pipelines: Sequence[PipelineSummary]) -> dict[int, list[str]]:
    """Return by cell the steps, and "total", whose ratio to the fastest is undecided because load disturbed it."""
    ratios = {
        cell.cell_id: {"total": cell.ratio} | {step.step: step.ratio for step in cell.steps}
        for pipeline in pipelines
        for cell in pipeline.cells
    }
    return {cell: [name for name, ratio in own.items() if ratio and ratio.disturbed] for cell, own in ratios.items()}


def _noise(store: Store, run_id: str) -> Iterator[str]:
    """Yield each of the runner's warnings once, with the number of times that it was given."""
    given = Counter(text for noise in store.noise(run_id) for text in noise.facts.get("warnings", ()))
    for text, times in given.items():
        yield f"{text} ({times} times)" if times > 1 else text


def _undecided(pipelines: Sequence[PipelineSummary]) -> Iterator[str]:
    """Yield where wall and CPU times disagree, with the worst case."""
    for pipeline in pipelines:
        ratios = [(f"{cell.stack}", cell.ratio) for cell in pipeline.cells]
        ratios += [(f"{cell.stack} {step.step}", step.ratio) for cell in pipeline.cells for step in cell.steps]
        found = [(name, ratio, ratio.cpu) for name, ratio in ratios if ratio and ratio.cpu and ratio.disturbed]
        if found:
            name, ratio, cpu = max(found, key=lambda one: abs(math.log(one[1].estimate / one[2].estimate)))
            times = f"{ratio.estimate:.3g} times as long by the wall clock, {cpu.estimate:.3g} times by CPU time"
            count = f"{len(found)} ratio{'s' * (len(found) != 1)}"
            yield f"{pipeline.pipeline}: {count} undecided (disturbed by load), as {name}: {times}; measure again"


def _too_busy(run: Run, pipelines: Sequence[PipelineSummary]) -> Iterator[str]:
    threads = run.environment.get("threads", math.inf)
    for pipeline in pipelines:
        for cell in pipeline.cells:
            if (cell.cpu_per_wall or 0.0) > threads + SPARE_CORES:
                busy = f"{cell.stack} kept {cell.cpu_per_wall:.1f} cores busy"
                yield f"{pipeline.pipeline}: {busy}, with --threads {threads}"


def _unsettled(pipelines: Sequence[PipelineSummary]) -> Iterator[str]:
    for pipeline in pipelines:
        for cell in pipeline.cells:
            for step in cell.steps:
                if step.step in cell.unsettled:
                    why = f"still getting {step.trend} when warm-up ended"
                    yield f"{pipeline.pipeline}: {cell.stack}: {step.step} {why}"


def _reused(pipelines: Sequence[PipelineSummary]) -> Iterator[str]:
    for pipeline in pipelines:
        stacks = ", ".join(cell.stack for cell in pipeline.cells if cell.reused and cell.total)
        if stacks:
            yield f"{pipeline.pipeline}: measured before the run was resumed, not interleaved with the others: {stacks}"


def _parted(pipelines: Sequence[PipelineSummary]) -> Iterator[str]:
    """Yield the trainings that agreement can't follow to their end, and whether quality over seeds is tested."""
    for pipeline in pipelines:
        parts = {s.step: s.parts_at for cell in pipeline.cells for s in cell.steps if s.parts_at}
        tests = [q.equivalence for cell in pipeline.cells if (q := cell.quality.get(pipeline.metric or ""))]
        tested = [test for test in tests if test is not None and test.verdict != "not enough seeds"]
        decides = "is tested" if tested else f"isn't tested; measure with --seeds {MIN_SEEDS} or more"
        for step, (first, count) in parts.items():
            yield (
                f"{pipeline.pipeline}: trainings of {step} that differ by roundings part at step {first:,} of "
                f"{count:,}; from there on equal quality over seeds decides, which {decides}"
            )
