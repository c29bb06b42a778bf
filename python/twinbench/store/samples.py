"""The samples of one cell, sorted for counting: by step, process and block. Knows no store and makes no judgement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from twinbench.numbers.stats import Values
from twinbench.store.records import Sample, SampleKind

NS = 1e-9

Place = tuple[int, int]
"""Process and block."""

Blocks = dict[Place, list[float]]
"""Seconds by place."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured in one cell. Times are seconds per evaluation."""

    steady: dict[str, Blocks]
    """By step, then by process and block."""
    once: dict[tuple[SampleKind, str, str], list[float]]
    """Imports, first calls and boundaries by kind, step and detail: one value per process or so."""
    cpu_per_wall: float | None
    """Cores that worked, on average, during steady samples. None where CPU time wasn't measured."""
    gc_share: float | None
    """Share of the steady time spent collecting garbage. None where it wasn't measured."""

    def typical(self, kind: SampleKind, step: str, detail: str = "") -> float | None:
        """The median over processes; None when there is none."""
        values = self.once.get((kind, step, detail))
        return median(values) if values else None

    def imports(self) -> dict[str, float]:
        """The median over processes of the time to import, by framework."""
        return {detail: median(values) for (kind, _, detail), values in self.once.items() if kind == "import"}

    def totals(self, steps: Iterable[str]) -> Blocks:
        """The whole pipeline by process and block: the sum over steps of the block's medians.

        A block in which a step is missing has no total.
        """
        by_step = [self.steady.get(step, {}) for step in steps]
        places = set.intersection(*map(set, by_step)) if by_step else set()
        return {place: [sum(median(step[place]) for step in by_step)] for place in sorted(places)}


def figures(samples: Sequence[Sample]) -> Figures:
    """Sort the samples of a cell."""
    steady: dict[str, Blocks] = defaultdict(lambda: defaultdict(list))
    once: dict[tuple[SampleKind, str, str], list[float]] = defaultdict(list)
    for sample in samples:
        if sample.kind == "steady":
            steady[sample.step][sample.process, sample.block].append(sample.wall_ns * NS)
        else:
            once[sample.kind, sample.step, sample.detail].append(sample.wall_ns * NS)
    bursts = [sample for sample in samples if sample.kind == "steady"]
    return Figures(
        steady={step: dict(places) for step, places in steady.items()},
        once=dict(once),
        cpu_per_wall=_share([(s.cpu_ns, s.wall_ns * s.evals, s.evals) for s in bursts]),
        gc_share=_share([(s.gc_ns, s.wall_ns * s.evals, s.evals) for s in bursts]),
    )


def nested(places: Blocks) -> Values:
    """Process > block > sample."""
    processes: dict[int, list[list[float]]] = defaultdict(list)
    for process, block in sorted(places):
        processes[process].append(places[process, block])
    return list(processes.values())


def paired(a: Blocks, b: Blocks) -> tuple[Values, Values]:
    """Both, cut down to the blocks that they share."""
    shared = a.keys() & b.keys()
    return nested({place: a[place] for place in shared}), nested({place: b[place] for place in shared})


def _share(parts: Sequence[tuple[float | None, float, int]]) -> float | None:
    """The sum of the parts over the sum of the walls, where there are parts."""
    known = [(part * evals, wall) for part, wall, evals in parts if part is not None]
    wall = sum(wall for _, wall in known)
    return sum(part for part, _ in known) / wall if wall else None
