"""The measurement protocol for Julia code, timed inside Julia: the functions of ``measure``, run by ``measure.jl``.

A call is a `functools.partial` of a `JuliaOp` with its parameters and native inputs. Nothing is timed here.
"""

from __future__ import annotations

from dataclasses import fields
from functools import cache, partial
from typing import Any

from twinbench.worker.measure import Timing, WarmUp

Call = partial[Any]


def first_call(call: Call) -> tuple[Timing, Any]:
    """Time the first execution, including compilation. Returns the timing and the native result."""
    timing, result = _julia("first_call")(_bound(call))
    return _timings(timing)[0], result


def collect() -> None:
    """Free the garbage of what ran before."""
    _julia("collect_garbage")()


def calibrate(call: Call) -> int:
    """Return the evaluations of a sample that lasts long enough."""
    return int(_julia("calibrate")(_bound(call)))


def warm_up(call: Call, evals: int, limit_ns: int) -> WarmUp:
    """Run until the times have settled."""
    return _warm(_julia("warm_up")(_bound(call), evals, limit_ns))


def warm_again(call: Call, evals: int, time_ns: float, collector_limit_ns: float) -> WarmUp:
    """Warm up for a time that another process has shown to be enough."""
    return _warm(_julia("warm_again")(_bound(call), evals, time_ns, collector_limit_ns))


def burst(call: Call, evals: int, min_samples: int, limit_ns: int) -> list[Timing]:
    """Take one block's samples of one step."""
    return _timings(_julia("burst")(_bound(call), evals, min_samples, limit_ns))


def _warm(warm: Any) -> WarmUp:
    return WarmUp(*(getattr(warm, field.name) for field in fields(WarmUp)))


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
