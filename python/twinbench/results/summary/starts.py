"""Slow starts that are made up for: from which execution on the fastest stack has taken less time in total."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from twinbench.numbers import stats
from twinbench.numbers.breakeven import break_even as calls_until
from twinbench.numbers.levels import levels
from twinbench.numbers.moderation import NOTHING
from twinbench.numbers.spreads import Spreads
from twinbench.results.summary.records import BreakEven, CellSummary
from twinbench.store.samples import Figures


def break_even(
    ranked: Sequence[CellSummary], measured: Mapping[str, Figures], steps: Sequence[str], spreads: Spreads
) -> BreakEven | None:
    """Return when the stack with the least time has made up for its slower start.

    The other stack is the one that starts soonest, of those that start distinguishably sooner and are distinguishably
    slower afterwards. None if there is no such stack.
    """
    fastest = next((cell for cell in ranked if cell.rank == 1 and cell.ratio is None), None)
    if fastest is None:
        return None
    starts = {cell.stack: measured[cell.stack].cold_starts(steps) for cell in ranked if cell.rank is not None}
    others = [
        cell.stack
        for cell in ranked
        if cell.rank is not None
        and cell.ratio is not None
        and stats.verdict(cell.ratio) == "slower"
        and _starts_sooner(starts[cell.stack], starts[fastest.stack], spreads)
    ]
    if not others:
        return None
    against = min(others, key=lambda stack: math.fsum(starts[stack].values()) / len(starts[stack]))
    pair = (fastest.stack, against)
    times = levels({stack: measured[stack].totals(steps) for stack in pair}).processes
    shared = sorted(set.intersection(*(starts[stack].keys() & times[stack].keys() for stack in pair)))
    cold_a, cold_b = ([starts[stack][process] for process in shared] for stack in pair)
    steady_a, steady_b = ([math.exp(times[stack][process]) for process in shared] for stack in pair)
    calls = calls_until(cold_a, steady_a, cold_b, steady_b) if shared else None
    return None if calls is None else BreakEven(*pair, calls.estimate, calls.low, calls.high)


def _starts_sooner(a: Mapping[int, float], b: Mapping[int, float], spreads: Spreads) -> bool:
    """Return whether ``a`` starts distinguishably sooner than ``b``, by the processes that have both starts."""
    shared = sorted(a.keys() & b.keys())
    if not shared:
        return False
    starts = [[[[side[process]]] for process in shared] for side in (a, b)]
    return stats.verdict(stats.ratio(*starts, process_sd=spreads.time_sd, prior=NOTHING)) == "faster"
