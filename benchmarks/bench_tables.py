"""The table steps of ``flights-delay``, by framework and size."""

from __future__ import annotations

from benchmarks import steps

PARAMS = (("pandas", "NumPy", "Polars", "DuckDB", "DataFrames.jl"), steps.SIZES)


class ReadCsv(steps.Step):
    params = PARAMS
    step = "flights"


class Derive(steps.Step):
    params = PARAMS
    step = "derive"


class Groupby(steps.RememberedStep):
    params = PARAMS
    step = "groupby"


class Join(steps.RememberedStep):
    params = PARAMS
    step = "join-weather"


class Sort(steps.Step):
    params = PARAMS
    step = "sort"


class Rolling(steps.Step):
    params = PARAMS
    step = "rolling"
