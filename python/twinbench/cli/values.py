"""Values of command-line options as numbers. Every error names the option and shows a valid value."""

from __future__ import annotations

import math
import re
from decimal import Decimal

from twinbench.errors import BadInput

_SIZES = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}

DIGITS = 100
"""Most digits of a size or a time."""

LONGEST_S = 365 * 86_400.0
"""Longest time to wait in seconds."""

_SECONDS = {"ms": 1e-3, "s": 1.0, "": 1.0, "min": 60.0}


def size(option: str, text: str) -> int:
    """Parse ``2G``, ``512M``, ``1.5GiB`` or a number of bytes to bytes. Raises BadInput."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*", text.lower())
    bytes_ = 0 if match is None or len(match[1]) > DIGITS else int(Decimal(match[1]) * _SIZES[match[2]])
    if not 0 < bytes_ < 2**63:
        raise BadInput(f"{option}: '{text}' is not a size; try 2G or 512M")
    return bytes_


def percent(option: str, text: str) -> float:
    """Parse ``2%`` or ``2`` to the fraction 0.02. Raises BadInput."""
    number = _number(text.strip().removesuffix("%"))
    if number is None or number < 0:
        raise BadInput(f"{option}: '{text}' is not a percentage; try 2%")
    return float(Decimal(text.strip().removesuffix("%")) / 100)  # as exact as it was written


def seconds(option: str, text: str) -> float:
    """Parse ``10``, ``10s``, ``500ms`` or ``2min`` to seconds. Raises BadInput."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|min|)\s*", text.lower())
    if match is None or len(match[1]) > DIGITS:
        raise BadInput(f"{option}: '{text}' is not a time; try 10s or 500ms")
    return float(match[1]) * _SECONDS[match[2]]


def positive(option: str, text: str) -> float:
    """Parse a finite number that is at least 0. Raises BadInput."""
    number = _number(text)
    if number is None or number < 0:
        raise BadInput(f"{option}: '{text}' is not a number of at least 0; try 0.5")
    return number


def waiting(option: str, seconds: float) -> float:
    """Return the seconds of an option that says how long to wait. Raises BadInput for another number."""
    if not 0 < seconds <= LONGEST_S:
        raise BadInput(f"{option}: {seconds:g} is not a time; give seconds above 0, up to {LONGEST_S:,.0f} (a year)")
    return seconds


def finite(option: str, number: float | None) -> float | None:
    """Return the number of an option, if it was given. Raises BadInput for NaN and infinity."""
    if number is not None and not math.isfinite(number):
        raise BadInput(f"{option}: {number} is not a finite number; try 0.5")
    return number


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
