"""Curves and seeds: what training again in a warm worker gives."""

from __future__ import annotations

import json

import pytest

from twinbench.results.models import kept
from twinbench.store import mistakes


def test_a_run_over_seeds_has_a_curve_a_time_to_the_target_and_a_verdict(twinbench, store):
    stacks = ["--stack", "pandas+torch", "--stack", "NumPy+torch"]
    done = twinbench(
        "run", "flights-delay", *stacks, "--budget", "0.5", "--seeds", "5", "--no-track", "--json", timeout=300
    )
    assert done.returncode == 0, done.stderr
    cells = json.loads(done.stdout)["pipelines"][0]["cells"]
    (tested,) = [cell for cell in cells if cell["quality"]["roc_auc"]["equivalence"]]
    assert tested["quality"]["roc_auc"]["equivalence"]["verdict"] == "equivalent"
    for cell in cells:
        quality, curve = cell["quality"]["roc_auc"], cell["curve"]
        assert quality["seeds"] == 5
        assert quality["low"] < quality["mean"] < quality["high"]
        assert [point["epoch"] for point in curve] == [1, 2, 3]
        assert curve[2]["loss"] < curve[0]["loss"]
        assert 0 < curve[0]["seconds"] < curve[2]["seconds"] * 1.5
        assert cell["to_target_s"] in [point["seconds"] for point in curve]
        by_step = {step["step"]: step for step in cell["steps"]}
        assert by_step["mlp"]["per_second"] > 1000
        latency = by_step["latency"]["latency"]
        assert latency["p50_s"] <= latency["p95_s"] <= latency["p99_s"]
        assert latency["requests"] > 20
        assert by_step["export"]["saved_bytes"] > 10_000
    with store() as results:
        for cell in results.cells(results.find_run().id):
            qualities = {q.seed: q.value for q in results.qualities(cell.id) if q.metric == "roc_auc"}
            assert sorted(qualities) == [0, 1, 2, 3, 4]
            assert len(set(qualities.values())) == 5, "every seed starts elsewhere"
            (points,) = [fact.value for fact in results.facts(cell.id) if fact.key == "curve"]
            assert points[-1]["metrics"]["roc_auc"] == qualities[0], "the curve ends where the training does"
            check_errors(results, cell)
            check_model(results, cell)


def check_errors(results, cell):
    """They are those of the predictions whose quality is told."""
    found = mistakes.of_cell(results, cell)
    (accuracy,) = {q.value for q in results.qualities(cell.id) if (q.metric, q.seed) == ("accuracy", 0)}
    assert 1 - found.errors.wrong / found.errors.rows == pytest.approx(accuracy)
    assert {one.column for one in found.errors.slices} <= {"carrier", "origin", "dep_hour"}
    assert {one.value for one in found.errors.slices if one.column == "origin"} <= {"EWR", "JFK", "LGA"}
    assert list(found.disagreement.differs) == [{"pandas+torch": "NumPy+torch"}.get(cell.stack, "pandas+torch")]


def check_model(results, cell):
    """It is kept with what it takes to use it."""
    model = kept.of_cell(results, cell)
    assert (model.framework, model.name) == ("torch", "model.pt")
    assert model.example.shape == (5, len(model.features))
    assert "carrier=UA" in model.features
    assert not {"late", "tailnum", "arr_delay"} & set(model.features)
    assert model.steps[0].startswith("tables.read_csv")
    assert [step.split()[0] for step in model.steps][-2:] == ["tables.standardise", "tables.split"]
