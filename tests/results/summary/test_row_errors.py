"""The error that the test rows leave in a quality, and how much of it stacks share."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.results.make_store import LABELS, RUN, make_store
from twinbench import metrics
from twinbench.numbers import influence
from twinbench.numbers.predictions import probabilities
from twinbench.results.summary.records import QualitySummary
from twinbench.results.summary.run import summarise
from twinbench.store.records import SCORES, TRAINED
from twinbench.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    make_store(tmp_path / "results.db")
    with Store.open(tmp_path / "results.db") as opened:
        yield opened


def saved(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def quality(store: Store, stack: str) -> QualitySummary:
    return next(c for p in summarise(store, RUN).pipelines for c in p.cells if c.stack == stack).quality["roc_auc"]


def test_the_error_of_the_rows_and_what_stacks_share_of_it(store):
    cells = {cell.stack: cell.id for cell in store.cells(RUN)}
    store.add_file(cells["DuckDB+torch"], TRAINED, saved(y_test=LABELS))  # the labels of one stack are those of all
    pandas, polars = quality(store, "pandas+torch"), quality(store, "Polars+torch")
    assert pandas.row_correlations["NumPy+torch"] == pytest.approx(1), "the same scores"
    assert 0.5 < pandas.row_correlations["Polars+torch"] < 1
    assert pandas.row_error < polars.row_error


def test_without_labels_the_numbers_of_rows_give_the_error(store):
    found = quality(store, "pandas+torch")
    assert found.row_error == pytest.approx(influence.area_error(0.92, 200, 200))
    assert not found.row_correlations
    cell = next(cell.id for cell in store.cells(RUN) if cell.stack == "pandas+torch")
    store._db.write("DELETE FROM facts WHERE cell_id = ? AND key = 'errors'", cell)
    store._db.write("DELETE FROM files WHERE cell_id = ? AND name = ?", cell, SCORES)
    assert quality(store, "pandas+torch").row_error is None


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss", "accuracy"])
def test_influences_give_the_spread_over_samples_of_rows_and_the_covariance_of_two_stacks(metric):
    rng = np.random.default_rng(3)
    rows, drawn, predicted = 200, [], []
    for _ in range(100):
        truth = rng.random(rows) < 0.4
        signal = np.where(truth, 0.6, 0.4) + rng.normal(0, 0.2, rows)
        pair = [np.clip(signal + rng.normal(0, 0.1, rows), 0.01, 0.99) for _ in range(2)]
        drawn.append([metrics.METRICS[metric].compute(truth, scores) for scores in pair])
        moved = [of(metric, truth.astype(int), scores) for scores in pair]
        predicted.append([float((moved[0] ** 2).sum()), float((moved[0] * moved[1]).sum())])
    covariance = np.cov(np.array(drawn).T)
    variance, shared = np.mean(predicted, axis=0)
    assert variance == pytest.approx(covariance[0, 0], rel=0.45)
    assert shared == pytest.approx(covariance[0, 1], rel=0.45)


def of(metric: str, truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    if metric == "roc_auc":
        return influence.of_area(truth, probabilities(scores))
    if metric == "accuracy":
        return influence.of_mean((scores > 0.5) == truth)
    return influence.of_mean(-np.log(np.where(truth == 1, scores, 1 - scores)))


def test_a_perfect_quality_has_an_error_too():
    assert influence.share_error(1000, 1000) == pytest.approx(math.sqrt(2 * 1002) / 1004**1.5, rel=1e-9)
    assert 0 < influence.area_error(1.0, 50, 50) < influence.area_error(1.0, 20, 20) < 0.05


def test_each_process_has_its_cold_start_its_memory_and_its_times(store):
    cell = next(cell for cell in store.cells(RUN) if cell.stack == "pandas+torch")
    for process, mib in enumerate((290, 300)):
        store.add_fact(cell.id, "", f"peak_rss_bytes:{process}", mib * 2**20)
    (found,) = (c for p in summarise(store, RUN).pipelines for c in p.cells if c.stack == "pandas+torch")
    assert [p.process for p in found.by_process] == [0, 1, 2, 3]
    assert [p.peak_rss_bytes for p in found.by_process] == [290 * 2**20, 300 * 2**20, None, None]
    assert [p.cold_start_s for p in found.by_process] == pytest.approx([found.cold_start_s] * 4)
    assert found.by_process[0].times_s[""] == pytest.approx(0.276, rel=0.02)
    assert found.by_process[1].times_s["mlp"] == pytest.approx(0.2, rel=0.02)
