"""What the contracts of the table ops exclude is refused by the reference, in one line, with row, column and value."""

from __future__ import annotations

import math
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinbench import ops
from twinbench.ops.contract import OutsideContract

NAN, INF = float("nan"), float("inf")

EXCLUDED = [
    ("clean", {"cast": {"x": "int64"}}, {"x": [1.0, NAN]}, "column 'x', row 2: nan is missing"),
    ("clean", {"cast": {"x": "int64"}}, {"x": [1.0, INF]}, "column 'x', row 2: inf doesn't fit int64"),
    ("clean", {"cast": {"k": "float64"}}, {"k": ["1"]}, "cast: column 'k' is string"),
    ("clean", {"cast": {}, "drop_missing": ["y"]}, {"yy": [1.0]}, "there is no column 'y'; did you mean 'yy'?"),
    ("clean", {"cast": {}, "drop_missing": ["x", "x"]}, {"x": [1.0]}, "drop_missing: 'x' stands twice"),
    ("impute", {"columns": []}, {"x": [1.0]}, "columns is empty"),
    ("impute", {"columns": ["n"]}, {"n": [1]}, "column 'n' is int64, and must be float64"),
    ("impute", {"columns": ["x"], "strategy": "mean"}, {"x": [1e308, 1.5e308, NAN]}, "exceeds float64"),
    ("derive", {"columns": {"r": ["ratio", "a", "b", 1.0]}}, {"a": [1.0], "b": [0.0]}, "column 'b', row 1: 0.0"),
    ("derive", {"columns": {"d": ["floor_divide", "n", 0]}}, {"n": [1]}, "columns.d: the divisor is 0"),
    ("derive", {"columns": {"x": ["greater", "x", 0.0]}}, {"x": [1.0]}, "already a column 'x'"),
    ("derive", {"columns": {"m": ["month", "t"]}}, {"t": ["2024-01-05"]}, "'2024-01-05' is not a time in UTC"),
    ("derive", {"columns": {"m": ["month", "t"]}}, {"t": ["2023-02-29T00:00:00Z"]}, "not a time of the calendar"),
    (
        "derive",
        {"columns": {"m": ["month", "t"]}},
        {"t": ["2024-01-05T00:00:00Z", ""]},
        "column 't', row 2: '' is missing",
    ),
    ("derive", {"columns": {"g": ["greater", "x", INF]}}, {"x": [1.0]}, "columns.g: the number is inf, and must be"),
    ("derive", {"columns": {"r": ["ratio", "x", "x", NAN]}}, {"x": [1.0]}, "columns.r: the number is nan"),
    ("derive", {"columns": {"m": ["month", "t"]}}, {"t": ["2024-01-01T24:00:00Z"]}, "not a time of the calendar; corr"),
    ("groupby", {"keys": [], "aggregates": {"s": ["sum", "n"]}}, {"n": [1]}, "keys is empty"),
    ("groupby", {"keys": ["k", "k"], "aggregates": {"s": ["sum", "n"]}}, {"k": ["a"], "n": [1]}, "'k' stands twice"),
    ("groupby", {"keys": ["k"], "aggregates": {"k": ["sum", "n"]}}, {"k": ["a"], "n": [1]}, "already a column 'k'"),
    (
        "groupby",
        {"keys": ["x"], "aggregates": {"s": ["sum", "x"]}},
        {"x": [1.0]},
        "is float64, and must be int64 or string",
    ),
    ("groupby", {"keys": ["k"], "aggregates": {"s": ["mean", "k"]}}, {"k": ["a"]}, "column 'k' is string"),
    (
        "groupby",
        {"keys": ["k"], "aggregates": {"s": ["sum", "n"]}},
        {"k": ["a", "a"], "n": [2**62, 2**62]},
        "leaves int64",
    ),
    (
        "groupby",
        {"keys": ["k"], "aggregates": {"s": ["sum", "x"]}},
        {"k": ["a", "a"], "x": [INF, -INF]},
        "inf and -inf",
    ),
    (
        "groupby",
        {"keys": ["k"], "aggregates": {"r": ["r2", "x", "y"]}},
        {"k": ["a", "a"], "x": [0.1, 0.1], "y": [1.0, 2.0]},
        "column 'x' is 0.1 in all 2 rows",
    ),
    (
        "groupby",
        {"keys": ["k"], "aggregates": {"m": ["median", "x"]}},
        {"k": ["a", "a"], "x": [1.7e308, 1.6e308]},
        "aggregates.m: column 'x' holds values of a group whose sum exceeds float64",
    ),
    ("top", {"keys": [], "column": "x", "n": 1}, {"x": [1.0]}, "keys is empty"),
    ("rolling", {"name": "r", "by": ["k"], "column": "x", "window": 2}, {"k": ["a"], "x": [INF]}, "is infinite"),
    (
        "rolling",
        {"name": "x", "by": ["k"], "column": "x", "window": 2},
        {"k": ["a"], "x": [1.0]},
        "already a column 'x'",
    ),
    (
        "rolling",
        {"name": "r", "by": ["k"], "column": "x", "window": 2},
        {"k": ["a", "a"], "x": [1e308, -1e308]},
        "column 'x': the sum of its values exceeds float64",
    ),
    ("sort", {"by": []}, {"x": [1.0]}, "by is empty"),
    ("one_hot", {"columns": ["x"]}, {"x": [1.0]}, "is float64"),
    ("one_hot", {"columns": ["k"]}, {"k": ["a"], "k=a": [1]}, "already a column 'k=a'"),
    ("one_hot", {"columns": ["k"]}, {"k": [""]}, "columns: every value is missing"),
    ("standardise", {"columns": ["x"]}, {"x": [1.0, NAN]}, "column 'x', row 2: nan is missing"),
    ("split", {"label": "y"}, {"x": [1.0] * 4, "y": [-1, 1, -1, 1]}, "column 'y', row 1: -1 is not a class"),
    ("split", {"label": "y"}, {"x": [1.0, NAN, 1.0, 1.0], "y": [0, 1, 0, 1]}, "column 'x', row 2: nan is missing"),
    ("split", {"label": "y"}, {"x": [1.0, 2.0, 1e39, 1.0], "y": [0, 1, 0, 1]}, "column 'x', row 3: 1e+39 doesn't fit"),
    ("split", {"label": "y"}, {"k": ["a"] * 4, "y": [0, 1, 0, 1]}, "column 'k' is string"),
    ("split", {"label": "y", "drop": ["x", "x"]}, {"x": [1.0], "y": [0]}, "drop: 'x' stands twice"),
    ("split", {"label": "y"}, {"x": [1.0], "y": [0]}, "of 1 rows none is left to test"),
]


def refused(name, params, *tables):
    op = ops.get(f"tables.{name}")
    inputs = [{column: np.asarray(values) for column, values in table.items()} for table in tables]
    with pytest.raises(OutsideContract) as error:
        op.requires(op.build(params), *inputs)
    return str(error.value)


@pytest.mark.parametrize(("name", "params", "table", "words"), EXCLUDED)
def test_what_a_contract_excludes_is_refused_with_its_position(name, params, table, words):
    message = refused(name, params, table)
    assert words in message
    assert "\n" not in message


def test_a_join_refuses_keys_of_different_types_and_columns_of_both_sides():
    left, right = {"k": [1], "v": [1]}, {"k": [1.0], "w": [2]}
    join = {"on": ["k"], "how": "inner", "columns": ["w"]}
    assert "column 'k' is float64, and must be int64" in refused("join", join, left, right)
    assert "already a column 'v'" in refused("join", join | {"columns": ["v"]}, left, {"k": [1], "v": [2]})
    assert "'w' stands twice" in refused("join", join | {"columns": ["w", "w"]}, left, {"k": [1], "w": [2]})


FILES = {
    b"k,x\na,1\n\n": "line 3: the line is empty",
    b"k,x\na,1,2\n": "line 2: 3 fields, and the header has 2",
    b"k,x\na,1 000\n": "line 2, column 'x': '1 000' is not a number",
    b"k,x\na,+1\n": "line 2, column 'x': '+1'",
    "k,x\na,\uff11\n".encode(): "line 2, column 'x': '\uff11'",
    b'k,x\n"a"b,1\n': "line 2: a quote",
    b"k,x\ra,1\r": "line 1: a quote or a carriage return",
    b"k;x\na;1\n": "separated by semicolons",
    b"k,x,x\na,1,2\n": "the column 'x' stands 2 times",
    b"k,y\na,1\n": "there is no column 'x'",
    b"k,x\na,1\nb\0,2\n": "line 3: a NUL character",
    b"k,x\na,1\r\nb,2\n": "line 2: the line ends in CRLF, and the first line in LF; end all lines alike",
    b'"k",x\r\na,1\nb,2\n': "line 2: the line ends in LF, and the first line in CRLF",
    b'k,x,"a\nb"\na,1,2\n': "line 1: the name 'a b' has a line break",
    b"k,x": "line 1: the header has no end of line",
    b"": "has no header",
    b"\x1f\x8b\x08": "compressed by gzip",
    b"PAR1": "is a Parquet file",
    b'{"k": "a", "x": 1}\n': "holds JSON; export it as CSV",
    "k,x\n\xe4,1\n".encode("latin-1"): "line 2: byte 0xe4 is not UTF-8",
}


@pytest.mark.parametrize("content", FILES)
def test_a_file_outside_the_contract_is_refused_with_its_line(content, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    op = ops.get("tables.read_csv")
    params = op.build({"table": "a", "columns": {"k": "string", "x": "float64"}})
    with pytest.raises(OutsideContract, match=re.escape(FILES[content])) as error:
        op.reference(params, str(path))
    assert str(path) in str(error.value)


@pytest.mark.parametrize(("field", "kind"), [("12.0", "float64"), ("1e5", "float64"), ("12 a", "string")])
def test_what_is_not_a_whole_number_names_the_type_that_holds_it(field, kind, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"n\n{field}\n")
    op = ops.get("tables.read_csv")
    with pytest.raises(OutsideContract, match=f"'{field}' is not a whole number .* as {kind}$"):
        op.reference(op.build({"table": "a", "columns": {"n": "int64"}}), str(path))


def test_a_gap_in_whole_numbers_names_the_type_that_holds_it(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("n\n1\nNA\n")
    op = ops.get("tables.read_csv")
    with pytest.raises(OutsideContract, match=r"line 3, column 'n': the value is missing, .*float64"):
        op.reference(op.build({"table": "a", "columns": {"n": "int64"}}), str(path))


def test_a_long_field_a_byte_order_mark_and_the_text_nan_are_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbfk,x\n" + b"a" * 200_000 + b",NaN\nb,.5\n")
    op = ops.get("tables.read_csv")
    table = op.reference(op.build({"table": "a", "columns": {"k": "string", "x": "float64"}}), str(path))
    assert len(table["k"][0]) == 200_000
    np.testing.assert_array_equal(table["x"], [NAN, 0.5])


@given(
    st.lists(st.floats(-1e3, 1e3).map(lambda value: round(value, 6)), min_size=2, max_size=30),
    st.sampled_from([0.0, 1.7e9, -4.2e12]),
    st.sampled_from([1.0, 1e-15, 1e12]),
)
def test_sum_mean_and_deviation_are_exact_to_a_tenth_of_the_tolerance(values, offset, unit):
    x = (np.array(values) + offset) * unit
    op = ops.get("tables.groupby")
    params = op.build({"keys": ["k"], "aggregates": {"s": ["sum", "x"], "m": ["mean", "x"], "d": ["std", "x"]}})
    table = {"k": np.zeros(len(x), np.int64), "x": x}
    got, scale = op.reference(params, table), op.scale(params, {}, table)
    exact = [Fraction(v) for v in x.tolist()]
    mean = sum(exact) / len(exact)
    variance = sum((v - mean) ** 2 for v in exact) / (len(exact) - 1)
    right = {"s": float(sum(exact)), "m": float(mean), "d": math.sqrt(variance)}
    for name, value in right.items():
        allowed = op.tolerance.atol * float(scale[name][0]) + op.tolerance.rtol * abs(value)
        assert abs(float(got[name][0]) - value) <= 0.1 * allowed
