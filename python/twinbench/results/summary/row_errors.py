"""The error that the test rows leave in each stack's quality, and how much of it the stacks share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from twinbench import metrics
from twinbench.numbers import influence
from twinbench.numbers.predictions import predicted, probabilities
from twinbench.results.summary.records import CellSummary, QualitySummary
from twinbench.store import kept_arrays
from twinbench.store.fact_shapes import ERRORS
from twinbench.store.mistakes import Errors
from twinbench.store.records import SCORES, TRAINED
from twinbench.store.store import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray


def with_row_errors(store: Store, cells: Sequence[CellSummary], metric: str | None) -> list[CellSummary]:
    """Return the cells, the quality of each with the error that its test rows give, if the metric was computed.

    Only the first seed's scores are stored: its error is taken for the mean over seeds, which have the same rows.
    """
    measured = {cell.stack: cell for cell in cells if metric in cell.quality and math.isfinite(_mean(cell, metric))}
    if not measured or metric is None:
        return list(cells)
    labels = _labels(store, cells)
    moved: dict[str, NDArray[Any]] = {}
    for stack, cell in measured.items():
        scores = _finite(kept_arrays.array(store, cell.cell_id, SCORES))
        if labels is not None and scores is not None and kept_arrays.fits_labels(scores, labels):
            moved[stack] = _influence(metric, labels.astype(int), scores)
    lengths = {stack: math.sqrt(float((of_rows**2).sum())) for stack, of_rows in moved.items()}
    found: dict[str, QualitySummary] = {}
    for stack, cell in measured.items():
        error = _error_without_labels(store, cell, metric)
        if lengths.get(stack):
            error = max(lengths[stack], error or 0.0) if metric == "accuracy" else lengths[stack]
        others = [other for other in moved if other != stack and stack in moved]
        shared = {other: _correlation(moved, lengths, stack, other) for other in others}
        found[stack] = replace(cell.quality[metric], row_error=error, row_correlations=shared)
    return [
        replace(cell, quality={**cell.quality, metric: found[cell.stack]}) if cell.stack in found else cell
        for cell in cells
    ]


def _mean(cell: CellSummary, metric: str | None) -> float:
    return cell.quality[metric or ""].mean


def _labels(store: Store, cells: Sequence[CellSummary]) -> NDArray[Any] | None:
    """Return the classes of the test rows, which are stored with every model and are the same for all stacks."""
    for cell in cells:
        trained = kept_arrays.arrays(store, cell.cell_id, TRAINED)
        if trained is not None and "y_test" in trained:
            return trained["y_test"]
    return None


def _finite(scores: NDArray[Any] | None) -> NDArray[Any] | None:
    import numpy as np

    return scores if scores is not None and np.isfinite(scores).all() else None


def _influence(metric: str, truth: NDArray[Any], scores: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    if metric == "accuracy":
        return influence.of_mean(predicted(scores) == truth)
    p = probabilities(scores)
    if metric == "log_loss":
        return influence.of_mean(-np.log(metrics.clipped(p)[np.arange(len(truth)), truth]))
    return influence.of_area(truth, p)


def _correlation(moved: Mapping[str, NDArray[Any]], lengths: Mapping[str, float], stack: str, other: str) -> float:
    """Return the correlation of two stacks' errors; 1 where no row tells them apart, though both have no error."""
    length = lengths[stack] * lengths[other]
    return float((moved[stack] * moved[other]).sum()) / length if length else float(lengths[stack] == lengths[other])


def _error_without_labels(store: Store, cell: CellSummary, metric: str) -> float | None:
    """Return the error by the numbers of rows alone, which are stored with the mistakes; None if there are none."""
    facts = (fact.value for fact in store.facts(cell.cell_id) if fact.key == ERRORS)
    errors = next(map(Errors.of, facts), None)
    if errors is None or not errors.rows:
        return None
    if metric == "accuracy":
        return influence.share_error(errors.rows - errors.wrong, errors.rows)
    rarest = min(by_class.rows for by_class in errors.classes)
    if metric == "roc_auc" and rarest:
        return influence.area_error(cell.quality[metric].mean, rarest, errors.rows - rarest)
    return None
