"""What a recommendation asks for and says, as plain data: every field with its unit and when it is absent.

Knows no store and computes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Criterion = Literal["speed", "quality", "memory", "cold"]

WEIGHTS: Mapping[Criterion, float] = {"speed": 0.5, "quality": 0.3, "memory": 0.1, "cold": 0.1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a team needs: where to look, hard limits, and what counts how much."""

    modality: str | None = None
    pipeline: str | None = None
    size: str | None = None
    """None: the largest one of each pipeline."""
    language: str = "any"
    """``python`` or ``julia``: all frameworks of a stack must be of that language."""
    require_agreement: bool = False
    """Not only must nothing disagree: every step must have been compared."""
    min_quality: float | None = None
    """In the pipeline's metric; of a loss it is the most that will do."""
    max_memory_bytes: float | None = None
    max_cold_start_s: float | None = None
    weights: Mapping[Criterion, float] = field(default_factory=lambda: dict(WEIGHTS))
    """Of any sum."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stack that is inside all limits."""

    stack: str
    time_s: float | None
    """One execution. None where several questions were put together."""
    quality: float | None
    """In the pipeline's metric. None without one, or where several were put together."""
    memory_bytes: float | None
    """The largest peak. None where it wasn't measured."""
    cold_s: float | None
    """The slowest cold start. None as above."""
    times: Mapping[Criterion, float]
    """By criterion that counts: how many times as much as the best candidate, so 1 is the best there is."""
    score: float
    """The weighted product of those: 1 would be the best in everything."""
    chance: float
    """How often it is first when every figure is drawn anew from its interval."""
    pareto: bool
    """Whether no other candidate is at least as good in everything and better in something."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A stack that is outside a limit, or has no result."""

    stack: str
    why: str
    measured: bool
    """False where it could still turn out to be the best: nothing is known about it."""


@dataclass(frozen=True, slots=True)
class Switch:
    """How far a weight has to move for another stack to come first, the others keeping their proportions."""

    criterion: Criterion
    now: float
    then: float
    """Both between 0 and 1."""
    stack: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The answer for one modality."""

    modality: str
    questions: tuple[str, ...]
    """What was put together: pipelines with their sizes, or steps of them."""
    metric: str | None
    """The quality metric, where there is one and only one."""
    weights: Mapping[Criterion, float]
    """Of the criteria that count, with the sum 1."""
    candidates: tuple[Candidate, ...]
    """By score, the best one first. Empty where no stack is inside the limits."""
    decided: bool
    """Whether the first one stays first in 95 % of the draws."""
    contenders: tuple[str, ...]
    """Who comes first in more than 5 % of the draws: more than one where it is undecided."""
    switches: tuple[Switch, ...]
    rejected: tuple[Rejected, ...]
    caveats: tuple[str, ...]
    """What isn't known, in sentences."""
