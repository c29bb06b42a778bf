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

from benchmarks import steps

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


QUICK = ("run", "--environment", "existing", "--quick", "--show-stderr", "--set-commit-hash", "HEAD")


def test_the_stock_command_measures_and_skips_what_is_unavailable(asv, tmp_path):
    done = asv(*QUICK, "--bench", r"TablesGroupby\..*(pandas|DataFrames)")
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = (tmp_path / "results").glob("*/*-existing-*.json")
    results = Results.load(str(path))
    sane = {
        "time_call": (1e-5, 10.0),
        "peakmem_call": (50e6, 1e9),
        "track_first_call": (1e-5, 30.0),
        "track_boundary": (1e-6, 10.0),
        "track_agreement_error": (0.0, 1.0),
    }
    for name, (least, most) in sane.items():
        benchmark = f"bench_ops.TablesGroupby.{name}"
        params = results.get_result_params(benchmark)
        value = dict(zip(params[0], results.get_result_value(benchmark, params), strict=True))
        assert least <= value["'pandas'"] <= most, name
        assert math.isnan(value["'DataFrames.jl'"]), "skipped, which asv keeps as NaN; a failure would be None"
    assert "no executable at /nowhere/julia" in done.stdout


def test_a_pipeline_runs_once_for_all_its_figures(asv, tmp_path):
    done = asv(*QUICK, "--bench", r"FlightsDelay\..*'NumPy\+torch'")
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = (tmp_path / "results").glob("*/*-existing-*.json")
    results = Results.load(str(path))
    sane = {
        "total": (0.01, 60),
        "first_call": (0.01, 60),
        "boundary": (0, 60),
        "agreement_error": (0, 1),
        "quality": (0.8, 1),
    }
    for name, (least, most) in sane.items():
        benchmark = f"bench_pipelines.FlightsDelay.track_{name}"
        params = results.get_result_params(benchmark)
        value = dict(zip(params[0], results.get_result_value(benchmark, params), strict=True))
        assert least <= value["'NumPy+torch'"] <= most, name


def test_asv_finds_every_op_and_pipeline_with_its_parameters_and_units(asv, tmp_path):
    asv("run", "--environment", "existing", "--bench", "just-discover")
    known = json.loads((tmp_path / "results" / "benchmarks.json").read_text())
    known.pop("version")
    assert {name.split(".")[0] for name in known} == {"bench_ops", "bench_pipelines"}
    for op in {step.op.name for plan in steps.pipelines() for step in plan.steps}:
        modality, _, rest = op.partition(".")
        name = "".join(part.capitalize() for part in (modality, *rest.split("_")))
        assert known[f"bench_ops.{name}.time_call"]["type"] == "time"
        assert known[f"bench_ops.{name}.peakmem_call"]["type"] == "peakmemory"
        for figure, unit in (("first_call", "seconds"), ("boundary", "seconds"), ("agreement_error", "tolerances")):
            assert known[f"bench_ops.{name}.track_{figure}"]["unit"] == unit
    assert known["bench_pipelines.FlightsDelay.track_quality"]["unit"] == "roc_auc"
    for benchmark in known.values():
        assert benchmark["param_names"][0] in ("framework", "stack")
        assert benchmark["param_names"][1] == "size"


def test_other_work_is_another_benchmark():
    versions = {name: made.version for name, made in steps.classes()}
    assert len(set(versions.values())) == len(versions)


def test_reading_the_suite_imports_no_library_under_test():
    code = """
import sys
import benchmarks.bench_ops, benchmarks.bench_pipelines
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
