"""Whether the reference's own answer is determined by its inputs, to more than rounding noise.

The correlation of a constant record divides noise by noise: the reference gives any number there, and a port that gives
another one isn't wrong. To see that, the floating-point inputs are moved by a few units in the last place, several
times upwards and several times downwards. At a step (a tie, a limit, the half that is rounded) all moves in one
direction lead to the same answer, or to few, and a port that differs there does differ. Where each move leads to an
answer of its own, rounding decides, and answers within the range of the reference's own aren't counted as different.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter, itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinbench.pair.callee.values import Masked, Named, Table
from twinbench.pair.differences import canonical
from twinbench.pair.inputs import Input

DRAWS = 6
"""Moves in each direction."""

FARTHEST = 8
"""Largest move, in units in the last place."""

LEAST_ANSWERS = 4
"""Different answers to the moves in one direction that show noise; ties and limits of small inputs have fewer."""

APART = 1e-3
"""Answers count as different that are apart by this share of their range, and of the difference to be explained."""

NO_DIGIT = 0.1
"""Where the range of all answers is this share of the largest one, not even the first digit is determined."""

Moved = list[list[Any]]
"""The reference's results for moves upwards, and for moves downwards."""


COLUMNS = attrgetter("columns")


def moved_inputs(example: Input) -> list[list[Input]]:
    """Return the input with its numbers moved upwards, and with them moved downwards; nothing without such numbers."""
    rng = np.random.default_rng(0)
    sides = [[_moved_input(example, sign, rng) for _ in range(DRAWS)] for sign in (1, -1)]
    return sides if sides[0][0].encoded() != example.encoded() else []


def _moved_input(example: Input, sign: int, rng: np.random.Generator) -> Input:
    named = {name: _moved(value, sign, rng) for name, value in example.named.items()}
    return Input(example.label, [_moved(value, sign, rng) for value in example.positional], named)


def _moved(value: Any, sign: int, rng: np.random.Generator) -> Any:
    if isinstance(value, float):
        return float(_moved(np.array([value]), sign, rng)[0])
    if isinstance(value, (list, tuple)):
        return type(value)(_moved(item, sign, rng) for item in value)
    if isinstance(value, dict):
        return {key: _moved(item, sign, rng) for key, item in value.items()}
    if isinstance(value, Named):
        return Named(_moved(value.values, sign, rng))
    if isinstance(value, Table):
        return Table(_moved(value.columns, sign, rng), value.rows)
    if isinstance(value, Masked):
        return Masked(_moved(value.values, sign, rng), value.mask)
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        with np.errstate(all="ignore"):
            units = rng.integers(1, FARTHEST + 1, value.shape).astype(value.dtype)
            moved = value + sign * units * np.spacing(np.abs(value))
        return np.where(np.isfinite(value) & (value != 0), moved, value)
    return value


def settled(want: Any, got: Any, moved: Moved | None) -> Any:
    """Return a result with the reference's numbers in it wherever these aren't determined.

    Without ``moved`` that is everywhere: if a difference is left then, no move can explain it.
    """
    want, got = canonical(want), canonical(got)
    if isinstance(want, Table) and isinstance(got, Table) and list(want.columns) == list(got.columns):
        columns = {
            name: settled(want.columns[name], got.columns[name], _part(_part(moved, COLUMNS), itemgetter(name)))
            for name in want.columns
        }
        return Table(columns, got.rows)
    if isinstance(want, dict) and isinstance(got, dict) and want.keys() == got.keys():
        return {key: settled(want[key], got[key], _part(moved, itemgetter(key))) for key in got}
    if isinstance(want, (list, tuple)) and type(want) is type(got) and len(want) == len(got):
        parts = (_part(moved, itemgetter(index)) for index in range(len(got)))
        return type(got)(map(settled, want, got, parts))
    if isinstance(want, Masked) and isinstance(got, Masked) and np.array_equal(want.mask, got.mask):
        return Masked(settled(want.values, got.values, _part(moved, attrgetter("values"))), got.mask)
    if _real(want) and _real(got) and np.shape(want) == np.shape(got):
        return _numbers(np.asarray(want), np.asarray(got), moved)
    return got


def _part(moved: Moved | None, part: Callable[[Any], Any]) -> Moved | None:
    """Return a part of each result, without those that have no such part."""
    return None if moved is None else [list(_parts(side, part)) for side in moved]


def _parts(results: list[Any], part: Callable[[Any], Any]) -> Iterator[Any]:
    for result in results:
        try:
            yield part(canonical(result))
        except (AttributeError, LookupError, TypeError):
            continue


def _real(value: Any) -> bool:
    return isinstance(value, (float, np.floating)) or (isinstance(value, np.ndarray) and value.dtype.kind == "f")


def _numbers(want: NDArray[Any], got: NDArray[Any], moved: Moved | None) -> Any:
    if moved is None:
        return want.astype(got.dtype)[()]
    numbers = ([np.asarray(value, np.float64) for value in map(canonical, side) if _real(value)] for side in moved)
    shaped = ([value for value in side if value.shape == want.shape] for side in numbers)
    sides = [np.stack(side) for side in shaped if len(side) >= LEAST_ANSWERS]
    a, b = want.astype(np.float64), got.astype(np.float64)
    if not sides or (a.size > 1 and all(_reordered(a, side) for side in sides)):
        return got[()]
    with np.errstate(all="ignore"):
        noise = np.any([_answers(side, np.abs(b - a)) >= LEAST_ANSWERS for side in sides], axis=0)
        every = np.concatenate(sides)
        every[~np.isfinite(every)] = np.nan
        low, high = np.fmin.reduce(every), np.fmax.reduce(every)
        reach = np.fmax(np.abs(low), np.abs(high))
        within = np.where(np.isfinite(a), np.abs(b - a) <= 2 * np.fmax(high - a, a - low), np.abs(b) <= 2 * reach)
        one_sided = np.isfinite(a) != np.isfinite(b)
        loose = np.where(one_sided, high - low >= NO_DIGIT * reach, True) & (within | ~np.isfinite(b))
        # A whole number is what a function returns on purpose where it can't divide.
        meant = _whole(a) | (~np.isfinite(a) & _whole(b))
    return np.where(noise & loose & ~meant, want, got).astype(got.dtype)[()]


def _whole(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(values) & (values == np.floor(values)))


def _answers(side: NDArray[np.float64], difference: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return by element how many different answers there are along the first axis; NaN is one of them.

    They are so different that they can explain a difference.
    """
    finite = np.where(np.isfinite(side), side, np.nan)
    spread = np.fmax.reduce(finite) - np.fmin.reduce(finite)
    gaps = np.diff(np.sort(side, axis=0), axis=0) > APART * np.fmax(spread, difference)
    lacks = np.isnan(side)
    return np.asarray(1 + gaps.sum(axis=0) + (lacks.any(axis=0) & ~lacks.all(axis=0)))


def _reordered(want: NDArray[np.float64], side: NDArray[np.float64]) -> bool:
    """Whether all answers have the same values as the reference's, which are only sorted in another way."""
    first = np.sort(want, axis=None)
    return all(np.allclose(np.sort(each, axis=None), first, rtol=1e-9, atol=0, equal_nan=True) for each in side)
