"""A/A: how often the same code registered twice is called different, and how often an injected 5 % slowdown is found.

Through the whole harness, as ``twinbench selftest`` does it: each comparison is a run of its own, in fresh processes.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.figures.figure import Figure

LIBRARIES = ()
COMPARISONS = 40


def measure() -> Iterator[Figure]:
    """Rates over the comparisons, and what one of them can resolve here."""
    from twinbench.run import selftest

    found = selftest.judge(list(selftest.pairs(COMPARISONS)))
    yield Figure(f"identical pairs declared different, of {COMPARISONS}", found.false_alarms, "", "<=", 0.05)
    yield Figure(f"slowdowns of 5 % found, of {COMPARISONS}", found.found, "", ">=", 0.9)
    yield Figure("spread between identical processes (sd)", 100 * found.process_sd, "%")
    yield Figure("smallest difference that one comparison finds in four of five cases", 100 * found.smallest, "%")
