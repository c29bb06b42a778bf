"""Environments of their own: made once, used by the workers that need them, and removed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def test_a_stack_over_two_environments_agrees_and_its_handover_is_a_boundary(twinbench, store, mxnet: Path):
    stacks = ["--stack", "NumPy+MXNet", "--stack", "NumPy+torch"]
    done = twinbench("run", "flights-delay", *stacks, "--budget", "0.3", "--no-track", "--json", timeout=300)
    assert done.returncode == 0, done.stderr
    cells = {cell["stack"]: cell for cell in json.loads(done.stdout)["pipelines"][0]["cells"]}
    assert {cell["status"] for cell in cells.values()} == {"done"}
    assert cells["NumPy+MXNet"]["quality"]["roc_auc"]["mean"] == pytest.approx(
        cells["NumPy+torch"]["quality"]["roc_auc"]["mean"], abs=0.005
    )
    steps = {step["step"]: step for step in cells["NumPy+MXNet"]["steps"]}
    assert steps["mlp"]["boundary_in_s"] > 0
    assert set(cells["NumPy+MXNet"]["imports_s"]) == {"NumPy", "MXNet"}
    with store() as results:
        (cell,) = [c for c in results.cells(results.find_run().id) if c.stack == "NumPy+MXNet"]
        facts = {fact.key: fact.value for fact in results.facts(cell.id) if fact.step == ""}
        assert facts["versions"]["MXNet"] == {"mxnet": "1.9.1", "numpy": "1.23.5"}
        assert facts["versions"]["NumPy"]["numpy"] != "1.23.5"
        assert all(count == 1 for pools in facts["threads"].values() for count in pools.values())


def test_a_library_without_its_environment_is_unavailable_and_says_how_to_make_it(twinbench, tmp_path: Path):
    elsewhere = {"TWINBENCH_CACHE_DIR": str(tmp_path)}
    done = twinbench("list", "--json", env=elsewhere)
    (found,) = [f for f in json.loads(done.stdout)["frameworks"] if f["name"] == "MXNet"]
    assert not found["installed"]
    assert "twinbench env create mxnet" in found["reason"] or "run it with 3.11" in found["reason"]
    assert "no" in twinbench("env", "list", env=elsewhere).stdout


def test_removing_what_is_half_made_leaves_nothing(twinbench, tmp_path: Path):
    elsewhere = {"TWINBENCH_CACHE_DIR": str(tmp_path)}
    (tmp_path / "environments" / "mxnet" / "bin").mkdir(parents=True)
    assert "yes" not in twinbench("env", "list", env=elsewhere).stdout, "a half of one is none"
    assert "is removed" in twinbench("env", "remove", "mxnet", env=elsewhere).stdout
    assert not (tmp_path / "environments" / "mxnet").exists()
    assert "was not there" in twinbench("env", "remove", "mxnet", env=elsewhere).stdout


def test_an_unknown_environment_names_the_nearest(twinbench):
    done = twinbench("env", "create", "mxnett")
    assert done.returncode == 2
    assert "did you mean 'mxnet'?" in done.stderr
