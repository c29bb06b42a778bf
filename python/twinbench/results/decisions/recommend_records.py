"""The wishes behind a recommendation, and its result, as plain data: fields with units and when they are absent.

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
    """The needs of a team: the scope, hard limits, and the weight of each criterion."""

    modality: str | None = None
    pipeline: str | None = None
    size: str | None = None
    """Size of every pipeline; None for the largest size of each."""
    language: str = "any"
    """``python`` or ``julia``: all frameworks of a stack must be written in that language."""
    require_agreement: bool = False
    """Whether every step must have been checked against the reference. No step may disagree in any case."""
    min_quality: float | None = None
    """Worst acceptable value of the pipeline's metric: the smallest, or for a loss the largest. Each limit is compared
    with the figure as it is printed."""
    max_memory_bytes: float | None = None
    max_cold_start_s: float | None = None
    weights: Mapping[Criterion, float] = field(default_factory=lambda: dict(WEIGHTS))
    """Weight by criterion; the sum doesn't matter."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stack that is inside all limits."""

    stack: str
    time_s: float | None
    """Seconds of one execution. None if several questions are judged together."""
    quality: float | None
    """Mean of the pipeline's metric. None if it has none, or if several questions are judged together."""
    memory_bytes: float | None
    """Largest peak memory on any pipeline. None if it wasn't measured."""
    cold_s: float | None
    """Slowest cold start on any pipeline in seconds. None if it wasn't measured."""
    spread: Mapping[Criterion, float]
    """Half the width of the 95 % interval of each figure, relative to the figure: 0.02 for 2 %. That of the quality is
    in its own unit, and that of the time is without what all candidates share. Without speed and quality if several
    questions are judged together."""
    times: Mapping[Criterion, float]
    """Ratio to the best candidate by criterion, so 1 is the best; without the criteria that have no weight."""
    score: float
    """Weighted product of ``times``: 1 would be the best in every criterion."""
    chance: float
    """Share of the draws in which the stack comes first, where a draw takes every figure anew from its interval."""
    pareto: bool
    """Whether no other candidate is at least as good in everything and better in something."""
    doubts: tuple[str, ...] = ()
    """Sentences on a missed target, a baseline that isn't beaten, and a metric that isn't computed."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A stack that is outside a limit, or has no result."""

    stack: str
    why: str
    """Reason in words."""
    measured: bool
    """Whether the stack was measured; if not, it could still turn out to be the best."""


@dataclass(frozen=True, slots=True)
class Switch:
    """The nearest weight at which another stack comes first, if the other weights keep their proportions."""

    criterion: Criterion
    now: float
    """Weight that was given, between 0 and 1."""
    then: float
    """Weight at which ``stack`` comes first, between 0 and 1."""
    stack: str
    """Stack that would come first."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The answer for one modality."""

    modality: str
    questions: tuple[str, ...]
    """Pipelines with their sizes, or independent steps, that the stacks were judged by."""
    metric: str | None
    """The quality metric; None if the pipelines have none, or several."""
    weights: Mapping[Criterion, float]
    """Weights of the criteria that every candidate has a figure for; their sum is 1."""
    candidates: tuple[Candidate, ...]
    """Candidates by score, the best first. Empty if no stack is inside the limits."""
    decided: bool
    """Whether the first candidate comes first in at least 97.5 % of the draws, so that of two identical stacks one is
    chosen in at most 5 % of all cases."""
    contenders: tuple[str, ...]
    """Stacks that come first in more than 2.5 % of the draws: several if the answer is undecided."""
    switches: tuple[Switch, ...]
    rejected: tuple[Rejected, ...]
    caveats: tuple[str, ...]
    """Sentences about what isn't known, those of ``uncounted`` first."""
    uncounted: tuple[str, ...] = ()
    """Sentences on the criteria that were given a weight and count for nothing, which views say before the answer."""
