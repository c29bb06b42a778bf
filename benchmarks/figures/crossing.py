"""What crossing juliacall costs, in percent of one epoch of training in Flux.

A crossing is a call from Python of a Julia function that does nothing, with the training step's own native inputs, and
the losses of an epoch brought back as a NumPy array: what a loop over epochs in Python would pay each time. The data
crosses once a training; its share is shown, without a target. Epochs are timed in Julia, crossings in Python, in bursts
that alternate.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import steps
from benchmarks.figures import alternate
from benchmarks.figures.figure import Figure

LIBRARIES = ("juliacall",)
PERCENT = 1.0

STEPS = {"flights-delay": ("mlp", "full"), "digits": ("cnn", "full")}
"""The training step and the size, by pipeline."""

BURSTS = 15
LIMIT_NS = 5_000_000_000


def measure() -> Iterator[Figure]:
    """By pipeline: a crossing and the data's way in, in percent of an epoch, and the epoch."""
    for name, (step, size) in STEPS.items():
        with alternate.a_process() as process:
            try:
                crossing, data, epoch = process.submit(seconds, name, step, size).result()
            except NotImplementedError as reason:
                yield Figure(f"{name}: a crossing / an epoch", None, unavailable=str(reason))
                continue
        yield Figure(f"{name}: a crossing / an epoch", 100 * crossing / epoch, "%", "<=", PERCENT)
        yield Figure(f"{name}: the data's way in / an epoch", 100 * data / epoch, "%")
        yield Figure(f"{name}: an epoch", 1e3 * epoch, "ms")


def seconds(name: str, step: str, size: str) -> tuple[float, float, float]:
    """Measure the seconds of a crossing, of moving the data in, and of an epoch."""
    import numpy as np

    from twinbench.ops import arrays
    from twinbench.run.agree import reference
    from twinbench.worker import julia_measure
    from twinbench.worker import measure as python_measure

    framework = steps.loaded("Flux")
    training = steps.resolved(framework, step, size, name)
    params, *inputs = training.args
    losses = framework.extract(training(), "model")["losses"]
    batches = len(losses) // params.epochs
    source = f"let losses = zeros(Float32, {batches}); (_, inputs...) -> losses end"
    empty = alternate.JuliaFunction(source)

    known = reference.prepare(steps.pipeline(name), size)
    (origin, *_) = next(one for one in steps.pipeline(name).steps if one.id == step).inputs
    neutral = arrays.load(Path(known.directory_of(origin)))

    def crossing() -> Any:
        return np.asarray(empty(*inputs))

    in_python = {crossing: "crossing", partial(framework.prepare, neutral, "arrays"): "data"}
    times: dict[str, list[float]] = {"crossing": [], "data": [], "epoch": []}
    evals = {call: python_measure.calibrate(call) for call in in_python}
    for call in in_python:
        python_measure.warm_up(call, evals[call], LIMIT_NS)
    julia_measure.warm_up(training, 1, LIMIT_NS)
    for _ in range(BURSTS):
        for call, kind in in_python.items():
            times[kind] += [t.wall_ns / 1e9 for t in python_measure.burst(call, evals[call], 3, 0)]
        times["epoch"] += [t.wall_ns / 1e9 / params.epochs for t in julia_measure.burst(training, 1, 3, 0)]
    return median(times["crossing"]), median(times["data"]), median(times["epoch"])
