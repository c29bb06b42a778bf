"""Ranks of stacks by their times, from ratios of all pairs. Pure functions over numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations

from twinbench.numbers.stats import LEVEL, Ratio, corrected, verdict


@dataclass(frozen=True, slots=True)
class Ranked:
    """A stack with its rank."""

    name: str
    rank: int | None
    """1 plus the number of stacks that are distinguishably faster; None if all its ratios are assumed."""
    ratio: Ratio | None
    """Ratio to the stack with the least time, with an interval that is corrected for the number of pairs; None for that
    stack itself, and where the two share no process."""


def rank(
    estimates: Mapping[str, float], compare: Callable[[str, str], Ratio | None], *, level: float = LEVEL
) -> list[Ranked]:
    """Rank stacks: by rank, then by estimate. ``compare(a, b)`` gives their ratio, or None if they share no process.

    All pairs are compared, and their intervals `corrected` together. A stack's rank is 1 plus the number of stacks that
    are distinguishably faster. Two stacks of one rank can differ distinguishably (unless the rank is 1), and two stacks
    of different ranks needn't. A pair whose ratio is assumed is not told apart, and a stack without any other pair has
    no rank, and comes last.
    """
    names = sorted(estimates, key=estimates.__getitem__)
    ratios = {(slow, fast): compare(slow, fast) for fast, slow in combinations(names, 2)}
    measured = {pair: ratio for pair, ratio in ratios.items() if ratio is not None and not ratio.assumed}
    pairs = dict(zip(measured, corrected(list(measured.values()), level=level), strict=True))
    without = {name for pair, ratio in ratios.items() if ratio is not None for name in pair}
    without -= {name for pair in measured for name in pair}
    beaten_by = dict.fromkeys(names, 0)
    for (slow, fast), ratio in pairs.items():
        word = verdict(ratio)
        beaten_by[slow] += word == "slower"
        beaten_by[fast] += word == "faster"
    shown = ratios | pairs
    ranked = [
        Ranked(name, None if name in without else 1 + beaten_by[name], shown.get((name, names[0]))) for name in names
    ]
    return sorted(ranked, key=lambda stack: math.inf if stack.rank is None else stack.rank)
