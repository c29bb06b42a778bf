"""What our group-by and join cost over direct calls, hand-written for the one question, on all flights.

Each framework has a process of its own, in which bursts of the two alternate in random order.
"""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

from benchmarks import steps
from benchmarks.figures.figure import Figure

if TYPE_CHECKING:
    from twinbench.ops.contract import Arrays

LIBRARIES = ("pandas", "polars", "juliacall")
STEPS = ("groupby", "join-weather")
SIZE = "full"
BURSTS = 25
WARM_UP_NS = 2_000_000_000

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
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
            for step in STEPS:
                name = f"{framework} {step}: ours / direct"
                try:
                    yield Figure(name, process.submit(ratio, framework, step).result(), "", "<=", 1.1)
                except NotImplementedError as reason:
                    yield Figure(name, None, unavailable=str(reason))


def ratio(name: str, step: str) -> float:
    """Our time over the direct one's, from medians of paired bursts. Raises NotImplementedError, with the reason."""
    from twinbench.results import stats

    framework = steps.loaded(name)
    ours = steps.resolved(framework, step, SIZE)
    inputs = ours.args[1:]
    if framework.language == "julia":
        from twinbench.worker import julia_measure as protocol

        direct = partial(JuliaFunction(JULIA[step]), *inputs)
    else:
        from twinbench.worker import measure as protocol  # type: ignore[no-redef]

        direct = partial(PYTHON[name, step], *inputs)
    check_same(framework.extract(ours(), "table"), framework.extract(direct(), "table"))
    ours_s, direct_s = alternated(protocol, ours, direct)
    return stats.ratio([ours_s], [direct_s]).estimate


def check_same(ours: Arrays, direct: Arrays) -> None:
    """A direct call that computes something else is no yardstick."""
    import numpy as np

    assert list(ours) == list(direct)
    for name, values in direct.items():
        if values.dtype.kind == "f":
            np.testing.assert_allclose(ours[name], values, rtol=1e-9, err_msg=name)
        else:
            np.testing.assert_array_equal(ours[name], values, err_msg=name)


def alternated(protocol: ModuleType, *calls: Callable[[], Any]) -> list[list[list[float]]]:
    """Seconds of each call, by block and sample."""
    rng = random.Random(0)
    evals = {}
    for call in calls:
        evals[call] = protocol.calibrate(call)
        protocol.warm_up(call, evals[call], WARM_UP_NS)
    blocks: dict[Callable[[], Any], list[list[float]]] = {call: [] for call in calls}
    for _ in range(BURSTS):
        for call in rng.sample(calls, len(calls)):
            timings = protocol.burst(call, evals[call], 3, 0)
            blocks[call].append([timing.wall_ns / 1e9 for timing in timings])
    return [blocks[call] for call in calls]


class JuliaFunction:
    """A Julia function from its source, which our loop in Julia can time as it times an op's."""

    def __init__(self, source: str) -> None:
        from juliacall import Main

        self._call = Main.TwinBench.Call
        self._function = Main.seval(f"begin {source} end")

    def bind(self, *inputs: Any) -> Any:
        """What `TwinBench` times."""
        return self._call(self._function, None, inputs)

    def __call__(self, *inputs: Any) -> Any:
        """Once, from Python."""
        return self._function(None, *inputs)


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
    import polars as pl

    delay = pl.col("dep_delay")
    return (
        flights.group_by(KEYS)
        .agg(
            group_flights=delay.count().cast(pl.Int64),
            group_delay_mean=delay.mean(),
            group_delay_median=delay.median(),
            group_delay_max=delay.max(),
            group_speed_mean=pl.col("speed").mean(),
        )
        .sort(KEYS)
    )


def polars_join(flights: Any, weather: Any) -> Any:
    return flights.join(weather.select(*ON, *TAKEN), on=ON, how="left", maintain_order="left_right")


PYTHON = {
    ("pandas", "groupby"): pandas_groupby,
    ("pandas", "join-weather"): pandas_join,
    ("Polars", "groupby"): polars_groupby,
    ("Polars", "join-weather"): polars_join,
}
