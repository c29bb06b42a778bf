"""Two calls in one process, in bursts that alternate in random order: what the figures about our own cost share."""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twinbench.frameworks.api import Framework
    from twinbench.ops.contract import Arrays, Kind

BURSTS = 25
WARM_UP_NS = 2_000_000_000

Direct = Callable[..., Any] | str
"""A Python function of an op's native inputs, or the source of a Julia function of nothing, and of those."""


@contextmanager
def a_process() -> Iterator[ProcessPoolExecutor]:
    """Start a fresh process, which then loads one framework only."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        yield process


def compared(framework: Framework, kind: Kind, ours: partial[Any], direct: Direct) -> tuple[float, float]:
    """Our time over the direct call's, and our seconds, both from medians of paired bursts. Fails if results differ."""
    from twinbench.numbers import stats

    inputs = ours.args[1:]
    if framework.language == "julia":
        from twinbench.worker import julia_measure as protocol

        other = partial(JuliaFunction(str(direct)), *inputs)
    else:
        from twinbench.worker import measure as protocol  # type: ignore[no-redef]

        assert callable(direct)
        other = partial(direct, *inputs)
    check_same(framework.extract(ours(), kind), framework.extract(other(), kind), in_order(ours))
    ours_s, other_s = alternated(protocol, ours, other)
    return stats.ratio([ours_s], [other_s]).estimate, min(min(block) for block in ours_s)


def in_order(ours: partial[Any]) -> bool:
    """Whether a step asks for an order of its rows."""
    return getattr(ours.args[0], "ordered", True)


def check_same(ours: Arrays, direct: Arrays, in_order: bool = True) -> None:
    """A direct call that computes something else is no yardstick. It may leave out what ours passes on."""
    import numpy as np

    from twinbench.run.agree.agreement import sorted_rows

    ours = {name: ours[name] for name in direct}
    if not in_order:
        ours, direct = sorted_rows(ours), sorted_rows(direct)
    for name, values in direct.items():
        if values.dtype.kind in "fc":
            np.testing.assert_allclose(ours[name], values, rtol=1e-9, atol=1e-9, err_msg=name)
        else:
            np.testing.assert_array_equal(ours[name], values, err_msg=name)


def alternated(protocol: ModuleType, *calls: Callable[[], Any]) -> list[list[list[float]]]:
    """Measure the seconds of each call, by block and sample."""
    rng = random.Random(0)
    evals = {}
    for call in calls:
        evals[call] = protocol.calibrate(call)
        protocol.warm_up(call, evals[call], WARM_UP_NS)
    blocks: dict[Callable[[], Any], list[list[float]]] = {call: [] for call in calls}
    for _ in range(BURSTS):
        for call in rng.sample(calls, len(calls)):
            timings = protocol.burst(call, evals[call], 3, 0)
            blocks[call].append([timing.wall_ns / 1e9 for timing in timings])
    return [blocks[call] for call in calls]


class JuliaFunction:
    """A Julia function from its source, which our loop in Julia can time as it times an op's."""

    def __init__(self, source: str) -> None:
        from juliacall import Main

        self._call = Main.TwinBench.Call
        self._function = Main.seval(f"begin {source} end")

    def bind(self, *inputs: Any) -> Any:
        """What `TwinBench` times."""
        return self._call(self._function, None, inputs)

    def __call__(self, *inputs: Any) -> Any:
        """Once, from Python."""
        return self._function(None, *inputs)
