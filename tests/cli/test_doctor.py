"""``twinbench doctor``."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import twinbench
from twinbench.cli import doctor


def test_json_holds_the_versions_the_machine_and_julia(cli):
    done = cli("doctor", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["packages"]["pandas"] == importlib.metadata.version("pandas")
    assert found["machine"]["cpu"]["logical"] >= 1
    assert any(pool["user_api"] == "blas" for pool in found["blas"])
    assert found["julia"]["problem"]


def test_a_missing_julia_is_explained_with_the_command_that_mends_it_and_is_no_failure(cli):
    done = cli("doctor")
    assert done.returncode == 0, done.stderr
    assert "no Julia found" in done.stdout
    assert "twinbench julia setup" in done.stdout


def test_a_missing_package_of_an_extra_comes_with_the_way_to_get_it():
    found = {
        "packages": {"pandas": "3.0"},
        "extras": {"rivals": {"polars": None, "duckdb": "1.0"}, "dev": {"mypy": None}},
        "julia": {"problem": None, "notes": []},
    }
    assert doctor._advice(found) == ["extra 'rivals' lacks polars; pip install 'twinbench[rivals]'"]


def test_requirements_are_those_that_the_package_declares():
    required, extras = doctor.requirements()
    assert {"pandas", "scikit-learn", "juliacall"} <= set(required)
    assert set(extras["rivals"]) == {"duckdb", "polars"}


def test_a_checkout_that_is_not_installed_is_examined_too(tmp_path: Path, places: dict[str, str]):
    packages = tmp_path / "site"
    packages.mkdir()
    for directory in (Path(path) for path in sys.path if path.endswith("site-packages")):
        for entry in directory.iterdir():
            if not entry.name.startswith(("twinbench", "juliacall")) and not (packages / entry.name).exists():
                (packages / entry.name).symlink_to(entry)
    variables = {"PYTHONPATH": os.pathsep.join([str(packages), str(Path(twinbench.__file__).parents[1])])}
    command = [sys.executable, "-S", "-m", "twinbench", "doctor", "--json"]
    done = subprocess.run(command, env=places | variables, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["packages"] == {}
    assert any("isn't installed, so its requirements are unknown" in line for line in facts["advice"])
