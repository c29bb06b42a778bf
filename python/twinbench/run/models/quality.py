"""Which step of a pipeline scores the held-out split, so that a model's quality can be computed from it."""

from __future__ import annotations

from twinbench.plan.pipeline import Step


def scores_all(step: Step) -> bool:
    """Whether a step scores the whole held-out split."""
    return step.op.role == "score" and getattr(step.params, "rows", 0) == 0
