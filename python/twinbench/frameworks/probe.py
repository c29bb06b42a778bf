"""Frameworks with which the harness measures itself: the same work registered twice, and once slowed down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter_ns
from typing import Any

from twinbench.frameworks.api import Framework
from twinbench.ops.contract import Arrays, Kind
from twinbench.ops.probe import Noop, Spin, Work


def load(threads: int) -> None:
    """Do nothing: these ops need no library."""


def prepare(value: Arrays, kind: Kind) -> None:
    """Return what the ops return: nothing, which stands for the single zero of `extract`."""


def extract(value: Any, kind: Kind) -> Arrays:
    """Return the single zero that the contracts define, float64 (1,)."""
    import numpy as np

    return {"value": np.zeros(1)}


def threads() -> Mapping[str, int]:
    """Return no pools: these ops use one thread."""
    return {}


def noop(p: Noop) -> None:
    """Do nothing."""


def spin(p: Spin) -> None:
    """Busy-wait for ``p.microseconds``."""
    end = perf_counter_ns() + int(p.microseconds * 1000)
    while perf_counter_ns() < end:
        pass


def work(p: Work) -> None:
    """Run a Python loop of ``p.loops`` turns."""
    _loop(p.loops)


def work_slow(p: Work) -> None:
    """Run the loop with 5 % more turns, a slowdown that a comparison has to detect."""
    _loop(p.loops * 105 // 100)


def _loop(turns: int) -> int:
    """Run the loop at the same stack depth for both: CPython 3.11 ran a loop called from C about 4 % slower."""
    total = 0
    for i in range(turns):
        total += i
    return total


def _framework(name: str, summary: str, worker: Callable[[Work], None]) -> Framework:
    return Framework(
        name=name,
        language="python",
        summary=summary,
        packages=("twinbench",),
        load=load,
        prepare=prepare,
        extract=extract,
        threads=threads,
        ops={"probe.noop": noop, "probe.spin": spin, "probe.work": worker},
    )


FRAMEWORKS = (
    _framework("probe-a", "Idling, spinning and a loop, to measure the harness with", work),
    _framework("probe-b", "The same again", work),
    _framework("probe-slow", "The same, with a loop 5 % longer", work_slow),
)
