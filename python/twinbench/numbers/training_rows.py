"""The columns that monitoring tests for drift, and the sample of a model's training rows that a run keeps for it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLED = 2000
"""Number of training rows that are kept. More would add little precision: the noise of 2,000 rows is 0.02 standard
deviations, and no shift below 0.3 is called drifted."""

PARTS = ("mean", "standard deviation", "smallest", "largest")
"""Statistics that stand for a row that is an image, a series, or features without names."""

CHUNK = 4096
"""Number of rows whose statistics are computed at a time, to limit the memory of their float64 copy."""


def described(x: NDArray[Any], *, named: bool) -> NDArray[Any]:
    """Return the columns that are tested for drift: float32, (rows, features).

    Named features are returned as they are; any other row is described by its `PARTS`.
    """
    import numpy as np

    if named:
        return np.asarray(x, np.float32)
    flat = x.reshape(len(x), -1)
    with np.errstate(invalid="ignore"):  # a row may hold missing and infinite values
        return np.concatenate([_parts(flat[start : start + CHUNK]) for start in range(0, len(flat), CHUNK)])


def _parts(flat: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    wide = flat.astype(np.float64)
    parts = [wide.mean(axis=1), wide.std(axis=1), wide.min(axis=1), wide.max(axis=1)]
    return np.column_stack(parts).astype(np.float32)


def of_training(x_train: NDArray[Any], y_test: NDArray[Any], *, named: bool) -> bytes:
    """Return the content of the file `TRAINED`, made from all training rows and the classes of the test rows.

    The sample is drawn with a fixed seed: the same rows give the same sample.
    """
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
