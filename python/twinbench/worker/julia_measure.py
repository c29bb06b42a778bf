"""The measurement protocol for Julia code, timed inside Julia: the functions of ``measure``, run by ``measure.jl``.

A call is a `functools.partial` of a `JuliaOp` with its parameters and native inputs. Nothing is timed here.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from twinbench.worker.measure import Timing, WarmUp

Call = partial[Any]


def first_call(call: Call) -> tuple[Timing, Any]:
    """Time the first execution, including compilation. Returns the timing and the native result."""
    timing, result = _julia("first_call")(_bound(call))
    return _timings(timing)[0], result


def calibrate(call: Call) -> int:
    """Return the evaluations of a sample that lasts long enough."""
    return int(_julia("calibrate")(_bound(call)))


def warm_up(call: Call, evals: int, limit_ns: int) -> WarmUp:
    """Run until the times have settled."""
    warm = _julia("warm_up")(_bound(call), evals, limit_ns)
    return WarmUp(warm.discarded, warm.trend, warm.collector_ns, warm.collections, warm.allocated_bytes)


def burst(call: Call, evals: int, min_samples: int, limit_ns: int) -> list[Timing]:
    """Take one block's samples of one step."""
    return _timings(_julia("burst")(_bound(call), evals, min_samples, limit_ns))


def _bound(call: Call) -> Any:
    op: Any = call.func
    return op.bind(*call.args)


def _timings(timings: Any) -> list[Timing]:
    import numpy as np

    columns = np.asarray(_julia("flat")(timings)).T
    return [Timing(wall, cpu, collected, int(evals)) for wall, cpu, collected, evals in columns.tolist()]


@cache
def _julia(name: str) -> Any:
    """Return a function of TwinBench, looked up once. Julia must have been started by loading its framework."""
    from juliacall import Main

    return getattr(Main.TwinBench, name)
