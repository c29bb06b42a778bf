"""Two results are the same or not, and the difference is said as a person would."""

from __future__ import annotations

import datetime
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from tests.pair.values import VALUES
from twinbench.pair.callee.native import neutral
from twinbench.pair.callee.values import MISSING, Masked, Named, Table
from twinbench.pair.differences import Rules, difference
from twinbench.pair.tolerance import Tolerance, sum_of_inputs


def strings(*items: Any) -> Any:
    array = np.empty(len(items), object)
    array[:] = items
    return array


def table(**columns: Any) -> Table:
    first = next(iter(columns.values()))
    return Table(columns, len(getattr(first, "mask", first)))


GAPS = Masked(np.array([1, 0, 3]), np.array([False, True, False]))

SAME = [
    (1, np.int64(1)),
    (1.0, np.float64(1.0)),
    (None, MISSING),
    (math.nan, math.nan),
    (0.0, -0.0),
    ([1, 2], np.array([1, 2])),
    ([1.0, 2], np.array([1.0, 2.0])),
    (["a", "b"], strings("a", "b")),
    ([], np.array([], "float64")),
    ([[1, 2], [3]], [np.array([1, 2]), np.array([3])]),
    ((1, "a"), (1, "a")),
    ({"a": 1, "b": [1.5]}, {"b": [1.5], "a": 1}),
    (Named({"a": 1}), {"a": 1}),
    ({1, 2}, {2, 1}),
    (datetime.datetime(2024, 1, 1), np.datetime64("2024-01-01", "ns")),
    (np.array(5.0), 5.0),
    (np.array([1.0, 1e-20]), np.array([1.0, 3e-20])),
    (table(a=GAPS), table(a=np.array([1.0, math.nan, 3.0]))),
    (table(a=strings("x", None)), table(a=strings("x", MISSING))),
    (3**50, 3**50),
]


@pytest.mark.parametrize(("want", "got"), SAME)
def test_the_same_in_two_forms(want: Any, got: Any):
    assert difference(want, got, Rules()) is None
    assert difference(got, want, Rules()) is None


DIFFERENT = [
    (1, 2, "1 and 2"),
    (1, 1.0, "1 and 1.0: int64 and float64"),
    (True, 1, "True and 1: a boolean and a number"),
    (1.0, 1.0 + 1e-8, "1.0 and 1.00000001"),
    (1.0, math.nan, "1.0 and nan"),
    (math.inf, 1e308, "inf and 1e+308"),
    (None, math.nan, "None and nan: a missing value and a number"),
    ("a", "b", "'a' and 'b'"),
    ([1, 2], (1, 2), "[1, 2] and (1, 2): a list or array and a tuple"),
    ([1, 2], [1, 2, 3], "2 and 3 values: [1, 2] and [1, 2, 3]"),
    (np.zeros((2, 3)), np.zeros((3, 2)), "shape (2, 3) and (3, 2)"),
    (np.zeros(2, "f4"), np.zeros(2), "float32 and float64"),
    (np.array([1, 2, 3]), np.array([1, 5, 9]), "element 1: 2 and 5; 2 of 3 values differ"),
    (np.eye(2), np.array([[1.0, 0.0], [0.5, 1.0]]), "element (1, 0): 0.0 and 0.5; 1 of 4 values differs"),
    ({"a": 1}, {"b": 1}, "key 'a' is only in the reference's result"),
    ({}, {"b": 1}, "key 'b' is not in the reference's result"),
    ({"a": [1, 2]}, {"a": [1, 3]}, "key 'a': element 1: 2 and 3; 1 of 2 values differs"),
    ((1, [2.0]), (1, [3.0]), "item 1: element 0: 2.0 and 3.0; 1 of 1 value differs"),
    (strings("a", None), strings("a", "b"), "element 1: missing and 'b'; 1 of 2 values differs"),
    (table(a=np.arange(3)), table(b=np.arange(3)), "columns a and b"),
    (table(a=np.arange(3)), table(a=np.arange(2)), "3 and 2 rows"),
    (
        table(m=np.array([2.0, 2.5])),
        table(m=np.array([2.0, 3.0])),
        "row 1, column `m`: 2.5 and 3.0; 1 of 2 values differs",
    ),
    (table(a=np.arange(2)), table(a=np.arange(2.0)), "column `a`: int64 and float64"),
    (table(a=GAPS), table(a=np.array([1.0, 2.0, 3.0])), "row 1, column `a`: missing and 2.0; 1 of 3 values differs"),
    (3**50, 3**50 + 1, "717897987691852588770249 and 717897987691852588770250"),
    (2**63, -(2**63), "9223372036854775808 and -9223372036854775808"),
    (datetime.date(2024, 1, 1), datetime.date(2024, 1, 2), "2024-01-01 and 2024-01-02"),
]


@pytest.mark.parametrize(("want", "got", "text"), DIFFERENT)
def test_a_difference_in_words(want: Any, got: Any, text: str):
    assert difference(want, got, Rules()) == text


@settings(deadline=None, max_examples=60)
@given(VALUES)
def test_everything_is_the_same_as_itself(value: Any):
    assert difference(value, value, Rules()) is None
    assert difference(value, value, Rules(any_order=True)) is None


def test_positions_are_counted_from_one_in_julia_too():
    said = difference([1, 2], [1, 3], Rules(julia="same"))
    assert said == "element 1 (2 in Julia): 2 and 3; 1 of 2 values differs"


def test_tolerances_follow_the_type_the_scale_and_the_user():
    assert difference(np.array([1.0, 0.0], "f4"), np.array([1.00005, 9e-7], "f4"), Rules()) is None
    assert difference(np.array([1.0, 0.0]), np.array([1.0, 9e-7]), Rules()) is not None
    assert difference(0.0, 1e-12, Rules(inputs=1e4)) is None
    assert difference(0.0, 1e-12, Rules(inputs=1.0)) is not None
    assert difference(1.0, 1.1, Rules(Tolerance(rtol=0.2))) is None
    assert difference(0.0, 0.1, Rules(Tolerance(atol=0.2))) is None
    assert difference(5, 6, Rules(Tolerance(atol=1.0))) is None
    assert difference(0.1, float(np.float32(0.1)), Rules()) is not None


def test_any_order_sorts_rows_and_elements():
    rules = Rules(any_order=True)
    first = table(k=strings("b", "a"), v=np.array([1.0, 2.0]))
    second = table(k=strings("a", "b"), v=np.array([2.0, 1.0]))
    assert difference(first, second, rules) is None
    assert difference(first, second, Rules()) is not None
    swapped = table(k=strings("a", "b"), v=np.array([1.0, 2.0]))
    assert difference(first, swapped, rules) == "row 0, column `v`: 2.0 and 1.0; 2 of 2 values differ"
    assert difference([3, 1, 2], [1, 2, 3], rules) is None


def test_the_scale_of_inputs_sums_floats_of_every_form():
    floats = [1.5, [2.0, -2.0], {"a": np.array([1.0, math.nan])}, table(v=np.array([-4.0])), 7, "x"]
    assert sum_of_inputs(floats) == 10.5


def test_columns_of_one_name_are_all_compared():
    pair = [neutral(pd.DataFrame([[first, 2]], columns=["a", "a"])) for first in (1, 5)]
    assert difference(*pair, Rules()) == "row 0, column `a`: 1 and 5; 1 of 1 value differs"
