"""What only a database can get wrong: tables that are never dropped, names that differ by case, and row order."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.frameworks.conftest import conforms
from twinbench import ops

duckdb = pytest.importorskip("duckdb")


@pytest.fixture
def framework() -> Iterator[Any]:
    from twinbench.frameworks import duckdb as module

    [framework] = module.FRAMEWORKS
    framework.load(2)
    yield framework
    framework.load(1)


def tables() -> int:
    from twinbench.frameworks import duckdb as module

    return module.connection.execute("SELECT count(*) FROM duckdb_tables()").fetchone()[0]


def test_a_table_is_dropped_with_its_object(framework: Any):
    op = ops.get("tables.sort")
    table = framework.prepare({"a": np.array([2, 1])}, "table")
    for _ in range(5):
        result = framework.ops[op.name](op.build({"by": ["a"]}), table)
    gc.collect()
    assert tables() == 2
    del result, table
    gc.collect()
    assert tables() == 0


def test_names_may_differ_by_case_alone(framework: Any):
    table = {"A": np.array([1.0, 2.0]), "a": np.array(["x", "X"]), 'q" or -- 1': np.array(["'", '"'])}
    conforms(framework, "tables.one_hot", {"columns": ["a", 'q" or -- 1']}, table)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("join", {"on": ["k"], "how": "inner", "columns": ["v"]}),
        ("sort", {"by": ["k"]}),
        ("rolling", {"name": "m", "by": ["k"], "column": "row", "window": 3}),
        ("clean", {"drop_missing": ["row"], "cast": {}}),
    ],
)
def test_rows_keep_their_order_on_several_threads(framework: Any, name: str, values: Any):
    """A row group holds 122,880 rows: fewer than two of them would never be shared between threads."""
    rng, rows = np.random.default_rng(0), 300_000
    table = {"row": np.arange(float(rows)), "k": rng.integers(0, 50, rows)}
    other = {"k": np.array([3, 7, 3, 9]), "v": np.arange(4)}
    op = ops.get(f"tables.{name}")
    conforms(framework, op.name, values, *[table, other][: len(op.inputs)])
