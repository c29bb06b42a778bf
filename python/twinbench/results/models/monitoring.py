"""Whether a trained model is still fit for the rows that it is asked about, and what of its training is kept for that.

A run keeps a sample of the training rows; `monitor` holds other rows, what the model said of them and what was true
against the run's own.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from twinbench.errors import TwinbenchError
from twinbench.metrics import DEFAULT_MARGIN
from twinbench.numbers import drift
from twinbench.numbers.drift import ReferenceSample, Shift
from twinbench.numbers.predictions import predicted, wilson
from twinbench.numbers.training_rows import PARTS, described
from twinbench.results.models import fitness, kept
from twinbench.results.models.fitness import Quality
from twinbench.results.models.kept import Model
from twinbench.results.models.rows import Rows
from twinbench.store.records import TRAINED, Cell
from twinbench.store.store import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

Verdict = Literal["fit", "drifted", "worse", "undecided"]


class NotMonitored(TwinbenchError):
    """The store has nothing to hold rows against."""


@dataclass(frozen=True, slots=True)
class ClassShare:
    """How often a class is predicted."""

    before: float
    """Of the test rows."""
    now: float
    low: float
    """A 95 % interval of the latter (Wilson 1927)."""
    high: float


@dataclass(frozen=True, slots=True)
class Monitored:
    """What may be said of a model and the rows that it was asked about."""

    run: str
    pipeline: str
    size: str
    stack: str
    verdict: Verdict
    rows: int
    known: int
    """Training rows that they are held against."""
    smallest: float
    """The shift of one feature, in standard deviations, that so many rows show in four of five cases; where they are
    too few to call anything drifted, what `drift.MIN_ROWS` rows show."""
    features: tuple[Shift, ...]
    """The ones that drifted first, then by their index."""
    scores: tuple[Shift, ...]
    """Likewise, by class. Empty where no scores were given."""
    classes: tuple[ClassShare, ...]
    """Empty where no scores were given."""
    quality: Quality | None
    """None where no labels were given."""

    @property
    def too_few(self) -> bool:
        """Whether nothing may be called drifted."""
        return self.rows < drift.MIN_ROWS

    @property
    def drifted(self) -> list[Shift]:
        """Features and scores."""
        return [shift for shift in (*self.features, *self.scores) if shift.drifted]

    def as_json(self) -> dict[str, Any]:
        """For files and programs."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Base:
    """A model, and what it was trained on and tested with."""

    model: Model
    features: ReferenceSample
    scores: ReferenceSample
    labels: NDArray[Any]
    """The classes of the test rows."""
    metric: str
    margin: float


def base(store: Store, cell: Cell) -> Base:
    """What rows are held against. Raises NotMonitored where there is no model, or an older twinbench made the run."""
    import numpy as np

    model, content = kept.of_cell(store, cell), store.file(cell.id, TRAINED)
    if model is None:
        raise NotMonitored(f"{cell.stack} can't be monitored: {cell.pipeline} left no trained model of it in the run")
    if content is None:
        told = "was made before training rows were kept; `twinbench run` it again"
        raise NotMonitored(f"{cell.stack} can't be monitored: run {cell.run_id} {told}")
    if not np.isfinite(model.scores).all():
        raise NotMonitored(f"{cell.stack} can't be monitored: not all of its scores in the run are numbers")
    with np.load(io.BytesIO(content), allow_pickle=False) as trained:
        features = ReferenceSample(model.features or PARTS, trained["sample"], trained["low"], trained["high"])
        labels = trained["y_test"]
    (plan,) = (p.plan for p in store.plans(cell.run_id) if (p.pipeline, p.size) == (cell.pipeline, cell.size))
    scores = _by_class(model.scores)
    names = ("score",) if model.scores.ndim == 1 else tuple(f"score_{one}" for one in range(scores.shape[1]))
    return Base(
        model=model,
        features=features,
        scores=ReferenceSample(names, scores, scores.min(axis=0), scores.max(axis=0)),
        labels=labels,
        metric=plan.get("metric") or "accuracy",
        margin=plan.get("margin", DEFAULT_MARGIN),
    )


def _by_class(scores: NDArray[Any]) -> NDArray[Any]:
    return scores.reshape(len(scores), -1)


def monitor(base: Base, rows: Rows, margin: float | None = None) -> Monitored:
    """Inputs, then scores, then quality, as far as they are there. ``margin``: if not the pipeline's."""
    cell, count = base.model.cell, len(rows.x)
    found = list(drift.shifts(base.features, described(rows.x, named=bool(base.model.features))))
    if rows.scores is not None:
        found += drift.shifts(base.scores, _by_class(rows.scores))
    judged = drift.with_verdicts(found, count)
    inputs = len(base.features.names)
    made = Monitored(
        run=cell.run_id,
        pipeline=cell.pipeline,
        size=cell.size,
        stack=cell.stack,
        verdict="fit",
        rows=count,
        known=len(base.features.sample),
        smallest=drift.smallest_shift(max(count, drift.MIN_ROWS), len(base.features.sample), len(found)),
        features=_worst_first(judged[:inputs]),
        scores=_worst_first(judged[inputs:]),
        classes=() if rows.scores is None else tuple(_shares(base.model.scores, rows.scores)),
        quality=_quality(base, rows, base.margin if margin is None else margin),
    )
    return replace(made, verdict=_verdict(made))


def _worst_first(found: list[Shift]) -> tuple[Shift, ...]:
    return tuple(sorted(found, key=lambda shift: (not shift.drifted, -shift.psi)))


def _shares(before: NDArray[Any], now: NDArray[Any]) -> Iterator[ClassShare]:
    """How often each class is predicted."""
    then_, now_ = predicted(before), predicted(now)
    for one in range(2 if before.ndim == 1 else before.shape[1]):
        hits = int((now_ == one).sum())
        yield ClassShare(float((then_ == one).mean()), hits / len(now_), *wilson(hits, len(now_)))


def _quality(base: Base, rows: Rows, margin: float) -> Quality | None:
    """Of the rows whose labels have come."""
    import numpy as np

    if rows.labels is None or rows.scores is None or np.isnan(rows.labels).all():
        return None
    there = ~np.isnan(rows.labels)
    now = rows.labels[there], rows.scores[there]
    return fitness.judge((base.labels, base.model.scores), now, base.metric, margin)


def _verdict(found: Monitored) -> Verdict:
    """The worst that is beyond doubt; fit only where there was enough to see."""
    if found.quality is not None and found.quality.verdict == "worse":
        return "worse"
    if found.drifted:
        return "drifted"
    undecided = found.quality is not None and found.quality.verdict == "undecided"
    return "undecided" if found.too_few or undecided else "fit"
