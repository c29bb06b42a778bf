"""The check that the answers of a model, wherever it runs, are the scores of its run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

RTOL, ATOL = 1e-4, 1e-5
"""Tolerance of a score: float32 sums in another order differ by less, and no decision depends on less."""


class DisagreeingAnswer(Exception):
    """An answer that doesn't agree with the run's scores. ``error`` is in units of the tolerance, None if unknown."""

    def __init__(self, error: float | None, detail: str) -> None:
        super().__init__(detail)
        self.error = error
        self.detail = detail


def check_answers(answers: Any, scores: NDArray[Any]) -> float:
    """Return the largest error of answers, in units of the tolerance. Raises DisagreeingAnswer above 1.

    ``scores`` are the run's: (rows,), or (rows, classes). Answers may hold both classes where the scores have one.
    """
    import numpy as np

    try:
        given = np.asarray(answers, np.float64)
    except (TypeError, ValueError):
        raise DisagreeingAnswer(None, "predictions that aren't numbers, or rows of different lengths") from None
    if scores.ndim == 1 and given.shape == (len(scores), 2):
        given = given[:, 1]  # scikit-learn gives the probabilities of both classes
    if given.shape != scores.shape:
        raise DisagreeingAnswer(None, f"predictions of shape {given.shape}, the run's are {scores.shape}")
    errors = np.abs(given - scores) / (ATOL + RTOL * np.abs(scores))
    worst = np.unravel_index(np.argmax(np.where(np.isnan(errors), np.inf, errors)), errors.shape)
    error = float(errors[worst])
    if not error <= 1:
        raise DisagreeingAnswer(
            error if math.isfinite(error) else None,
            f"row {worst[0]} scores {given[worst]:.6g}, in the run {scores[worst]:.6g}",
        )
    return error
