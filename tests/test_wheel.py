"""A built wheel, installed in an environment of its own and used from an empty directory."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    command = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(target), str(ROOT)]
    subprocess.run([sys.executable, "-m", "pip", *command], check=True, timeout=120)
    (built,) = target.glob("twinbench-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """A fresh environment with the wheel in it; the dependencies are borrowed from this one, without a download."""
    place = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True, timeout=120)
    python = place / "bin" / "python"
    install = ["install", "--quiet", "--no-index", "--no-deps", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", "--python", str(python), *install], check=True, timeout=120)
    (site,) = place.glob("lib/python*/site-packages")
    # A directory named in a .pth file is searched last, and its own .pth files (an editable install) are not read.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return place


@pytest.fixture
def installed_twinbench(installed, places, tmp_path):
    """The wheel's own console script, from an empty directory."""
    empty = tmp_path / "empty"
    empty.mkdir()
    environment = {name: value for name, value in places.items() if name != "PYTHONPATH"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(installed / "bin" / "twinbench"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, cwd=empty, env=environment, timeout=300)

    return run


def test_the_wheel_carries_the_pipelines_and_the_julia_package(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "twinbench/_pipelines/tables/flights-delay.toml" in names
    assert "twinbench/_julia/src/TwinBench.jl" in names
    assert "twinbench/_julia/Project.toml" in names
    assert {f"twinbench/views/report/templates/{name}" for name in ("page.html", "style.css", "page.js")} <= set(names)
    assert {"twinbench/store/schema.sql", "twinbench/juliapkg.json", "twinbench/py.typed"} <= set(names)
    assert "twinbench/conformance/plugin.py" in names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"twinbench"}


def test_an_installed_wheel_lists_its_own_pipelines_from_any_directory(installed, installed_twinbench):
    done = installed_twinbench("list", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    files = [Path(pipeline["file"]) for pipeline in found["pipelines"]]
    assert all(file.is_relative_to(installed.resolve()) for file in files)
    assert {"pandas", "DataFrames.jl"} <= {framework["name"] for framework in found["frameworks"]}


def test_pytest_has_the_conformance_kit_of_an_installed_wheel(installed, places, tmp_path):
    environment = {name: value for name, value in places.items() if name != "PYTHONPATH"}
    options = ["--twinbench-framework", "twinbench.frameworks.probe:FRAMEWORKS", "-q", "conformance::probe.noop"]
    command = [str(installed / "bin" / "python"), "-m", "pytest", *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=300)
    assert "27 passed" in done.stdout, done.stdout + done.stderr


def test_an_installed_wheel_runs_a_pipeline_from_any_directory(installed_twinbench):
    few = ("--stack", "pandas+torch", "--size", "small", "--budget", "1", "--processes", "1")
    done = installed_twinbench("run", "flights-delay", *few, "--no-track", "--json")
    assert done.returncode == 0, done.stderr
    (pipeline,) = json.loads(done.stdout)["pipelines"]
    (cell,) = pipeline["cells"]
    assert (cell["stack"], cell["status"]) == ("pandas+torch", "done")
