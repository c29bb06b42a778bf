"""What a dataset holds, in figures: shapes, types, missing values, quantiles, distinct strings, label balance.

Works on any dataset: CSV tables, folders of files, and values of arrays by name. Nothing is printed here.
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
"""The arrays that hold classes, and which examples are for testing."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A column of a table, or an array."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    missing: int
    """NaN among numbers, empty strings."""
    quantiles: tuple[float, ...] | None
    """At `QUANTILES`, of the numbers that are there. None for strings, and where there is none."""
    distinct: int | None
    """How many different strings there are, the empty one not counted. None for numbers."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file or folder of the dataset, or its value."""

    name: str
    kind: str
    """``table``, ``folder``, ``file``, or what the value is: ``arrays``, ``images``."""
    amount: int
    """Rows of a table, files of a folder, bytes of a file, examples of a value."""
    variables: tuple[Variable, ...]
    details: Mapping[str, int]
    """Of a folder: files by ending."""
    labels: Mapping[str, Mapping[str, int]]
    """Examples by class, for ``train`` and ``test``, or ``all`` where they aren't told apart. Empty without classes."""


def facts(dataset: Dataset) -> dict[str, Any]:
    """What is known of a dataset without looking at its data, as JSON data."""
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
    """Everything in it at a size. Raises BadInput where it can't be had."""
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
    """All files below a folder, in order."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def variables(arrays: Arrays) -> tuple[Variable, ...]:
    """Each array of a value, or column of a table."""
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
    """Examples by class, separately for training and testing where the value says which is which."""
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
