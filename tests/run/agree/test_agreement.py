"""What counts as agreeing, and what is caught: a wrong implementation must never pass."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as numpy_arrays

from twinbench import ops
from twinbench.frameworks.api import Deviation
from twinbench.ops.contract import Tolerance
from twinbench.run.agree.agreement import check_agreement
from twinbench.store.records import Agreement

STANDARDISE = ops.get("tables.standardise")  # approximate tolerance
CLEAN = ops.get("tables.clean")  # exact


def table(**columns):
    return {name: np.asarray(values) for name, values in columns.items()}


@given(numpy_arrays(np.float64, st.integers(0, 20), elements=st.floats(allow_infinity=True, allow_nan=True)))
def test_a_value_agrees_with_itself(values: np.ndarray):
    for op in (STANDARDISE, CLEAN):
        (finding,) = check_agreement(op, {"x": values.copy()}, {"x": values})
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
    findings = check_agreement(STANDARDISE, got, want)
    assert any(not f.ok and detail in f.detail for f in findings), findings


def test_errors_are_measured_against_the_tolerance():
    (inside,) = check_agreement(STANDARDISE, table(x=[1.0 + 1e-9]), table(x=[1.0]))
    (outside,) = check_agreement(STANDARDISE, table(x=[1.0 + 1e-8]), table(x=[1.0]))
    assert inside.ok
    assert inside.error == pytest.approx(0.5, rel=1e-3)
    assert not outside.ok
    assert outside.max_abs == pytest.approx(1e-8, rel=1e-3)


def test_an_exact_op_allows_no_rounding():
    (finding,) = check_agreement(CLEAN, table(x=[np.nextafter(1.0, 2)]), table(x=[1.0]))
    assert not finding.ok
    assert finding.level == "different"


def test_the_class_says_how_an_output_compares():
    (equal,) = check_agreement(STANDARDISE, table(x=[1.0]), table(x=[1.0]))
    (rounded,) = check_agreement(STANDARDISE, table(x=[1.0 + 1e-10]), table(x=[1.0]))
    (trained,) = check_agreement(ops.get("training.mlp"), {"losses": np.array([1.000001])}, {"losses": np.array([1.0])})
    assert [f.level for f in (equal, rounded, trained)] == ["exact", "rounding", "approximate"]


IMAGES = replace(CLEAN, name="images.test", tolerance=Tolerance(levels=1))


def images(*levels: int) -> dict[str, np.ndarray]:
    return {"x": np.array(levels, dtype=np.uint8).reshape(1, 2, -1)}


def test_grey_levels_may_be_off_by_as_many_as_the_tolerance_says():
    (near,) = check_agreement(IMAGES, images(0, 11, 255, 9), images(0, 10, 254, 9))
    assert (near.ok, near.level, near.error, near.max_abs) == (True, "rounding", 1.0, 1.0)
    (far,) = check_agreement(IMAGES, images(0, 10, 254, 12), images(255, 10, 254, 9))
    assert (far.ok, far.level, far.max_abs) == (False, "different", 255.0)
    assert far.detail == "50.00% differ, worst at 0: 0 instead of 255"
    assert far.psnr_db == pytest.approx(10 * np.log10(255**2 / ((255**2 + 3**2) / 4)))
    (exact,) = check_agreement(CLEAN, images(1, 2, 3, 4), images(1, 2, 3, 5))
    assert not exact.ok


def test_a_declared_deviation_explains_an_error_up_to_its_size_and_no_further():
    declared = Deviation(reason="it rounds twice", tolerance=Tolerance(levels=3))
    (inside,) = check_agreement(IMAGES, images(3, 10, 254, 9), images(0, 10, 254, 9), declared)
    assert (inside.ok, inside.level, inside.declared) == (False, "different", "it rounds twice; bound: 3 grey levels")
    (outside,) = check_agreement(IMAGES, images(4, 10, 254, 9), images(0, 10, 254, 9), declared)
    assert (outside.ok, outside.declared) == (False, "")
    (agreeing,) = check_agreement(IMAGES, images(1, 10, 254, 9), images(0, 10, 254, 9), declared)
    assert (agreeing.ok, agreeing.declared) == (True, "")
    (missing,) = check_agreement(IMAGES, {}, images(0, 10, 254, 9), declared)
    assert missing.declared == ""


@pytest.mark.parametrize(
    ("want", "near", "far"),
    [
        (np.array([0, -(2**63), 5, 7]), 1, 3),
        (np.array([0.5, np.nan, 5.0, 7.0]), 1, 3),
        (np.array(["a", "b", "c", "d"]), 1, 3),
        (np.array([0, 200, 5, 7], np.uint8), 1, 3),
    ],
)
def test_a_declared_share_of_the_values_may_be_wrong_and_no_more(want, near, far):
    declared = Deviation(reason="it guesses", effect="a quarter is noise", tolerance=Tolerance(), share=0.25)

    def findings(wrong: int) -> list[Agreement]:
        got = want.copy()
        got[:wrong] = want[3] if want.dtype.kind == "U" else 100
        return check_agreement(CLEAN, {"x": got}, {"x": want}, declared)

    (inside,), (outside,) = findings(near), findings(far)
    assert not inside.ok
    assert inside.declared == (
        "it guesses; a quarter is noise; bound: the contract's equality, exceeded by at most 25.000% of the values"
    )
    assert (outside.ok, outside.declared) == (False, "")
    (shorter,) = check_agreement(CLEAN, {"x": want[:3]}, {"x": want}, declared)
    assert shorter.declared == ""


@pytest.mark.parametrize(
    ("tolerance", "share", "why"),
    [
        (Tolerance(levels=255), 0.0, "all that there are"),
        (Tolerance(levels=9), 0.6, "a share of 0.6"),
        (Tolerance(levels=9), -0.1, "a share of -0.1"),
        (Tolerance(rtol=1.0), 0.0, "an answer of zeros"),
        (Tolerance(atol=math.inf), 0.0, "finite"),
        (Tolerance(), 0.0, "no bound"),
        (Tolerance(levels=254), 0.0, ""),
        (Tolerance(), 0.1, ""),
    ],
)
def test_a_bound_that_no_answer_exceeds_is_not_a_bound(tolerance, share, why):
    unbounded = Deviation(reason="r", tolerance=tolerance, share=share).unbounded
    assert why in unbounded
    assert bool(why) == bool(unbounded)


def test_complex_numbers_are_compared_by_their_parts():
    op = ops.get("tables.standardise")
    want = {"x": np.array([1 + 1j, 2 - 2j])}
    (same,) = check_agreement(op, {"x": want["x"] * (1 + 1e-12)}, want)
    (conjugate,) = check_agreement(op, {"x": want["x"].conj()}, want)
    assert same.ok
    assert not conjugate.ok
    assert conjugate.max_abs == pytest.approx(4.0)


def test_every_loss_of_a_training_is_compared():
    op = ops.get("training.mlp")
    want = {"losses": np.linspace(1, 0.5, 40, dtype=np.float32), "w1": np.zeros((2, 2), np.float32)}
    for step in (3, 39):
        other = want["losses"].copy()
        other[step] += 1
        (finding,) = check_agreement(op, {"losses": other}, want)
        assert finding.detail.startswith(f"worst at {step}")
    (finding,) = check_agreement(op, {"losses": want["losses"][:20]}, want)
    assert finding.detail == "shape (20,) instead of (40,)"


GROUPBY = ops.get("tables.groupby")
ANY_ORDER = GROUPBY.build({"keys": ["k", "s"], "aggregates": {"mean": ["mean", "x"]}, "ordered": False})


def groups(keys, texts, means):
    return {"k": np.array(keys), "s": np.array(texts), "mean": np.array(means)}


def test_rows_may_come_in_any_order_only_where_the_step_asks_for_none():
    want = groups([1, 1, 2], ["a", "é", "a"], [0.5, np.nan, 1.5])
    got = groups([2, 1, 1], ["a", "é", "a"], [1.5 + 1e-12, np.nan, 0.5])
    assert all(finding.ok for finding in check_agreement(GROUPBY, got, want, params=ANY_ORDER))
    ordered = replace(ANY_ORDER, ordered=True)
    assert not all(finding.ok for finding in check_agreement(GROUPBY, got, want, params=ordered))
    assert not all(finding.ok for finding in check_agreement(GROUPBY, got, want))


@pytest.mark.parametrize(
    "got",
    [
        groups([2, 1, 1], ["a", "é", "a"], [0.5, np.nan, 1.5]),  # values of other groups
        groups([2, 1, 1], ["a", "ab", "a"], [1.5, np.nan, 0.5]),
        groups([2, 1, 1, 1], ["a", "é", "a", "a"], [1.5, np.nan, 0.5, 0.5]),
        groups([2, 1], ["a", "a"], [1.5, 0.5]),
    ],
)
def test_other_rows_are_caught_in_any_order(got):
    want = groups([1, 1, 2], ["a", "é", "a"], [0.5, np.nan, 1.5])
    assert not all(finding.ok for finding in check_agreement(GROUPBY, got, want, params=ANY_ORDER))


@given(
    st.lists(st.tuples(st.integers(-2, 2), st.text(max_size=3).filter(lambda s: "\0" not in s)), max_size=30),
    st.randoms(),
)
def test_a_shuffled_table_agrees_with_itself(rows, rng):
    def made(rows, width):
        return {
            "k": np.array([k for k, _ in rows], dtype=np.int64),
            "s": np.array([s for _, s in rows], dtype=f"U{width}"),
        }

    shuffled = rng.sample(rows, len(rows))
    assert all(finding.ok for finding in check_agreement(GROUPBY, made(shuffled, 9), made(rows, 3), params=ANY_ORDER))


def test_whole_numbers_are_equal_unless_a_deviation_says_by_how_much_they_differ():
    op, want = ops.get("training.kfold"), {"fold": np.array([0, 1, 2])}
    declared = Deviation(reason="deals otherwise", tolerance=Tolerance(atol=1.0))
    (off_by_one,) = check_agreement(op, {"fold": np.array([0, 1, 1])}, want, declared)
    assert (off_by_one.ok, off_by_one.declared) == (False, "deals otherwise; bound: 1 absolute")
    (off_by_two,) = check_agreement(op, {"fold": np.array([0, 1, 0])}, want, declared)
    assert (off_by_two.ok, off_by_two.declared) == (False, "")


@given(unit=st.sampled_from([1e-20, 1e-6, 1.0, 1e12]))
def test_with_a_scale_agreement_means_the_same_in_every_unit(unit):
    want = np.array([3.0, -1.0, 0.0, 2.0]) * unit
    op = replace(STANDARDISE, tolerance=Tolerance(atol=1e-9), canonical=lambda arrays: arrays)
    scale = {"x": np.asarray(np.abs(want).max())}

    def agrees(got):
        return all(f.ok for f in check_agreement(op, {"x": got}, {"x": want}, scale=scale))

    assert agrees(want + 1e-10 * unit)
    assert not agrees(np.zeros(4))
    assert not agrees(want * 1.001)
    assert not agrees(want.astype(np.float32).astype(np.float64) + 1e-7 * unit)
