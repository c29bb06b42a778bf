"""What our group-by and join cost over direct calls, hand-written for the one question, on all flights.

Each framework has a process of its own, in which bursts of the two alternate in random order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks import steps
from benchmarks.figures import alternate
from benchmarks.figures.figure import Figure

LIBRARIES = ("pandas", "polars", "juliacall")
STEPS = ("groupby", "join-weather")
SIZE = "full"

KEYS = ["carrier", "origin", "dep_hour"]
ON = ["origin", "time_hour"]
TAKEN = ["temp", "wind_speed", "wind_gust", "precip", "pressure", "visib"]

JULIA = {
    "groupby": """
        import DataFrames, Statistics
        (_, flights) -> DataFrames.combine(
            DataFrames.groupby(flights, [:carrier, :origin, :dep_hour]; sort = true),
            :dep_delay => length => :group_flights,
            :dep_delay => Statistics.mean => :group_delay_mean,
            :dep_delay => Statistics.median => :group_delay_median,
            :dep_delay => maximum => :group_delay_max,
            :speed => Statistics.mean => :group_speed_mean,
        )
    """,
    "join-weather": """
        import DataFrames
        (_, flights, weather) -> DataFrames.leftjoin(
            flights,
            weather[!, [:origin, :time_hour, :temp, :wind_speed, :wind_gust, :precip, :pressure, :visib]];
            on = [:origin, :time_hour], matchmissing = :notequal, order = :left,
        )
    """,
}


def measure() -> Iterator[Figure]:
    """Ratios of our time to the direct one's, by framework and step."""
    for framework in ("pandas", "Polars", "DataFrames.jl"):
        with alternate.a_process() as process:
            for step in STEPS:
                name = f"{framework} {step}: ours / direct"
                try:
                    yield Figure(name, process.submit(ratio, framework, step).result(), "", "<=", 1.1)
                except NotImplementedError as reason:
                    yield Figure(name, None, unavailable=str(reason))


def ratio(name: str, step: str) -> float:
    """Our time over the direct one's. Raises NotImplementedError, with the reason."""
    framework = steps.loaded(name)
    direct = JULIA[step] if framework.language == "julia" else PYTHON[name, step]
    return alternate.compared(framework, "table", steps.resolved(framework, step, SIZE), direct)[0]


def pandas_groupby(flights: Any) -> Any:
    groups = flights.groupby(KEYS)
    return groups.agg(
        group_flights=("dep_delay", "count"),
        group_delay_mean=("dep_delay", "mean"),
        group_delay_median=("dep_delay", "median"),
        group_delay_max=("dep_delay", "max"),
        group_speed_mean=("speed", "mean"),
    ).reset_index()


def pandas_join(flights: Any, weather: Any) -> Any:
    return flights.merge(weather[[*ON, *TAKEN]], on=ON, how="left")


def polars_groupby(flights: Any) -> Any:
    """Lazy, as Polars's guide advises: 2.1.0 is 1.5 times as fast here without, and up to 3 times slower elsewhere."""
    import polars as pl

    delay = pl.col("dep_delay")
    return (
        flights.lazy()
        .group_by(KEYS)
        .agg(
            group_flights=delay.count().cast(pl.Int64),
            group_delay_mean=delay.mean(),
            group_delay_median=delay.median(),
            group_delay_max=delay.max(),
            group_speed_mean=pl.col("speed").mean(),
        )
        .sort(KEYS)
        .collect()
    )


def polars_join(flights: Any, weather: Any) -> Any:
    return flights.join(weather.select(*ON, *TAKEN), on=ON, how="left", maintain_order="left_right")


PYTHON = {
    ("pandas", "groupby"): pandas_groupby,
    ("pandas", "join-weather"): pandas_join,
    ("Polars", "groupby"): polars_groupby,
    ("Polars", "join-weather"): polars_join,
}
