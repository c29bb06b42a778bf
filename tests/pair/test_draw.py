"""What is drawn is like what was given; --edge adds what wasn't seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from twinbench.pair import draw
from twinbench.pair.callee.values import MISSING, Masked, Table
from twinbench.pair.inputs import Input

QUICK = settings(
    deadline=None, max_examples=60, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)


def drawn(*examples: Input, edge: bool = False, count: int = 60) -> list[list[Any]]:
    """Arguments of many drawn inputs."""
    values: list[list[Any]] = []

    @settings(QUICK, max_examples=count)
    @given(draw.strategy(list(examples), edge=edge))
    def collect(example: Input) -> None:
        values.append(example.values())

    collect()
    return values


def first(*examples: Any, **options: Any) -> list[Any]:
    return [values[0] for values in drawn(*(Input("", [example]) for example in examples), **options)]


def test_arrays_keep_type_and_range_and_have_other_lengths():
    values = first(np.array([-1.5, 0.25, 3.0], "f4"), count=150)
    assert {(array.dtype.name, array.ndim) for array in values} == {("float32", 1)}
    assert {0, 1, 2, 3} <= {len(array) for array in values}
    everything = np.concatenate(values)
    assert everything.min() >= -1.5
    assert everything.max() <= 3.0
    assert (everything < 0).any()
    assert not (np.signbit(everything) & (everything == 0)).any()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_some_numbers_are_ties_and_limits_of_the_observed_range(dtype: str):
    everything = np.concatenate(first(np.array([-2.75, 0.3, 2.25], dtype), count=150))
    assert {-1.0, 0.5, 1.0, 1.625} <= set(everything[everything % 0.125 == 0].tolist())
    assert (everything % 0.125 != 0).any()


def test_one_value_repeated_is_longer_than_what_was_given():
    arrays = first(np.array([3, 5, 7]), count=150)
    lists = first([3, 5, 7], count=150)
    for values in (arrays, lists):
        constant = [value for value in values if len(value) > 5]
        assert max(map(len, values)) == 12
        assert all(len(set(value)) == 1 for value in constant)


@pytest.mark.parametrize("dtype", ["int64", "int8", "uint16", "float64"])
def test_whole_numbers_stay_whole_and_in_range(dtype: str):
    for array in first(np.array([2, 9, 4], dtype)):
        assert array.dtype == dtype
        assert all(float(value).is_integer() and 2 <= value <= 9 for value in array)


def test_sorted_stays_sorted_in_its_direction():
    assert all(list(array) == sorted(array) for array in first(np.array([1.0, 2.0, 2.5])))
    assert all(list(array) == sorted(array, reverse=True) for array in first(np.array([3, 2, 1])))
    assert any(list(array) != sorted(array) for array in first(np.array([1.0, 3.0, 2.0])))


def test_nan_and_missing_are_drawn_only_where_they_were_seen():
    assert not any(np.isnan(array).any() for array in first(np.array([1.0, 2.0])))
    assert any(np.isnan(array).any() for array in first(np.array([1.0, np.nan])))
    gaps = Masked(np.array([1, 2, 3]), np.array([True, False, False]))
    assert any(column.mask.any() for column in first(gaps))


def test_equal_dimensions_stay_equal_and_others_do_not():
    given_ = Input("", [np.zeros(5), np.zeros((5, 2))], {"z": np.zeros(3)})
    shapes = [[array.shape for array in values] for values in drawn(given_)]
    assert all(x[0] == y[0] for x, y, _ in shapes)
    assert any(x[0] != z[0] for x, _, z in shapes)


def test_single_numbers_keep_their_sign_and_kind():
    assert all(isinstance(value, int) and 1 <= value <= 50 for value in first(5))
    assert all(isinstance(value, float) and -1.0 <= value < 0 for value in first(-0.5))
    assert {0, 1} <= set(first(0))
    assert set(first(True)) == {True, False}
    assert set(first(None)) == {None}


def test_strings_are_of_the_observed_characters_and_some_outside_ascii():
    values = first("plain text", count=200)
    allowed = set("plain text") | set("éÉ中😀")
    assert all(set(value) <= allowed and value for value in values)
    assert any(not value.isascii() for value in values)
    assert all(value.isascii() for value in first("12, 5", "7"))


def test_lists_mappings_and_tuples_keep_their_form():
    value = {"items": ["a", "bc"], "pair": (1, 2.5), "flag": True}
    for other in first(value):
        assert list(other) == ["items", "pair", "flag"]
        assert all(isinstance(item, str) for item in other["items"])
        assert [type(part) for part in other["pair"]] == [int, float]


def test_tables_keep_names_and_types_of_columns():
    text = np.empty(2, object)
    text[:] = ["x", MISSING]
    tables = first(Table({"n": np.array([1, 2]), "s": text}, 2))
    assert {tuple(table.columns) for table in tables} == {("n", "s")}
    assert all(len(table.columns["n"]) == len(table.columns["s"]) == table.rows for table in tables)
    assert {0, 1} <= {table.rows for table in tables}
    assert any(MISSING in table.columns["s"] for table in tables)


def test_the_edge_of_each_type():
    floats = np.concatenate(first(np.array([1.0, 2.0]), edge=True, count=120))
    assert np.isnan(floats).any()
    assert np.isinf(floats).any()
    assert (np.signbit(floats) & (floats == 0)).any()
    whole = np.concatenate(first(np.array([1, 2], "int8"), edge=True, count=120))
    assert {-128, 127} <= set(whole.tolist())
    assert "" in first("abc", edge=True, count=120)


@settings(QUICK, max_examples=15)
@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=4))
def test_any_array_can_be_imitated(values: list[float]):
    assert len(first(np.array(values), count=5)) > 0
