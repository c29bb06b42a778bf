"""How fast `twinbench pair` draws and compares inputs, beside hypothesis' own test of the same two functions.

Times are those of whole commands, less the same command without drawn inputs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.figures.figure import Figure

LIBRARIES = ("hypothesis",)
DRAWN = 2000
PYTHON_A_SECOND, JULIA_A_SECOND, OVER_HYPOTHESIS, OVER_JULIA_S = 300.0, 200.0, 2.0, 1.0

PYTHON = """
import numpy as np


def total(x):
    return float(np.sum(x)) + 0.0 * float(np.max(x, initial=0.0))


def twin(x):
    return float(np.add.reduce(x))
"""

JULIA = "total(x) = sum(x)\n"

HYPOTHESIS = """
import sys
import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from own import total, twin


@settings(max_examples=int(sys.argv[1]), deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(arrays("float64", st.integers(0, 40), elements=st.floats(-3, 3)))
def equivalent(x):
    a, b = total(x), twin(x)
    assert abs(a - b) <= 1e-9 * abs(a) + 1e-12


start = time.monotonic()
equivalent()
print(time.monotonic() - start)
"""


def measure() -> Iterator[Figure]:
    """Inputs drawn and compared in a second, and the wait of a user with a Julia candidate."""
    import numpy as np

    with tempfile.TemporaryDirectory() as directory:
        here = Path(directory)
        for name, text in (("own.py", PYTHON), ("own.jl", JULIA), ("test.py", HYPOTHESIS)):
            (here / name).write_text(text)
        np.save(here / "x.npy", np.random.default_rng(0).normal(size=20))
        pair = ["own.py:total", "own.py:twin"]
        bare = _seconds(here, pair, 0)
        drawing = _seconds(here, pair, DRAWN) - bare
        yield Figure("inputs per second, two functions of Python", DRAWN / drawing, "", ">=", PYTHON_A_SECOND)
        done = subprocess.run(
            [sys.executable, "test.py", str(DRAWN)], cwd=here, capture_output=True, text=True, check=True
        )
        yield Figure("time per input / hypothesis' own test", drawing / float(done.stdout), "", "<=", OVER_HYPOTHESIS)
        yield from _julia(here)


def _julia(here: Path) -> Iterator[Figure]:
    from twinbench.errors import JuliaUnavailable
    from twinbench.julia.start import environment
    from twinbench.pair.process import julia_of
    from twinbench.pair.target import Target

    try:
        julia = julia_of(Target("own", "own.jl", "total", None))
    except JuliaUnavailable as reason:
        yield Figure("Julia", None, unavailable=str(reason))
        return
    pair = ["own.py:total", "own.jl:total"]
    _seconds(here, pair, 0)  # compiles the server, once
    with_julia = _seconds(here, pair, 0)
    command = [julia.exe, "--startup-file=no", f"--project={julia.project}", "-e", 'include("own.jl"); total([1.5])']
    start = time.monotonic()
    subprocess.run(command, cwd=here, env=os.environ | environment(julia, 1), capture_output=True, check=True)
    alone = time.monotonic() - start
    yield Figure("verdict on a function of Julia, less Julia's start", with_julia - alone, "s", "<=", OVER_JULIA_S)
    drawing = _seconds(here, pair, DRAWN) - with_julia
    yield Figure("inputs per second, with a function of Julia", DRAWN / drawing, "", ">=", JULIA_A_SECOND)


def _seconds(here: Path, functions: Sequence[str], drawn: int) -> float:
    options = ["--no-time", "--input", "x.npy", "--generate", str(drawn), "--seed", "1"]
    start = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "twinbench", "pair", *functions, *options], cwd=here, capture_output=True, check=True
    )
    return time.monotonic() - start
