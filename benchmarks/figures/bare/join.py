"""Bare calls for the questions of ``join``, as somebody would type them who has just this one to answer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from benchmarks.figures.alternate import Direct
from benchmarks.figures.bare.sql import sql

PIPELINE = "join"
SIZE = "1e5"

COLUMNS = ("id1", "id2", "id3", "id4", "id5", "id6", "v1")


def pandas(x: Any, right: Any, on: str, how: str) -> Any:
    return x.merge(right[[on, "v2"]], on=on, how=how)


def polars(x: Any, right: Any, on: str, how: Any) -> Any:
    return x.join(right.select(on, "v2"), on=on, how=how)


def duckdb(on: str, how: str) -> Direct:
    columns = ", ".join(f"{{x[{name}]}} AS {name}" for name in COLUMNS)
    return sql(
        f"SELECT {columns}, {{r[v2]}} AS v2 FROM {{x}} {how} JOIN {{r}} ON {{x[{on}]}} = {{r[{on}]}}",
        *COLUMNS,
        "v2",
    )


def julia(on: str, how: str) -> str:
    return f"""
        import DataFrames
        (_, x, right) -> DataFrames.{how}join(x, right[!, [:{on}, :v2]]; on = :{on}, matchmissing = :notequal)
    """


QUESTIONS = {
    "q1-small": ("id1", "inner"),
    "q2-medium": ("id2", "inner"),
    "q3-medium-left": ("id2", "left"),
    "q4-medium-string": ("id5", "inner"),
    "q5-big": ("id3", "inner"),
}

CALLS: Mapping[str, Mapping[str, Direct]] = {
    "pandas": {step: partial(pandas, on=on, how=how) for step, (on, how) in QUESTIONS.items()},
    "Polars": {step: partial(polars, on=on, how=how) for step, (on, how) in QUESTIONS.items()},
    "DuckDB": {step: duckdb(on, how) for step, (on, how) in QUESTIONS.items()},
    "DataFrames.jl": {step: julia(on, how) for step, (on, how) in QUESTIONS.items()},
}
