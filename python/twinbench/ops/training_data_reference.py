"""The references of the training ops that prepare examples, in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    from twinbench.ops import training_data as t


def standardise(p: t.Standardise, arrays: Arrays) -> Arrays:
    """z-scores with ddof 0 over the first axis."""
    import numpy as np

    x = arrays["x"]
    constant = (x == x[:1]).all(axis=0)
    deviation = np.where(constant, 1.0, x.std(axis=0))
    return arrays | {"x": np.where(constant, 0.0, (x - x.mean(axis=0)) / deviation)}


def split_givens(p: t.Split, arrays: Arrays) -> Arrays:
    """Row numbers: ``train`` and ``test``, int64."""
    import numpy as np

    y = arrays["y"]
    if "test" in arrays:
        test = arrays["test"] == 1
    else:
        rng = np.random.default_rng(p.seed)
        test = np.zeros(len(y), dtype=bool)
        for label in np.unique(y):
            rows = rng.permutation(np.flatnonzero(y == label))
            test[rows[: round(len(rows) * p.test_fraction)]] = True
    return {"train": np.flatnonzero(~test), "test": np.flatnonzero(test)}


def split(p: t.Split, arrays: Arrays, given: Arrays) -> Arrays:
    """Rows in float32."""
    import numpy as np

    x = arrays["x"].reshape(len(arrays["x"]), -1) if p.flatten else arrays["x"]
    x, y = x.astype(np.float32), arrays["y"].astype(np.float32)
    train, test = given["train"], given["test"]
    return {"x_train": x[train], "y_train": y[train], "x_test": x[test], "y_test": y[test]}


def kfold_givens(p: t.Kfold | t.Batches, arrays: Arrays) -> Arrays:
    """The order in which rows are dealt, or handed out."""
    import numpy as np

    return {"order": np.random.default_rng(p.seed).permutation(len(arrays["y"]))}


def kfold(p: t.Kfold, arrays: Arrays, given: Arrays) -> Arrays:
    """Class by class, counting places in the data sorted by class."""
    import numpy as np

    y, order = arrays["y"], given["order"]
    fold = np.empty(len(y), dtype=np.int64)
    start = 0
    for label in np.unique(y):
        rows = order[y[order] == label]
        counts = np.bincount(np.arange(start, start + len(rows)) % p.folds, minlength=p.folds)
        fold[rows] = np.repeat(np.arange(p.folds), counts)
        start += len(rows)
    return {"fold": fold}


def batches(p: t.Batches, arrays: Arrays, given: Arrays) -> Arrays:
    """Batch by batch."""
    import numpy as np

    order = given["order"]
    rows = [order[start : start + p.batch_size] for start in range(0, len(order), p.batch_size)]
    return {
        "mean": np.array([arrays["x"][batch].mean() for batch in rows], dtype=np.float64),
        "label_sum": np.array([arrays["y"][batch].sum() for batch in rows], dtype=np.int64),
    }
