"""What an op's implementation costs over a bare call of the library, with the same parameters on the same native data.

Each framework has a process of its own, in which bursts of the two alternate in random order. Processes differ by some
percent in what they have in which place of the memory, so a ratio that misses the target is measured in two more, and
the geometric mean of all three counts. One module per pipeline holds the bare calls; an op that no call of the library
does has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from statistics import geometric_mean

from benchmarks import steps
from benchmarks.figures import alternate
from benchmarks.figures.figure import Figure

MODULES = ("signals", "images", "groupby", "join")
"""Modules beside this one, each with ``PIPELINE``, ``SIZE`` and ``CALLS``."""

LIBRARIES = (
    *("numpy", "scipy", "pyAudioAnalysis"),
    *("pillow", "opencv-python-headless", "scikit-image"),
    *("torch", "juliacall"),
    *("pandas", "polars", "duckdb"),
)
TARGET = 1.05
LONG_S = 1e-3
"""A shorter call is shown without a target: a dictionary more is some percent of it."""


def measure() -> Iterator[Figure]:
    """Ratios of our time to the bare call's, by framework and step."""
    for calls_of in MODULES:
        for framework, calls in import_module(f"{__name__}.{calls_of}").CALLS.items():
            with alternate.a_process() as process:
                for step in calls:
                    name = f"{framework} {step}: ours / bare"
                    try:
                        ratio, seconds = process.submit(one, calls_of, framework, step).result()
                    except NotImplementedError as reason:
                        yield Figure(name, None, unavailable=str(reason))
                    except AssertionError as difference:
                        yield Figure(name, None, differs=" ".join(str(difference).split())[:100])
                    else:
                        if ratio > TARGET and seconds > LONG_S:
                            ratio = geometric_mean([ratio, *(afresh(calls_of, framework, step) for _ in range(2))])
                        yield Figure(name, ratio, "", "<=", TARGET) if seconds > LONG_S else Figure(name, ratio)


def afresh(calls_of: str, framework: str, step: str) -> float:
    """The ratio in a new process."""
    with alternate.a_process() as process:
        return process.submit(one, calls_of, framework, step).result()[0]


def one(calls_of: str, framework: str, step: str) -> tuple[float, float]:
    """The ratio, and the seconds that ours takes. Raises NotImplementedError, with the reason."""
    module = import_module(f"{__name__}.{calls_of}")
    loaded = steps.loaded(framework)
    ours = steps.resolved(loaded, step, module.SIZE, module.PIPELINE)
    kind = steps.pipeline(module.PIPELINE).kinds[step]
    return alternate.compared(loaded, kind, ours, module.CALLS[framework][step])
