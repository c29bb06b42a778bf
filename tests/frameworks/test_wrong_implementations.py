"""A check that accepts anything proves nothing: plausible mistakes, each of which the agreement check must reject."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from twinbench import ops
from twinbench.ops.contract import Arrays
from twinbench.run.agree.agreement import check_agreement

TABLE = {
    "k": np.array([2, 1, 2, 1, 2]),
    "s": np.array(["b", "a", "", "b", ""]),
    "x": np.array([0.1, 1e6, 0.3, np.nan, 0.7]),
    "y": np.array([5.0, 3.0, 2.0, 8.0, 1.0]),
}
RIGHT = {
    "k": np.array([1, 2, 2]),
    "s": np.array(["b", "", "b"]),
    "v": np.array([1, 2, 3]),
    "w": np.array(["p", "q", "r"]),
}

GROUP = {"keys": ["k"], "aggregates": {"sum": ["sum", "x"], "std": ["std", "y"], "n": ["count", "x"]}}
PAIR = {"keys": ["k"], "aggregates": {"r2": ["r2", "x", "y"], "spread": ["max_minus_min", "y", "x"]}}
TOP = {"keys": ["k"], "column": "x", "n": 2}
LEFT = {"on": ["k"], "how": "left", "columns": ["v", "w"]}


def float32_sum(p: Any, table: Arrays) -> Arrays:
    out = right("tables.groupby", p, table)
    return out | {"sum": out["sum"].astype(np.float32).astype(np.float64)}


def population_std(p: Any, table: Arrays) -> Arrays:
    out = right("tables.groupby", p, table)
    n = np.bincount(table["k"])[out["k"]]
    return out | {"std": out["std"] * np.sqrt((n - 1) / n)}


def counts_missing(p: Any, table: Arrays) -> Arrays:
    return right("tables.groupby", p, table) | {"n": np.bincount(table["k"])[1:]}


def unsorted_groups(p: Any, table: Arrays) -> Arrays:
    return {name: values[::-1] for name, values in right("tables.groupby", p, table).items()}


def float32_result(p: Any, table: Arrays) -> Arrays:
    out = right("tables.groupby", p, table)
    return out | {"std": out["std"].astype(np.float32)}


def other_column_order(p: Any, table: Arrays) -> Arrays:
    return dict(reversed(right("tables.groupby", p, table).items()))


def correlation_not_squared(p: Any, table: Arrays) -> Arrays:
    out = right("tables.groupby", p, table)
    return out | {"r2": np.sqrt(out["r2"])}


def max_minus_min_of_one_column(p: Any, table: Arrays) -> Arrays:
    return right("tables.groupby", p, table) | {
        "spread": right("tables.groupby", p, table | {"x": table["y"]})["spread"]
    }


def means_over_what_each_column_has(p: Any, table: Arrays) -> Arrays:
    filled = table | {"x": np.where(np.isnan(table["x"]), np.nanmean(table["x"]), table["x"])}
    return right("tables.groupby", p, table) | {"r2": right("tables.groupby", p, filled)["r2"]}


def smallest_for_largest(p: Any, table: Arrays) -> Arrays:
    out = right("tables.top", p, table | {"x": -table["x"]})
    return out | {"x": -out["x"]}


def upwards_in_the_group(p: Any, table: Arrays) -> Arrays:
    out = right("tables.top", p, table)
    order = np.lexsort((out["x"], out["k"]))
    return {name: values[order] for name, values in out.items()}


def a_missing_value_is_the_largest(p: Any, table: Arrays) -> Arrays:
    out = right("tables.top", p, table | {"x": np.where(np.isnan(table["x"]), np.inf, table["x"])})
    return out | {"x": np.where(np.isinf(out["x"]), np.nan, out["x"])}


def matches_in_the_wrong_order(p: Any, left: Arrays, other: Arrays) -> Arrays:
    return right("tables.join", p, left, {name: values[::-1] for name, values in other.items()})


def order_of_the_right_table(p: Any, left: Arrays, other: Arrays) -> Arrays:
    out = right("tables.join", p, left, other)
    order = np.argsort(out["v"], kind="stable")
    return {name: values[order] for name, values in out.items()}


def missing_keys_match(p: Any, left: Arrays, other: Arrays) -> Arrays:
    filled = [table | {"s": np.where(table["s"] == "", "?", table["s"])} for table in (left, other)]
    out = right("tables.join", p, *filled)
    return out | {"s": np.where(out["s"] == "?", "", out["s"])}


def integers_stay_integers(p: Any, left: Arrays, other: Arrays) -> Arrays:
    out = right("tables.join", p, left, other)
    return out | {"v": out["v"].astype(np.int64)}


def unstable_sort(p: Any, table: Arrays) -> Arrays:
    return {name: values[::-1] for name, values in right("tables.sort", p, table).items()}


def missing_first(p: Any, table: Arrays) -> Arrays:
    order = np.argsort(table["x"])[[-1, 0, 1, 2, 3]]
    return {name: values[order] for name, values in table.items()}


def window_too_long(p: Any, table: Arrays) -> Arrays:
    return right("tables.rolling", replace(p, window=3), table)


def forgets_the_groups(p: Any, table: Arrays) -> Arrays:
    return right("tables.rolling", p, table | {"k": np.zeros(5)}) | {"k": table["k"]}


def indicators_by_appearance(p: Any, table: Arrays) -> Arrays:
    out = right("tables.one_hot", p, table)
    return {name: out[name] for name in ("k", "x", "y", "s=b", "s=a")}


def missing_is_a_category(p: Any, table: Arrays) -> Arrays:
    return right("tables.one_hot", p, table) | {"s=": (table["s"] == "").astype(np.uint8)}


def sample_deviation(p: Any, table: Arrays) -> Arrays:
    out = right("tables.standardise", p, table)
    return out | {"y": out["y"] * np.sqrt(4 / 5)}


def mean_for_median(p: Any, table: Arrays) -> Arrays:
    return right("tables.impute", replace(p, strategy="mean"), table)


def rounds_the_cast(p: Any, table: Arrays) -> Arrays:
    out = right("tables.clean", p, table)
    return out | {"x": np.rint(table["x"][~np.isnan(table["x"])]).astype(np.int64)}


WRONG = [
    ("tables.groupby", GROUP, float32_sum),
    ("tables.groupby", GROUP, population_std),
    ("tables.groupby", GROUP, counts_missing),
    ("tables.groupby", GROUP, unsorted_groups),
    ("tables.groupby", GROUP, float32_result),
    ("tables.groupby", GROUP, other_column_order),
    ("tables.groupby", PAIR, correlation_not_squared),
    ("tables.groupby", PAIR, max_minus_min_of_one_column),
    ("tables.groupby", PAIR, means_over_what_each_column_has),
    ("tables.top", TOP, smallest_for_largest),
    ("tables.top", TOP, upwards_in_the_group),
    ("tables.top", TOP, a_missing_value_is_the_largest),
    ("tables.join", LEFT, matches_in_the_wrong_order),
    ("tables.join", LEFT, order_of_the_right_table),
    ("tables.join", LEFT | {"on": ["s"]}, missing_keys_match),
    ("tables.join", LEFT, integers_stay_integers),
    ("tables.sort", {"by": ["k"]}, unstable_sort),
    ("tables.sort", {"by": ["x"]}, missing_first),
    ("tables.rolling", {"name": "m", "by": ["k"], "column": "y", "window": 2}, window_too_long),
    ("tables.rolling", {"name": "m", "by": ["k"], "column": "y", "window": 2}, forgets_the_groups),
    ("tables.one_hot", {"columns": ["s"]}, indicators_by_appearance),
    ("tables.one_hot", {"columns": ["s"]}, missing_is_a_category),
    ("tables.standardise", {"columns": ["y"]}, sample_deviation),
    ("tables.impute", {"columns": ["x"]}, mean_for_median),
    ("tables.clean", {"drop_missing": ["x"], "cast": {"x": "int64"}}, rounds_the_cast),
]


def right(name: str, p: Any, *inputs: Arrays) -> Arrays:
    return ops.get(name).reference(p, *inputs)


@pytest.mark.parametrize(("name", "values", "wrong"), WRONG, ids=[wrong.__name__ for _, _, wrong in WRONG])
def test_a_wrong_implementation_is_rejected(name: str, values: Any, wrong: Callable[..., Arrays]):
    op = ops.get(name)
    inputs = [TABLE, RIGHT][: len(op.inputs)]
    params = op.build(values)
    want = right(name, params, *inputs)
    assert all(finding.ok for finding in check_agreement(op, want, want))
    assert not all(finding.ok for finding in check_agreement(op, wrong(params, *inputs), want))
