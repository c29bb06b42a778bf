"""The op that fits a logistic regression, and the Newton steps that bring its reference to the optimum."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twinbench.ops.contract import Arrays, Op, OutsideContract, Tolerance
from twinbench.ops.training import conditions, layers

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEPS = 200
"""Most Newton steps; ill-conditioned data take about 20."""

EXCESS = 1e-14
"""Part of the objective that another Newton step must promise: half of the Newton decrement squared."""

DENSE = 4_000
"""Most parameters for which the matrix of second derivatives is factorised; more take conjugate gradients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logistic:
    """``c``: inverse of the weight of the penalty, as in scikit-learn. ``classes``: number of classes."""

    c: float = 1.0
    classes: int = 2

    def __post_init__(self) -> None:
        if not 0 < self.c < math.inf or self.classes < 2:
            raise ValueError("c must be a number above 0, and classes at least 2")


LARGEST = 1e8
"""Largest magnitude of a feature: beyond, the rounding of float32 weights moves the objective."""


def require_logistic(p: Logistic, arrays: Arrays) -> None:
    """Refuse examples and labels that can't be fitted, and a class without rows."""
    import numpy as np

    x = conditions.features(arrays, "x_train", ("float32",), (2,))
    advice = "scale it, by training.standardise for example"
    conditions.at_most(x, "x_train", LARGEST, "where float32 weights can't hold the optimum", advice)
    labels = conditions.classes(arrays, "y_train", ("float32",), len(x), p.classes)
    absent = np.setdiff1d(np.arange(p.classes), labels)
    if len(absent):
        raise OutsideContract(f"'y_train': class {absent[0]} of {p.classes} has no row; give some, or lower 'classes'")


class Problem:
    """The objective over centred columns of deviation 1, whose parameters are ``outputs`` rows of (features + 1)."""

    def __init__(self, p: Logistic, arrays: Arrays) -> None:
        import numpy as np

        x = arrays["x_train"].astype(np.float64)
        self.mean, deviation = x.mean(axis=0), x.std(axis=0)
        self.deviation = np.where(deviation > 0, deviation, 1.0)
        self.x = np.hstack([(x - self.mean) / self.deviation, np.ones((len(x), 1))])
        self.y, self.c = arrays["y_train"], p.c
        self.outputs = 1 if p.classes == 2 else p.classes
        self.penalty = np.append(self.deviation**-2.0, 0.0)

    def value(self, flat: NDArray[Any]) -> float:
        """Return the objective."""
        w = flat.reshape(self.outputs, -1)
        loss, _ = layers.cross_entropy(self.x @ w.T, self.y)
        return float(self.c * len(self.y) * loss + (w * w * self.penalty).sum() / 2)

    def slope(self, flat: NDArray[Any]) -> NDArray[Any]:
        """Return the gradient."""
        import numpy as np

        w = flat.reshape(self.outputs, -1)
        _, delta = layers.cross_entropy(self.x @ w.T, self.y)
        return np.asarray(self.c * len(self.y) * delta.T @ self.x + w * self.penalty).ravel()

    def curvature(self, flat: NDArray[Any]) -> NDArray[Any]:
        """Return the matrix of second derivatives."""
        import numpy as np

        z = self.x @ flat.reshape(self.outputs, -1).T
        q = layers.sigmoid(z) if self.outputs == 1 else layers.softmax(z)
        size = self.x.shape[1]
        found = np.zeros((self.outputs, size, self.outputs, size))
        for i in range(self.outputs):
            for j in range(i, self.outputs):
                weight = q[:, i] * ((i == j) - q[:, j])
                found[i, :, j] = self.c * (self.x * weight[:, None]).T @ self.x + (i == j) * np.diag(self.penalty)
                found[j, :, i] = found[i, :, j].T
        return found.reshape(flat.size, flat.size)

    def weights(self, flat: NDArray[Any]) -> Arrays:
        """Return ``w1`` and ``b1`` of the columns as they were, in float64."""
        w = flat.reshape(self.outputs, -1)
        own = w[:, :-1] / self.deviation
        return {"w1": own.T, "b1": w[:, -1] - own @ self.mean}


def logistic(p: Logistic, arrays: Arrays) -> Arrays:
    """Return ``input``, the weights at the optimum in float32, and their mean loss."""
    import numpy as np

    problem = Problem(p, arrays)
    weights = problem.weights(minimise(problem))
    narrow = {name: np.ascontiguousarray(values, np.float32) for name, values in weights.items()}
    return {"input": np.array([len(weights["w1"])]), **narrow, "losses": _loss(narrow, arrays).astype(np.float32)}


def minimise(problem: Problem) -> NDArray[Any]:
    """Minimise the objective in float64 from 0: Newton steps on scaled columns, halved until the objective falls."""
    import numpy as np

    flat = np.zeros(problem.outputs * problem.x.shape[1])
    for _ in range(STEPS):
        slope, value = problem.slope(flat), problem.value(flat)
        step = _newton(problem, flat, slope)
        promised = float(slope @ step) / 2
        if promised <= EXCESS * value:
            break
        length = 1.0
        while length > 1e-9 and problem.value(flat - length * step) > value - length * promised / 2:
            length /= 2
        if length <= 1e-9:
            break
        flat = flat - length * step
    return flat


def _newton(problem: Problem, flat: NDArray[Any], slope: NDArray[Any]) -> NDArray[Any]:
    """Solve for the Newton step.

    The intercepts of several classes are free by a constant: those are made to sum to 0.
    """
    import numpy as np
    from scipy import linalg
    from scipy.sparse.linalg import LinearOperator, cg

    if flat.size <= DENSE:
        curvature, size = problem.curvature(flat), problem.x.shape[1]
        if problem.outputs > 1:
            curvature[size - 1 :: size, size - 1 :: size] += problem.c * len(problem.x)
        try:
            return np.asarray(linalg.solve(curvature, slope, assume_a="pos"))
        except linalg.LinAlgError:
            return np.asarray(linalg.lstsq(curvature, slope)[0])
    z = problem.x @ flat.reshape(problem.outputs, -1).T
    q = layers.sigmoid(z) if problem.outputs == 1 else layers.softmax(z)

    def product(direction: NDArray[Any]) -> NDArray[Any]:
        by_output = direction.reshape(problem.outputs, -1)
        moved = problem.x @ by_output.T
        change = q * (moved - (q * moved).sum(axis=1, keepdims=True))
        return np.asarray(problem.c * change.T @ problem.x + by_output * problem.penalty).ravel()

    return np.asarray(cg(LinearOperator((flat.size,) * 2, matvec=product, dtype=np.float64), slope, rtol=1e-6)[0])


def _loss(weights: Arrays, arrays: Arrays) -> NDArray[Any]:
    """Return the mean loss, (1,), of weights."""
    import numpy as np

    wide = {name: values.astype(np.float64) for name, values in weights.items()}
    with np.errstate(over="ignore", invalid="ignore"):
        loss, _ = layers.cross_entropy(
            arrays["x_train"].astype(np.float64) @ wide["w1"] + wide["b1"], arrays["y_train"]
        )
    return np.array([loss])


def derived(p: Logistic, output: Arrays, arrays: Arrays) -> Arrays:
    """Compute ``objective``, float64 (1,), from an output's weights; nothing where they have another shape."""
    import numpy as np

    outputs = 1 if p.classes == 2 else p.classes
    shapes = {"w1": (arrays["x_train"].shape[1], outputs), "b1": (outputs,)}
    if any(name not in output or output[name].shape != shape for name, shape in shapes.items()):
        return {}
    penalty = np.sum(output["w1"].astype(np.float64) ** 2) / 2
    return {"objective": p.c * len(arrays["y_train"]) * _loss(output, arrays) + penalty}


def criterion(arrays: Arrays) -> Arrays:
    """Keep the objective, which says how good a solution is; a flat minimum leaves the weights some freedom."""
    return {name: arrays[name] for name in ("objective",) if name in arrays}


LOGISTIC = Op(
    name="training.logistic",
    role="train",
    params=Logistic,
    inputs=("arrays",),
    output="model",
    summary="Fit a logistic regression to its optimum.",
    semantics="""Input: `x_train` float32 (n, d), `y_train` float32 (n,), the classes 0 to `classes` - 1, each of
which occurs; values are finite, and at most 1e8 in magnitude. The model is a network of one linear layer, `w1` (d,
outputs) and `b1` (outputs,), with one output for two classes, and one output for each class for more. The objective is
c times the sum over the rows of the loss of `training.mlp`, plus half the sum of the squares of `w1` (`b1` is not
penalised). It is convex and has one minimum, which a library may reach in any way, on columns of any scale up to
there. Output: `input`, `w1` and `b1`, float32, and `losses`, float32 (1,), the mean loss at the end, without the
penalty. Only the objective must agree, which is computed from `w1` and `b1` in float64: a flat minimum leaves the
weights some freedom.""",
    source="scikit-learn LogisticRegression, https://scikit-learn.org/stable/modules/linear_model.html",
    reference=logistic,
    requires=require_logistic,
    tolerance=Tolerance(rtol=1e-4, atol=1e-6),
    derived=derived,
    canonical=criterion,
)
