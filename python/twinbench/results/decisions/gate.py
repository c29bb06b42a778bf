"""The gate of a build: one exit code for a comparison, and every reason for it. Nothing here prints.

A build fails on what is certain. It passes only if everything that the base measured was judged, because a gate that
judges nothing would pass forever.
"""

from __future__ import annotations

from collections.abc import Iterator

from twinbench.errors import BAD_INPUT, OK, REGRESSED
from twinbench.results.decisions.compare_records import Comparison, Gate, TimeChange

SAME_MACHINE = ("CPU", "device", "GPUs", "threads")
"""Names of differences between two runs that make times of the two incomparable."""


def judge(comparison: Comparison, threshold: float, *, force: bool = False) -> Gate:
    """Decide on a build that may be slower by the threshold (0.05 for 5 %). With ``force``, runs of two machines too.

    A refusal comes before a failure, and a failure before what couldn't be judged.
    """
    refused = () if force else tuple(_refusals(comparison))
    regressions, broken = comparison.regressions(threshold), comparison.broken()
    unjudged = [*comparison.unjudged]
    unjudged += [_disturbed(change) for change in comparison.changes if change.contradictory(threshold)]
    if not comparison.changes:
        unjudged.append("no time was compared")
    failed = bool(regressions or broken)
    code = BAD_INPUT if refused else REGRESSED if failed else BAD_INPUT if unjudged else OK
    return Gate(
        threshold=threshold,
        exit_code=code,
        refused=refused,
        regressions=tuple(regressions),
        broken=tuple(broken),
        unjudged=tuple(unjudged),
        possible=tuple(change for change in comparison.changes if change.possible(threshold)),
        warnings=tuple(_warnings(comparison)),
    )


def _disturbed(change: TimeChange) -> str:
    what = f"step {change.step} of {change.b}" if change.step else change.b
    times = f"{change.ratio.estimate:.3f} by the wall clock"
    cpu = f", {change.ratio.cpu.estimate:.3f} by CPU time" if change.ratio.cpu else ""
    return f"{what} on {change.pipeline} ({change.size}) was disturbed by load: {times}{cpu}; measure again"


def _refusals(comparison: Comparison) -> Iterator[str]:
    for difference in comparison.differences:
        if difference.what in SAME_MACHINE:
            yield f"{difference.what} differs between the runs: {difference.a} and {difference.b}"


def _warnings(comparison: Comparison) -> Iterator[str]:
    for outcome in comparison.outcomes:
        if outcome.quality == "worse":
            yield f"{outcome.b} on {outcome.pipeline} ({outcome.size}): {outcome.metric} is worse"
    yield from comparison.notes
