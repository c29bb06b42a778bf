"""What a series of times does: it is level, or changes. ``julia/src/trend.jl`` says the same in Julia.

The functions are pure. The file needs Python 3.9 and the standard library.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import exp, sqrt
from typing import Literal

LEAST_SAMPLES = 10
"""Fewest samples in which a change is looked for: with fewer, no order of them is rare enough."""

GROUPS = 32
"""Most groups into which the samples of a look are divided."""

CHANGE_P = 0.05
"""Probability of calling times that don't change changed, in one look."""

CHANGE = 0.01
"""Least relative change of the times that keeps a warm-up going: 1 %."""

Trend = Literal["settled", "faster", "slower", "short"]
"""What the times do at the end of a warm-up: nothing, get ``faster`` or ``slower``, or ``short``: too few to tell."""


def trend(times: Sequence[float]) -> Trend:
    """Look for a change in the last half of the times, at least `LEAST_SAMPLES` of them, in either direction.

    Medians of up to `GROUPS` groups are tested: a longer warm-up has longer groups, which spikes and slow waves of the
    machine disturb less.
    """
    if len(times) < LEAST_SAMPLES:
        return "short"
    window = times[-max(len(times) // 2, LEAST_SAMPLES) :]
    size = -(-len(window) // GROUPS)
    groups = [middle(window[end - size : end]) for end in range(len(window), size - 1, -size)][::-1]
    split = change_point(groups)
    if split is None:
        return "settled"
    before, after = middle(groups[:split]), middle(groups[split:])
    if abs(after - before) <= CHANGE * before:
        return "settled"
    return "slower" if after > before else "faster"


def samples_to_level(times: Sequence[float]) -> int:
    """Return after how many samples the times had the level of their last half, by groups of 1, 1, 2, 4, ... samples.

    It is the end of the last group whose median is outside the middle three quarters of that half by `CHANGE` more.
    """
    half = sorted(times[len(times) // 2 :])
    rare = len(half) // 8
    low, high = half[rare] * (1 - CHANGE), half[-1 - rare] * (1 + CHANGE)
    level, start, end = 0, 0, 1
    while end <= len(times) // 2:
        if not low <= middle(times[start:end]) <= high:
            level = end
        start, end = end, 2 * end
    return level


def middle(values: Sequence[float]) -> float:
    """Return the median; of an even number of values, the higher of the two in the middle."""
    return sorted(values)[len(values) // 2]


def change_point(values: Sequence[float]) -> int | None:
    """Return the ordinal of the value with which the level changes, or None: Pettitt (1979), two-sided at `CHANGE_P`.

    Pettitt's limit is corrected for few values as Siegmund (1985) corrects maxima of random walks.
    """
    n = len(values)
    if n < 2:
        return None
    scores = accumulate(sum((other > value) - (other < value) for other in values) for value in values)
    highest, split = max((abs(score), ordinal) for ordinal, score in enumerate(scores, 1))
    height = highest + 0.5826 * n / sqrt(3)
    return split if 2 * exp(-6 * height**2 / (n**3 + n**2)) < CHANGE_P else None
