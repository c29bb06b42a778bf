"""The reference of the logistic regression is at the optimum, on columns of any scale."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from twinbench import ops
from twinbench.ops.contract import Arrays
from twinbench.ops.training import logistic
from twinbench.run.agree.agreement import check_agreement

OP = ops.get("training.logistic")


def data(name: str) -> Arrays:
    from sklearn import datasets

    rng = np.random.default_rng(0)
    if name == "epoch seconds":
        x = np.column_stack([1.7e9 + rng.normal(0, 1e5, 200), rng.normal(0, 1e-6, 200), 4e6 + rng.normal(0, 30, 200)])
        y = (rng.random(200) < 1 / (1 + np.exp(-(x[:, 0] - 1.7e9) / 1e5))).astype(np.int64)
    elif name == "separable":
        x = rng.standard_normal((40, 2)) + 10
        y = (x[:, 0] > 10).astype(np.int64)
    elif name == "constant column":
        x, y = np.column_stack([np.full(30, 7.0), rng.standard_normal(30)]), rng.integers(0, 2, 30)
    else:
        x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return {"x_train": x.astype(np.float32), "y_train": y.astype(np.float32)}


def objective(params: Any, model: Arrays, arrays: Arrays) -> float:
    return float(OP.derived(params, model, arrays)["objective"][0])


@pytest.mark.parametrize(("name", "optimum"), [("breast_cancer", 53.79), ("wine", 11.08)])
def test_raw_columns_reach_the_optimum_that_is_published(name: str, optimum: float):
    arrays = data(name)
    params = OP.build({"classes": int(arrays["y_train"].max()) + 1})
    assert objective(params, OP.reference(params, arrays), arrays) == pytest.approx(optimum, abs=0.005)


@pytest.mark.parametrize("name", ["breast_cancer", "wine", "iris", "epoch seconds", "separable", "constant column"])
@pytest.mark.parametrize("c", [1e-3, 1.0, 100.0])
def test_no_newton_step_promises_a_tenth_of_the_tolerance(name: str, c: float):
    """The objective is convex: half of the squared Newton decrement says how much is left, in 50 digits."""
    arrays = data(name)
    params = OP.build({"classes": int(arrays["y_train"].max()) + 1, "c": c})
    problem = logistic.Problem(params, arrays)
    found = logistic.minimise(problem)
    slope, curvature = problem.slope(found), problem.curvature(found)
    size = problem.x.shape[1]
    if problem.outputs > 1:  # the intercepts are free by a constant
        curvature[size - 1 :: size, size - 1 :: size] += c * len(problem.x)
    with mpmath.workdps(50):
        step = mpmath.lu_solve(mpmath.matrix(curvature.tolist()), mpmath.matrix(slope.tolist()))
        left = float(sum(s * d for s, d in zip(slope.tolist(), step, strict=True)) / 2)
    value = problem.value(found)
    assert 0 <= left < OP.tolerance.rtol * value / 10
    stored = objective(params, OP.reference(params, arrays), arrays)
    assert stored == pytest.approx(value, rel=OP.tolerance.rtol / 10), "also when its weights are float32"


def test_value_slope_and_curvature_are_those_of_exact_arithmetic():
    rng = np.random.default_rng(1)
    arrays = {"x_train": rng.normal(5, 2, (7, 2)).astype(np.float32), "y_train": np.array([0, 1, 2, 1, 0, 2, 1.0])}
    problem = logistic.Problem(OP.build({"classes": 3, "c": 0.5}), arrays)
    flat = rng.standard_normal(9)

    def exact(*values: Any) -> Any:
        rows = [values[i : i + 3] for i in (0, 3, 6)]
        total = mpmath.mpf(0)
        for x, y in zip(problem.x.tolist(), arrays["y_train"].tolist(), strict=True):
            z = [sum(w * v for w, v in zip(row, x, strict=True)) for row in rows]
            total += mpmath.log(sum(mpmath.exp(v) for v in z)) - z[int(y)]
        penalty = sum(w * w * s for row in rows for w, s in zip(row, problem.penalty.tolist(), strict=True))
        return total / 2 + penalty / 2

    with mpmath.workdps(50):
        at = [mpmath.mpf(value) for value in flat.tolist()]
        assert problem.value(flat) == pytest.approx(float(exact(*at)), rel=1e-14)
        for i in range(9):

            def moved(t: Any, i: int = i) -> Any:
                return exact(*at[:i], at[i] + t, *at[i + 1 :])

            assert problem.slope(flat)[i] == pytest.approx(float(mpmath.diff(moved, 0)), rel=1e-12)
            assert problem.curvature(flat)[i, i] == pytest.approx(float(mpmath.diff(moved, 0, 2)), rel=1e-12)
    step = 1e-6 * rng.standard_normal(9)
    change = problem.slope(flat + step) - problem.slope(flat - step)
    np.testing.assert_allclose(problem.curvature(flat) @ step * 2, change, rtol=1e-6, atol=1e-15)


def test_many_parameters_reach_the_optimum_by_conjugate_gradients(monkeypatch: pytest.MonkeyPatch):
    arrays, params = data("iris"), OP.build({"classes": 3})
    want = objective(params, OP.reference(params, arrays), arrays)
    monkeypatch.setattr(logistic, "DENSE", 0)
    assert objective(params, OP.reference(params, arrays), arrays) == pytest.approx(want, rel=OP.tolerance.rtol / 10)


def test_a_fit_that_stops_early_is_refused_and_another_way_to_the_optimum_is_not():
    from sklearn.linear_model import LogisticRegression

    arrays = data("wine")
    params = OP.build({"classes": 3})
    want = OP.reference(params, arrays)

    def accepted(**options: Any) -> bool:
        x = arrays["x_train"].astype(np.float64)
        fit = LogisticRegression(**options).fit(x, arrays["y_train"])
        model = {"input": want["input"], "w1": np.ascontiguousarray(fit.coef_.T.astype(np.float32))}
        model |= {"b1": fit.intercept_.astype(np.float32), "losses": want["losses"]}
        return all(finding.ok for finding in check_agreement(OP, model, want, None, params, None, [arrays]))

    assert accepted(solver="newton-cholesky")
    assert not accepted(solver="newton-cholesky", C=0.5)
    with pytest.warns(match="failed to converge"):
        assert not accepted(max_iter=100)
