"""Training once more in a worker that is warm: for fewer epochs, which gives a curve over time, and from other seeds.

A point of the curve is a training of its own from the same start, so nothing is looked at while its clock runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from twinbench import metrics
from twinbench.launch.process import Ask
from twinbench.ops import arrays
from twinbench.ops.contract import Arrays
from twinbench.plan.pipeline import Pipeline, Step
from twinbench.run.agree.reference import Reference
from twinbench.run.models import quality
from twinbench.worker import protocol

CURVE_POINTS = 8
"""Evenly spaced over the epochs. So many cost 4.5 times as much as one training."""

CURVE_S = 60.0
"""A curve that would take longer has its last point only."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A step that trains a network, and the one that scores the held-out split with it."""

    step: Step
    scoring: Step


@dataclass(frozen=True, slots=True)
class Point:
    """After so many epochs: seconds of training, mean loss of the last one, and metrics on the held-out split."""

    epoch: int
    seconds: float
    loss: float
    metrics: dict[str, float]


def trained(pipeline: Pipeline) -> Iterator[Trained]:
    """What can be trained again: what depends on a seed, and is scored."""
    for step in pipeline.steps:
        scoring = (s for s in pipeline.steps if quality.scores_all(s) and s.inputs[0] == step.id)
        if step.op.output == "model" and hasattr(step.params, "seed") and (found := next(scoring, None)):
            yield Trained(step, found)


def curve(ask: Ask, this: Trained, reference: Reference, typical_s: float, directory: Path) -> Iterator[Point]:
    """Points by epoch. ``typical_s``: of a whole training."""
    start = arrays.load(Path(reference.given(this.step.id) or ""))
    epochs = len(start["order"])
    points = min(epochs, CURVE_POINTS) if typical_s * CURVE_POINTS / 2 < CURVE_S else 1
    for epoch in sorted({round(epochs * point / points) for point in range(1, points + 1)}):
        seconds, out = _again(ask, this, start | {"order": start["order"][:epoch]}, directory)
        losses = out["losses"]
        last = losses[len(losses) * (epoch - 1) // epoch :]
        yield Point(epoch, seconds, float(last.mean(dtype=float)), _metrics(this, reference, out))


def other_seeds(
    ask: Ask, this: Trained, reference: Reference, seeds: int, directory: Path
) -> Iterator[tuple[int, dict[str, float]]]:
    """Metrics for the seeds that follow the pipeline's own, numbered from 1."""
    examples = reference.output(this.step.inputs[0])
    assert this.step.op.givens is not None
    for number in range(1, seeds):
        start = this.step.op.givens(replace(this.step.params, seed=this.step.params.seed + number), examples)
        yield number, _metrics(this, reference, _again(ask, this, start, directory)[1])


def _again(ask: Ask, this: Trained, start: Arrays, directory: Path) -> tuple[float, Arrays]:
    """Seconds of training from these givens, and its ``scores`` and ``losses``."""
    given, out = directory / "given", directory / "out"
    arrays.save(given, start)
    answer = ask(protocol.AGAIN, step=this.step.id, scoring=this.scoring.id, given=str(given), directory=str(out))
    return answer.wall_ns / 1e9, arrays.load(out, mapped=False)


def _metrics(this: Trained, reference: Reference, out: Arrays) -> dict[str, float]:
    return metrics.evaluate(reference.output(this.scoring.inputs[1])["y_test"], out["scores"])
