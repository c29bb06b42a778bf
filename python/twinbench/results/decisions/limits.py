"""The hard limits of a recommendation, which are compared with the figures as they are printed."""

from __future__ import annotations

import math
from collections.abc import Callable

from twinbench import metrics
from twinbench.results.decisions.recommend_records import Rejected, Wishes
from twinbench.results.summary.records import CellSummary

UNITS = {"GiB": 2**30, "MiB": 2**20, "KiB": 2**10, "B": 1}
"""Bytes of each unit, from the largest on: a figure is printed in the first that it fills."""


def outside(stack: str, metric: str | None, cell: CellSummary, wishes: Wishes) -> Rejected | None:
    """Return why a stack is outside a limit, or None.

    A quality has three decimals, and other figures have three significant ones: 0.9496 is printed as 0.950, and is not
    below a limit of 0.95.
    """
    quality = cell.quality.get(metric or "")
    limits = (
        (metric or "quality", quality.mean if quality else None, wishes.min_quality, metrics.sign(metric), _quality),
        ("memory", cell.peak_rss_bytes, wishes.max_memory_bytes, -1.0, _size),
        ("cold start", cell.cold_start_s, wishes.max_cold_start_s, -1.0, _seconds),
    )
    for what, value, limit, direction, form in limits:
        if limit is None:
            continue
        if value is None or not math.isfinite(value):
            return Rejected(stack, f"its {what} is unknown", False)
        shown, printed = form(value)
        if direction * shown < direction * limit:
            return Rejected(stack, f"{what} {printed}, but the limit is {_exact(limit, form)}", True)
    return None


Form = Callable[[float], tuple[float, str]]
"""Function that returns a figure as it is printed: as a number and as text."""


def _quality(value: float) -> tuple[float, str]:
    return float(f"{value:.3f}"), f"{float(f'{value:.3f}'):g}"


def _seconds(value: float) -> tuple[float, str]:
    return float(f"{value:.3g}"), f"{float(f'{value:.3g}'):g} s"


def _size(value: float) -> tuple[float, str]:
    unit, scale = next((unit, scale) for unit, scale in UNITS.items() if value >= scale or scale == 1)
    figure = value / scale
    rounded = float(f"{figure:.3g}") if figure < 999.5 else round(figure)
    return rounded * scale, f"{rounded:g} {unit}"


def _exact(limit: float, form: Form) -> str:
    """Format a limit as its figure is, with more digits where it has more."""
    if form is _quality:
        return f"{limit:.6g}"
    return f"{limit:.6g} s" if form is _seconds else f"{limit / 2**20:.6g} MiB"
