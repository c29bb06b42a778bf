"""Error analysis, computed by the harness from the predictions of a cell, and from those of all stacks together.

Scores are (rows,), the probability of class 1 of two, or (rows, classes).
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.errors import BadInput, nearest
from twinbench.numbers.predictions import calibration, calibration_error, predicted, probabilities, wilson
from twinbench.ops import arrays
from twinbench.ops.contract import Arrays
from twinbench.plan.pipeline import Pipeline, Step
from twinbench.run.agree.reference import Reference
from twinbench.store import kept_arrays
from twinbench.store.fact_shapes import DISAGREEMENT, ERRORS
from twinbench.store.mistakes import (
    ClassErrors,
    Disagreement,
    Disputed,
    Errors,
    SliceErrors,
)
from twinbench.store.records import SCORES, Cell
from twinbench.store.store import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST = 30
"""Fewest test rows of a slice that is reported: with fewer rows the interval is wider than most differences."""

WORST = 10
"""Number of slices that are stored, and of rows that the stacks classify differently: the worst ones."""

MANY = 50
"""Most slices by value: a column with more different numbers is sliced at its quartiles."""


def slices(pipeline: Pipeline, reference: Reference) -> dict[str, NDArray[Any]]:
    """Return the values of each slicing column in the test rows, as text. Raises BadInput for an unknown column."""
    import numpy as np

    if not pipeline.goal.slices:
        return {}
    steps = {step.id: step for step in pipeline.steps}
    split = next((step for step in pipeline.steps if step.op.role == "split"), None)
    if split is None:
        raise BadInput(f"{pipeline.path}: goal.slices: no step divides the rows into training and test")
    rows = _given(reference, split)["test"]
    columns = _columns(steps, split.inputs[0], reference)
    for column in pipeline.goal.slices:
        if column not in columns:
            reason = f"no column '{column}' among the rows that are split{nearest(column, columns)}"
            raise BadInput(f"{pipeline.path}: goal.slices: {reason}")
    return {column: np.asarray(_texts(columns[column]))[rows] for column in pipeline.goal.slices}


def _given(reference: Reference, step: Step) -> Arrays:
    directory = reference.given(step.id)
    return {} if directory is None else arrays.load(Path(directory))


def _columns(steps: Mapping[str, Step], source: str, reference: Reference) -> Arrays:
    """Return the columns of the rows that are split, each as it was before steps made a feature of it.

    The search goes back through the steps as long as they keep the order of the rows.
    """
    columns = dict(arrays.load(Path(reference.directory_of(source))))
    while source in steps and steps[source].op.keeps_rows:
        source = steps[source].inputs[0]
        columns |= arrays.load(Path(reference.directory_of(source)))
    return columns


def _texts(values: NDArray[Any]) -> list[str]:
    """Return the name of each value's slice: the value, or the quarter of the column if it has many numbers."""
    import numpy as np

    if values.dtype.kind not in "fiu":
        return [str(value) or "missing" for value in values]
    missing = np.isnan(values.astype(np.float64))
    there = values[~missing]
    if len(np.unique(there)) <= MANY:
        return ["missing" if gone else f"{value:g}" for value, gone in zip(values, missing, strict=True)]
    edges = np.quantile(there, [0, 0.25, 0.5, 0.75, 1])
    names = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    quarter = np.searchsorted(edges[1:-1], values)  # up to and including the upper edge
    return ["missing" if gone else names[number] for number, gone in zip(quarter, missing, strict=True)]


def keep(
    store: Store, cell: int, labels: NDArray[Any], scores: NDArray[Any], sliced: Mapping[str, NDArray[Any]]
) -> None:
    """Store a cell's scores and their errors."""
    import numpy as np

    errors = analyse(labels, scores, sliced)
    content = io.BytesIO()
    np.save(content, np.asarray(scores), allow_pickle=False)
    store.add_file(cell, SCORES, content.getvalue())
    if errors is not None:
        store.add_fact(cell, "", ERRORS, asdict(errors))


def compare(store: Store, cells: Iterable[Cell], labels: NDArray[Any], sliced: Mapping[str, NDArray[Any]]) -> None:
    """Store the test rows for which the cells of one pipeline and size predict different classes."""
    import numpy as np

    scores_by_stack, ids = {}, {}
    for cell in cells:
        scores = kept_arrays.array(store, cell.id, SCORES)
        if scores is not None and np.isfinite(scores).all():
            scores_by_stack[cell.label], ids[cell.label] = scores, cell.id
    for stack, disagreement in disagreements(labels, scores_by_stack, sliced).items():
        store.add_fact(ids[stack], "", DISAGREEMENT, asdict(disagreement))


def analyse(labels: NDArray[Any], scores: NDArray[Any], sliced: Mapping[str, NDArray[Any]]) -> Errors | None:
    """Analyse the errors of scores. Returns None without rows, and where a score isn't finite.

    ``labels`` are the rows' classes (rows,), and ``sliced`` holds a name of a slice per row, by column.
    """
    import numpy as np

    if not len(scores) or not np.isfinite(scores).all():
        return None
    truth, predictions = labels.astype(int), predicted(scores)
    count = 2 if scores.ndim == 1 else scores.shape[1]
    confusion = np.bincount(truth * count + predictions, minlength=count * count).reshape(count, count)
    right = truth == predictions
    bins = calibration(labels, scores)
    worst = sorted(_sliced(sliced, right), key=lambda errors: -errors.low)
    return Errors(
        rows=len(truth),
        wrong=int((~right).sum()),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        classes=tuple(_classes(confusion)),
        slices=tuple(worst[:WORST]),
        bins=bins,
        calibration_error=calibration_error(bins),
    )


def _classes(confusion: NDArray[Any]) -> Iterator[ClassErrors]:
    for number, (rows, predictions) in enumerate(
        zip(confusion.sum(1).tolist(), confusion.sum(0).tolist(), strict=True)
    ):
        hits = int(confusion[number, number])
        yield ClassErrors(rows, predictions, hits / predictions if predictions else None, hits / rows if rows else None)


def _sliced(sliced: Mapping[str, NDArray[Any]], right: NDArray[Any]) -> Iterator[SliceErrors]:
    """Yield the errors of every value of every column that has at least `FEWEST` rows."""
    import numpy as np

    for column, values in sliced.items():
        names, numbers = np.unique(values, return_inverse=True)
        rows, wrong = np.bincount(numbers), np.bincount(numbers, weights=~right).astype(int)
        for name, count, errors in zip(names.tolist(), rows.tolist(), wrong.tolist(), strict=True):
            if count >= FEWEST:
                yield SliceErrors(column, name, count, errors, *wilson(errors, count))


def disagreements(
    labels: NDArray[Any], scores: Mapping[str, NDArray[Any]], sliced: Mapping[str, NDArray[Any]]
) -> dict[str, Disagreement]:
    """Return by stack the rows for which other stacks predict another class; empty with fewer than two stacks."""
    import numpy as np

    stacks = list(scores)
    if len(stacks) < 2:
        return {}
    classes = np.stack([predicted(scores[stack]) for stack in stacks])
    p = np.stack([probabilities(scores[stack]) for stack in stacks])
    apart = np.ptp(p, axis=0).max(axis=1)
    by_stack = {}
    for number, stack in enumerate(stacks):
        otherwise = classes != classes[number]
        disputed = np.flatnonzero(otherwise.any(axis=0))
        first = disputed[np.argsort(-apart[disputed], kind="stable")][:WORST].tolist()
        differs = dict(zip(stacks, otherwise.sum(axis=1).tolist(), strict=True))
        by_stack[stack] = Disagreement(
            {other: rows for other, rows in differs.items() if other != stack},
            tuple(_disputed(row, labels, stacks, classes[:, row], p[:, row], sliced) for row in first),
        )
    return by_stack


def _disputed(
    row: int,
    labels: NDArray[Any],
    stacks: list[str],
    predictions: NDArray[Any],
    p: NDArray[Any],
    sliced: Mapping[str, NDArray[Any]],
) -> Disputed:
    classes = dict(zip(stacks, predictions.tolist(), strict=True))
    confidence = {stack: float(p[number, classes[stack]]) for number, stack in enumerate(stacks)}
    values = {column: str(texts[row]) for column, texts in sliced.items()}
    return Disputed(row, int(labels[row]), classes, confidence, values)
