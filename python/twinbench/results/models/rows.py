"""Reader of a user's file of rows for a model: the content is checked, and errors name the file and the column.

NPZ holds arrays: ``x`` as the model takes it, and optionally ``scores`` and ``y``. CSV and Parquet hold a table: the
model's features in any order, and optionally ``score`` (with several classes ``score_0``, ``score_1``, ...) and
``label``.
"""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.errors import BadInput, nearest
from twinbench.results.models.kept import Model

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

ARRAYS = ("x", "scores", "y")
SCORE, LABEL = "score", "label"

INDEX = "__index_level_"
"""Prefix of the columns in which pandas stores row labels; such columns are ignored."""

ABOUT_ONE = 1e-3
"""Distance by which a probability may be outside of 0 to 1, because of float32 and of rounding in files."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The inputs, scores and labels of rows."""

    x: NDArray[Any]
    """The inputs as the model takes them: float32, (rows, ...); NaN where a value is missing."""
    scores: NDArray[Any] | None
    """The model's scores: float32, (rows,) or (rows, classes), as in the run. None if they aren't given."""
    labels: NDArray[Any] | None
    """The true classes 0, 1, ...: float64, (rows,); NaN where a label isn't known yet. None if they aren't given."""


def load(path: Path, model: Model) -> Rows:
    """Read the rows in a file, and check them. Raises BadInput if they don't fit the model."""
    read = {".npz": _arrays, ".csv": _csv, ".parquet": _parquet}.get(path.suffix.lower())
    if read is None:
        raise BadInput(f"--data: {path} is not a .npz, .csv or .parquet file")
    try:
        rows = read(path, model)
    except FileNotFoundError:
        raise BadInput(f"--data: {path} doesn't exist") from None
    except OSError as error:
        raise BadInput(f"--data: {path} can't be read: {error.strerror or error}") from None
    return _checked(path, model, rows)


def _checked(path: Path, model: Model, rows: Rows) -> Rows:
    count, shape = len(rows.x), model.example.shape[1:]
    if not count:
        raise BadInput(f"{path} holds no rows")
    if rows.x.shape[1:] != shape:
        raise BadInput(f"{path}: x: its rows have the shape {rows.x.shape[1:]}, but the model takes {shape}")
    if rows.scores is not None:
        expected = (count, *model.scores.shape[1:])
        if rows.scores.shape != expected:
            raise BadInput(f"{path}: scores: have the shape {rows.scores.shape}, but must have {expected}")
        if not ((rows.scores >= -ABOUT_ONE) & (rows.scores <= 1 + ABOUT_ONE)).all():
            raise BadInput(f"{path}: scores: must all be probabilities, from 0 to 1")
    if rows.labels is not None:
        _check_labels(path, model, rows)
    return rows


def _check_labels(path: Path, model: Model, rows: Rows) -> None:
    import numpy as np

    assert rows.labels is not None
    classes = 2 if model.scores.ndim == 1 else model.scores.shape[1]
    if rows.labels.shape != rows.x.shape[:1]:
        expected = rows.x.shape[:1]
        raise BadInput(f"{path}: labels: have the shape {rows.labels.shape}, but must have {expected}")
    given = rows.labels[~np.isnan(rows.labels)]
    wrong = given[~np.isin(given, np.arange(classes))]
    if len(wrong):
        raise BadInput(f"{path}: labels: {wrong[0]:g} is not a class; classes are 0 to {classes - 1}")
    if rows.scores is None:
        raise BadInput(f"{path}: has labels but no scores to judge by them; add the model's scores of these rows")


def _arrays(path: Path, model: Model) -> Rows:
    import numpy as np

    if not path.stat().st_size or not zipfile.is_zipfile(path):
        raise BadInput(f"{path} is not an NPZ file; write it with numpy.savez")
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except OSError:
        raise
    except Exception:  # a damaged archive makes its readers raise errors of many kinds
        raise BadInput(f"{path}: must hold only arrays of numbers") from None
    for name in arrays:
        if name not in ARRAYS:
            raise BadInput(f"{path}: '{name}' is not a known array{nearest(name, ARRAYS)}")
    if "x" not in arrays:
        raise BadInput(f"{path}: has no array 'x', the rows as the model takes them")
    for name, array in arrays.items():
        if array.dtype.kind not in "fiub":
            raise BadInput(f"{path}: {name}: must be numeric, but is {array.dtype}")
        if not array.ndim:
            raise BadInput(f"{path}: {name}: must have rows, but is a single value")
    return _rows(arrays["x"], arrays.get("scores"), arrays.get("y"))


def _csv(path: Path, model: Model) -> Rows:
    from pyarrow import csv

    return _table(path, model, lambda: csv.read_csv(path))


def _parquet(path: Path, model: Model) -> Rows:
    from pyarrow import parquet

    def read() -> pa.Table:
        table = parquet.read_table(path)
        return table.drop_columns([name for name in table.column_names if name.startswith(INDEX)])

    return _table(path, model, read)


def _table(path: Path, model: Model, read: Callable[[], pa.Table]) -> Rows:
    import numpy as np
    import pyarrow as pa

    if not model.features:
        pipeline = model.cell.pipeline
        raise BadInput(
            f"{path}: the model of {pipeline} has no named columns; give its rows as array x in an .npz file"
        )
    try:
        table = read()
    except pa.ArrowException as error:
        raise BadInput(f"{path} can't be read: {' '.join(str(error).split())[:200]}") from None
    scores = _score_columns(model)
    _check_names(path, model, table.column_names, scores)
    columns = {name: _column(path, name, table[name]) for name in table.column_names}
    given = [columns[name] for name in scores if name in columns]
    return _rows(
        np.column_stack([columns[name] for name in model.features]),
        (given[0] if model.scores.ndim == 1 else np.column_stack(given)) if given else None,
        None if LABEL in model.features else columns.get(LABEL),
    )


def _score_columns(model: Model) -> list[str]:
    """Return the names of the score columns; none if a feature of the model has such a name."""
    names = [SCORE] if model.scores.ndim == 1 else [f"{SCORE}_{number}" for number in range(model.scores.shape[1])]
    return [] if set(names) & set(model.features) else names


def _check_names(path: Path, model: Model, names: list[str], scores: list[str]) -> None:
    """Require all features, all scores or none, and no other column, so that a misspelt name isn't ignored."""
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise BadInput(f"{path}: has two columns '{twice[0]}'")
    allowed = {*model.features, *scores, LABEL}
    for name in names:
        if name not in allowed:
            hint = nearest(name, allowed - set(names))
            raise BadInput(f"{path}: column '{name}' is not a feature of the model{hint}")
    for required in (model.features, scores if set(scores) & set(names) else ()):
        for name in required:
            if name not in names:
                raise BadInput(f"{path}: has no column '{name}'")


def _column(path: Path, name: str, values: pa.ChunkedArray) -> NDArray[Any]:
    """Convert a column to float64, with NaN for missing values."""
    import pyarrow as pa

    kind = values.type
    numeric = (pa.types.is_floating, pa.types.is_integer, pa.types.is_boolean, pa.types.is_null, pa.types.is_decimal)
    if not any(is_kind(kind) for is_kind in numeric):
        first = next((value for value in values.to_pylist() if value is not None), "")
        raise BadInput(f"{path}: column '{name}' must be numeric, but is {kind}: {str(first)[:40]!r}")
    if pa.types.is_boolean(kind):
        values = values.cast(pa.int8())
    array: NDArray[Any] = values.cast(pa.float64(), safe=False).to_numpy()
    return array


def _rows(x: NDArray[Any], scores: NDArray[Any] | None, labels: NDArray[Any] | None) -> Rows:
    import numpy as np

    with np.errstate(over="ignore"):  # float32 overflows to infinity, as it does in the model
        return Rows(
            x.astype(np.float32),
            None if scores is None else scores.astype(np.float32),
            None if labels is None else labels.astype(np.float64),
        )
