"""The references of the table ops, against brute force in plain Python and against cases worked out by hand."""

from __future__ import annotations

import math
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinbench import ops
from twinbench.ops.contract import Arrays
from twinbench.ops.tables import read

KEYS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["", "a", "b"])), max_size=12)
NAN = float("nan")


def reference(name: str, values: dict[str, Any], *inputs: Any) -> Arrays:
    op = ops.get(f"tables.{name}")
    return op.reference(op.build(values), *inputs)


def table(keys: list[tuple[int, str]], **columns: Any) -> Arrays:
    return {
        "k": np.array([k for k, _ in keys], dtype=np.int64),
        "s": np.array([s for _, s in keys], dtype=np.str_),
        **{name: np.array(values) for name, values in columns.items()},
    }


@settings(max_examples=50, deadline=None)
@given(keys=KEYS, data=st.data())
def test_groupby_is_what_brute_force_finds(keys: Any, data: Any):
    number = st.just(NAN) | st.integers(-100, 100).map(float)
    x = data.draw(st.lists(number, min_size=len(keys), max_size=len(keys)))
    names = ["count", "sum", "mean", "min", "max", "median", "std"]
    got = reference(
        "groupby",
        {"keys": ["s", "k"], "aggregates": {name: [name, "x"] for name in names}},
        table(keys, x=np.array(x, dtype=np.float64)),
    )
    groups = sorted({(s, k) for k, s in keys if s})
    assert list(zip(got["s"].tolist(), got["k"].tolist(), strict=True)) == groups
    for row, (s, k) in enumerate(groups):
        present = [v for v, key in zip(x, keys, strict=True) if key == (k, s) and not math.isnan(v)]
        want = {
            "count": len(present),
            "sum": sum(present),
            "mean": statistics.fmean(present) if present else NAN,
            "min": min(present, default=NAN),
            "max": max(present, default=NAN),
            "median": statistics.median(present) if present else NAN,
            "std": statistics.stdev(present) if len(present) > 1 else NAN,
        }
        for name in names:
            assert got[name][row] == pytest.approx(want[name], nan_ok=True), name


def correlation(pairs: list[tuple[float, float]]) -> float:
    """Squared, of the pairs of which none is missing; NaN where it isn't defined."""
    whole = [pair for pair in pairs if not math.isnan(pair[0]) and not math.isnan(pair[1])]
    try:
        return statistics.correlation(*zip(*whole, strict=True)) ** 2
    except (TypeError, statistics.StatisticsError):  # no pair; one, or a constant
        return NAN


@settings(max_examples=50, deadline=None)
@given(keys=KEYS, data=st.data())
def test_aggregates_of_two_columns_are_what_brute_force_finds(keys: Any, data: Any):
    number = st.just(NAN) | st.integers(-100, 100).map(float)
    x, y = (data.draw(st.lists(number, min_size=len(keys), max_size=len(keys))) for _ in "xy")
    n = data.draw(st.lists(st.integers(-9, 9), min_size=len(keys), max_size=len(keys)))
    got = reference(
        "groupby",
        {
            "keys": ["s"],
            "aggregates": {
                "spread": ["max_minus_min", "x", "n"],
                "whole": ["max_minus_min", "n", "n"],
                "r2": ["r2", "x", "y"],
            },
        },
        table(keys, x=np.array(x, dtype=np.float64), y=np.array(y, dtype=np.float64), n=np.array(n, dtype=np.int64)),
    )
    assert got["s"].tolist() == sorted({s for _, s in keys if s})
    assert (got["spread"].dtype, got["whole"].dtype, got["r2"].dtype) == (np.float64, np.int64, np.float64)
    for row, group in enumerate(got["s"]):
        rows = [i for i, (_, s) in enumerate(keys) if s == group]
        present = [x[i] for i in rows if not math.isnan(x[i])]
        spread = max(present) - min(n[i] for i in rows) if present else NAN
        assert got["spread"][row] == pytest.approx(spread, nan_ok=True)
        assert got["whole"][row] == max(n[i] for i in rows) - min(n[i] for i in rows)
        assert got["r2"][row] == pytest.approx(correlation([(x[i], y[i]) for i in rows]), nan_ok=True)


@settings(max_examples=50, deadline=None)
@given(keys=KEYS, n=st.integers(1, 3), data=st.data())
def test_top_is_what_sorting_each_group_finds(keys: Any, n: Any, data: Any):
    x = data.draw(st.lists(st.just(NAN) | st.integers(-3, 3).map(float), min_size=len(keys), max_size=len(keys)))
    got = reference("top", {"keys": ["s", "k"], "column": "x", "n": n}, table(keys, x=np.array(x, dtype=np.float64)))
    groups: dict[tuple[str, int], list[float]] = {}
    for (k, s), value in zip(keys, x, strict=True):
        if s and not math.isnan(value):
            groups.setdefault((s, k), []).append(value)
    want = [(*key, value) for key in sorted(groups) for value in sorted(groups[key], reverse=True)[:n]]
    assert list(zip(*(got[name].tolist() for name in ("s", "k", "x")), strict=True)) == want


@settings(max_examples=50, deadline=None)
@given(left=KEYS, right=KEYS, how=st.sampled_from(["inner", "left"]), on=st.sampled_from([["k"], ["s"], ["k", "s"]]))
def test_join_is_what_two_loops_find(left: Any, right: Any, how: Any, on: Any):
    got = reference(
        "join",
        {"on": on, "how": how, "columns": ["v"]},
        table(left, row=np.arange(len(left))),
        table(right, v=np.arange(len(right))),
    )

    def match(a: tuple[int, str], b: tuple[int, str]) -> bool:
        return ("k" not in on or a[0] == b[0]) and ("s" not in on or a[1] == b[1] != "")

    want = []
    for i, a in enumerate(left):
        found = [j for j, b in enumerate(right) if match(a, b)]
        want += [(i, j) for j in (found or ([NAN] if how == "left" else []))]
    assert got["row"].tolist() == [i for i, _ in want]
    np.testing.assert_array_equal(got["v"], np.array([j for _, j in want], dtype="f8" if how == "left" else "i8"))
    assert got["v"].dtype == (np.float64 if how == "left" else np.int64)


@settings(max_examples=50, deadline=None)
@given(keys=KEYS, descending=st.booleans())
def test_sort_is_pythons_stable_sort_with_the_missing_last(keys: Any, descending: bool):
    got = reference("sort", {"by": ["s", "k"], "descending": descending}, table(keys, row=np.arange(len(keys))))
    want = sorted(range(len(keys)), key=lambda row: keys[row][0], reverse=descending)
    want = sorted(want, key=lambda row: keys[row][1], reverse=descending)
    want.sort(key=lambda row: keys[row][1] == "")
    assert got["row"].tolist() == want


def test_a_file_is_read_in_parts_that_make_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(read, "ROWS_AT_ONCE", 4)
    file = tmp_path / "table.csv"
    file.write_text("n,s,x\n" + "".join(f"{i},{'a' * (i % 7)},{i / 8 if i % 3 else 'NA'}\n" for i in range(9)))
    got = reference("read_csv", {"table": "t", "columns": {"x": "float64", "s": "string", "n": "int64"}}, str(file))
    assert got["n"].tolist() == list(range(9))
    assert got["s"].tolist() == ["a" * (i % 7) for i in range(9)]
    np.testing.assert_array_equal(got["x"], [i / 8 if i % 3 else NAN for i in range(9)])


CASES = [
    (
        "clean",
        {"drop_missing": ["s"], "cast": {"x": "int64"}},
        {"s": ["a", ""], "x": [-1.7, NAN]},
        {"s": ["a"], "x": [-1]},
    ),
    ("impute", {"columns": ["x"]}, {"x": [1.0, NAN, 4.0]}, {"x": [1.0, 2.5, 4.0]}),
    ("impute", {"columns": ["x"]}, {"x": [NAN]}, {"x": [NAN]}),
    (
        "derive",
        {"columns": {"m": ["month", "t"], "d": ["weekday", "t"], "f": ["floor_divide", "n", 10]}},
        {"t": ["1969-12-31T23:59:59Z", "2024-02-29T00:00:00Z"], "n": [-1, 19]},
        {"t": ["1969-12-31T23:59:59Z", "2024-02-29T00:00:00Z"], "n": [-1, 19], "m": [12, 2], "d": [3, 4], "f": [-1, 1]},
    ),
    (
        "derive",
        {"columns": {"r": ["ratio", "x", "y", 60.0], "g": ["greater", "x", 1.0]}},
        {"x": [1.0, NAN, 2.0], "y": [2.0, 2.0, -4.0]},
        {"x": [1.0, NAN, 2.0], "y": [2.0, 2.0, -4.0], "r": [30.0, NAN, -30.0], "g": [0, 0, 1]},
    ),
    (
        "rolling",
        {"name": "m", "by": ["g"], "column": "x", "window": 2},
        {"g": ["a", "b", "a", "a"], "x": [1, 10, 3, 7]},
        {"g": ["a", "b", "a", "a"], "x": [1, 10, 3, 7], "m": [1.0, 10.0, 2.0, 5.0]},
    ),
    ("standardise", {"columns": ["x"]}, {"x": [1, 3]}, {"x": [-1.0, 1.0]}),
    ("standardise", {"columns": ["x"]}, {"x": [0.1, 0.1, 0.1]}, {"x": [0.0, 0.0, 0.0]}),
]


@pytest.mark.parametrize(("name", "values", "given_", "want"), CASES)
def test_a_case_worked_out_by_hand(name: str, values: Any, given_: Any, want: Any):
    got = reference(name, values, {column: np.array(rows) for column, rows in given_.items()})
    assert list(got) == list(want)
    for column, rows in want.items():
        np.testing.assert_array_equal(got[column], np.array(rows), strict=got[column].dtype.kind != "U")


def test_one_hot_leaves_a_missing_value_without_an_indicator():
    got = reference("one_hot", {"columns": ["n", "s"]}, {"s": np.array(["b", "", "a"]), "n": np.array([10, 9, 10])})
    assert {name: values.tolist() for name, values in got.items()} == {
        "n=9": [0, 1, 0],
        "n=10": [1, 0, 1],
        "s=a": [0, 0, 1],
        "s=b": [1, 0, 0],
    }
    assert {values.dtype.name for values in got.values()} == {"uint8"}


def test_a_split_takes_every_row_once():
    op = ops.get("tables.split")
    params = op.build({"label": "y", "drop": ["id"], "test_fraction": 0.3, "seed": 1})
    rows = {"id": np.arange(10), "x": np.arange(10) * 2.0, "y": np.arange(10) % 2}
    given_ = op.givens(params, rows)
    assert sorted([*given_["train"], *given_["test"]]) == list(range(10))
    assert len(given_["test"]) == 3
    got = op.reference(params, rows, given_)
    np.testing.assert_array_equal(got["x_test"], (given_["test"][:, None] * 2).astype(np.float32), strict=True)
    np.testing.assert_array_equal(got["y_train"], (given_["train"] % 2).astype(np.float32), strict=True)
