"""The check whether a trained model still fits new rows.

A run stores a sample of its training rows. `monitor` tests the inputs, the scores and, where labels are given, the
quality of new rows against those of the run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from twinbench.errors import StoreError, TwinbenchError
from twinbench.metrics import DEFAULT_MARGIN
from twinbench.numbers import drift
from twinbench.numbers.drift import ReferenceSample, Shift
from twinbench.numbers.predictions import predicted, wilson
from twinbench.numbers.training_rows import PARTS, described
from twinbench.results.models import fitness, kept
from twinbench.results.models.fitness import QualityJudgement
from twinbench.results.models.kept import Model
from twinbench.results.models.rows import Rows
from twinbench.store import kept_arrays
from twinbench.store.records import SCORES, TRAINED, Cell
from twinbench.store.store import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

MonitorVerdict = Literal["fit", "drifted", "worse", "undecided"]


class NotMonitored(TwinbenchError):
    """The store lacks the model, or the training rows, that new rows would be tested against."""


@dataclass(frozen=True, slots=True)
class ClassShare:
    """The share of rows for which a class is predicted."""

    before: float
    """Share of the test rows."""
    now: float
    """Share of the new rows."""
    low: float
    """Lower end of a 95 % interval of ``now`` (Wilson 1927)."""
    high: float
    """Upper end of that interval."""


@dataclass(frozen=True, slots=True)
class Monitored:
    """The result of monitoring: how new rows differ from those that a model was trained and tested on."""

    run: str
    pipeline: str
    size: str
    stack: str
    verdict: MonitorVerdict
    rows: int
    """Number of new rows."""
    known: int
    """Number of training rows that the new rows are tested against."""
    smallest: float
    """Shift of one feature, in standard deviations, that this many rows reveal in four of five cases. With fewer than
    `drift.MIN_ROWS` rows, the shift that `drift.MIN_ROWS` rows reveal."""
    features: tuple[Shift, ...]
    """Features that drifted, then the others; both by falling stability index."""
    scores: tuple[Shift, ...]
    """Scores of the classes, in the same order. Empty if no scores were given."""
    classes: tuple[ClassShare, ...]
    """Predicted shares by class. Empty if no scores were given."""
    quality: QualityJudgement | None
    """Quality of the rows with labels. None if no labels were given."""

    @property
    def too_few(self) -> bool:
        """Whether there are too few rows to call anything drifted."""
        return self.rows < drift.MIN_ROWS

    @property
    def drifted(self) -> list[Shift]:
        """The features and scores that drifted."""
        return [shift for shift in (*self.features, *self.scores) if shift.drifted]

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class MonitoredModel:
    """A trained model with the data that new rows are tested against."""

    model: Model
    features: ReferenceSample
    """A sample of the training rows."""
    scores: ReferenceSample
    """The scores of all test rows."""
    labels: NDArray[Any]
    """The classes of the test rows: (rows,)."""
    metric: str
    margin: float
    """Largest change of the metric that still counts as the same."""


def base(store: Store, cell: Cell) -> MonitoredModel:
    """Load a model and its reference data. Raises NotMonitored if the run has none of them."""
    import numpy as np

    model, trained = kept.of_cell(store, cell), kept_arrays.arrays(store, cell.id, TRAINED)
    if model is None:
        problem = f"run {cell.run_id} has no trained model of it for {cell.pipeline}"
        raise NotMonitored(f"{cell.stack} can't be monitored: {problem}")
    if trained is None:
        problem = "has no training rows, because an older twinbench made it; `twinbench run` the pipeline again"
        raise NotMonitored(f"{cell.stack} can't be monitored: run {cell.run_id} {problem}")
    if not np.isfinite(model.scores).all():
        raise NotMonitored(f"{cell.stack} can't be monitored: some of its scores in run {cell.run_id} aren't finite")
    names = model.features or PARTS
    if not {"sample", "low", "high", "y_test"} <= trained.keys() or trained["sample"].shape[1] != len(names):
        problem = f"doesn't describe the {len(names)} features of the model and its test rows"
        raise StoreError(f"{store.path}: {TRAINED} of {cell.stack} {problem}; the file is damaged")
    features = ReferenceSample(names, trained["sample"], trained["low"], trained["high"])
    labels = trained["y_test"]
    if not kept_arrays.fits_labels(model.scores, labels):
        raise StoreError(f"{store.path}: {SCORES} of {cell.stack} doesn't fit the classes of the test rows")
    (spec,) = (p.spec for p in store.pipelines(cell.run_id) if (p.name, p.size) == (cell.pipeline, cell.size))
    scores = _by_class(model.scores)
    names = ("score",) if model.scores.ndim == 1 else tuple(f"score_{number}" for number in range(scores.shape[1]))
    return MonitoredModel(
        model=model,
        features=features,
        scores=ReferenceSample(names, scores, scores.min(axis=0), scores.max(axis=0)),
        labels=labels,
        metric=spec.get("metric") or "accuracy",
        margin=spec.get("margin", DEFAULT_MARGIN),
    )


def _by_class(scores: NDArray[Any]) -> NDArray[Any]:
    return scores.reshape(len(scores), -1)


def monitor(base: MonitoredModel, rows: Rows, margin: float | None = None) -> Monitored:
    """Test the inputs of new rows and, where they are given, their scores and labels.

    ``margin`` is the largest change of the metric that counts as the same; by default the pipeline's.
    """
    cell, count = base.model.cell, len(rows.x)
    shifts = list(drift.shifts(base.features, described(rows.x, named=bool(base.model.features))))
    if rows.scores is not None:
        shifts += drift.shifts(base.scores, _by_class(rows.scores))
    shifts = drift.with_verdicts(shifts, count)
    inputs = len(base.features.names)
    result = Monitored(
        run=cell.run_id,
        pipeline=cell.pipeline,
        size=cell.size,
        stack=cell.stack,
        verdict="fit",
        rows=count,
        known=len(base.features.sample),
        smallest=drift.smallest_shift(max(count, drift.MIN_ROWS), len(base.features.sample), len(shifts)),
        features=_worst_first(shifts[:inputs]),
        scores=_worst_first(shifts[inputs:]),
        classes=() if rows.scores is None else tuple(_shares(base.model.scores, rows.scores)),
        quality=_quality(base, rows, base.margin if margin is None else margin),
    )
    return replace(result, verdict=_verdict(result))


def _worst_first(shifts: list[Shift]) -> tuple[Shift, ...]:
    return tuple(sorted(shifts, key=lambda shift: (not shift.drifted, -shift.psi)))


def _shares(before: NDArray[Any], now: NDArray[Any]) -> Iterator[ClassShare]:
    then_, now_ = predicted(before), predicted(now)
    for number in range(2 if before.ndim == 1 else before.shape[1]):
        hits = int((now_ == number).sum())
        yield ClassShare(float((then_ == number).mean()), hits / len(now_), *wilson(hits, len(now_)))


def _quality(base: MonitoredModel, rows: Rows, margin: float) -> QualityJudgement | None:
    """Judge the quality of the rows whose labels are given."""
    import numpy as np

    if rows.labels is None or rows.scores is None or np.isnan(rows.labels).all():
        return None
    labelled = ~np.isnan(rows.labels)
    now = rows.labels[labelled], rows.scores[labelled]
    return fitness.judge((base.labels, base.model.scores), now, base.metric, margin)


def _verdict(result: Monitored) -> MonitorVerdict:
    """Return the worst verdict that is certain, and "fit" only if there were enough rows to see a drift."""
    if result.quality is not None and result.quality.verdict == "worse":
        return "worse"
    if result.drifted:
        return "drifted"
    undecided = result.quality is not None and result.quality.verdict == "undecided"
    return "undecided" if result.too_few or undecided else "fit"
