"""Bare calls for the questions of ``groupby``, as somebody would type them who has just this one to answer.

NumPy has none: no call of its own groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.figures.alternate import Direct
from benchmarks.figures.bare.sql import sql

PIPELINE = "groupby"
SIZE = "1e5"

SIX = ["id1", "id2", "id3", "id4", "id5", "id6"]


def pandas_q1(x: Any) -> Any:
    return x.groupby("id1", sort=False)["v1"].sum().reset_index()


def pandas_q2(x: Any) -> Any:
    return x.groupby(["id1", "id2"], sort=False)["v1"].sum().reset_index()


def pandas_q3(x: Any) -> Any:
    return x.groupby("id3", sort=False).agg({"v1": "sum", "v3": "mean"}).reset_index()


def pandas_q4(x: Any) -> Any:
    return x.groupby("id4", sort=False)[["v1", "v2", "v3"]].mean().reset_index()


def pandas_q5(x: Any) -> Any:
    return x.groupby("id6", sort=False)[["v1", "v2", "v3"]].sum().reset_index()


def pandas_q6(x: Any) -> Any:
    return x.groupby(["id4", "id5"], sort=False)["v3"].agg(median_v3="median", sd_v3="std").reset_index()


def pandas_q7(x: Any) -> Any:
    extremes = x.groupby("id3", sort=False).agg({"v1": "max", "v2": "min"})
    return (extremes["v1"] - extremes["v2"]).rename("range_v1_v2").reset_index()


def pandas_q8(x: Any) -> Any:
    rows = x[["id6", "v3"]].dropna().sort_values("v3", ascending=False)
    return rows.groupby("id6", sort=False).head(2)


def pandas_q9(x: Any) -> Any:
    import numpy as np
    import pandas as pd

    groups = x.groupby(["id2", "id4"], sort=False)
    size, number = groups.size(), groups.ngroup().to_numpy()
    n = size.to_numpy()
    a, b = (x[v] - (np.bincount(number, x[v]) / n)[number] for v in ("v1", "v2"))
    ab, aa, bb = (np.bincount(number, product) for product in (a * b, a * a, b * b))
    with np.errstate(invalid="ignore"):
        return pd.Series(ab**2 / (aa * bb), size.index, name="r2").reset_index()


def pandas_q10(x: Any) -> Any:
    return x.groupby(SIX, sort=False).agg(v3=("v3", "sum"), count=("v1", "count")).reset_index()


def polars_q1(x: Any) -> Any:
    import polars as pl

    return x.lazy().group_by("id1").agg(pl.sum("v1")).collect()


def polars_q2(x: Any) -> Any:
    import polars as pl

    return x.lazy().group_by("id1", "id2").agg(pl.sum("v1")).collect()


def polars_q3(x: Any) -> Any:
    import polars as pl

    return x.lazy().group_by("id3").agg(pl.sum("v1"), pl.mean("v3")).collect()


def polars_q4(x: Any) -> Any:
    import polars as pl

    return x.lazy().group_by("id4").agg(pl.mean("v1", "v2", "v3")).collect()


def polars_q5(x: Any) -> Any:
    import polars as pl

    return x.lazy().group_by("id6").agg(pl.sum("v1", "v2", "v3")).collect()


def polars_q6(x: Any) -> Any:
    import polars as pl

    new = {"median_v3": pl.median("v3"), "sd_v3": pl.std("v3")}
    return x.lazy().group_by("id4", "id5").agg(**new).collect()


def polars_q7(x: Any) -> Any:
    import polars as pl

    return x.lazy().group_by("id3").agg(range_v1_v2=pl.max("v1") - pl.min("v2")).collect()


def polars_q8(x: Any) -> Any:
    import polars as pl

    largest = x.lazy().drop_nulls("v3").group_by("id6").agg(pl.col("v3").top_k(2)).explode("v3")
    return largest.collect()


def polars_q9(x: Any) -> Any:
    import polars as pl

    return x.lazy().group_by("id2", "id4").agg(r2=pl.corr("v1", "v2") ** 2).collect()


def polars_q10(x: Any) -> Any:
    import polars as pl

    return x.lazy().group_by(SIX).agg(pl.sum("v3"), count=pl.len().cast(pl.Int64)).collect()


def duckdb(keys: str, **columns: str) -> Direct:
    """``SELECT keys, columns ... GROUP BY keys``: columns by name."""
    names = keys.split()
    by = ", ".join(f"{{x[{name}]}}" for name in names)
    selected = [f"{{x[{name}]}} AS {name}" for name in names] + [
        f"{value} AS {name}" for name, value in columns.items()
    ]
    return sql(f"SELECT {', '.join(selected)} FROM {{x}} GROUP BY {by}", *names, *columns)


def julia(keys: str, columns: str) -> str:
    """``combine(groupby(x, keys), columns)``."""
    return f"""
        import DataFrames
        using Statistics: cor, mean, median, std
        (_, x) -> DataFrames.combine(DataFrames.groupby(x, [{keys}]), {columns})
    """


CALLS: Mapping[str, Mapping[str, Direct]] = {
    "pandas": {
        "q1-id1": pandas_q1,
        "q2-id1-id2": pandas_q2,
        "q3-id3": pandas_q3,
        "q4-id4": pandas_q4,
        "q5-id6": pandas_q5,
        "q6-median-sd": pandas_q6,
        "q7-range": pandas_q7,
        "q8-top-2": pandas_q8,
        "q9-r2": pandas_q9,
        "q10-six-ids": pandas_q10,
    },
    "Polars": {
        "q1-id1": polars_q1,
        "q2-id1-id2": polars_q2,
        "q3-id3": polars_q3,
        "q4-id4": polars_q4,
        "q5-id6": polars_q5,
        "q6-median-sd": polars_q6,
        "q7-range": polars_q7,
        "q8-top-2": polars_q8,
        "q9-r2": polars_q9,
        "q10-six-ids": polars_q10,
    },
    "DuckDB": {
        "q1-id1": duckdb("id1", v1="sum({x[v1]})::BIGINT"),
        "q2-id1-id2": duckdb("id1 id2", v1="sum({x[v1]})::BIGINT"),
        "q3-id3": duckdb("id3", v1="sum({x[v1]})::BIGINT", v3="avg({x[v3]})"),
        "q4-id4": duckdb("id4", v1="avg({x[v1]})", v2="avg({x[v2]})", v3="avg({x[v3]})"),
        "q5-id6": duckdb("id6", v1="sum({x[v1]})::BIGINT", v2="sum({x[v2]})::BIGINT", v3="sum({x[v3]})"),
        "q6-median-sd": duckdb("id4 id5", median_v3="median({x[v3]})", sd_v3="stddev_samp({x[v3]})"),
        "q7-range": duckdb("id3", range_v1_v2="max({x[v1]}) - min({x[v2]})"),
        "q8-top-2": duckdb("id6", v3="unnest(max({x[v3]}, 2))"),
        "q9-r2": duckdb("id2 id4", r2="corr({x[v1]}, {x[v2]}) ^ 2"),
        "q10-six-ids": duckdb(" ".join(SIX), v3="sum({x[v3]})", count="count(*)"),
    },
    "DataFrames.jl": {
        "q1-id1": julia(":id1", ":v1 => sum => :v1"),
        "q2-id1-id2": julia(":id1, :id2", ":v1 => sum => :v1"),
        "q3-id3": julia(":id3", ":v1 => sum => :v1, :v3 => mean => :v3"),
        "q4-id4": julia(":id4", "[:v1, :v2, :v3] .=> mean .=> [:v1, :v2, :v3]"),
        "q5-id6": julia(":id6", "[:v1, :v2, :v3] .=> sum .=> [:v1, :v2, :v3]"),
        "q6-median-sd": julia(":id4, :id5", ":v3 => median => :median_v3, :v3 => std => :sd_v3"),
        "q7-range": julia(":id3", "[:v1, :v2] => ((a, b) -> maximum(a) - minimum(b)) => :range_v1_v2"),
        "q8-top-2": julia(":id6", ":v3 => (v -> partialsort(v, 1:min(2, length(v)); rev = true)) => :v3"),
        "q9-r2": julia(":id2, :id4", "[:v1, :v2] => ((a, b) -> cor(a, b)^2) => :r2"),
        "q10-six-ids": julia(":id1, :id2, :id3, :id4, :id5, :id6", ":v3 => sum => :v3, :v1 => length => :count"),
    },
}
