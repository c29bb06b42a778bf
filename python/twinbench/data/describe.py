"""Describe a dataset in figures: shapes, types, missing values, quantiles, distinct strings, label balance.

The functions work on any dataset: CSV tables, folders of files, and values of named arrays. They print nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.data import columns
from twinbench.data.dataset import Dataset
from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)

LABELS, TEST = "y", "test"
"""Names of the arrays that hold the classes and mark the test examples."""


@dataclass(frozen=True, slots=True)
class Variable:
    """Figures of one column of a table, or of one array."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    missing: int
    """Number of missing values: NaN among numbers, empty strings."""
    quantiles: tuple[float, ...] | None
    """Quantiles at `QUANTILES` of the numbers that are present; None for strings, or if all are missing."""
    distinct: int | None
    """Number of distinct strings, without the empty string; None for numbers."""


@dataclass(frozen=True, slots=True)
class Part:
    """Figures of one file or folder of a dataset, or of its value."""

    name: str
    kind: str
    """Kind of the part: ``table``, ``folder``, ``file``, or the value's kind, ``arrays`` or ``images``."""
    amount: int
    """Number of rows of a table, files of a folder, bytes of a file, or examples of a value."""
    variables: tuple[Variable, ...]
    details: Mapping[str, int]
    """Number of files by ending, for a folder; else empty."""
    labels: Mapping[str, Mapping[str, int]]
    """Examples by class, for ``train`` and ``test``, or for ``all`` without such a split. Empty without classes."""


def facts(dataset: Dataset) -> dict[str, Any]:
    """Return a dataset's description as JSON data, without reading its data."""
    return {
        "name": dataset.name,
        "summary": dataset.summary,
        "modality": dataset.modality,
        "unit": dataset.unit,
        "most": dataset.most,
        "split": dataset.split,
        "source": dataset.source,
        "licence": dataset.licence,
        "missing": dataset.missing(),
    }


def parts(dataset: Dataset, amount: float | None) -> Iterator[Part]:
    """Yield each file and the value of a dataset at a size. Raises BadInput if the data can't be fetched."""
    for name in dataset.files:
        yield _file(dataset, name, amount)
    if dataset.value_kind is not None:
        value = dataset.value(amount)
        examples = len(next(iter(value.values())))
        yield Part("data", dataset.value_kind, examples, variables(value), {}, balance(value))


def _file(dataset: Dataset, name: str, amount: float | None) -> Part:
    path = dataset.file(name, amount)
    if path.is_dir():
        endings = Counter(file.suffix or file.name for file in files(path))
        return Part(name, "folder", endings.total(), (), dict(endings), {})
    if path.suffix != ".csv":
        return Part(name, "file", path.stat().st_size, (), {}, {})
    table = columns.columns(dataset, name, amount)
    return Part(name, "table", len(next(iter(table.values()))), variables(table), {}, {})


def files(folder: Path) -> list[Path]:
    """Return all files below a folder, sorted."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def variables(arrays: Arrays) -> tuple[Variable, ...]:
    """Describe each array of a value, or each column of a table."""
    return tuple(_variable(name, values) for name, values in arrays.items())


def _variable(name: str, values: NDArray[Any]) -> Variable:
    import numpy as np

    dtype, shape = ("string" if values.dtype.kind == "U" else values.dtype.name), values.shape
    if values.dtype.kind == "U":
        present = values[values != ""]
        return Variable(name, dtype, shape, values.size - present.size, None, len(np.unique(present)))
    present = values[~np.isnan(values)] if values.dtype.kind == "f" else np.ravel(values)
    quantiles = tuple(np.quantile(present, QUANTILES).tolist()) if present.size else None
    return Variable(name, dtype, shape, values.size - present.size, quantiles, None)


def balance(value: Arrays) -> dict[str, dict[str, int]]:
    """Count examples by class, separately for training and testing if the value marks its test examples."""
    import numpy as np

    if LABELS not in value:
        return {}
    labels = np.asarray(value[LABELS])
    parts = {"all": labels}
    if TEST in value:
        test = np.asarray(value[TEST]) != 0
        parts = {"train": labels[~test], "test": labels[test]}
    counted = {part: np.unique(values, return_counts=True) for part, values in parts.items()}
    return {
        part: {str(label): int(count) for label, count in zip(*both, strict=True)} for part, both in counted.items()
    }
