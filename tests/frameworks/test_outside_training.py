"""Inputs and parameters outside the contracts of the training ops: refused in one line, or all libraries agree."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.refusals import refusal
from twinbench import ops
from twinbench.frameworks import registry
from twinbench.frameworks.api import Framework
from twinbench.ops.contract import Arrays, Op
from twinbench.plan.stack import deviation, unavailable
from twinbench.run.agree import divergence
from twinbench.run.agree.agreement import check_agreement

NAN, INF = float("nan"), float("inf")
SHAPES = [(1, 1), (2, 3), (7, 2), (30, 2), (40, 3), (40, 3), (12, 4, 3), (9, 5, 5), (6, 4, 4, 3), (5,), (0, 3), (4, 0)]
SCALES = [*[1.0] * 6, 100.0, 0.0, 1e-20, 1e12, 1e-150, 1e30, 1e149]
OFFSETS = [*[0.0] * 5, 7.0, 1.7e9, -1e15]
VALUES = [NAN, INF, -INF, 1e39, 3.4e38, 1e-45, 5e-324, -0.0, 1e308, -1e200]
DTYPES = ["float64"] * 6 + ["float32"] * 4 + ["uint8", "int64", "int16", "bool", "complex128", "str"]


WILD = st.shared(st.booleans(), key="wild")
"""Whether a drawn case may have something wrong in it."""


def mostly(right: list[Any], wrong: list[Any]) -> st.SearchStrategy[Any]:
    """One of the right values or, in a wild case, of the wrong ones."""
    return WILD.flatmap(lambda wild: st.sampled_from(right * 4 + wrong if wild else right))


COUNT = mostly([1, 2, 3, 5, 30, 1000], [-1, 0])
RATE = mostly([1e-3, 0.05, 1.0, 1e6], [0.0, -0.1, NAN, INF])
SHARE = mostly([0.0, 0.5, 0.9, 0.999], [-0.1, 1.0, 1.5, NAN])
SEED = mostly([0, 3, 5], [-1, 2**63])
OPTIMIZER = st.one_of(
    st.fixed_dictionaries({"name": st.just("sgd"), "lr": RATE, "momentum": SHARE, "nesterov": st.booleans()}),
    st.fixed_dictionaries(
        {"name": st.sampled_from(["adam", "adamw"]), "lr": RATE, "beta1": SHARE, "beta2": SHARE}
        | {"eps": mostly([1e-8, 1e-3], [0.0, -1e-8, NAN])}
    ),
)
NETWORK = {"classes": mostly([2, 2, 3], [1]), "epochs": mostly([1, 2], [0]), "batch_size": COUNT}
NETWORK |= {"seed": SEED, "optimizer": OPTIMIZER}
WIDTHS = st.lists(mostly([1, 4], [-1, 0]), max_size=2)
CHANNELS = st.lists(mostly([1, 4], [-1, 0]), min_size=1, max_size=2) | st.just([])
KERNEL = mostly([1, 3, 5], [-1, 0, 2, 4])
FRACTION = mostly([1e-9, 0.1, 0.25, 0.5, 0.9], [-0.5, 0.0, 1.0, 2.0, NAN])
PARAMETERS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "standardise": {},
    "split": {"test_fraction": FRACTION, "seed": SEED, "flatten": st.booleans()},
    "kfold": {"folds": COUNT, "seed": SEED},
    "batches": {"batch_size": COUNT, "seed": SEED},
    "logistic": {"c": mostly([1.0, 0.1, 1e-6, 1e6], [0.0, -1.0, NAN, INF]), "classes": mostly([2, 2, 3], [1, 4])},
    "mlp": NETWORK | {"hidden": WIDTHS},
    "cnn": NETWORK | {"channels": CHANNELS, "kernel": KERNEL, "hidden": WIDTHS},
    "cnn1d": NETWORK | {"channels": CHANNELS, "kernel": KERNEL, "hidden": WIDTHS},
    "lstm": NETWORK | {"units": mostly([1, 5], [-1, 0]), "hidden": WIDTHS},
}


AXES = {"logistic": (2,), "mlp": (2,), "cnn": (3, 4), "cnn1d": (2, 3), "lstm": (2, 3)}
"""Dimensions of the examples that an op for ``x_train`` takes."""


@st.composite
def arrays(draw: st.DrawFn, axes: tuple[int, ...]) -> Arrays:
    """Examples and labels as a user may have them: of any scale, type and shape, with some values that are wrong."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    wild, networks = draw(WILD), bool(axes)
    shape = draw(mostly([shape for shape in SHAPES if not axes or len(shape) in axes], SHAPES))
    rows = shape[0]
    x = rng.normal(size=shape) * draw(st.sampled_from(SCALES)) + draw(st.sampled_from(OFFSETS))
    y = rng.permutation(np.arange(rows) % draw(mostly([2, 3], [1, 4]))).astype(float)
    if draw(st.booleans()):
        x = np.round(x)
    if wild and x.size and draw(st.booleans()):
        x.flat[rng.integers(x.size)] = draw(st.sampled_from(VALUES))
    if wild and rows and draw(st.booleans()):
        y[rng.integers(rows)] = draw(st.sampled_from([-1.0, 0.5, 5.0, NAN, INF, 9e18]))
    with np.errstate(all="ignore"):
        x = x.astype(draw(mostly(["float32"] if networks else ["float64"], DTYPES)))
        y = y.astype(draw(mostly(["float32"] if networks else ["int64"], ["float64", "int32", "bool", "str"])))
    if wild and draw(st.booleans()):
        y = y[:-1]
    value = {"x_train": x, "y_train": y} if networks else {"x": x, "y": y}
    if not networks and draw(st.booleans()):
        value["test"] = (rng.integers(0, 2, rows) * draw(mostly([1], [2]))).astype(np.uint8)
    if wild and draw(st.booleans()):
        del value[draw(st.sampled_from(sorted(value)))]
    return value


@cache
def libraries() -> list[Framework]:
    """The Python frameworks with training ops that may share a process, loaded."""
    here = [registry.get(name) for name in ("torch", "scikit-learn") if unavailable(registry.get(name)) is None]
    for framework in here:
        framework.load(1)
    return here


def check(op: Op, params: Any, *inputs: Arrays) -> None:
    """All libraries agree with the reference, or the training of each, and of the reference, diverged."""
    values = list(inputs) if op.givens is None else [*inputs, op.givens(params, *inputs)]
    want = op.reference(params, *values)
    if divergence.reason(op, want):
        return
    scale = {} if op.scale is None else op.scale(params, want, *values)
    kinds = [*op.inputs, "arrays"]
    for library in libraries():
        if op.name in library.ops:
            native = [library.prepare(value, kind) for value, kind in zip(values, kinds, strict=False)]
            got = library.extract(library.ops[op.name](params, *native), op.output)
            findings = check_agreement(op, got, want, deviation(library, op.name), params, scale, values)
            assert all(f.ok or f.declared for f in findings), (library.name, params, findings)


@pytest.mark.parametrize("name", PARAMETERS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_not_refused_is_answered_alike_by_all(name: str, data: st.DataObject):
    op = ops.get(f"training.{name}")
    parameters = data.draw(st.fixed_dictionaries(PARAMETERS[name]))
    message = refusal(op.build, parameters)
    if message:
        assert re.search("must|takes|needs", message), message
        return
    params, value = op.build(parameters), data.draw(arrays(AXES.get(name, ())))
    message = refusal(op.requires, params, value)
    if message:
        assert len(message) > 20
        assert "\n" not in message
        return
    check(op, params, value)
