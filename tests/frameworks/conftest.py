"""The Python frameworks, loaded once, and an agreement check of the tests' own."""

from __future__ import annotations

import copy
import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from twinbench.frameworks.api import Framework
from twinbench.ops.contract import EXACT, Arrays, Kind, Op, Tolerance
from twinbench.ops.images.pixels import without_size
from twinbench.run.agree.agreement import sorted_rows

MOVES_ONLY = {"tables.clean", "tables.join", "tables.sort", "tables.one_hot"}
"""Ops that compute no float: on equal inputs their outputs are equal, whatever they allow after a rounded step."""


def load(module: str) -> Framework:
    """The framework of a module, loaded with one thread; its tests are skipped where the library isn't installed."""
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    framework: Framework = importlib.import_module(f"twinbench.frameworks.{module}").FRAMEWORKS[0]
    framework.load(1)
    return framework


@pytest.fixture(scope="session", params=["pandas", "numpy", "polars", "duckdb"])
def framework(request: pytest.FixtureRequest) -> Framework:
    """Each framework that has the table ops."""
    return load(request.param)


@pytest.fixture(scope="session")
def torch() -> Framework:
    """The framework that has the training ops."""
    return load("torch")


def close(got: np.ndarray, want: np.ndarray, tolerance: Tolerance) -> np.ndarray:
    """Elementwise ``|got - want| <= atol + rtol |want|``, with NaN equal to NaN and to nothing else."""
    got, want = got.astype(np.complex128), want.astype(np.complex128)
    allowed = tolerance.atol + tolerance.rtol * np.abs(want)
    return (got == want) | (np.isnan(got) & np.isnan(want)) | (np.abs(got - want) <= allowed)


@pytest.fixture(scope="session")
def agrees() -> Callable[..., None]:
    """Asserts that an output is the reference's: names, order, shapes, dtypes, missing values, and values."""

    def check(op: Op, got: Arrays, want: Arrays, params: Any = None) -> None:
        got, want = op.canonical(got), op.canonical(want)
        if params is not None and not op.in_order(params):
            got, want = sorted_rows(got), sorted_rows(want)
        tolerance = EXACT if op.name in MOVES_ONLY else op.tolerance
        assert list(got) == list(want)
        for name, expected in want.items():
            found = got[name]
            assert found.shape == expected.shape, name
            assert found.dtype == expected.dtype or found.dtype.kind == expected.dtype.kind == "U", name
            same = close(found, expected, tolerance) if expected.dtype.kind in "fc" else found == expected
            assert same.all(), f"{name}: {found[~same]} instead of {expected[~same]}"

    return check


@pytest.fixture(scope="session")
def run(agrees: Callable[..., None]) -> Callable[..., Arrays]:
    """Runs an op twice on neutral values, ``given`` last: equal results, and the inputs as they were."""

    def twice(framework: Framework, op: Op, params: Any, *inputs: Any, given: Arrays | None = None) -> Arrays:
        before = copy.deepcopy(inputs)
        kinds = [*op.inputs, *(["arrays"] if given is not None else [])]
        values = zip([*inputs, *([given] if given is not None else [])], kinds, strict=True)
        native = [value if kind == "file" else framework.prepare(value, kind) for value, kind in values]
        call = framework.ops[op.name]
        first, second = call(params, *native), call(params, *native)
        got, again = framework.extract(first, op.output), framework.extract(second, op.output)
        if op.in_order(params):
            unchanged(again, got)
        else:  # who may choose the order of rows may choose that of sums, each time anew
            agrees(op, again, got, params)
        for value, kind, neutral, original in zip(native, kinds, inputs, before, strict=False):
            if kind != "file":
                unchanged(neutral, original)
                unchanged(sized(framework.extract(value, kind), kind), sized(original, kind))
        return got

    return twice


def sized(arrays: Arrays, kind: Kind) -> Arrays:
    """No images are of no size."""
    return without_size(arrays) if kind == "images" else arrays


def unchanged(got: Arrays, want: Arrays) -> None:
    """Asserts that two values are the same to the last bit."""
    assert list(got) == list(want)
    for name in want:
        np.testing.assert_array_equal(got[name], want[name], strict=want[name].dtype.kind != "U", err_msg=name)
