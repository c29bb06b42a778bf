"""Ranks of stacks by their times, from ratios of all pairs. Pure functions over numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations

from twinbench.numbers.stats import LEVEL, Ratio, corrected, verdict


@dataclass(frozen=True, slots=True)
class Ranked:
    """A stack with its rank."""

    name: str
    rank: int
    """1 plus the number of stacks that are distinguishably faster."""
    ratio: Ratio | None
    """Ratio to the stack with the least time, with an interval that is corrected for the number of pairs; None for that
    stack itself, and where the two share no process."""


def rank(
    estimates: Mapping[str, float], compare: Callable[[str, str], Ratio | None], *, level: float = LEVEL
) -> list[Ranked]:
    """Rank stacks: by rank, then by estimate. ``compare(a, b)`` gives their ratio, or None if they share no process.

    All pairs are compared, and their intervals `corrected` together. A stack's rank is 1 plus the number of stacks that
    are distinguishably faster. Two stacks of one rank can differ distinguishably (unless the rank is 1), and two stacks
    of different ranks needn't.
    """
    names = sorted(estimates, key=estimates.__getitem__)
    ratios = {(slow, fast): compare(slow, fast) for fast, slow in combinations(names, 2)}
    measured = {pair: ratio for pair, ratio in ratios.items() if ratio is not None}
    pairs = dict(zip(measured, corrected(list(measured.values()), level=level), strict=True))
    beaten_by = dict.fromkeys(names, 0)
    for (slow, fast), ratio in pairs.items():
        word = verdict(ratio)
        beaten_by[slow] += word == "slower"
        beaten_by[fast] += word == "faster"
    ranked = [Ranked(name, 1 + beaten_by[name], pairs.get((name, names[0]))) for name in names]
    return sorted(ranked, key=lambda stack: stack.rank)
