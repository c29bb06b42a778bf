"""What a run costs beyond the time that is measured in it, beside asv, benchopt and pyperf for functions as empty.

The cost is the wall time of ``twinbench run`` less all its samples: interpreter, imports, workers, comparing, warming
up, storing and showing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.figures import rivals
from benchmarks.figures.figure import Figure

LIBRARIES = ("asv", "benchopt", "pyperf")
REPEATS = 5
MORE = 4
"""Cells beyond the first two, for the slope."""

SHORT = ("--budget", "0.5")
"""So that what is measured takes a second, and many runs can be compared."""

TWO = ("probe-a", "probe-b")
SIX = (*TWO, *(f"copy-{number}" for number in range(MORE)))

COPIES = """
from dataclasses import replace

from twinbench.frameworks.probe import FRAMEWORKS as PROBES

FRAMEWORKS = tuple(replace(PROBES[0], name=f"copy-{number}") for number in range(%d))
"""


def measure() -> Iterator[Figure]:
    """The cost of two cells, the slope, and the rivals' whole wall times; medians of alternating runs."""
    walls, two, six = [], [], []
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        environment = os.environ | copies(directory) | {"TWINBENCH_DATA_DIR": str(directory)}
        for _ in range(REPEATS):
            wall, cost = run(TWO, SHORT, environment, directory)
            walls.append(wall)
            two.append(cost)
            six.append(run(SIX, SHORT, environment, directory)[1])
        default = run(TWO, (), environment, directory)[1]
    yield Figure("cost of a run of two cells", median(two), "s", "<=", 1.5)
    yield Figure("the same at the default budget", default, "s", "<=", 1.5)
    yield Figure("slope per further cell", (median(six) - median(two)) / MORE, "s", "<=", 0.5)
    yield Figure(f"twinbench run noop {' '.join(SHORT)}, in all", median(walls), "s")
    for tool, command in (
        (rivals.asv, "asv run --quick, in all"),
        (rivals.benchopt, "benchopt run, in all"),
        (rivals.pyperf, "pyperf --fast, in all"),
    ):
        yield Figure(command, median(fresh(tool) for _ in range(2)), "s")


def copies(directory: Path) -> dict[str, str]:
    """Somebody else's package with further copies of a probe; returns the variable that makes it known."""
    facts = directory / "copies-0.1.dist-info"
    facts.mkdir()
    (directory / "copies.py").write_text(COPIES % MORE, encoding="utf-8")
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: copies\nVersion: 0.1\n", encoding="utf-8")
    (facts / "entry_points.txt").write_text("[twinbench.frameworks]\ncopies = copies:FRAMEWORKS\n", encoding="utf-8")
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(directory), os.environ.get("PYTHONPATH"))))}


def run(
    stacks: Sequence[str], options: Sequence[str], environment: dict[str, str], directory: Path
) -> tuple[float, float]:
    """Seconds of wall time of one run, and what is left of them without the samples."""
    from twinbench.store.store import Store

    path = directory / "results.db"
    path.unlink(missing_ok=True)
    command = [sys.executable, "-m", "twinbench", "run", "noop", "--no-track", "--store", str(path), *options]
    for stack in stacks:
        command += ["--stack", stack]
    start = time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    wall = time.perf_counter() - start
    with Store.open(path, create=False) as results:
        cells = results.cells(results.find_run().id)
        samples = [sample for cell in cells for sample in results.samples(cell.id)]
    return wall, wall - sum(sample.wall_ns * sample.evals for sample in samples) / 1e9


def fresh(tool: Callable[[Path], float]) -> float:
    """A rival in an empty directory."""
    with tempfile.TemporaryDirectory() as directory:
        return tool(Path(directory))
