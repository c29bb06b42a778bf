"""Deviations as bounds: around what a library computes instead, and for the versions that need them."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinbench import ops
from twinbench.conformance.images import photograph
from twinbench.frameworks import julia
from twinbench.frameworks.api import Deviation, Framework
from twinbench.ops.contract import Arrays, Tolerance
from twinbench.plan.stack import deviation, unavailable
from twinbench.run.agree.agreement import check_agreement

LIBRARIES: dict[str, Framework] = {
    module: importlib.import_module(f"twinbench.frameworks.{module}").FRAMEWORKS[0]
    for module in ("pillow", "opencv", "skimage")
}
PILLOW = LIBRARIES["pillow"]
ALL = [*LIBRARIES.values(), *(framework for framework in julia.frameworks() if framework.name == "JuliaImages")]
DECLARED = [
    (framework, name) for framework in ALL for name, declared in framework.deviations.items() if declared.computes
]
PARAMETERS: dict[str, list[dict[str, Any]]] = {
    "images.gaussian_blur": [{"sigma": 3.0, "radius": 1}, {"sigma": 12.0, "radius": 20}],
    "images.resize_antialiased": [{"height": 9, "width": 7}, {"height": 35, "width": 17}, {"height": 10, "width": 40}],
    "images.equalise": [{}],
    "images.grey": [{}],
}
WRONG: dict[str, list[dict[str, Any]]] = {"images.gaussian_blur": [{"sigma": 3.6, "radius": 1}]}
"""Parameters with which a library answers another question."""


def inputs(name: str) -> Arrays:
    if name == "images.gaussian_blur":  # stripes, of which little is left
        return {"x": np.tile(np.where(np.arange(40) % 7 < 3, 255, 0), (1, 30, 1)).astype(np.uint8)}
    picture = photograph(30, 40)[None]
    return {"x": picture if name == "images.grey" else picture[..., 0]}


def declared(framework: Framework, name: str, values: dict[str, Any], got: Arrays) -> list[bool]:
    """By output, whether it is inside what a framework declares, and outside the contract."""
    op, value = ops.get(name), inputs(name)
    params = op.build(values)
    want = op.reference(params, value)
    findings = check_agreement(op, got, want, framework.deviations[name], params, inputs=[value])
    return [bool(finding.declared) for finding in findings]


def wrong_pictures(value: Arrays, right: Arrays) -> list[Arrays]:
    """What an op mustn't answer: black, grey, white, the input, and the right answer some levels off or turned over."""
    flat = [{"x": np.full_like(right["x"], level)} for level in (0, 128, 255)]
    off = {"x": np.clip(right["x"].astype(int) + 6, 0, 255).astype(np.uint8)}
    unchanged = [value] if value["x"].shape == right["x"].shape else []
    return [*flat, *unchanged, off, {"x": right["x"][:, :, ::-1]}]


@pytest.mark.parametrize(("framework", "name"), DECLARED, ids=lambda part: getattr(part, "name", part))
def test_nothing_else_passes_for_what_a_library_computes(framework: Framework, name: str):
    op, formula = ops.get(name), framework.deviations[name].computes
    assert formula is not None
    value, passed = inputs(name), []
    for values in PARAMETERS[name]:
        right = formula(op.build(values), value)
        passed += declared(framework, name, values, right)
        for wrong in wrong_pictures(value, right):
            assert declared(framework, name, values, wrong) == [False], values
        for other in WRONG.get(name, []):
            assert declared(framework, name, values, formula(op.build(other), value)) == [False], other
    assert any(passed), "the formula is within the contract for all parameters: no deviation is needed"


SIDE = st.one_of(st.integers(1, 30), st.just(61))


@pytest.mark.parametrize(("framework", "name"), DECLARED[:-1], ids=lambda part: getattr(part, "name", part))
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_formulas_are_the_libraries(framework: Framework, name: str, data: st.DataObject):
    if (reason := unavailable(framework)) is not None:
        pytest.skip(reason)
    framework.load(1)
    colours = [3] if name == "images.grey" else []
    height, width, top = data.draw(SIDE), data.draw(SIDE), data.draw(st.sampled_from([1, 2, 20, 256]))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    value = {"x": (rng.integers(0, top, (1, height, width, *colours)) * (255 // max(top - 1, 1))).astype(np.uint8)}
    values: dict[str, Any] = {
        "images.gaussian_blur": {
            "sigma": data.draw(st.one_of(st.floats(0.1, 60), st.sampled_from([0.1, 1000.0]))),
            "radius": data.draw(st.sampled_from([1, 2, 7, 40])),
        },
        "images.resize_antialiased": {"height": data.draw(SIDE), "width": data.draw(SIDE)},
    }.get(name, {})
    op, bound = ops.get(name), framework.deviations[name]
    params = op.build(values)
    got = framework.extract(framework.ops[name](params, framework.prepare(value, "images")), "images")
    assert bound.computes is not None
    distance = got["x"].astype(int) - bound.computes(params, value)["x"]
    assert np.abs(distance).max() <= bound.tolerance.levels


@pytest.mark.parametrize(
    ("package", "before", "needed"),
    [("numpy", "1", False), ("numpy", "999.0", True), ("numpy", "", True), ("not-installed", "1", True)],
)
def test_a_deviation_holds_before_a_version(package: str, before: str, needed: bool):
    coarse = Deviation(reason="it rounds", effect="little", tolerance=Tolerance(levels=9), before=before)
    framework = replace(PILLOW, packages=(package,), deviations={"images.rotate": coarse})
    assert deviation(framework, "images.rotate") == (coarse if needed else None)
    assert deviation(framework, "images.median") is None
