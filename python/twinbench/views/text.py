"""Formatting of numbers and names for readers. Knows no view and no store."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

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
    """Format a ratio of times with half the width of its interval: ``1.25x ±2.0%``.

    If the ratio is distinguishable from 1, but the means of all samples say the opposite, their ratio follows. If load
    disturbed it, the ratio by CPU time follows.
    """
    if value is None:
        return NOTHING
    contradicted = not value.holds_for_the_mean and not value.low <= 1 <= value.high
    mean = f" (mean {_figures(value.mean)}x)" if contradicted and value.mean is not None else ""
    return f"{_figures(value.estimate)}x {_spread(value)}{mean}{disturbed(value)}"


def range_(value: Ratio) -> str:
    """Format a ratio of times with both ends of its interval: ``1.250 [1.220, 1.280]``."""
    return f"{value.estimate:.3f} [{value.low:.3f}, {value.high:.3f}]{_assumed(value)}{disturbed(value)}"


def disturbed(value: Ratio) -> str:
    """Format the ratio by CPU time, if load moved that of wall times away from it; empty if it didn't."""
    if not value.disturbed or value.cpu is None:
        return ""
    cpu = value.cpu
    return f" (disturbed, by CPU time {_figures(cpu.estimate)}x [{_figures(cpu.low)}, {_figures(cpu.high)}])"


def verdict(value: Ratio, word: str) -> str:
    """Format the verdict on a ratio: ``undecided (disturbed)`` if load disturbed it."""
    return f"{word} (disturbed)" if value.disturbed else word


def percent(value: float) -> str:
    """Format a share: ``2.4%``."""
    return f"{100 * value:.1f}%" if value < 0.0995 else f"{100 * value:.0f}%"


def quality(value: float | None) -> str:
    """Format a quality metric with three decimals."""
    return NOTHING if value is None else f"{value:.3f}"


def between(value: float, ends: tuple[float, float]) -> str:
    """Format a figure with three decimals and both ends of its interval: ``0.021 [0.000, 0.040]``."""
    return f"{value:.3f} [{ends[0]:.3f}, {ends[1]:.3f}]"


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


def recorded(value: Any) -> str:
    """Format a recorded fact, JSON data of any shape, on one line: ``evals 4, settled yes``."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {recorded(item)}" for key, item in value.items()) or NOTHING
    if isinstance(value, list):
        return ", ".join(map(recorded, value)) or NOTHING
    if value is None or isinstance(value, bool):
        return {None: NOTHING, True: "yes", False: "no"}[value]
    return f"{value:.6g}" if isinstance(value, float) else clean(str(value))


def clean(text: str) -> str:
    """Return the text on one line without control characters, which texts of libraries may contain."""
    return "".join(char if char.isprintable() else " " for char in text).strip()


def _spread(value: Interval | Ratio) -> str:
    """Format half the width of an interval; intervals are symmetric in the logarithm, so one percentage suffices."""
    return half_width(math.sqrt(value.high / value.low) - 1) + _assumed(value)


def half_width(value: float) -> str:
    """Format half the relative width of an interval: ``±1.4%``."""
    percent = 100 * value
    return f"±{percent:.1f}%" if percent < 10 else f"±{percent:.0f}%"


def _assumed(value: Interval | Ratio) -> str:
    """Return the word that stands beside an interval whose spread between processes is assumed."""
    return " assumed" if value.assumed else ""


def _figures(value: float) -> str:
    """Format a number with three significant figures, or all figures before the decimal point if there are more."""
    return f"{value:#.3g}".rstrip(".") if abs(value) < 999.5 else f"{value:.0f}"
