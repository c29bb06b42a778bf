"""Ops by which the harness measures itself: they compute nothing, and only spend time."""

from __future__ import annotations

from dataclasses import dataclass

from twinbench.ops.contract import Arrays, Op


@dataclass(frozen=True, slots=True, kw_only=True)
class Noop:
    """No parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spin:
    """``microseconds``: how long to keep the CPU busy."""

    microseconds: float = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """``loops``: number of iterations of the loop; 500,000 take about 20 ms."""

    loops: int = 500_000


def _nothing(p: object) -> Arrays:
    import numpy as np

    return {"value": np.zeros(1)}


NOOP = Op(
    name="probe.noop",
    params=Noop,
    inputs=(),
    output="arrays",
    summary="Do nothing.",
    semantics="""Returns `value`, one float64 zero.""",
    source="twinbench",
    reference=_nothing,
)
SPIN = Op(
    name="probe.spin",
    params=Spin,
    inputs=(),
    output="arrays",
    summary="Keep the CPU busy for a given time.",
    semantics="Reads the monotonic clock until `microseconds` have passed, then returns `value`, one float64 zero.",
    source="twinbench",
    reference=_nothing,
)
WORK = Op(
    name="probe.work",
    params=Work,
    inputs=(),
    output="arrays",
    summary="Do a fixed amount of work, so that the time shows the speed of the machine at that moment.",
    semantics="Adds the integers from 0 to `loops` - 1 one by one in a loop, then returns `value`, one float64 zero.",
    source="twinbench",
    reference=_nothing,
)

OPS: tuple[Op, ...] = (NOOP, SPIN, WORK)
