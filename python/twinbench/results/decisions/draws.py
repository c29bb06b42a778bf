"""Joint draws of the candidates' figures: what several of them share is drawn once. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, expm1

import numpy as np
from numpy.typing import NDArray

from twinbench.numbers.normal import NORMAL_95

DRAWS = 4000
"""Number of draws, with which a chance of 0.975 has a standard error of 0.25 %."""

DECISION = 0.975
"""Share of the draws in which a chosen stack comes first. Of two identical stacks the luckier one comes first in more
than 95 % of the draws in one of ten cases, and in more than this share in one of twenty."""

TIE = 1e-9
"""Difference of two scores up to which a draw counts as tied, so that identical figures don't decide by their order."""


@dataclass(frozen=True, slots=True)
class LogFigure:
    """The logarithm of a figure of one stack, with its standard error."""

    log: float
    error: float = 0.0
    """Standard error of ``log`` that no other stack shares."""
    shared_error: float = 0.0
    """Standard error that is correlated with that of the other stacks, such as that of the same test rows."""
    correlations: Mapping[str, float] = field(default_factory=dict)
    """Correlation of ``shared_error`` with that of other stacks; 0 for those that are missing."""

    @property
    def half_width(self) -> float:
        """Half the width of the figure's 95 % interval, relative to the figure: 0.02 for 2 %."""
        return expm1(NORMAL_95 * float(np.hypot(self.error, self.shared_error)))

    @property
    def half_width_of_errors(self) -> float:
        """Half the width of the 95 % interval of a quality, in its own unit, near the estimate."""
        return NORMAL_95 * float(np.hypot(self.error, self.shared_error)) * exp(self.log)


def joint(figures: Sequence[LogFigure], stacks: Sequence[str], rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw the figures of all stacks together from a normal distribution: float64, (stacks, DRAWS)."""
    errors = np.array([figure.error for figure in figures])
    shared = np.array([figure.shared_error for figure in figures])
    drawn = errors[:, None] * rng.standard_normal((len(figures), DRAWS))
    if shared.any():
        correlation = np.eye(len(figures))
        for i, figure in enumerate(figures):
            for j, stack in enumerate(stacks):
                if i != j:
                    correlation[i, j] = figure.correlations.get(stack, 0.0)
        values, vectors = np.linalg.eigh((correlation + correlation.T) / 2)
        root = vectors * np.sqrt(np.clip(values, 0, None))
        drawn = drawn + shared[:, None] * (root @ rng.standard_normal((len(figures), DRAWS)))
    return np.asarray(np.array([figure.log for figure in figures])[:, None] + drawn, dtype=np.float64)


def first(scores: NDArray[np.float64]) -> list[float]:
    """Return the share of draws in which each stack has the lowest score (stacks, draws); tied stacks share a draw."""
    lowest = scores <= scores.min(axis=0) + TIE
    shares: list[float] = (lowest / lowest.sum(axis=0)).mean(axis=1).tolist()
    return shares
