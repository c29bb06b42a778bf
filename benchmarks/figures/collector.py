"""Whether the time of a call that leaves garbage behind is what the call takes in a long loop without the harness.

Bursts of our protocol and stretches of the loop take turns in one process. A stretch holds many garbage collections; a
burst holds few or none, and each sample has the collector's time in the long run instead. Compared is CPU time, since
other work on the machine interrupts a long stretch more often than a short sample.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from statistics import median
from typing import Any

from benchmarks import steps
from benchmarks.figures.alternate import JuliaFunction
from benchmarks.figures.figure import Figure

LIBRARIES = ("juliacall",)
TARGET = 0.05
BURSTS = 15
BURST_NS = 20_000_000
STRETCH_NS = 150_000_000
WARM_UP_NS = 1_000_000_000


def rings(count: int) -> None:
    """Leave cycles behind, which only the garbage collector frees."""
    for _ in range(count):
        ring: list[object] = []
        ring.append(ring)


def rows(count: int) -> list[dict[str, int]]:
    """Return many small objects that live for the length of the call."""
    return [{"row": row} for row in range(count)]


IN_PYTHON: dict[str, Callable[[], object]] = {
    "Python, 200 cycles": partial(rings, 200),
    "Python, 20,000 rows": partial(rows, 20_000),
}
IN_JULIA = {
    "Julia, 2,000 strings": "_ -> [string(i) for i in 1:2_000]",
    "Julia, arrays of 100": "_ -> [zeros(100) for _ in 1:1_000]",
    "Julia, an array of 1 MB": "_ -> zeros(125_000) .+ 1",
}


def measure() -> Iterator[Figure]:
    """Distance of the ratio to the loop from 1 by call, and the ratio that the samples alone would give."""
    for name in (*IN_PYTHON, *IN_JULIA):
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
            try:
                accounted, alone = process.submit(ratios, name).result()
            except NotImplementedError as reason:
                yield Figure(f"{name}: |burst / loop - 1|", None, unavailable=str(reason))
                continue
        yield Figure(f"{name}: |burst / loop - 1|", abs(accounted - 1), "", "<=", TARGET)
        yield Figure(f"{name}: burst / loop without the account", alone)


def ratios(name: str) -> tuple[float, float]:
    """Measure the time of a call by the protocol, with the collector's account and without, each over the loop's time.

    Raises NotImplementedError, with the reason, where there is no Julia.
    """
    protocol: Any
    if name in IN_PYTHON:
        from twinbench.worker import measure as protocol

        call = partial(IN_PYTHON[name])
    else:
        from twinbench.worker import julia_measure as protocol

        steps.loaded("probe.jl")
        call = partial(JuliaFunction(IN_JULIA[name]))
    evals = protocol.calibrate(call)
    warm = protocol.warm_up(call, evals, WARM_UP_NS)
    assert warm.collector_ns is not None
    accounted, alone, loop = [], [], []
    for _ in range(BURSTS):
        timings = protocol.burst(call, evals, 3, BURST_NS)
        accounted.append(median(t.cpu_ns - min(t.gc_ns, t.cpu_ns) + warm.collector_ns for t in timings))
        alone.append(median(t.cpu_ns for t in timings))
        stretch = round(STRETCH_NS / accounted[-1]) + 1
        (timing,) = protocol.burst(call, stretch, 1, 0)
        loop.append(timing.cpu_ns)
    return median(accounted) / median(loop), median(alone) / median(loop)
