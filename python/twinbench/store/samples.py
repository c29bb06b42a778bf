"""The samples of one cell, grouped by step, process and block. Knows no store and makes no judgement."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from twinbench.numbers.moderation import NOTHING, Prior, prior
from twinbench.numbers.stats import FLOOR, OWN_SPREAD, Values
from twinbench.store.records import Sample, SampleKind

NS = 1e-9
"""One nanosecond in seconds."""

BlockPosition = tuple[int, int]
"""The ordinals of a process and of a block in it."""

Blocks = dict[BlockPosition, list[float]]
"""Samples in seconds, by block position."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The samples of one cell. Times are seconds per evaluation."""

    steady: dict[str, Blocks]
    """Steady samples by step, then by block position, each with the garbage collector's time in the long run."""
    once: dict[tuple[SampleKind, str, str], dict[int, float]]
    """Imports, first calls and boundaries by kind, step and detail, then by process."""
    busy: dict[str, Blocks]
    """Average number of busy cores during each steady sample, by step and block position as `steady`. Without blocks in
    which CPU time wasn't measured for every sample."""
    cpu_per_wall: float | None
    """Average number of busy cores during steady samples. None where CPU time wasn't measured."""
    gc_share: float | None
    """Share of the steady time that the garbage collector takes. None where it wasn't measured."""
    gc_shares: dict[str, float]
    """The same share by step, without steps for which it wasn't measured."""
    walls: dict[str, list[tuple[int, float]]]
    """Process and wall time of each steady sample by step, with the collections that fell into the sample."""

    def typical(self, kind: SampleKind, step: str, detail: str = "") -> float | None:
        """Return the median over processes of a time that is measured once in each; None if there are no samples."""
        values = self.once.get((kind, step, detail))
        return median(values.values()) if values else None

    def mean(self, step: str) -> float | None:
        """Return the mean of a step's steady samples, every process with the same weight; None without samples.

        What happens now and then, and so isn't in the median, is in the mean. Garbage collections count where they
        fell.
        """
        processes: dict[int, list[float]] = defaultdict(list)
        for process, wall in self.walls.get(step, ()):
            processes[process].append(wall)
        return fmean(map(fmean, processes.values())) if processes else None

    def quantile(self, step: str, share: float) -> float | None:
        """Return the wall time that ``share`` of a step's samples don't exceed, by nearest rank; None without samples.

        Garbage collections count where they fell.
        """
        walls = sorted(wall for _, wall in self.walls.get(step, ()))
        return walls[max(math.ceil(share * len(walls)), 1) - 1] if walls else None

    def imports(self) -> dict[str, float]:
        """Return the median over processes of the time to import, by framework."""
        return {detail: median(values.values()) for (kind, _, detail), values in self.once.items() if kind == "import"}

    def cold_starts(self, steps: Iterable[str]) -> dict[int, float]:
        """Return the time to a first result by process: imports and the first calls of all steps.

        A process in which a first call is missing has no cold start.
        """
        first = [self.once.get(("first_call", step, ""), {}) for step in steps]
        imports = [values for (kind, _, _), values in self.once.items() if kind == "import"]
        complete = set.intersection(*map(set, first)) if first else set()
        return {process: sum(values.get(process, 0.0) for values in (*imports, *first)) for process in sorted(complete)}

    def totals(self, steps: Iterable[str]) -> Blocks:
        """Return the time of the whole pipeline by block position: the sum over steps of the block's medians.

        A block in which a step is missing has no total.
        """
        return sums(self.steady, steps)

    def mean_totals(self, steps: Iterable[str]) -> Blocks:
        """Return the mean time of the whole pipeline by block position: the sum over steps of the block's means."""
        return sums(self.steady, steps, fmean)


def sums(
    by_step: Mapping[str, Blocks], steps: Iterable[str], typical: Callable[[list[float]], float] = median
) -> Blocks:
    """Return the sum over steps of each block's typical value; a block in which a step is missing has no sum."""
    blocks = [by_step.get(step, {}) for step in steps]
    complete = set.intersection(*map(set, blocks)) if blocks else set()
    return {position: [sum(typical(step[position]) for step in blocks)] for position in sorted(complete)}


def figures(samples: Sequence[Sample]) -> Figures:
    """Group the samples of a cell."""
    steady: dict[str, Blocks] = defaultdict(lambda: defaultdict(list))
    once: dict[tuple[SampleKind, str, str], dict[int, float]] = defaultdict(dict)
    walls: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for sample in samples:
        if sample.kind == "steady":
            steady[sample.step][sample.process, sample.block].append(sample.time_ns * NS)
            walls[sample.step].append((sample.process, sample.wall_ns * NS))
        else:
            once[sample.kind, sample.step, sample.detail][sample.process] = sample.wall_ns * NS
    bursts = [sample for sample in samples if sample.kind == "steady"]
    busy: dict[str, Blocks] = defaultdict(lambda: defaultdict(list))
    unknown = {(sample.step, sample.process, sample.block) for sample in bursts if sample.cpu_ns is None}
    for sample in bursts:
        if sample.cpu_ns is not None and (sample.step, sample.process, sample.block) not in unknown:
            cores = sample.cpu_ns / sample.wall_ns if sample.wall_ns else 1.0
            busy[sample.step][sample.process, sample.block].append(cores)
    shares = {step: _gc_share(sample for sample in bursts if sample.step == step) for step in steady}
    return Figures(
        steady={step: dict(blocks) for step, blocks in steady.items()},
        once=dict(once),
        busy={step: dict(blocks) for step, blocks in busy.items()},
        cpu_per_wall=_share([(s.cpu_ns, s.wall_ns * s.evals, s.evals) for s in bursts]),
        gc_share=_gc_share(bursts),
        gc_shares={step: share for step, share in shares.items() if share is not None},
        walls=dict(walls),
    )


def _gc_share(samples: Iterable[Sample]) -> float | None:
    collector = ((s.gc_ns if s.collector_ns is None else s.collector_ns, s) for s in samples)
    return _share([(gc_ns, s.time_ns * s.evals, s.evals) for gc_ns, s in collector])


def nested(blocks: Blocks) -> Values:
    """Return the samples as nested lists: process > block > sample."""
    processes: dict[int, list[list[float]]] = defaultdict(list)
    for process, block in sorted(blocks):
        processes[process].append(blocks[process, block])
    return list(processes.values())


def paired(a: Blocks, b: Blocks) -> tuple[Values, Values]:
    """Return the samples of both sides in the blocks that they share, as nested lists."""
    shared = a.keys() & b.keys()
    return nested({position: a[position] for position in shared}), nested(
        {position: b[position] for position in shared}
    )


def mean_blocks(blocks: Blocks) -> Blocks:
    """Return the mean of each block, as its only sample."""
    return {position: [fmean(samples)] for position, samples in blocks.items()}


def spread(blocks: Mapping[str, Mapping[str, Blocks]]) -> Prior:
    """Estimate the spread between processes from the blocks of all stacks, by stack and step.

    Only processes count in which every stack measured every step. `NOTHING` with fewer than `OWN_SPREAD` of them.
    """
    effects = {stack: {step: log_times(its) for step, its in steps.items()} for stack, steps in blocks.items()}
    measured = [times.keys() for steps in effects.values() for times in steps.values()]
    shared = sorted(set.intersection(*map(set, measured))) if measured else []
    if len(shared) < OWN_SPREAD:
        return NOTHING
    return prior(
        {
            stack: {step: [times[process] for process in shared] for step, times in steps.items()}
            for stack, steps in effects.items()
        }
    )


def log_times(blocks: Blocks) -> dict[int, float]:
    """Return by process the median over blocks of the log of each block's median."""
    logs: dict[int, list[float]] = defaultdict(list)
    for (process, _), samples in blocks.items():
        logs[process].append(math.log(max(median(samples), FLOOR)))
    return {process: median(values) for process, values in logs.items()}


def _share(parts: Sequence[tuple[float | None, float, int]]) -> float | None:
    """Divide the sum of the parts by the sum of their wall times, over the samples whose part was measured."""
    measured = [(part * evals, wall) for part, wall, evals in parts if part is not None]
    wall = sum(wall for _, wall in measured)
    return sum(part for part, _ in measured) / wall if wall else None
