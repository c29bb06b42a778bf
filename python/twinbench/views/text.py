"""Formatting of numbers and names for readers. Knows no view and no store."""

from __future__ import annotations

import math

from twinbench.numbers.stats import Interval, Ratio

NOTHING = "-"
"""Text that is shown for an absent figure."""

_UNITS_S = ((1e-6, 1e9, "ns"), (1e-3, 1e6, "us"), (1.0, 1e3, "ms"), (math.inf, 1.0, "s"))


def seconds(value: float | None) -> str:
    """Format a time in seconds with three significant figures and its unit: ``12.3 ms``."""
    if value is None:
        return NOTHING
    factor, unit = next((factor, unit) for limit, factor, unit in _UNITS_S if value < limit)
    return f"{_figures(value * factor)} {unit}"


def tick(value: float) -> str:
    """Format a round time in seconds for an axis: ``20 ms``."""
    if value == 0:
        return "0"
    factor, unit = next((factor, unit) for limit, factor, unit in _UNITS_S if value < limit * (1 - 1e-9))
    return f"{value * factor:.4g} {unit}"


def amount(value: float) -> str:
    """Format an amount of data: ``20,000``."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def interval(value: Interval | None) -> str:
    """Format a time in seconds with half the width of its interval: ``12.3 ms ±1.4%``."""
    return NOTHING if value is None else f"{seconds(value.estimate)} {_spread(value)}"


def ratio(value: Ratio | None) -> str:
    """Format a ratio of times with half the width of its interval: ``1.25x ±2.0%``."""
    return NOTHING if value is None else f"{_figures(value.estimate)}x {_spread(value)}"


def range_(value: Ratio) -> str:
    """Format a ratio of times with both ends of its interval: ``1.250 [1.220, 1.280]``."""
    return f"{value.estimate:.3f} [{value.low:.3f}, {value.high:.3f}]{_assumed(value)}"


def percent(value: float) -> str:
    """Format a share: ``2.4%``."""
    return f"{100 * value:.1f}%" if value < 0.0995 else f"{100 * value:.0f}%"


def quality(value: float | None) -> str:
    """Format a quality metric with three decimals."""
    return NOTHING if value is None else f"{value:.3f}"


def size(value: float | None) -> str:
    """Format a number of bytes with its binary unit: ``312 MiB``."""
    if value is None:
        return NOTHING
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{_figures(value)} {unit}"
        value /= 1024
    return f"{_figures(value)} GiB"


def error(value: float | None) -> str:
    """Format an error as a multiple of its tolerance; ``different`` stands for another shape, type or text."""
    if value is None:
        return NOTHING
    return f"{value:.2g}" if value < math.inf else "different"


def clean(text: str) -> str:
    """Return the text on one line without control characters, which texts of libraries may contain."""
    return "".join(char if char.isprintable() else " " for char in text).strip()


def _spread(value: Interval | Ratio) -> str:
    """Format half the width of an interval; intervals are symmetric in the logarithm, so one percentage suffices."""
    percent = 100 * (math.sqrt(value.high / value.low) - 1)
    return (f"±{percent:.1f}%" if percent < 10 else f"±{percent:.0f}%") + _assumed(value)


def _assumed(value: Interval | Ratio) -> str:
    """Return the word that stands beside an interval whose spread between processes is assumed."""
    return " assumed" if value.assumed else ""


def _figures(value: float) -> str:
    """Format a number with three significant figures, or all figures before the decimal point if there are more."""
    return f"{value:#.3g}".rstrip(".") if abs(value) < 999.5 else f"{value:.0f}"
