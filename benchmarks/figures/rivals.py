"""Two functions measured by asv, benchopt and pyperf as their own users would: files and a command.

They do nothing, unless two statements are given that they execute.

Each function makes what its tool needs in an empty directory, and returns the seconds of wall time that the command
takes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

NOOPS = "def a():\n    pass\n\n\ndef b():\n    pass\n"

ASV_SUITE = "%s\n\n\ndef time_a():\n    %s\n\n\ndef time_b():\n    %s\n"

NOTHING = ("", "pass", "pass")
"""The import of a suite, and the two statements."""

PYPERF_SCRIPT = (
    f"import pyperf\n\n\n{NOOPS}\n\nrunner = pyperf.Runner()\nrunner.bench_func('a', a)\nrunner.bench_func('b', b)\n"
)

BENCHOPT_OBJECTIVE = """
from benchopt import BaseObjective

class Objective(BaseObjective):
    name = "nothing"

    def set_data(self, x):
        self.x = x

    def get_one_result(self):
        return {"y": 0.0}

    def evaluate_result(self, y):
        return {"value": y}

    def get_objective(self):
        return {"x": self.x}
"""

BENCHOPT_DATASET = """
from benchopt import BaseDataset

class Dataset(BaseDataset):
    name = "none"

    def get_data(self):
        return {"x": 0.0}
"""

BENCHOPT_SOLVER = """
from benchopt import BaseSolver
%s

class Solver(BaseSolver):
    name = "%s"
    sampling_strategy = "run_once"

    def set_objective(self, x):
        pass

    def run(self, _):
        %s

    def get_result(self):
        return {"y": 0.0}
"""


def asv(directory: Path, code: tuple[str, str, str] = NOTHING) -> float:
    """``asv run --quick`` in this environment; without ``--quick``, which times one call only, for given statements."""
    _write(directory, {"suite/__init__.py": "", "suite/bench.py": ASV_SUITE % code})
    settings = {
        "version": 1,
        "project": "nothing",
        "repo": ".",
        "benchmark_dir": "suite",
        "environment_type": "existing",
    }
    _write(directory, {"asv.conf.json": json.dumps(settings)})
    home = {"HOME": str(directory)}  # asv keeps its record of machines there
    _timed(["-m", "asv", "machine", "--yes"], directory, home)
    quick = ["--quick"] if code == NOTHING else []
    return _timed(["-m", "asv", "run", "--environment", "existing", *quick], directory, home)


def benchopt(directory: Path, code: tuple[str, str, str] = NOTHING) -> float:
    """``benchopt run`` without plots; for given statements, four repetitions of each."""
    files = {"objective.py": BENCHOPT_OBJECTIVE, "datasets/none.py": BENCHOPT_DATASET}
    files |= {
        f"solvers/{name}.py": BENCHOPT_SOLVER % (code[0], name, body) for name, body in zip("ab", code[1:], strict=True)
    }
    _write(directory, files)
    home = {"HOME": str(directory)}
    _timed(["-c", "import matplotlib.font_manager"], directory, home)  # which makes its cache in HOME, once
    repeated = [] if code == NOTHING else ["-r", "4"]
    return _timed(["-m", "benchopt", "run", ".", "--no-plot", "--no-display", *repeated], directory, home)


def pyperf(directory: Path) -> float:
    """``pyperf``'s runner with ``--fast``."""
    _write(directory, {"bench.py": PYPERF_SCRIPT})
    return _timed(["bench.py", "--fast", "--quiet"], directory)


def _write(directory: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _timed(arguments: list[str], directory: Path, environment: Mapping[str, str] | None = None) -> float:
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=directory,
        env=os.environ | dict(environment or {}),
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise RuntimeError(
            f"{' '.join(arguments)} ended with {done.returncode}: {done.stdout[-500:]}{done.stderr[-500:]}"
        )
    return time.perf_counter() - start
