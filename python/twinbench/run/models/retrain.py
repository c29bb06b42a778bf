"""Training once more in a worker that is warm: for fewer epochs, which gives a curve over time, and from other seeds.

A point of the curve is a training of its own from the same start, so nothing is evaluated while its clock runs.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from twinbench import metrics
from twinbench.launch import saved
from twinbench.launch.process import Ask, WorkerFailure
from twinbench.ops import arrays
from twinbench.ops.contract import Arrays
from twinbench.plan.pipeline import Pipeline, Step
from twinbench.run.agree import divergence
from twinbench.run.agree.reference import Reference
from twinbench.run.models import quality
from twinbench.worker import protocol

CURVE_POINTS = 8
"""Points of a curve, evenly spaced over the epochs: 8 points cost 4.5 times as much as one training."""

CURVE_S = 60.0
"""Longest time for a curve, in seconds: a curve that would take longer has its last point only."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A step that trains a network, and the step that scores the held-out split with that network."""

    step: Step
    scoring: Step


@dataclass(frozen=True, slots=True)
class Point:
    """A training of N epochs: its seconds, the mean loss of the last epoch, and metrics on the held-out split."""

    epoch: int
    seconds: float
    loss: float
    metrics: dict[str, float]


def trained(pipeline: Pipeline) -> Iterator[Trained]:
    """Yield the steps that can be trained again: they depend on a seed, and their model is scored."""
    for step in pipeline.steps:
        scoring = (s for s in pipeline.steps if quality.scores_all(s) and s.inputs[0] == step.id)
        is_seeded = step.op.givens is not None and hasattr(step.params, "seed")
        if step.op.output == "model" and is_seeded and (scorer := next(scoring, None)):
            yield Trained(step, scorer)


def curve(ask: Ask, training: Trained, reference: Reference, typical_s: float, directory: Path) -> Iterator[Point]:
    """Yield the points of a curve by epoch. ``typical_s`` is the time of a whole training, in seconds."""
    start = arrays.load(Path(reference.given(training.step.id) or ""))
    epochs = len(start["order"])
    points = min(epochs, CURVE_POINTS) if typical_s * CURVE_POINTS / 2 < CURVE_S else 1
    for epoch in sorted({round(epochs * point / points) for point in range(1, points + 1)}):
        seconds, out = _again(ask, training, start | {"order": start["order"][:epoch]}, directory)
        losses = out["losses"]
        last = losses[len(losses) * (epoch - 1) // epoch :]
        yield Point(epoch, seconds, float(last.mean(dtype=float)), _metrics(training, reference, out))


def other_seeds(
    ask: Ask, training: Trained, reference: Reference, seeds: int, directory: Path
) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield the metrics for ``seeds - 1`` seeds that follow the pipeline's own, numbered from 1.

    Raises WorkerFailure if a training diverges, or if a metric can't be computed of its scores.
    """
    labels = reference.output(training.scoring.inputs[1])["y_test"]
    examples = reference.output(training.step.inputs[0])
    assert training.step.op.givens is not None
    for number in range(1, seeds):
        start = training.step.op.givens(
            replace(training.step.params, seed=training.step.params.seed + number), examples
        )
        out = _again(ask, training, start, directory)[1]
        if diverged := divergence.reason(training.step.op, {"losses": out["losses"]}):
            raise WorkerFailure("training", f"{training.step.id}, seed {number}: {diverged}")
        if not np.isfinite(out["scores"]).all():
            raise WorkerFailure(
                "training", f"{training.step.id}, seed {number}: {metrics.obstacle(labels, out['scores'])}"
            )
        yield number, _metrics(training, reference, out)


def _again(ask: Ask, training: Trained, start: Arrays, directory: Path) -> tuple[float, Arrays]:
    """Train from these givens. Returns the seconds of training, and its ``scores`` and ``losses``."""
    given, out = directory / "given", directory / "out"
    shutil.rmtree(out, ignore_errors=True)  # so that no answer is about an earlier training's file
    arrays.save(given, start)
    answer = ask(
        protocol.AGAIN, step=training.step.id, scoring=training.scoring.id, given=str(given), directory=str(out)
    )
    return answer.wall_ns / 1e9, saved.output(training.step.id, out, mapped=False)


def _metrics(training: Trained, reference: Reference, out: Arrays) -> dict[str, float]:
    return metrics.evaluate(reference.output(training.scoring.inputs[1])["y_test"], out["scores"])
