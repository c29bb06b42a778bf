"""What counts as agreeing, and what is caught: a wrong implementation must never pass."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as numpy_arrays

from twinbench import ops
from twinbench.run.agreement import compare

STANDARDISE = ops.get("tables.standardise")  # approximate tolerance
CLEAN = ops.get("tables.clean")  # exact


def table(**columns):
    return {name: np.asarray(values) for name, values in columns.items()}


@given(numpy_arrays(np.float64, st.integers(0, 20), elements=st.floats(allow_infinity=True, allow_nan=True)))
def test_a_value_agrees_with_itself(values: np.ndarray):
    for op in (STANDARDISE, CLEAN):
        (finding,) = compare(op, {"x": values.copy()}, {"x": values})
        assert finding.ok
        assert finding.error == 0


@pytest.mark.parametrize(
    ("got", "detail"),
    [
        (table(x=[1.0, 2.0], s=["a", "b"]), "shape"),
        (table(x=np.array([1, 2, 3], np.float32), s=["a", "b", "c"]), "float32 instead of float64"),
        (table(x=[1, 2, 3], s=["a", "b", "c"]), "int64 instead of float64"),
        (table(x=[1.0, np.nan, 3.0], s=["a", "b", "c"]), "missing on one side"),
        (table(x=[1.0, 2.0, 3.1], s=["a", "b", "c"]), "3.1"),
        (table(x=[1.0, 2.0, 3.0], s=["a", "c", "b"]), "2 of 3 differ, first at 1"),
        (table(s=["a", "b", "c"], x=[1.0, 2.0, 3.0]), "order of the outputs"),
        (table(x=[1.0, 2.0, 3.0]), "missing from the output"),
        (table(x=[1.0, 2.0, 3.0], s=["a", "b", "c"], y=[0]), "not in the contract"),
        (table(x=[1.0, 2.0, np.inf], s=["a", "b", "c"]), "inf"),
    ],
)
def test_what_differs_is_found_and_named(got, detail):
    want = table(x=[1.0, 2.0, 3.0], s=["a", "b", "c"])
    findings = compare(STANDARDISE, got, want)
    assert any(not f.ok and detail in f.detail for f in findings), findings


def test_errors_are_measured_against_the_tolerance():
    (inside,) = compare(STANDARDISE, table(x=[1.0 + 1e-9]), table(x=[1.0]))
    (outside,) = compare(STANDARDISE, table(x=[1.0 + 1e-8]), table(x=[1.0]))
    assert inside.ok
    assert inside.error == pytest.approx(0.5, rel=1e-3)
    assert not outside.ok
    assert outside.max_abs == pytest.approx(1e-8, rel=1e-3)


def test_an_exact_op_allows_no_rounding():
    (finding,) = compare(CLEAN, table(x=[np.nextafter(1.0, 2)]), table(x=[1.0]))
    assert not finding.ok
    assert finding.level == "exact"


def test_only_the_first_twenty_losses_of_a_training_are_compared():
    op = ops.get("training.mlp")
    want = {"losses": np.linspace(1, 0.5, 40, dtype=np.float32), "w1": np.zeros((2, 2), np.float32)}
    late = want["losses"].copy()
    late[30] += 1
    assert all(f.ok for f in compare(op, {"losses": late}, want))
    early = want["losses"].copy()
    early[3] *= 1 + 1e-4
    assert not all(f.ok for f in compare(op, {"losses": early}, want))
