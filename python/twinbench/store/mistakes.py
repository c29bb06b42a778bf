"""The wrong predictions of a cell, as plain data: written by a run, read by every view.

Computes nothing: the harness computes the figures from the predictions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from twinbench.numbers.calibration import calibration_interval
from twinbench.numbers.predictions import Bin
from twinbench.store.fact_shapes import DISAGREEMENT, ERRORS
from twinbench.store.records import Cell
from twinbench.store.store import Store


@dataclass(frozen=True, slots=True)
class ClassErrors:
    """The predictions of one class: 0, 1, ..."""

    rows: int
    """Number of test rows that belong to this class."""
    predicted: int
    """Number of test rows that were predicted as this class."""
    precision: float | None
    """Share of the rows predicted as this class that belong to it; None if none was predicted."""
    recall: float | None
    """Share of this class's rows that were predicted as it; None if it has no rows."""


@dataclass(frozen=True, slots=True)
class SliceErrors:
    """The predictions for the test rows with one value of a column."""

    column: str
    value: str
    """The value as text; a range for a column of many numbers."""
    rows: int
    wrong: int
    """Number of rows whose predicted class is wrong."""
    low: float
    """Lower end of a 95 % interval of the share of wrong rows (Wilson 1927)."""
    high: float
    """Upper end of that interval."""


@dataclass(frozen=True, slots=True)
class Errors:
    """The mistakes in one cell's predictions of the test rows."""

    rows: int
    wrong: int
    confusion: tuple[tuple[int, ...], ...]
    """Test rows by class (down) and predicted class (across)."""
    classes: tuple[ClassErrors, ...]
    slices: tuple[SliceErrors, ...]
    """Slices with the worst first. Empty where the pipeline names no columns to slice by."""
    bins: tuple[Bin, ...]
    """Bins of the reliability diagram that have rows, from the least confident to the most."""
    calibration_error: float
    """Expected calibration error: the mean distance of accuracy and confidence over the rows (Guo et al. 2017)."""

    @property
    def calibration_interval(self) -> tuple[float, float]:
        """The 95 % interval of ``calibration_error``."""
        return calibration_interval(self.bins)

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """Make an instance from the JSON data that `asdict` gave."""
        return cls(
            rows=plain["rows"],
            wrong=plain["wrong"],
            confusion=tuple(tuple(row) for row in plain["confusion"]),
            classes=tuple(ClassErrors(**fields) for fields in plain["classes"]),
            slices=tuple(SliceErrors(**fields) for fields in plain["slices"]),
            bins=tuple(Bin(**fields) for fields in plain["bins"]),
            calibration_error=plain["calibration_error"],
        )


@dataclass(frozen=True, slots=True)
class Disputed:
    """A test row for which the stacks predict different classes."""

    row: int
    """Index among the test rows, counted from 0."""
    truth: int
    """The row's true class."""
    predicted: Mapping[str, int]
    """Predicted class by stack."""
    confidence: Mapping[str, float]
    """Probability of the predicted class, by stack."""
    values: Mapping[str, str]
    """Values of the columns that the pipeline slices by."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The test rows for which one cell predicts another class than other stacks do."""

    differs: Mapping[str, int]
    """Number of test rows with another predicted class, by other stack."""
    samples: tuple[Disputed, ...]
    """Some of these rows, those with the largest difference of probabilities first."""

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """Make an instance from the JSON data that `asdict` gave."""
        return cls(dict(plain["differs"]), tuple(Disputed(**fields) for fields in plain["samples"]))


@dataclass(frozen=True, slots=True)
class CellErrors:
    """The mistakes of one cell, and where it disagrees with other stacks."""

    pipeline: str
    size: str
    stack: str
    errors: Errors
    disagreement: Disagreement | None
    """None where no other stack predicted the same rows."""

    def as_json(self) -> dict[str, Any]:
        """Return the mistakes as JSON data."""
        return asdict(self)


def of_run(store: Store, run_id: str) -> dict[int, CellErrors]:
    """Return the mistakes by cell id, in the order of planning, without the cells that predicted nothing."""
    by_cell = ((cell, of_cell(store, cell)) for cell in store.cells(run_id))
    return {cell.id: errors for cell, errors in by_cell if errors is not None}


def of_cell(store: Store, cell: Cell) -> CellErrors | None:
    """Return the mistakes of a cell, or None if it predicted nothing."""
    facts = {fact.key: fact.value for fact in store.facts(cell.id) if fact.step == ""}
    if ERRORS not in facts:
        return None
    disagreement = Disagreement.of(facts[DISAGREEMENT]) if DISAGREEMENT in facts else None
    return CellErrors(cell.pipeline, cell.size, cell.label, Errors.of(facts[ERRORS]), disagreement)
