"""Whether the measurement loops in Python and in Julia agree with each other on the same busy-wait.

Both run in one process, in alternation.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from benchmarks import steps
from benchmarks.figures.figure import Figure

LIBRARIES = ("juliacall",)
TARGETS = {100.0: 0.02, 1_000.0: 0.02, 50_000.0: 0.02}
"""Microseconds to wait, and how far apart the two may be. Below these, a call in Python itself takes some percent."""

BURSTS = 20


def measure() -> Iterator[Figure]:
    """Distance of the ratio of medians from 1, by duration."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        for microseconds, target in TARGETS.items():
            name = f"{microseconds:g} us: |Julia's loop / Python's - 1|"
            try:
                yield Figure(name, process.submit(distance, microseconds).result(), "", "<=", target)
            except NotImplementedError as reason:
                yield Figure(name, None, unavailable=str(reason))


def distance(microseconds: float) -> float:
    """In this process, which then has a Julia. Raises NotImplementedError, with the reason."""
    from twinbench.frameworks import probe
    from twinbench.numbers import stats
    from twinbench.ops.probe import Spin
    from twinbench.worker import julia_measure
    from twinbench.worker import measure as python_measure

    op = steps.loaded("probe.jl").ops["probe.spin"]
    params = Spin(microseconds=microseconds)
    loops = ((julia_measure, partial(op, params)), (python_measure, partial(probe.spin, params)))
    evals = [protocol.calibrate(call) for protocol, call in loops]
    blocks: tuple[list[list[float]], list[list[float]]] = ([], [])
    for _ in range(BURSTS):
        for (protocol, call), count, block in zip(loops, evals, blocks, strict=True):
            block.append([timing.wall_ns / 1e9 for timing in protocol.burst(call, count, 3, 0)])
    return abs(stats.ratio([blocks[0]], [blocks[1]]).estimate - 1)
