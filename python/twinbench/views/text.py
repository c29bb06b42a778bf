"""Numbers and names as people read them. Knows no view and no store."""

from __future__ import annotations

import math

from twinbench.numbers.stats import Interval, Ratio

NOTHING = "-"
"""Where a figure is absent."""

_UNITS_S = ((1e-6, 1e9, "ns"), (1e-3, 1e6, "us"), (1.0, 1e3, "ms"), (math.inf, 1.0, "s"))


def seconds(value: float | None) -> str:
    """A time with three figures and its unit: ``12.3 ms``."""
    if value is None:
        return NOTHING
    factor, unit = next((factor, unit) for limit, factor, unit in _UNITS_S if value < limit)
    return f"{_figures(value * factor)} {unit}"


def tick(value: float) -> str:
    """A round time beside an axis: ``20 ms``."""
    if value == 0:
        return "0"
    factor, unit = next((factor, unit) for limit, factor, unit in _UNITS_S if value < limit * (1 - 1e-9))
    return f"{value * factor:.4g} {unit}"


def amount(value: float) -> str:
    """How much data: ``20,000``."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def interval(value: Interval | None) -> str:
    """A time with half the width of its interval: ``12.3 ms ±1.4%``."""
    return NOTHING if value is None else f"{seconds(value.estimate)} {_spread(value)}"


def ratio(value: Ratio | None) -> str:
    """How many times as long, with half the width of its interval: ``1.25x ±2.0%``."""
    return NOTHING if value is None else f"{_figures(value.estimate)}x {_spread(value)}"


def range_(value: Ratio) -> str:
    """How many times as long, with both ends of its interval: ``1.25 [1.22, 1.28]``."""
    return f"{value.estimate:.3f} [{value.low:.3f}, {value.high:.3f}]"


def percent(value: float) -> str:
    """A share: ``2.4%``."""
    return f"{100 * value:.1f}%" if value < 0.0995 else f"{100 * value:.0f}%"


def quality(value: float | None) -> str:
    """A metric with three decimals."""
    return NOTHING if value is None else f"{value:.3f}"


def size(value: float | None) -> str:
    """Memory with its binary unit: ``312 MiB``."""
    if value is None:
        return NOTHING
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{_figures(value)} {unit}"
        value /= 1024
    return f"{_figures(value)} GiB"


def error(value: float | None) -> str:
    """An error against its tolerance: at most 1 agrees, ``different`` is another shape, type or text."""
    if value is None:
        return NOTHING
    return f"{value:.2g}" if value < math.inf else "different"


def clean(text: str) -> str:
    """One line without control characters: what a library says may hold anything."""
    return "".join(char if char.isprintable() else " " for char in text).strip()


def _spread(value: Interval | Ratio) -> str:
    """Intervals are symmetric in the logarithm: one percentage says both ends."""
    percent = 100 * (math.sqrt(value.high / value.low) - 1)
    return f"±{percent:.1f}%" if percent < 10 else f"±{percent:.0f}%"


def _figures(value: float) -> str:
    """At least three figures, and all of those before the point."""
    return f"{value:#.3g}".rstrip(".") if abs(value) < 999.5 else f"{value:.0f}"
