"""``twinbench selftest``: how small a difference can be measured on this machine."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from twinbench.cli.console import print_json
from twinbench.cli.options import AsJson


def selftest(
    comparisons: Annotated[int, typer.Option(min=2, help="How many comparisons; each takes about 20 seconds.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Measure how precise measurements are here: identical pairs, and a slowdown of 5 %, through the whole harness.

    Example: twinbench selftest --comparisons 20
    """
    from twinbench.run import selftest as test

    pairs = []
    for pair in test.pairs(comparisons):
        pairs.append(pair)
        line = f"{len(pairs)}/{comparisons}: identical {pair.same.estimate:.3f}, 5 % slower {pair.slowed.estimate:.3f}"
        print(line, file=sys.stderr, flush=True)
    result = test.judge(pairs)
    path = test.save(result)
    if as_json:
        print_json(asdict(result))
        return
    print(f"identical pairs declared different: {result.false_alarms:.0%} of {comparisons} (5 % are expected)")
    print(f"slowdowns of 5 % found: {result.found:.0%} of {comparisons}")
    print(f"spread between identical processes, measured side by side: {result.process_sd:.2%} (standard deviation)")
    print(f"spread of a time between processes of one run: {result.time_sd:.2%}, and between runs: {result.run_sd:.2%}")
    smallest = f"smallest difference that a comparison of {test.PROCESSES} processes finds in four of five cases"
    print(f"{smallest}: {result.smallest:.1%}")
    print(f"saved in {path}; later runs use and quote these figures", file=sys.stderr)
