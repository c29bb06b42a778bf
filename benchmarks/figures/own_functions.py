"""Whether `twinbench pair` times own functions as pyperf and BenchmarkTools do, and how soon it ranks two of them.

Each time is a ratio of two clocks in one run. Where BenchmarkTools isn't in the configured project, the fastest of bare
``@elapsed`` loops stands for it; both sides are then the least time of many samples.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from benchmarks.figures import rivals
from benchmarks.figures.figure import Figure

LIBRARIES = ("pyperf",)
TARGETS = {10.0: 0.01, 1_000.0: 0.01, 50_000.0: 0.01}
"""Microseconds of the functions, and how far apart the two clocks may be."""

RANKED_S, VERDICT_S = 6.0, 1.0
HANDING_OVER_NS = 50.0
PAIRS = 3

PYTHON = """
import time


def same(x):
    return x


def waits(us):
    end = time.perf_counter_ns() + us * 1000
    while time.perf_counter_ns() < end:
        pass
    return us


def twin(us):
    return waits(us)
"""

JULIA = """
same(x) = x
function waits(us)
    stop = time_ns() + us * 1000
    while time_ns() < stop
    end
    return us
end
"""

BARE = """
include(ARGS[1])
const TOOLS = Base.find_package("BenchmarkTools") !== nothing
TOOLS && @eval using BenchmarkTools
call(f, x, evals) = (for _ in 1:evals; Base.donotdelete(f(x)); end)
function least(f, x, evals)
    call(f, x, evals)
    return minimum(@elapsed(call(f, x, evals)) / evals for _ in 1:50)
end
for (us, evals) in ((10, 100), (1000, 1), (50000, 1))
    println(TOOLS ? @eval(@belapsed waits($us)) : least(waits, us, evals))
end
println(TOOLS ? @eval(@belapsed identity(x) setup = (x = 1.5)) : least(identity, 1.5, 100_000))
"""


def measure() -> Iterator[Figure]:
    """Distances of the clocks, the bias of handing over, and the waits of a user."""
    with tempfile.TemporaryDirectory() as directory:
        here = Path(directory)
        for name, text in (("own.py", PYTHON), ("own.jl", JULIA), ("bare.jl", BARE)):
            (here / name).write_text(text)
        yield from _python(here)
        yield from _julia(here)
        yield from _waits(here)


def _python(here: Path) -> Iterator[Figure]:
    for us, target in TARGETS.items():
        ratios = []
        for _ in range(PAIRS):
            own = _least(here, ["own.py:waits", "own.py:twin"], f"us={us:.0f}")["own.py:waits"]
            ratios.append(own / _pyperf(here, f"own.waits({us:.0f})"))
        yield Figure(f"Python, {us:g} us: |pair / pyperf - 1|", abs(median(ratios) - 1), "", "<=", target)
    own = _least(here, ["own.py:same", "B=own.py:same"], "x=1.5")["own.py:same"]
    over = 1e9 * (own - _pyperf(here, "own.same(1.5)"))
    yield Figure("Python, the argument returned: pair - pyperf", over, "ns", "<=", HANDING_OVER_NS)


def _julia(here: Path) -> Iterator[Figure]:
    from twinbench.errors import JuliaUnavailable
    from twinbench.julia.start import environment
    from twinbench.pair.process import julia_of
    from twinbench.pair.target import Target

    try:
        julia = julia_of(Target("own", "own.jl", "waits", None))
    except JuliaUnavailable as reason:
        yield Figure("Julia", None, unavailable=str(reason))
        return
    command = [julia.exe, "--startup-file=no", f"--project={julia.project}", "bare.jl", str(here / "own.jl")]
    done = subprocess.run(
        command, cwd=here, env=os.environ | environment(julia, 1), capture_output=True, text=True, check=True
    )
    *bare, identity = map(float, done.stdout.split())
    for (us, target), least in zip(TARGETS.items(), bare, strict=True):
        own = _least(here, ["own.jl:waits", "B=own.jl:waits"], f"us={us:.0f}")["own.jl:waits"]
        yield Figure(f"Julia, {us:g} us: |pair / bare loop - 1|", abs(own / least - 1), "", "<=", target)
    own = _least(here, ["own.jl:same", "B=own.jl:same"], "x=1.5")["own.jl:same"]
    over = 1e9 * (own - identity)
    yield Figure("Julia, the argument returned: pair - identity", over, "ns", "<=", HANDING_OVER_NS)


def _waits(here: Path) -> Iterator[Figure]:
    start = time.monotonic()
    _pair(here, ["own.py:waits", "own.py:twin", "--no-time", "--generate", "0", "--input", "us=1000"])
    yield Figure("verdict on two functions of Python", time.monotonic() - start, "s", "<=", VERDICT_S)
    start = time.monotonic()
    _pair(here, ["own.py:waits", "own.py:twin", "--generate", "0", "--input", "us=1000"])
    ours = time.monotonic() - start
    yield Figure("first ranked result, two functions of 1 ms", ours, "s", "<=", RANKED_S)
    start = time.monotonic()
    for function in ("waits", "twin"):
        _pyperf(here, f"own.{function}(1000)", processes=4)
    yield Figure("pyperf on the same two, 4 processes each", time.monotonic() - start, "s")
    yield from _rivals(here)


def _rivals(here: Path) -> Iterator[Figure]:
    """Yield the waits for asv and benchopt on the same two functions, with what their users write."""
    code = ("import own", "own.waits(1000)", "own.twin(1000)")
    for name, measured in (("asv", rivals.asv), ("benchopt", rivals.benchopt)):
        title = f"{name} on the same two"
        if find_spec(name) is None:
            yield Figure(title, None, unavailable=f"{name} isn't installed")
            continue
        directory = here / name
        directory.mkdir()
        with patch.dict(os.environ, PYTHONPATH=_path_with(here), ASV_PYTHONPATH=str(here)):
            yield Figure(title, measured(directory, code), "s")


def _pair(here: Path, arguments: list[str]) -> str:
    command = [sys.executable, "-m", "twinbench", "pair", *arguments, "--store", str(here / "results.db")]
    return subprocess.run(command, cwd=here, capture_output=True, text=True, check=True).stdout


def _least(here: Path, functions: list[str], given: str) -> dict[str, float]:
    """The steady sample of each function that is as fast as the fastest tenth, in seconds."""
    from twinbench.store.store import Store

    options = ["--generate", "0", "--budget", "1", "--processes", "2", "--input", given, "--json"]
    run: dict[str, Any] = json.loads(_pair(here, [*functions, *options]))["run"]
    with Store.open_to_read(here / "results.db") as store:
        samples = {
            cell.stack: sorted(s.wall_ns for s in store.samples(cell.id) if s.kind == "steady")
            for cell in store.cells(run["run_id"])
        }
    return {stack: walls[len(walls) // 10] / 1e9 for stack, walls in samples.items()}


def _pyperf(here: Path, statement: str, processes: int = 2) -> float:
    """The same quantile of pyperf's values, in seconds; each value lasts 1 ms or more, as our samples do."""
    from pyperf import Benchmark

    output = here / "pyperf.json"
    output.unlink(missing_ok=True)
    options = [
        "--processes",
        str(processes),
        "--values",
        "50",
        "--min-time",
        "0.001",
        "--quiet",
        "--inherit-environ",
        "PYTHONPATH",
    ]
    command = ["timeit", *options, "--setup", "import own", statement, "--output", str(output)]
    path = _path_with(here)
    subprocess.run(
        [sys.executable, "-m", "pyperf", *command], cwd=here, env=os.environ | {"PYTHONPATH": path}, check=True,
        capture_output=True,
    )  # fmt: skip
    values = sorted(Benchmark.load(str(output)).get_values())
    return float(values[len(values) // 10])


def _path_with(here: Path) -> str:
    """Return the path of imports, with a directory before it."""
    return os.pathsep.join(filter(None, (str(here), os.environ.get("PYTHONPATH"))))
