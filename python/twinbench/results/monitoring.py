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
from twinbench.results import drift, fitness, models
from twinbench.results.drift import Known, Shift
from twinbench.results.fitness import Quality
from twinbench.results.models import Model
from twinbench.results.predictions import predicted, wilson
from twinbench.results.records import Cell
from twinbench.results.rows import Rows
from twinbench.results.store import Store
from twinbench.results.summary import DEFAULT_MARGIN

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRAINED = "trained.npz"
"""The file of a cell that holds what its model was trained on: ``sample``, ``low`` and ``high`` of the features, and
``y_test``, the classes of the test rows."""

SAMPLED = 2000
"""Training rows that are kept. More would sharpen little: the noise of these is 0.02 standard deviations, and nothing
below 0.3 is called drifted."""

PARTS = ("mean", "standard deviation", "smallest", "largest")
"""What is compared of a row that is an image, a series, or features without names."""

CHUNK = 4096
"""Rows that are described at a time."""

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
    too few to call anything drifted, what `drift.FEWEST` rows show."""
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
        return self.rows < drift.FEWEST

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
    features: Known
    scores: Known
    labels: NDArray[Any]
    """The classes of the test rows."""
    metric: str
    margin: float


def described(x: NDArray[Any], *, named: bool) -> NDArray[Any]:
    """What is compared of rows, float32 (rows, features): named features as they are, of any other row its `PARTS`."""
    import numpy as np

    if named:
        return np.asarray(x, np.float32)
    flat = x.reshape(len(x), -1)
    with np.errstate(invalid="ignore"):  # of a row with a value that is missing or infinite
        return np.concatenate([_parts(flat[start : start + CHUNK]) for start in range(0, len(flat), CHUNK)])


def _parts(flat: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    wide = flat.astype(np.float64)
    parts = [wide.mean(axis=1), wide.std(axis=1), wide.min(axis=1), wide.max(axis=1)]
    return np.column_stack(parts).astype(np.float32)


def of_training(x_train: NDArray[Any], y_test: NDArray[Any], *, named: bool) -> bytes:
    """`TRAINED`, of all training rows and the classes of the test rows. The same rows give the same sample."""
    import numpy as np

    rows = described(x_train, named=named)
    drawn = np.random.default_rng(0).permutation(len(rows))[:SAMPLED]
    content = io.BytesIO()
    np.savez_compressed(
        content,
        sample=rows[np.sort(drawn)],
        low=np.fmin.reduce(rows, axis=0),
        high=np.fmax.reduce(rows, axis=0),
        y_test=np.asarray(y_test, np.float32),
    )
    return content.getvalue()


def base(store: Store, cell: Cell) -> Base:
    """What rows are held against. Raises NotMonitored where there is no model, or an older twinbench made the run."""
    import numpy as np

    model, content = models.of_cell(store, cell), store.file(cell.id, TRAINED)
    if model is None:
        raise NotMonitored(f"{cell.stack} can't be monitored: {cell.pipeline} left no trained model of it in the run")
    if content is None:
        told = "was made before training rows were kept; `twinbench run` it again"
        raise NotMonitored(f"{cell.stack} can't be monitored: run {cell.run_id} {told}")
    if not np.isfinite(model.scores).all():
        raise NotMonitored(f"{cell.stack} can't be monitored: not all of its scores in the run are numbers")
    with np.load(io.BytesIO(content), allow_pickle=False) as trained:
        features = Known(model.features or PARTS, trained["sample"], trained["low"], trained["high"])
        labels = trained["y_test"]
    (plan,) = (p.plan for p in store.plans(cell.run_id) if (p.pipeline, p.size) == (cell.pipeline, cell.size))
    scores = _by_class(model.scores)
    names = ("score",) if model.scores.ndim == 1 else tuple(f"score_{one}" for one in range(scores.shape[1]))
    return Base(
        model=model,
        features=features,
        scores=Known(names, scores, scores.min(axis=0), scores.max(axis=0)),
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
    judged = drift.judged(found, count)
    inputs = len(base.features.names)
    made = Monitored(
        run=cell.run_id,
        pipeline=cell.pipeline,
        size=cell.size,
        stack=cell.stack,
        verdict="fit",
        rows=count,
        known=len(base.features.sample),
        smallest=drift.smallest(max(count, drift.FEWEST), len(base.features.sample), len(found)),
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
