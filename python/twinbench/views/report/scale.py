"""Axes: positions of values, and round ticks. Knows no markup and no results."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

SPAN = 1.02
"""Ratio of the end of an axis to the largest value, so that the axis ends a little beyond it."""


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis from ``low`` to ``high``; both are positive if the axis is logarithmic."""

    low: float
    high: float
    is_log: bool

    def position(self, value: float) -> float:
        """Return the position of a value, from 0 to 1; a value outside of the axis is moved to its nearer end."""
        low, high, at = self.low, self.high, value
        if self.is_log:
            low, high, at = math.log(low), math.log(high), math.log(max(value, self.low))
        return min(1.0, max(0.0, (at - low) / (high - low)))

    def percent(self, value: float) -> str:
        """Return the position of a value as a CSS percentage."""
        return f"{100 * self.position(value):.2f}%"

    def ticks(self, most: int = 6) -> list[float]:
        """Return up to about ``most`` round values inside the axis."""
        ticks = _log_ticks(self.low, self.high, most) if self.is_log else _linear_ticks(self.low, self.high, most)
        return [tick for tick in ticks if self.low <= tick <= self.high]


def log_scale(values: Iterable[float]) -> Scale | None:
    """Return an axis with some room around all positive values, or None if there are none."""
    positive = [value for value in values if value > 0 and math.isfinite(value)]
    if not positive:
        return None
    low, high = min(positive), max(positive)
    room = max((high / low) ** 0.08, 1.15)
    return Scale(low / room, high * room, True)


def linear_scale(values: Iterable[float], *, from_zero: bool = False, least: float = 0.0) -> Scale | None:
    """Return an axis with some room around all values, at least ``least`` long, or None if there are no values."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return None
    low, high = min(finite), max(finite)
    if from_zero:
        return Scale(0.0, high * SPAN or 1.0, False)
    room = (high - low) * 0.12 or abs(high) * 0.05 or 1.0
    room = max(room, (least - (high - low)) / 2)
    return Scale(low - room, high + room, False)


def _log_ticks(low: float, high: float, most: int) -> list[float]:
    """Return powers of ten, with 2, 5 and more between them where there is room."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for steps in ((1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        ticks = [step * 10.0**power for power in range(first, last + 1) for step in steps]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) <= most:
            return inside
    return inside[:: math.ceil(len(inside) / most)]


def _linear_ticks(low: float, high: float, most: int) -> list[float]:
    """Return multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / max(1, most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    first = math.ceil(low / step)
    return [step * number for number in range(first, math.floor(high / step) + 1)]
