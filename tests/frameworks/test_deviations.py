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
from twinbench.frameworks import pillow_formulas
from twinbench.frameworks.api import Deviation, Framework
from twinbench.ops.contract import Arrays, Tolerance
from twinbench.plan.stack import deviation, unavailable
from twinbench.run.agree.agreement import check_agreement

PILLOW: Framework = importlib.import_module("twinbench.frameworks.pillow").FRAMEWORKS[0]
GREYS = {"x": photograph(30, 40)[None, ..., 0]}


def declared(name: str, values: dict[str, Any], got: Arrays) -> list[bool]:
    """By output, whether it is inside what Pillow declares, and outside the contract."""
    op = ops.get(f"images.{name}")
    params = op.build(values)
    want = op.reference(params, GREYS)
    findings = check_agreement(op, got, want, PILLOW.deviations[op.name], params, inputs=[GREYS])
    return [bool(finding.declared) for finding in findings]


@pytest.mark.parametrize(
    ("name", "values", "wrong"),
    [
        ("gaussian_blur", {"sigma": 3.0, "radius": 1}, {"sigma": 3.6, "radius": 1}),
        ("equalise", {}, None),
    ],
)
def test_nothing_else_passes_for_what_pillow_computes(name: str, values: Any, wrong: Any):
    op, formula = ops.get(f"images.{name}"), PILLOW.deviations[f"images.{name}"].computes
    assert formula is not None
    right = formula(op.build(values), GREYS)
    assert declared(name, values, right) == [True]
    assert declared(name, values, {"x": np.zeros_like(GREYS["x"])}) == [False]
    assert declared(name, values, GREYS) == [False], "unchanged"
    assert declared(name, values, {"x": np.clip(right["x"].astype(int) + 6, 0, 255).astype(np.uint8)}) == [False]
    if wrong is not None:
        assert declared(name, values, formula(op.build(wrong), GREYS)) == [False]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.sampled_from([1, 2, 20, 256]), st.floats(0.1, 60), st.integers(0, 99))
def test_the_formulas_are_pillows(height: int, width: int, top: int, sigma: float, seed: int):
    if (reason := unavailable(PILLOW)) is not None:
        pytest.skip(reason)
    PILLOW.load(1)
    levels = np.random.default_rng(seed).integers(0, top, (1, height, width)) * (255 // max(top - 1, 1))
    value = {"x": levels.astype(np.uint8)}
    for name, values, formula in (
        ("gaussian_blur", {"sigma": sigma, "radius": 1}, pillow_formulas.gaussian_blur),
        ("equalise", {}, pillow_formulas.equalise),
    ):
        op = ops.get(f"images.{name}")
        params = op.build(values)
        got = PILLOW.extract(PILLOW.ops[op.name](params, PILLOW.prepare(value, "images")), "images")
        distance = got["x"].astype(int) - formula(params, value)["x"]
        assert np.abs(distance).max() <= PILLOW.deviations[op.name].tolerance.levels


@pytest.mark.parametrize(
    ("package", "before", "needed"),
    [("numpy", "1", False), ("numpy", "999.0", True), ("numpy", "", True), ("not-installed", "1", True)],
)
def test_a_deviation_holds_before_a_version(package: str, before: str, needed: bool):
    coarse = Deviation(reason="it rounds", effect="little", tolerance=Tolerance(levels=9), before=before)
    framework = replace(PILLOW, packages=(package,), deviations={"images.rotate": coarse})
    assert deviation(framework, "images.rotate") == (coarse if needed else None)
    assert deviation(framework, "images.median") is None
