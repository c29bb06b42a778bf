"""The ops that prepare examples: scaling, splitting, folds and batches."""

from __future__ import annotations

from dataclasses import dataclass

from twinbench.ops.contract import ROUNDED_SUM, Arrays, Op, OutsideContract, Tolerance, check_seed, deviation_units
from twinbench.ops.training import conditions

MOST_SQUARED = 1e150
"""Largest value whose square float64 holds, with room for a sum of squares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standardise:
    """No parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """``test_fraction``: fraction of each class held out for testing, where the data has no split of its own.

    ``seed``: seed of the row numbers. ``flatten``: whether each example becomes one row.
    """

    test_fraction: float = 0.25
    seed: int = 0
    flatten: bool = True

    def __post_init__(self) -> None:
        if not 0.0 < self.test_fraction < 1.0:
            raise ValueError("test_fraction must lie between 0 and 1")
        check_seed(self.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kfold:
    """``folds``: number of folds, at least 2. ``seed``: seed of the order of the rows."""

    folds: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise ValueError("folds must be at least 2")
        check_seed(self.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """``batch_size``: number of examples in a batch. ``seed``: seed of the order of the rows."""

    batch_size: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError("batch_size must be at least 1")
        check_seed(self.seed)


def require_standardise(p: Standardise, arrays: Arrays) -> None:
    """Refuse examples that aren't finite float64, and those whose deviations float64 can't square."""
    import numpy as np

    x = conditions.features(arrays, "x", ("float64",))
    conditions.at_most(x, "x", MOST_SQUARED, "and its deviation is squared", "divide the feature by a constant")
    widest = np.ptp(x, axis=0)
    narrow = np.argwhere((widest > 0) & (widest < 1 / MOST_SQUARED))
    if len(narrow):
        column = ", ".join(str(i + 1) for i in narrow[0])
        raise OutsideContract(
            f"'x', column {column}: the values differ by {widest[tuple(narrow[0])]:g} at most, whose square is 0 in "
            "float64; multiply the feature by a constant"
        )


def standardise(p: Standardise, arrays: Arrays) -> Arrays:
    """Compute z-scores with ddof 0 over the first axis, in long double."""
    import numpy as np

    x = arrays["x"]
    constant = (x == x[:1]).all(axis=0)
    shifted = x.astype(np.longdouble) - x[:1]
    deviations = shifted - shifted.mean(axis=0)
    sd = np.where(constant, 1.0, np.sqrt(np.mean(deviations**2, axis=0)))
    return arrays | {"x": np.where(constant, 0.0, deviations / sd).astype(np.float64)}


def scale_standardise(p: Standardise, output: Arrays, arrays: Arrays) -> Arrays:
    """Return the unit of the tolerance: a z-score is as exact as x - mean is, which is rounded as the mean is."""
    import numpy as np

    x = arrays["x"]
    sd = np.std(x - x[:1], axis=0)
    known = deviation_units(len(x)) * np.finfo(float).eps * np.abs(x).max(axis=0) / np.where(sd > 0, sd, np.inf)
    return {"x": 1.0 + known / ROUNDED_SUM.atol}


def require_split(p: Split, arrays: Arrays) -> None:
    """Refuse values that float32 can't hold, labels that aren't classes, and halves that can't be trained or scored."""
    x = conditions.features(arrays, "x", conditions.HELD)
    conditions.fit_float32(x, "x")
    labels = conditions.classes(arrays, "y", ("int64",), len(x))
    if "test" in arrays:
        test = conditions.classes(arrays, "test", ("uint8",), len(x), 2)
        own = "; 'test' is 1 for a test row and 0 for another"
    else:
        test, own = None, "; give more rows, or another test_fraction"
    given = split_givens(p, arrays if test is None else arrays | {"test": test})
    for half in ("train", "test"):
        if len(given[half]) == 0:
            raise OutsideContract(f"of {len(x)} rows none is left to {half}{own}")
    conditions.several(labels[given["test"]], "'y' of the test rows")


def split_givens(p: Split, arrays: Arrays) -> Arrays:
    """Choose the row numbers ``train`` and ``test``, int64."""
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


def split(p: Split, arrays: Arrays, given: Arrays) -> Arrays:
    """Take the given rows, in float32."""
    import numpy as np

    x = arrays["x"].reshape(len(arrays["x"]), -1) if p.flatten else arrays["x"]
    x, y = x.astype(np.float32), arrays["y"].astype(np.float32)
    train, test = given["train"], given["test"]
    return {"x_train": x[train], "y_train": y[train], "x_test": x[test], "y_test": y[test]}


def require_kfold(p: Kfold, arrays: Arrays) -> None:
    """Refuse labels that aren't classes, and more folds than the largest class has rows."""
    import numpy as np

    labels = conditions.array(arrays, "y", ("int64",))
    conditions.classes(arrays, "y", ("int64",), len(labels))
    most = int(np.bincount(labels).max())
    if p.folds > most:
        raise OutsideContract(f"folds: {p.folds} is more than the {most} rows of the largest class; ask for fewer")


def require_batches(p: Batches, arrays: Arrays) -> None:
    """Refuse examples that aren't finite float64, and labels that aren't classes."""
    x = conditions.features(arrays, "x", ("float64",))
    conditions.classes(arrays, "y", ("int64",), len(x))


def order_givens(p: Kfold | Batches, arrays: Arrays) -> Arrays:
    """Draw ``order``, in which rows are dealt into folds or handed out in batches."""
    import numpy as np

    return {"order": np.random.default_rng(p.seed).permutation(len(arrays["y"]))}


def kfold(p: Kfold, arrays: Arrays, given: Arrays) -> Arrays:
    """Deal the rows class by class, counting positions in the data sorted by class."""
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


def batches(p: Batches, arrays: Arrays, given: Arrays) -> Arrays:
    """Reduce each batch to its mean and its sum of labels."""
    import numpy as np

    order = given["order"]
    rows = [order[start : start + p.batch_size] for start in range(0, len(order), p.batch_size)]
    return {
        "mean": np.array([arrays["x"][batch].mean() for batch in rows], dtype=np.float64),
        "label_sum": np.array([arrays["y"][batch].sum() for batch in rows], dtype=np.int64),
    }


STANDARDISE = Op(
    name="training.standardise",
    params=Standardise,
    inputs=("arrays",),
    output="arrays",
    summary="Scale features to mean 0 and standard deviation 1.",
    semantics="""Input: `x` float64 (n, ...), and other arrays, which are passed on unchanged. Each feature, a position
in the axes after the first, is scaled over the n examples: z = (x - mean) / sd in float64, where sd has the divisor n
(ddof 0). A feature whose values are all equal becomes 0. Values are finite, at most 1e150, and those of a feature are
equal or differ by 1e-150 at least. A z-score is exact to 1e-9, and to 8 + 3 sqrt(n) units in the last place of the
largest x of its feature, divided by sd: more isn't known of deviations from a large mean. All arrays are float64,
float32, uint8 or int64.""",
    source="scikit-learn StandardScaler, https://scikit-learn.org/stable/modules/preprocessing.html",
    reference=standardise,
    requires=require_standardise,
    scale=scale_standardise,
    tolerance=ROUNDED_SUM,
)


SPLIT = Op(
    name="training.split",
    role="split",
    params=Split,
    inputs=("arrays",),
    output="arrays",
    summary="Divide examples into float32 arrays for training and testing by given row numbers.",
    semantics="""Input: `x` (n, ...) of any real type and `y` int64 (n,), the classes 0, 1, ...; other arrays are
dropped. The givens hold the int64 row numbers `train` and `test`, counted from 0, in ascending order: the data's own
split where the input has `test` (uint8, 1 for a test row), and otherwise `test_fraction` of each class, rounded, drawn
by NumPy's PCG64. Values are finite in float32, every class from 0 to the largest occurs, and both halves have rows,
those for testing of two classes at least. Output: `x_train` and `x_test`, float32, and `y_train` and `y_test`, float32
(rows,), with the rows in the order of the givens. With `flatten` each example becomes one row, so that x is (rows,
features), with the last axis of the example varying fastest; otherwise examples keep their shape.""",
    source="scikit-learn StratifiedShuffleSplit, https://scikit-learn.org/stable/modules/cross_validation.html",
    reference=split,
    requires=require_split,
    givens=split_givens,
    tolerance=Tolerance(rtol=1e-6, atol=1e-7),
)


KFOLD = Op(
    name="training.kfold",
    params=Kfold,
    inputs=("arrays",),
    output="arrays",
    summary="Divide examples into folds that have the same share of each class.",
    semantics="""Input: `y` int64 (n,), the classes 0, 1, ...; other arrays are dropped. The givens hold `order`, int64
(n,), a permutation of the rows, counted from 0, drawn by NumPy's PCG64 from `seed`: random generators differ between
libraries, so the shuffling is given and the rest is the library's. Output: `fold`, int64 (n,), the fold 0, 1, ...,
`folds` - 1 in which each row is tested. Sorted by class, the n_k examples of class k take the positions s, ..., s + n_k
- 1; fold f gets as many examples of class k as there are positions p among these with p mod `folds` = f. The rows of a
class, in the given order, fill fold 0 first, then fold 1, and so on. Every class from 0 to the largest occurs, and one
has at least `folds` rows.""",
    source="scikit-learn StratifiedKFold, on shuffled rows, "
    "https://scikit-learn.org/stable/modules/cross_validation.html#stratified-k-fold",
    reference=kfold,
    requires=require_kfold,
    givens=order_givens,
)


BATCHES = Op(
    name="training.batches",
    params=Batches,
    inputs=("arrays",),
    output="arrays",
    summary="Iterate over shuffled examples in batches, with the loader of the library.",
    semantics="""Input: `x` float64 (n, ...) and `y` int64 (n,); other arrays are dropped. The givens hold `order`,
int64 (n,), a permutation of the rows, counted from 0, drawn by NumPy's PCG64 from `seed`. The loader hands out the
examples in that order, `batch_size` at a time, each batch a dense array of its own; the last batch may be smaller, and
no example is left out. So that every value of a batch is read once, the output has for each batch: `mean`, float64
(batches,), the mean of all values of its x, and `label_sum`, int64 (batches,), the sum of its y. There is at least one
example.""",
    source="PyTorch DataLoader, https://pytorch.org/docs/stable/data.html; "
    "MLUtils.jl DataLoader, https://juliaml.github.io/MLUtils.jl/stable/api/",
    reference=batches,
    requires=require_batches,
    givens=order_givens,
    tolerance=ROUNDED_SUM,
)
