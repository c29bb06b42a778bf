"""The op that fits a logistic regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twinbench.ops.contract import Arrays, Op, Tolerance
from twinbench.ops.training.networks import first_losses, loss_and_gradients

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Logistic:
    """``c``: inverse of the weight of the penalty, as in scikit-learn. ``classes``: number of classes."""

    c: float = 1.0
    classes: int = 2

    def __post_init__(self) -> None:
        if not self.c > 0 or self.classes < 2:
            raise ValueError("c must be above 0, and classes at least 2")


def logistic(p: Logistic, arrays: Arrays) -> Arrays:
    """Minimise the objective, divided by c times the number of rows, in float64 by SciPy's L-BFGS-B, from 0."""
    import numpy as np
    from scipy.optimize import minimize

    x, y = arrays["x_train"].astype(np.float64), arrays["y_train"]
    rows, features = x.shape
    outputs = 1 if p.classes == 2 else p.classes

    def unpacked(flat: NDArray[Any]) -> Arrays:
        return {"w1": flat[:-outputs].reshape(features, outputs), "b1": flat[-outputs:]}

    def objective(flat: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        weights = unpacked(flat)
        loss, gradients = loss_and_gradients(weights, x, y)
        shrink = weights["w1"] / (p.c * rows)
        slope = np.concatenate([(gradients["w1"] + shrink).ravel(), gradients["b1"]])
        return float(loss + np.sum(weights["w1"] * shrink) / 2), slope

    start = np.zeros((features + 1) * outputs)
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 1000, "gtol": 1e-7})
    weights = unpacked(found.x)
    loss, _ = loss_and_gradients(weights, x, y)
    narrow = {name: values.astype(np.float32) for name, values in weights.items()}
    return {"input": np.array([features]), **narrow, "losses": np.array([loss], dtype=np.float32)}


LOGISTIC = Op(
    name="training.logistic",
    role="train",
    params=Logistic,
    inputs=("arrays",),
    output="model",
    summary="Fit a logistic regression to its optimum.",
    semantics="""Input: `x_train` float32 (n, d), `y_train` float32 (n,), the classes 0 to `classes` - 1. The model is a
network of one linear layer, `w1` (d, outputs) and `b1` (outputs,), with one output for two classes, and one output for
each class for more. The objective is c times the sum over the rows of the loss of `training.mlp`, plus half the sum of
the squares of `w1` (`b1` is not penalised). It is convex and has one minimum, which a library may reach in any way.
Output: `input`, `w1` and `b1`, float32, and `losses`, float32 (1,), the mean loss at the end, without the penalty. Only
`losses` must agree, since a flat minimum leaves the weights some freedom.""",
    source="scikit-learn LogisticRegression, https://scikit-learn.org/stable/modules/linear_model.html",
    reference=logistic,
    tolerance=Tolerance(rtol=1e-3, atol=1e-4),
    canonical=first_losses,
)
