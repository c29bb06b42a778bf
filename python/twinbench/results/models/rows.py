"""Rows that a model was asked about, from a file of their owner: checked, and refused in a line that names the place.

NPZ holds arrays: ``x`` as the model takes it, perhaps ``scores`` and ``y``. CSV and Parquet hold a table: the model's
features in any order, perhaps ``score`` (of several classes ``score_0``, ``score_1``, ...) and ``label``.
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
"""How a column begins that pandas keeps its row labels in, and nobody asked for."""

ABOUT_ONE = 1e-3
"""How far a probability may be outside of 0 to 1: float32, and what was rounded on its way to a file."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What was asked, what the model said, and what was true."""

    x: NDArray[Any]
    """float32, as the model takes it; NaN where a value is missing."""
    scores: NDArray[Any] | None
    """float32, as those of the run."""
    labels: NDArray[Any] | None
    """float64, the classes 0, 1, ...; NaN where it isn't known yet."""


def load(path: Path, model: Model) -> Rows:
    """The rows in a file. Raises BadInput."""
    read = {".npz": _arrays, ".csv": _csv, ".parquet": _parquet}.get(path.suffix.lower())
    if read is None:
        raise BadInput(f"--data: {path} is no .npz, .csv or .parquet file")
    try:
        found = read(path, model)
    except FileNotFoundError:
        raise BadInput(f"--data: {path} is not there") from None
    except OSError as error:
        raise BadInput(f"--data: {path} can't be read: {error.strerror or error}") from None
    return _checked(path, model, found)


def _checked(path: Path, model: Model, rows: Rows) -> Rows:
    count, shape = len(rows.x), model.example.shape[1:]
    if not count:
        raise BadInput(f"{path} holds no rows")
    if rows.x.shape[1:] != shape:
        raise BadInput(f"{path}: x: its rows have the shape {rows.x.shape[1:]}, and the model takes {shape}")
    if rows.scores is not None:
        wanted = (count, *model.scores.shape[1:])
        if rows.scores.shape != wanted:
            raise BadInput(f"{path}: scores: have the shape {rows.scores.shape}, and of these rows it is {wanted}")
        if not ((rows.scores >= -ABOUT_ONE) & (rows.scores <= 1 + ABOUT_ONE)).all():
            raise BadInput(f"{path}: scores: not all are probabilities, from 0 to 1")
    if rows.labels is not None:
        _check_labels(path, model, rows)
    return rows


def _check_labels(path: Path, model: Model, rows: Rows) -> None:
    import numpy as np

    assert rows.labels is not None
    classes = 2 if model.scores.ndim == 1 else model.scores.shape[1]
    if rows.labels.shape != rows.x.shape[:1]:
        raise BadInput(f"{path}: labels: there are {rows.labels.shape} of {len(rows.x)} rows")
    known = rows.labels[~np.isnan(rows.labels)]
    wrong = known[~np.isin(known, np.arange(classes))]
    if len(wrong):
        raise BadInput(f"{path}: labels: {wrong[0]:g} is no class; they are 0 to {classes - 1}")
    if rows.scores is None:
        raise BadInput(f"{path}: labels without scores say nothing of the model; add what it answered")


def _arrays(path: Path, model: Model) -> Rows:
    import numpy as np

    if not path.stat().st_size or not zipfile.is_zipfile(path):
        raise BadInput(f"{path} is no NPZ file; write it with numpy.savez")
    try:
        with np.load(path, allow_pickle=False) as archive:
            found = {name: archive[name] for name in archive.files}
    except (ValueError, zipfile.BadZipFile, EOFError):
        raise BadInput(f"{path} holds something else than arrays of numbers") from None
    for name in found:
        if name not in ARRAYS:
            raise BadInput(f"{path}: no array is called '{name}'{nearest(name, ARRAYS)}")
    if "x" not in found:
        raise BadInput(f"{path}: has no array 'x': the rows as the model takes them")
    for name, array in found.items():
        if array.dtype.kind not in "fiub":
            raise BadInput(f"{path}: {name}: holds {array.dtype}, and no numbers")
        if not array.ndim:
            raise BadInput(f"{path}: {name}: is a single value, and has no rows")
    return _rows(found["x"], found.get("scores"), found.get("y"))


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
        raise BadInput(f"{path}: {model.cell.pipeline} takes no columns with names; give its rows as x in an .npz file")
    try:
        table = read()
    except pa.ArrowException as error:
        raise BadInput(f"{path} can't be read: {' '.join(str(error).split())[:200]}") from None
    scores = _score_columns(model)
    _check_names(path, model, table.column_names, scores)
    columns = {name: _column(path, name, table[name]) for name in table.column_names}
    answered = [columns[name] for name in scores if name in columns]
    return _rows(
        np.column_stack([columns[name] for name in model.features]),
        (answered[0] if model.scores.ndim == 1 else np.column_stack(answered)) if answered else None,
        None if LABEL in model.features else columns.get(LABEL),
    )


def _score_columns(model: Model) -> list[str]:
    """What they are called; a feature of that name is a feature."""
    names = [SCORE] if model.scores.ndim == 1 else [f"{SCORE}_{number}" for number in range(model.scores.shape[1])]
    return [] if set(names) & set(model.features) else names


def _check_names(path: Path, model: Model, names: list[str], scores: list[str]) -> None:
    """All features, all scores or none, and nothing else: a name with a typing error is not left out in silence."""
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise BadInput(f"{path}: column '{twice[0]}' is there twice")
    known = {*model.features, *scores, LABEL}
    for name in names:
        if name not in known:
            raise BadInput(f"{path}: column '{name}' is no feature of the model{nearest(name, known - set(names))}")
    for wanted in (model.features, scores if set(scores) & set(names) else ()):
        for name in wanted:
            if name not in names:
                raise BadInput(f"{path}: has no column '{name}'")


def _column(path: Path, name: str, values: pa.ChunkedArray) -> NDArray[Any]:
    """float64, NaN where nothing is."""
    import pyarrow as pa

    kind = values.type
    numeric = (pa.types.is_floating, pa.types.is_integer, pa.types.is_boolean, pa.types.is_null, pa.types.is_decimal)
    if not any(is_kind(kind) for is_kind in numeric):
        first = next((value for value in values.to_pylist() if value is not None), "")
        raise BadInput(f"{path}: column '{name}' holds {kind}, and no numbers: {str(first)[:40]!r}")
    if pa.types.is_boolean(kind):
        values = values.cast(pa.int8())
    found: NDArray[Any] = values.cast(pa.float64(), safe=False).to_numpy()
    return found


def _rows(x: NDArray[Any], scores: NDArray[Any] | None, labels: NDArray[Any] | None) -> Rows:
    import numpy as np

    with np.errstate(over="ignore"):  # infinite is what it would be for the model, too
        return Rows(
            x.astype(np.float32),
            None if scores is None else scores.astype(np.float32),
            None if labels is None else labels.astype(np.float64),
        )
