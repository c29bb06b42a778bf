"""``twinbench selftest``: what differences can be told on this machine."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer


def selftest(
    comparisons: Annotated[int, typer.Option(min=2, help="How many comparisons; each takes about 20 seconds.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measure the measuring: identical pairs, and a slowdown of 5 %, through the whole harness.

    Example: twinbench selftest --comparisons 20
    """
    from twinbench.run import selftest as test

    found = []
    for pair in test.pairs(comparisons):
        found.append(pair)
        line = f"{len(found)}/{comparisons}: identical {pair.same.estimate:.3f}, 5 % slower {pair.slowed.estimate:.3f}"
        print(line, file=sys.stderr, flush=True)
    result = test.judge(found)
    path = test.save(result)
    if as_json:
        print(json.dumps(asdict(result)))
        return
    print(f"identical pairs declared different: {result.false_alarms:.0%} of {comparisons} (5 % is what is promised)")
    print(f"slowdowns of 5 % found: {result.found:.0%} of {comparisons}")
    print(f"spread between identical processes, measured side by side: {result.process_sd:.2%} (standard deviation)")
    print(f"spread of a time between processes of one run: {result.time_sd:.2%}, and between runs: {result.run_sd:.2%}")
    print(f"smallest difference that a comparison of {test.PROCESSES} processes can tell: {result.smallest:.1%}")
    print(f"kept in {path}; runs from now on use and quote it", file=sys.stderr)
