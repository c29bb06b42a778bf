"""The facts of a step beside its samples, typed. The only file that knows the keys of a step's facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from twinbench.store.fact_shapes import DISAGREEMENT, ENDPOINT, ERRORS
from twinbench.store.records import MODEL, Fact

EARLIER_TREND_SAMPLES = 10
"""Samples with which a warm-up of an earlier version looked for a trend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFacts:
    """The facts of one step of a cell; None where a fact wasn't recorded."""

    examples: int | None = None
    """Examples that one execution trains on or scores."""
    request: bool = False
    """Whether a sample is one request, whose latency counts."""
    rss_increase_bytes: int | None = None
    held_as: Mapping[str, Any] = field(default_factory=dict)
    """How the framework holds the output: dtypes, layout, encoding, ``bytes`` of a saved model."""
    parts_at: tuple[int, int] | None = None
    """Step from which on trainings that differ by roundings part, and number of steps. None where they don't."""
    curve: tuple[Mapping[str, Any], ...] = ()
    """Loss and metrics by epoch."""
    evals: int | None = None
    """Evaluations of one sample."""
    discarded: int | None = None
    """Samples that warm-up threw away, in the first process; in older stores in the last."""
    settled: bool | None = None
    """Whether no change of the times was seen when warm-up ended."""
    trend: str | None = None
    """What the times did when warm-up ended: ``settled``, ``faster``, ``slower``, or ``short``: too few to tell. By
    the first process; in older stores the worst of all."""
    allocated_bytes: float | None = None
    """Bytes that an execution allocates. None in Python."""

    @classmethod
    def of(cls, facts: Iterable[Fact], step: str) -> Self:
        """Select the facts of a step."""
        own = {fact.key: fact.value for fact in facts if fact.step == step}
        warm_up = own.get("warm_up", {})
        return cls(
            examples=own.get("examples"),
            request="request" in own,
            rss_increase_bytes=own.get("rss_increase_bytes"),
            held_as=own.get("held_as", {}),
            parts_at=tuple(own["parts_at"]) if "parts_at" in own else None,
            curve=tuple(own.get("curve", ())),
            evals=warm_up.get("evals"),
            discarded=warm_up.get("discarded"),
            settled=warm_up.get("settled"),
            trend=warm_up.get("trend") or _earlier_trend(warm_up),
            allocated_bytes=warm_up.get("allocated_bytes"),
        )


def _earlier_trend(warm_up: Mapping[str, Any]) -> str | None:
    """Return the trend in a store of an earlier version, whose warm-up looked for falling times only."""
    if "settled" not in warm_up:
        return None
    if warm_up["settled"]:
        return "settled"
    return "faster" if (warm_up.get("discarded") or 0) >= EARLIER_TREND_SAMPLES else "short"


SHOWN_APART = frozenset({"curve", ENDPOINT, DISAGREEMENT, ERRORS, MODEL})
"""Keys of facts that are long, and are shown by tables and charts of their own."""

STEP_KEYS = frozenset(
    {"examples", "request", "rss_increase_bytes", "held_as", "unsupported", "parts_at", "curve", "warm_up"}
)
"""Keys that belong to a step. ``unsupported``: why the stack leaves out the step, while it runs others; the others are
read by `StepFacts.of`."""
