"""Every table op of every Python framework against the contract's reference, on tables that hypothesis makes up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twinbench import ops
from twinbench.ops.contract import Arrays

FEW = ["", "a", "b", "B", "ab", "é", "日本", "😀", "\uffff", "it's", 'q"', " ", "null", "nan", "NA", "10", "9"]
TEXT = st.sampled_from(FEW) | st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=5)
WORD = TEXT.filter(bool)
INT = st.integers(-4, 12)
BIG = st.integers(-(2**57), 2**57)
NUMBER = st.integers(-40_000, 40_000).map(lambda n: n / 8)
MAYBE = st.just(np.nan) | NUMBER
DTYPES = dict.fromkeys(["k", "n", "big", "label"], np.int64) | dict.fromkeys(["s", "r", "w", "time"], np.str_)
DTYPES["u"] = np.uint8


@st.composite
def tables(draw: Any, **columns: st.SearchStrategy[Any]) -> Arrays:
    """A read-only table of 0 to 16 rows; some columns aren't contiguous."""
    rows = draw(st.integers(0, 16))
    return {name: array(draw, values, rows, DTYPES.get(name, np.float64)) for name, values in columns.items()}


def array(draw: Any, values: st.SearchStrategy[Any], rows: int, dtype: Any) -> np.ndarray:
    column = np.array(draw(st.lists(values, min_size=rows, max_size=rows)), dtype=dtype)
    if draw(st.booleans()):
        column = np.repeat(column, 2)[::2]
    column.flags.writeable = False
    return column


def some(*names: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), min_size=1, unique=True)


@st.composite
def clean(draw: Any) -> Any:
    table = draw(tables(a=MAYBE, s=TEXT, b=NUMBER, n=INT, c=MAYBE))
    drop = draw(st.lists(st.sampled_from(["a", "s", "c"]), unique=True))
    casts = {"b": "int64", "n": "float64"} | ({"a": "int64"} if "a" in drop else {})
    return {"drop_missing": drop, "cast": {name: casts[name] for name in draw(some(*casts))}}, table


@st.composite
def impute(draw: Any) -> Any:
    table = draw(tables(x=MAYBE, s=TEXT, y=MAYBE, z=st.just(np.nan), n=INT))
    return {"columns": draw(some("x", "y", "z")), "strategy": draw(st.sampled_from(["median", "mean"]))}, table


TIME = st.datetimes(datetime(1901, 1, 1), datetime(2199, 12, 31)).map(lambda time: f"{time:%Y-%m-%dT%H:%M:%SZ}")


@st.composite
def derive(draw: Any) -> Any:
    table = draw(tables(x=MAYBE, n=st.integers(-2500, 2500), y=MAYBE.filter(bool), time=TIME))
    definitions = {
        "month": ["month", "time"],
        "weekday": ["weekday", "time"],
        "floor": ["floor_divide", "n", draw(st.integers(1, 100))],
        "ratio": ["ratio", "x", "y", draw(st.sampled_from([60.0, 1e-3, -1.0]))],
        "whole": ["ratio", "n", "y", 1.0],
        "greater": ["greater", "x", draw(NUMBER)],
        "over": ["greater", "n", 0.5],
    }
    return {"columns": {name: definitions[name] for name in draw(some(*definitions))}}, table


@st.composite
def groupby(draw: Any) -> Any:
    table = draw(tables(s=TEXT, k=INT, r=st.sampled_from(FEW), x=MAYBE, n=INT, big=BIG, z=MAYBE))
    functions = st.sampled_from(["count", "sum", "mean", "min", "max", "median", "std"])
    new = {f"new{i}": draw(st.tuples(functions, st.sampled_from(["x", "n"]))) for i in range(draw(st.integers(1, 4)))}
    new["exact"] = draw(st.tuples(st.sampled_from(["count", "sum", "min", "max"]), st.just("big")))
    new["spread"] = ("max_minus_min", *draw(st.tuples(*[st.sampled_from(["x", "n", "z"])] * 2)))
    new["r2"] = ("r2", *draw(st.tuples(*[st.sampled_from(["x", "n", "z"])] * 2)))
    if draw(st.booleans()):
        new["texts"] = ("count", "r")
    return {"keys": draw(some("s", "k", "r")), "aggregates": new, "ordered": draw(st.booleans())}, table


@st.composite
def top(draw: Any) -> Any:
    table = draw(tables(s=TEXT, x=MAYBE, k=INT, r=st.sampled_from(FEW), n=INT, big=BIG))
    choice = {"column": draw(st.sampled_from(["x", "n", "big"])), "n": draw(st.integers(1, 4))}
    return choice | {"keys": draw(some("s", "k", "r")), "ordered": draw(st.booleans())}, table


@st.composite
def join(draw: Any) -> Any:
    left = draw(tables(k=INT, s=TEXT, x=MAYBE))
    right = draw(tables(v=MAYBE, s=st.sampled_from(FEW), w=TEXT, k=INT, n=INT, big=BIG))
    params = {"on": draw(some("k", "s")), "how": draw(st.sampled_from(["inner", "left"]))}
    return params | {"columns": draw(some("v", "w", "n", "big")), "ordered": draw(st.booleans())}, left, right


@st.composite
def sort(draw: Any) -> Any:
    table = draw(tables(s=TEXT, row=NUMBER, k=INT, x=MAYBE, big=st.sampled_from([-(2**63), -1, 2**63 - 1])))
    return {"by": draw(some("s", "k", "x", "big")), "descending": draw(st.booleans())}, table


@st.composite
def rolling(draw: Any) -> Any:
    table = draw(tables(s=WORD, k=st.integers(0, 2), x=NUMBER, n=INT))
    choice = {"by": draw(some("s", "k")), "column": draw(st.sampled_from(["x", "n"]))}
    function, window = draw(st.sampled_from(["mean", "sum"])), draw(st.integers(1, 20))
    return choice | {"name": "new", "function": function, "window": window}, table


@st.composite
def one_hot(draw: Any) -> Any:
    return {"columns": draw(some("s", "k"))}, draw(tables(x=MAYBE, s=TEXT, k=INT, r=TEXT))


@st.composite
def standardise(draw: Any) -> Any:
    constant = draw(st.floats(-1e6, 1e6))
    table = draw(tables(x=NUMBER, s=TEXT, n=INT, c=st.just(constant), one=st.just(0.1)))
    return {"columns": draw(some("x", "n", "c", "one"))}, table


@st.composite
def split(draw: Any) -> Any:
    table = draw(tables(s=TEXT, x=NUMBER, label=st.integers(0, 1), n=INT, u=st.integers(0, 1), y=NUMBER))
    fraction = draw(st.sampled_from([0.1, 0.25, 0.9]))
    return {"label": "label", "drop": ["s", *draw(some("n", "y"))], "test_fraction": fraction, "seed": 3}, table


CASES = [clean, impute, derive, groupby, top, join, sort, rolling, one_hot, standardise, split]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_step_agrees_with_the_reference(framework: Any, run: Any, agrees: Any, case: Callable[[], Any], data: Any):
    op = ops.get(f"tables.{case.__name__}")
    values, *inputs = data.draw(case())
    params = op.build(values)
    extra = {"given": op.givens(params, *inputs)} if op.givens else {}
    want = op.reference(params, *inputs, *extra.values())
    agrees(op, run(framework, op, params, *inputs, **extra), want, params)


LARGE = [
    ("clean", {"drop_missing": ["x", "s"], "cast": {"x": "int64", "k": "float64"}}),
    ("impute", {"columns": ["x"]}),
    ("derive", {"columns": {"q": ["floor_divide", "k", 7], "z": ["ratio", "y", "x", 2.0], "m": ["weekday", "time"]}}),
    ("groupby", {"keys": ["s", "k"], "aggregates": {"a": ["median", "x"], "b": ["std", "x"], "c": ["sum", "k"]}}),
    ("groupby", {"keys": ["k"], "aggregates": {"a": ["r2", "x", "y"], "b": ["max_minus_min", "k", "k"]}}),
    ("top", {"keys": ["s"], "column": "x", "n": 3}),
    ("top", {"keys": ["k", "s"], "column": "label", "n": 2}),
    ("join", {"on": ["k", "s"], "how": "left", "columns": ["z", "time"]}),
    ("join", {"on": ["s"], "how": "inner", "columns": ["z"]}),
    ("groupby", {"keys": ["s", "k"], "aggregates": {"a": ["mean", "x"]}, "ordered": False}),
    ("top", {"keys": ["s"], "column": "x", "n": 3, "ordered": False}),
    ("join", {"on": ["k", "s"], "how": "left", "columns": ["z", "time"], "ordered": False}),
    ("sort", {"by": ["k"]}),
    ("sort", {"by": ["x"], "descending": True}),
    ("rolling", {"name": "m", "by": ["k"], "column": "y", "window": 50}),
    ("one_hot", {"columns": ["s"]}),
    ("standardise", {"columns": ["k", "y"]}),
    ("split", {"label": "label", "drop": ["s", "time"]}),
]


@pytest.mark.parametrize(("name", "values"), LARGE, ids=[name for name, _ in LARGE])
def test_a_step_agrees_on_a_table_of_many_rows(framework: Any, run: Any, agrees: Any, name: str, values: Any):
    op = ops.get(f"tables.{name}")
    params = op.build(values)
    inputs = [random_table(seed, rows) for seed, rows in zip(range(len(op.inputs)), (5000, 9000), strict=False)]
    if name == "join":
        del inputs[0]["z"], inputs[0]["time"]
    extra = {"given": op.givens(params, *inputs)} if op.givens else {}
    agrees(op, run(framework, op, params, *inputs, **extra), op.reference(params, *inputs, *extra.values()), params)


def random_table(seed: int, rows: int) -> Arrays:
    """More rows than a vector of DuckDB's holds, and more texts than the sample that NumPy's factorise looks at."""
    rng = np.random.default_rng(seed)
    texts = np.array(["", *(f"id{i:04d}" for i in range(300))])
    times = np.datetime64("2013-01-01T00:00:00") + rng.integers(0, 9000, rows) * np.timedelta64(1, "h")
    return {
        "s": texts[rng.integers(0, len(texts), rows)],
        "k": rng.integers(0, 20, rows),
        "x": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(100, 20, rows)),
        "y": rng.exponential(1000, rows),
        "z": np.round(rng.exponential(2, rows)),
        "label": rng.integers(0, 2, rows),
        "time": np.strings.add(times.astype(np.str_), "Z"),
    }


def test_every_framework_holds_the_ops_in_the_contracts_order(framework: Any):
    tables = [name for name in framework.ops if name.startswith("tables.")]
    assert tables == [op.name for op in ops.of_modality("tables")]


def test_a_table_goes_in_and_comes_out_unchanged(framework: Any):
    table = {
        "f": np.array([1.5, np.nan, -0.0]),
        "i": np.array([2**62, -1, 0]),
        "s": np.array(["", "é", "NA"]),
        "S": np.array(["x", "", ""]),
        "u": np.array([0, 1, 255], dtype=np.uint8),
    }
    back = framework.extract(framework.prepare(table, "table"), "table")
    assert list(back) == list(table)
    for name, values in table.items():
        np.testing.assert_array_equal(back[name], values)
        assert back[name].dtype.kind == values.dtype.kind


def test_a_chain_of_steps_needs_no_conversion_between_them(framework: Any, agrees: Any):
    table = {"s": np.array(["b", "a", "b", ""]), "x": np.array([1.0, 2.0, np.nan, 4.0])}
    native, neutral = framework.prepare(table, "table"), table
    steps = [
        ("tables.clean", {"drop_missing": ["x"], "cast": {}}),
        ("tables.sort", {"by": ["x"], "descending": True}),
        ("tables.rolling", {"name": "m", "by": ["x"], "column": "x", "window": 2}),
        ("tables.one_hot", {"columns": ["s"]}),
        ("tables.standardise", {"columns": ["m"]}),
    ]
    for name, values in steps:
        op = ops.get(name)
        native = framework.ops[name](op.build(values), native)
        neutral = op.reference(op.build(values), neutral)
        agrees(op, framework.extract(native, "table"), neutral)
