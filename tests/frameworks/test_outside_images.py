"""Inputs and parameters inside and outside the contracts of the image ops: refused in one line, or all stacks agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.frameworks.test_images import LIBRARIES
from tests.refusals import refusal
from twinbench import ops
from twinbench.frameworks.api import Framework
from twinbench.ops.contract import Arrays
from twinbench.plan.stack import deviation, unavailable
from twinbench.run.agree.agreement import check_agreement

GREY_SHAPES = [(1,), (4, 5), (1, 4, 5), (2, 1, 7), (2, 7, 1), (1, 1, 1), (3, 6, 6), (1, 0, 4), (0, 4, 5), (20, 30, 3)]
RGB_SHAPES = [(2, 4, 5, 3), (1, 1, 1, 3), (1, 9, 2, 3), (1, 4, 5, 1), (1, 4, 5, 2), (1, 4, 5, 4), (1, 3, 4, 5)]
SIDE = st.sampled_from([-1, 0, 1, 2, 5, 11, 300, 32_768])
FACTOR = st.one_of(st.floats(-3, 3), st.sampled_from([0.0, -0.0, 1.0, 16.0, 17.0, -1e308, 5e-324]))
OFFSET = st.one_of(st.floats(-12, 12), st.sampled_from([0.0, 32_767.0, -32_767.0, 1e9, 1e300]))
FILL = st.sampled_from([-1, 0, 7, 255, 256])
WINDOW = st.sampled_from([-3, 0, 1, 2, 3, 4, 5, 9, 31, 255, 257])
SIGMA = st.one_of(st.floats(0.1, 30), st.sampled_from([-1.0, 0.0, 5e-324, 0.1, 1000.0, 1e300]))
RADIUS = st.sampled_from([-1, 0, 1, 2, 3, 9, 40, 1000, 1001])
NUMBERS = st.lists(st.sampled_from([0.0, 0.5, 0.001, 1000.0, -1000.0, 1e-9, 1e300, -2.0]), max_size=4)
PARAMETERS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "resize": {"height": SIDE, "width": SIDE},
    "resize_antialiased": {"height": SIDE, "width": SIDE},
    "grey": {},
    "gaussian_blur": {"sigma": SIGMA, "radius": RADIUS},
    "sobel": {},
    "median": {"size": WINDOW},
    "rotate": {"degrees": st.one_of(st.floats(-400, 400), st.sampled_from([90.0, 1e300])), "fill": FILL},
    "affine": {"matrix": st.tuples(FACTOR, FACTOR, OFFSET, FACTOR, FACTOR, OFFSET), "fill": FILL},
    "equalise": {},
    "otsu": {},
    "opening": {"size": WINDOW},
    "components": {"connectivity": st.sampled_from([4, 8])},
    "normalise": {"mean": NUMBERS, "sd": NUMBERS},
    "augment": {
        "height": SIDE,
        "width": SIDE,
        "brightness": st.sampled_from([-0.1, 0.0, 0.25, 0.999, 1.0, 1e300]),
        "seed": st.sampled_from([-1, 0, 7, 2**63]),
    },
}


@st.composite
def values(draw: st.DrawFn) -> Arrays:
    """Arrays that a user may call images."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = draw(st.sampled_from([*GREY_SHAPES, *RGB_SHAPES, (1, 2, 3, 4, 3)]))
    x = rng.integers(0, 256, shape) // draw(st.sampled_from([1, 1, 60, 128])) * draw(st.sampled_from([1, 60, 255]))
    if draw(st.booleans()):
        x = np.where(x % 256 > 100, 255, 0)
    dtype = draw(st.sampled_from(["uint8"] * 7 + ["float64", "int16", "bool"]))
    x = (x % 256).astype(dtype)
    if dtype == "float64" and x.size:
        x.flat[rng.integers(x.size)] = draw(st.sampled_from([float("nan"), float("inf"), -1.0, 300.0, 0.5]))
    return {draw(st.sampled_from(["x"] * 9 + ["y"])): x}


@pytest.fixture(scope="module")
def libraries() -> list[Framework]:
    """Every Python framework with image ops that is installed, loaded."""
    here = [framework for framework in LIBRARIES.values() if unavailable(framework) is None]
    for framework in here:
        framework.load(1)
    return here


@pytest.mark.parametrize("name", PARAMETERS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_not_refused_is_answered_alike_by_all(libraries: list[Framework], name: str, data: st.DataObject):
    op = ops.get(f"images.{name}")
    parameters = data.draw(st.fixed_dictionaries(PARAMETERS[name]))
    message = refusal(op.build, parameters)
    if message:
        assert "must" in message
        return
    params, value = op.build(parameters), data.draw(values())
    message = refusal(op.requires, params, value)
    if message:
        assert "\n" not in message
        return
    inputs = [value] if op.givens is None else [value, op.givens(params, value)]
    want = op.reference(params, *inputs)
    scale = {} if op.scale is None else op.scale(params, want, *inputs)
    for library in libraries:
        if op.name in library.ops:
            native = [library.prepare(v, kind) for v, kind in zip(inputs, ("images", "arrays"), strict=False)]
            got = library.extract(library.ops[op.name](params, *native), op.output)
            findings = check_agreement(op, got, want, deviation(library, op.name), params, scale, inputs)
            assert all(f.ok or f.declared for f in findings), (library.name, parameters, value, findings)
