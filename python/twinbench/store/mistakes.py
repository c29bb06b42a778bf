"""Where a cell's predictions are wrong, as plain data: written by a run, read by every view.

Computes nothing: the figures come from the harness, which has them from the predictions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from twinbench.numbers.predictions import Bin
from twinbench.store.records import Cell
from twinbench.store.store import Store

ERRORS, DISAGREEMENT = "errors", "disagreement"
"""The facts of a cell that hold them."""


@dataclass(frozen=True, slots=True)
class ClassErrors:
    """One class: 0, 1, ..."""

    rows: int
    """Test rows that are of it."""
    predicted: int
    """Test rows that are said to be of it."""
    precision: float | None
    """Share of the latter that are. None where there are none."""
    recall: float | None
    """Share of the former that are found. None where there are none."""


@dataclass(frozen=True, slots=True)
class SliceErrors:
    """The test rows with one value of a column."""

    column: str
    value: str
    """As text; of a column of many numbers a range."""
    rows: int
    wrong: int
    """Rows whose class is predicted wrongly."""
    low: float
    """A 95 % interval of the share of wrong rows (Wilson 1927)."""
    high: float


@dataclass(frozen=True, slots=True)
class Errors:
    """What is wrong in one cell's predictions of the test rows."""

    rows: int
    wrong: int
    confusion: tuple[tuple[int, ...], ...]
    """Test rows by class (down) and predicted class (across)."""
    classes: tuple[ClassErrors, ...]
    slices: tuple[SliceErrors, ...]
    """The worst ones first. Empty where the pipeline declares no columns."""
    bins: tuple[Bin, ...]
    """Those that have rows, from the least confident to the most."""
    calibration_error: float
    """Expected calibration error: the mean distance of accuracy and confidence over the rows (Guo et al. 2017)."""

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """From what `asdict` gave."""
        return cls(
            rows=plain["rows"],
            wrong=plain["wrong"],
            confusion=tuple(tuple(row) for row in plain["confusion"]),
            classes=tuple(ClassErrors(**one) for one in plain["classes"]),
            slices=tuple(SliceErrors(**one) for one in plain["slices"]),
            bins=tuple(Bin(**one) for one in plain["bins"]),
            calibration_error=plain["calibration_error"],
        )


@dataclass(frozen=True, slots=True)
class Disputed:
    """A test row that the stacks don't agree on."""

    row: int
    """Among the test rows, counted from 0."""
    truth: int
    predicted: Mapping[str, int]
    """Class by stack."""
    confidence: Mapping[str, float]
    """The probability of that class, by stack."""
    values: Mapping[str, str]
    """Of the pipeline's slicing columns."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Where one cell predicts another class than the other stacks do."""

    differs: Mapping[str, int]
    """By other stack how many test rows are predicted otherwise."""
    samples: tuple[Disputed, ...]
    """Such rows, those first on which probabilities are furthest apart."""

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """From what `asdict` gave."""
        return cls(dict(plain["differs"]), tuple(Disputed(**one) for one in plain["samples"]))


@dataclass(frozen=True, slots=True)
class CellErrors:
    """All of it, for one cell."""

    pipeline: str
    size: str
    stack: str
    errors: Errors
    disagreement: Disagreement | None
    """None where no other stack predicted the same rows."""

    def as_json(self) -> dict[str, Any]:
        """For files and programs."""
        return asdict(self)


def of_run(store: Store, run_id: str) -> dict[int, CellErrors]:
    """By cell, in the order of planning; without those that predicted nothing."""
    found = ((cell, of_cell(store, cell)) for cell in store.cells(run_id))
    return {cell.id: errors for cell, errors in found if errors is not None}


def of_cell(store: Store, cell: Cell) -> CellErrors | None:
    """None where nothing was predicted."""
    facts = {fact.key: fact.value for fact in store.facts(cell.id) if fact.step == ""}
    if ERRORS not in facts:
        return None
    disagreement = Disagreement.of(facts[DISAGREEMENT]) if DISAGREEMENT in facts else None
    return CellErrors(cell.pipeline, cell.size, cell.label, Errors.of(facts[ERRORS]), disagreement)
