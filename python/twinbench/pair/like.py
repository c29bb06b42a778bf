"""Numbers and strings like those that were seen, as hypothesis' strategies."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

NON_ASCII = "éÉ中😀"
"""Letters of two, three and four bytes, one in both cases, which are drawn wherever letters were seen."""

EDGE_TEXTS = ("", "ß", "İ", "e\u0301", " ", "\t", "\r\n", "\u00a0")
EDGE_FLOATS = (math.nan, math.inf, -math.inf, -0.0, 5e-324, -5e-324)

MOST_TOKENS = 200
"""Words of the observed texts that are kept."""

PARTS = 8
"""Half of the floating-point numbers are multiples of an eighth: 0.5 and 2.125 show how a tie is rounded, and 1.0
whether a limit is included, where numbers of 16 digits nearly never do."""

MANTISSA = {16: 2**11, 32: 2**24, 64: 2**53}
"""By the width of a floating-point type in bits the whole number up to which all whole numbers are exact."""

MOST_TIMES = 100
"""A single whole number is drawn up to ten times the one that was seen, and this: enough for ``3 ** n`` to overflow."""


def extremes() -> str:
    """Say what ``--edge`` adds."""
    return "NaN, infinities, -0.0, subnormal numbers, extremes of the integer type, empty and special strings"


def numbers(seen: list[Any], dtype: Any, edge: bool) -> SearchStrategy[Any]:
    """Draw elements of an array, in the range that was seen; whole numbers stay whole."""
    finite = [value for value in seen if math.isfinite(value)]
    special = [value for value in seen if not math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0, 1)
    if low == high:
        low, high = min(0, low), max(0, 2 * low, 1)
    strategies: list[SearchStrategy[Any]]
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        strategies = [st.integers(max(int(info.min), int(low)), min(int(info.max), int(high)))]
        special += [int(info.min), int(info.max)] if edge else []
    else:
        strategies = [_floats(finite, low, high, dtype.itemsize * 8)]
        special += [value for value in EDGE_FLOATS if not _vanishes(value, dtype)] if edge else []
        special += [float(np.finfo(dtype).max), float(np.finfo(dtype).smallest_subnormal)] if edge else []
    return st.one_of(*strategies, st.sampled_from(special)) if special else strategies[0]


def _vanishes(value: float, dtype: Any) -> bool:
    return value != 0 and bool(np.array(value, dtype) == 0)


def _floats(finite: list[Any], low: float, high: float, width: int) -> SearchStrategy[Any]:
    """Draw floating-point numbers in a range, never -0.0 and never a subnormal number."""
    whole = math.ceil(low), math.floor(high)
    if all(float(value).is_integer() for value in finite) and abs(low) < 2**53 and abs(high) < 2**53:
        return st.integers(*whole).map(float)
    if width < 64:
        low, high = _inwards(low, high, width)
    drawn = st.floats(low, high, width=width, allow_subnormal=False)  # type: ignore[arg-type]  # one of 16, 32, 64
    any_number = drawn.map(lambda value: value + 0.0)
    first, last = math.ceil(low * PARTS), math.floor(high * PARTS)
    if first > last or max(abs(first), abs(last)) >= MANTISSA[width]:
        return any_number
    return st.one_of(any_number, st.integers(first, last).map(lambda number: number / PARTS))


def _inwards(low: float, high: float, width: int) -> tuple[float, float]:
    dtype = np.float32 if width == 32 else np.float16
    return float(dtype(low)), float(dtype(high))


def scalar_numbers(seen: list[Any], edge: bool) -> SearchStrategy[Any]:
    """Draw a number that isn't in an array: mostly up to twice the one that was seen, and of its sign."""
    first = seen[0]
    low, high = min(seen), max(seen)
    if isinstance(first, int):
        far = high
        if low == high:
            low, high = (0, 3) if low == 0 else (1, 2 * low) if low > 0 else (2 * low, -1)
            far = max(high, min(5 * high, MOST_TIMES))
        drawn: SearchStrategy[Any] = st.one_of(st.integers(low, high), st.integers(low, far))
        return st.one_of(drawn, st.sampled_from([0, -1, 2**63 - 1, -(2**63)])) if edge else drawn
    if not (math.isfinite(low) and math.isfinite(high)):
        return st.sampled_from(seen)
    if low == high:
        low, high = (0.0, 1.0) if low == 0 else (low / 64, 2 * low) if low > 0 else (2 * low, low / 64)
    drawn = _floats([v for v in seen if v], low, high, 64)
    return st.one_of(drawn, st.sampled_from(EDGE_FLOATS)) if edge else drawn


def texts(seen: list[str], edge: bool, *, distinct: bool) -> SearchStrategy[str]:
    """Draw strings: of the observed characters and some outside ASCII, of observed words, and observed strings.

    ``distinct``: whether the observed strings are values of one kind, of which one may be drawn as it is.
    """
    letters = sorted({character for text in seen for character in text})
    if any(character.isalpha() for character in letters):
        letters += [character for character in NON_ASCII if character not in letters]
    longest = min(2 * max(map(len, seen), default=0) + 1, 40)
    least = 0 if edge or "" in seen else 1
    strategies: list[SearchStrategy[str]] = []
    if letters:
        strategies.append(st.text(st.sampled_from(letters), min_size=least, max_size=longest))
    tokens = list(dict.fromkeys(token for text in seen for token in re.findall(r"\w+|\W", text)))[:MOST_TOKENS]
    if len(tokens) > 1:
        strategies.append(st.lists(st.sampled_from(tokens), min_size=1, max_size=8).map("".join))
    if distinct:
        strategies.append(st.sampled_from(list(dict.fromkeys(seen))))
    if edge:
        strategies.append(st.sampled_from(EDGE_TEXTS))
    return st.one_of(strategies) if strategies else st.just("")
