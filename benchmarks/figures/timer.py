"""Whether our clock tells what pyperf's does, for the same busy-wait.

Processes of ours and of pyperf take turns, and each pair gives a ratio. The same 1 us differs by more than a tenth from
process to process, by where things happen to lie in memory, so there are many of them.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.figures.figure import Figure

LIBRARIES = ("pyperf",)
TARGETS = {1.0: 0.05, 10.0: 0.01, 1_000.0: 0.01, 50_000.0: 0.01}
"""Microseconds to wait, and how far apart the two may be: at 1 us the calls themselves weigh some percent."""

ROOT = Path(__file__).parents[2]
PAIRS = 7
BURSTS = 10
WARM_UP_NS = 200_000_000
BURST_NS = 20_000_000


def measure() -> Iterator[Figure]:
    """Distance of the median ratio from 1, by duration."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, max_tasks_per_child=1) as fresh:
        for microseconds, target in TARGETS.items():
            ratios = [fresh.submit(ours, microseconds).result() / pyperf(microseconds) for _ in range(PAIRS)]
            yield Figure(f"{microseconds:g} us: |twinbench / pyperf - 1|", abs(median(ratios) - 1), "", "<=", target)


def waiting(microseconds: float) -> Callable[[], object]:
    """What both time: the probe's busy-wait, as a worker calls it."""
    from twinbench.frameworks.probe import spin
    from twinbench.ops.probe import Spin

    return partial(spin, Spin(microseconds=microseconds))


def ours(microseconds: float) -> float:
    """The steady median in seconds, by the worker's own protocol, in this process."""
    from twinbench.worker import measure as protocol

    call = waiting(microseconds)
    evals = protocol.calibrate(call)
    protocol.warm_up(call, evals, WARM_UP_NS)
    bursts = [protocol.burst(call, evals, 3, BURST_NS) for _ in range(BURSTS)]
    return median(timing.wall_ns for burst in bursts for timing in burst) / 1e9


def pyperf(microseconds: float) -> float:
    """pyperf's median in seconds, in one process of its own besides the one in which it calibrates."""
    setup = f"from benchmarks.figures.timer import waiting; call = waiting({microseconds})"
    from pyperf import Benchmark

    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory) / "pyperf.json"
        options = ["--processes", "1", "--values", "5", "--quiet", "--inherit-environ", "PYTHONPATH"]
        command = ["timeit", *options, "--setup", setup, "call()", "--output", str(output)]
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        subprocess.run(
            [sys.executable, "-m", "pyperf", *command],
            env=os.environ | {"PYTHONPATH": path},
            check=True,
            capture_output=True,
        )
        return float(Benchmark.load(str(output)).median())
