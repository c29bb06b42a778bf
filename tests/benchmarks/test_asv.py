"""The suite under the stock ``asv``, as a developer runs it."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from asv.results import Results

SUITE = Path(__file__).parents[2] / "benchmarks"
NO_JULIA = {"PYTHON_JULIACALL_EXE": "/nowhere/julia", "PYTHON_JULIACALL_PROJECT": "/nowhere"}


@pytest.fixture
def asv(tmp_path, places):
    """Runs ``asv`` on the suite, with all that it writes in ``tmp_path``, and a commit there that results belong to."""
    own = places | NO_JULIA | {"HOME": str(tmp_path), "GIT_CONFIG_GLOBAL": os.devnull}
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "--initial-branch=main"], ["commit", "--allow-empty", "--message=first"]):
        subprocess.run([*git, *command], cwd=tmp_path, env=own, check=True, capture_output=True)
    settings = (SUITE / "asv.conf.json").read_text()
    for key, old, new in (
        ("benchmark_dir", ".", SUITE),
        ("repo", "..", "."),
        ("results_dir", ".asv/results", "results"),
    ):
        assert f'"{key}": "{old}"' in settings
        settings = settings.replace(f'"{key}": "{old}"', f'"{key}": {json.dumps(str(new))}')
    (tmp_path / "asv.conf.json").write_text(settings)

    def run(*arguments: str):
        return subprocess.run(
            [sys.executable, "-m", "asv", *arguments],
            cwd=tmp_path,
            env=own,
            capture_output=True,
            text=True,
            timeout=300,
        )

    assert run("machine", "--yes").returncode == 0
    return run


def test_the_stock_command_measures_and_skips_what_is_unavailable(asv, tmp_path):
    quick = ("run", "--environment", "existing", "--quick", "--show-stderr", "--set-commit-hash", "HEAD")
    done = asv(*quick, "--bench", r"Groupby\..*(pandas|DataFrames)")
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = (tmp_path / "results").glob("*/*-existing-*.json")
    results = Results.load(str(path))
    for name, least, most in (("time_call", 1e-5, 10.0), ("peakmem_call", 50e6, 1e9)):
        benchmark = f"bench_tables.Groupby.{name}"
        params = results.get_result_params(benchmark)
        value = dict(zip(params[0], results.get_result_value(benchmark, params), strict=True))
        assert least < value["'pandas'"] < most
        assert math.isnan(value["'DataFrames.jl'"]), "skipped, which asv keeps as NaN; a failure would be None"
    assert "no executable at /nowhere/julia" in done.stdout


def test_asv_finds_every_benchmark_with_its_parameters_and_nothing_else(asv, tmp_path):
    asv("run", "--environment", "existing", "--bench", "just-discover")
    known = json.loads((tmp_path / "results" / "benchmarks.json").read_text())
    known.pop("version")
    modules = {name.split(".")[0] for name in known}
    assert modules == {"bench_tables", "bench_training", "bench_pipelines"}
    assert {kind["type"] for kind in known.values()} == {"time", "peakmemory", "track"}
    for benchmark in known.values():
        assert benchmark["param_names"][0] in ("framework", "stack")
        assert benchmark["param_names"][1] == "size"
        assert benchmark["params"][1] == ["'small'"]


def test_reading_the_suite_imports_no_library_under_test():
    code = """
import sys
import benchmarks.bench_tables, benchmarks.bench_training, benchmarks.bench_pipelines
import benchmarks.figures.figure as figure
for name in figure.NAMES:
    figure.module(name)
print(sorted({name.partition(".")[0] for name in sys.modules} & {"numpy", "pandas", "polars", "torch", "juliacall"}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=SUITE.parent,
        env=os.environ.copy(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
