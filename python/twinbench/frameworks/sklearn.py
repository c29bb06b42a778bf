"""scikit-learn: the classical way. NumPy arrays are its native form.

This file knows scikit-learn and the contracts, and nothing of how they are run or timed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.frameworks.api import Framework, Ops
from twinbench.ops import training as t
from twinbench.ops.contract import Arrays, Kind

if TYPE_CHECKING:
    import numpy as np
    import skops.io
    import threadpoolctl
    from sklearn import linear_model, metrics, model_selection, preprocessing, utils


def load(threads: int) -> None:
    """Import scikit-learn and the modules that the ops use; OpenMP's pool reads its size from the environment."""
    global linear_model, metrics, model_selection, np, preprocessing, skops, threadpoolctl, utils
    import numpy as np
    import skops.io
    import threadpoolctl
    from sklearn import linear_model, metrics, model_selection, preprocessing, utils

    threadpoolctl.threadpool_limits(threads)


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted estimator with its loss."""

    estimator: linear_model.LogisticRegression
    losses: np.ndarray[Any, Any]


def prepare(value: Arrays, kind: Kind) -> Any:
    """Copy arrays in row-major order; build a model from its weights."""
    if kind != "model":
        return {name: np.ascontiguousarray(values) for name, values in value.items()}
    estimator = linear_model.LogisticRegression()
    outputs = len(value["b1"])
    estimator.classes_ = np.arange(max(2, outputs), dtype=np.float32)
    estimator.coef_, estimator.intercept_ = value["w1"].T.copy(), value["b1"].copy()
    estimator.n_features_in_ = len(value["w1"])
    return Model(estimator, value["losses"])


def extract(value: Any, kind: Kind) -> Arrays:
    """Return arrays unchanged, and a model's or a saved model's weights."""
    if kind == "model":
        return _weights(value.estimator) | {"losses": value.losses}
    if kind == "saved":
        return _weights(_read(value))
    arrays: Arrays = value
    return arrays


def _weights(estimator: linear_model.LogisticRegression) -> Arrays:
    shape = np.array([estimator.n_features_in_])
    w, b = estimator.coef_.T.astype(np.float32), estimator.intercept_.astype(np.float32)
    return {"input": shape, "w1": np.ascontiguousarray(w), "b1": b}


def threads() -> Mapping[str, int]:
    """Return the threads of the OpenMP and BLAS pools that are loaded."""
    return {pool["internal_api"]: pool["num_threads"] for pool in threadpoolctl.threadpool_info()}


def facts(value: Any, kind: Kind) -> Mapping[str, str]:
    """Describe the dtype of each array."""
    if kind == "saved":
        return {"format": "skops", "bytes": str(value.stat().st_size)}
    return {name: str(values.dtype) for name, values in extract(value, kind).items()}


def standardise(p: t.Standardise, arrays: Arrays) -> Arrays:
    """Standardise with StandardScaler, which takes rows, and set a constant feature to exactly 0."""
    x = arrays["x"].reshape(len(arrays["x"]), -1)
    scaled = preprocessing.StandardScaler().fit_transform(x)
    scaled[:, (x == x[:1]).all(axis=0)] = 0.0
    return arrays | {"x": scaled.reshape(arrays["x"].shape)}


def split(p: t.Split, arrays: Arrays, given: Arrays) -> Arrays:
    """Take rows by their numbers, as scikit-learn's splitters give them."""
    train, test = given["train"], given["test"]
    x = arrays["x"].reshape(len(arrays["x"]), -1) if p.flatten else arrays["x"]
    y = arrays["y"].astype(np.float32)
    return {
        "x_train": x[train].astype(np.float32),
        "y_train": y[train],
        "x_test": x[test].astype(np.float32),
        "y_test": y[test],
    }


def kfold(p: t.Kfold, arrays: Arrays, given: Arrays) -> Arrays:
    """``StratifiedKFold`` on shuffled rows: its own shuffling takes a generator of its own.

    Sorted by class, because it counts classes in the order in which they first appear.
    """
    order, y = given["order"], arrays["y"]
    order = order[np.argsort(y[order], kind="stable")]
    fold = np.empty_like(y)
    folds = model_selection.StratifiedKFold(p.folds).split(order, y[order])
    for number, (_, test) in enumerate(folds):
        fold[order[test]] = number
    return {"fold": fold}


def batches(p: t.Batches, arrays: Arrays, given: Arrays) -> Arrays:
    """Split the shuffled rows' numbers with ``gen_batches``."""
    x, y, order = arrays["x"], arrays["y"], given["order"]
    rows = [order[batch] for batch in utils.gen_batches(len(order), p.batch_size)]
    sums = [(x[batch].mean(), y[batch].sum()) for batch in rows]
    return {
        "mean": np.array([mean for mean, _ in sums], dtype=np.float64),
        "label_sum": np.array([total for _, total in sums], dtype=np.int64),
    }


NEWTON = 1000
"""Most parameters for which a matrix of second derivatives is factorised."""


def logistic(p: t.Logistic, arrays: Arrays) -> Model:
    """Fit a logistic regression with Newton steps, in float64; with L-BFGS where there are many parameters.

    L-BFGS stops far from the optimum of columns that aren't scaled, and so do Newton steps in float32. Columns are
    centred, which moves the intercept only.
    """
    x, y = arrays["x_train"].astype(np.float64), arrays["y_train"]
    mean = x.mean(axis=0)
    x -= mean
    few = (x.shape[1] + 1) * p.classes <= NEWTON
    solver = (
        {"solver": "newton-cholesky", "tol": 1e-9} if few else {"solver": "lbfgs", "tol": 1e-8, "max_iter": 100_000}
    )
    estimator = linear_model.LogisticRegression(C=p.c, **solver).fit(x, y)
    loss = metrics.log_loss(y, estimator.predict_proba(x), labels=estimator.classes_)
    estimator.intercept_ -= estimator.coef_ @ mean
    return Model(estimator, np.array([loss], dtype=np.float32))


def predict(p: t.Predict, model: Model, arrays: Arrays) -> Arrays:
    """Compute probabilities, in batches."""
    x = arrays["x_test"][: p.rows or None]
    batches = [model.estimator.predict_proba(x[i : i + p.batch_size]) for i in range(0, len(x), p.batch_size)]
    scores = np.concatenate(batches or [np.empty((0, len(model.estimator.classes_)))]).astype(np.float32)
    return {"scores": scores[:, 1] if scores.shape[1] == 2 else scores}


def export(p: t.Export, model: Model) -> Path:
    """Save with skops, which stores an estimator's attributes, whereas joblib would pickle it."""
    path = Path(tempfile.gettempdir()) / "model.skops"
    skops.io.dump(model.estimator, path)
    return path


def load_model(p: t.Load, path: Path) -> Model:
    """Load with skops, which refuses types that it doesn't trust."""
    return Model(_read(path), np.empty(0, dtype=np.float32))


def _read(path: Path) -> linear_model.LogisticRegression:
    return skops.io.load(path)


OPS: Ops = {
    "training.standardise": standardise,
    "training.split": split,
    "training.kfold": kfold,
    "training.batches": batches,
    "training.logistic": logistic,
    "training.predict": predict,
    "training.export": export,
    "training.load": load_model,
}

FRAMEWORKS = (
    Framework(
        name="scikit-learn",
        language="python",
        summary="scikit-learn: classical models, splits, folds and scaling",
        packages=("scikit-learn", "skops"),
        load=load,
        prepare=prepare,
        extract=extract,
        threads=threads,
        facts=facts,
        ops=OPS,
    ),
)
