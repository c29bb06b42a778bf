"""The table ops of every Python framework on tables of many rows, and from one step to the next."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.frameworks.conftest import conforms
from twinbench import ops
from twinbench.ops.contract import Arrays
from twinbench.run.agree.agreement import check_agreement

LARGE = [
    ("clean", {"drop_missing": ["x", "s"], "cast": {"x": "int64", "k": "float64"}}),
    ("impute", {"columns": ["x"]}),
    ("derive", {"columns": {"q": ["floor_divide", "k", 7], "r": ["ratio", "y", "x", 2.0], "m": ["weekday", "time"]}}),
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
    ("split", {"label": "label", "drop": ["s", "x", "time"]}),
]


@pytest.mark.parametrize(("name", "values"), LARGE, ids=[name for name, _ in LARGE])
def test_a_step_agrees_on_a_table_of_many_rows(framework: Any, name: str, values: Any):
    op = ops.get(f"tables.{name}")
    inputs = [random_table(seed, rows) for seed, rows in zip(range(len(op.inputs)), (5000, 9000), strict=False)]
    if name == "join":
        del inputs[0]["z"], inputs[0]["time"]
    conforms(framework, op.name, values, *inputs)


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
    missing = {"tables.categorise"} if framework.name == "NumPy" else set()
    assert tables == [op.name for op in ops.of_modality("tables") if op.name not in missing]


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


def test_a_chain_of_steps_needs_no_conversion_between_them(framework: Any):
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
        assert all(finding.ok for finding in check_agreement(op, framework.extract(native, "table"), neutral))
