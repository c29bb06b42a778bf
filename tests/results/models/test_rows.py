"""A file of rows is read as its owner means it, and what is wrong in it is told in a line that names the place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from twinbench.errors import BadInput
from twinbench.results.models import rows
from twinbench.results.models.kept import Model
from twinbench.store.records import Cell, Status

CELL = Cell(1, "r1", "late", "pandas+torch", "small", {}, "", Status.DONE, "", "", "", "")


def model(classes: int = 2, features: tuple[str, ...] = ("delay", "hour"), shape: tuple[int, ...] = (2,)) -> Model:
    scores = np.zeros(9 if classes == 2 else (9, classes), np.float32)
    return Model(CELL, "torch", "model", features, (), np.zeros((5, *shape), np.float32), scores)


TABLE: dict[str, list[Any]] = {"hour": [1, 2], "delay": [0.5, None], "score": [0.25, 1.0], "label": [1, None]}


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_table_is_read_by_its_names_and_what_is_not_there_is_missing(tmp_path: Path, suffix: str):
    path = tmp_path / f"rows.{suffix}"
    write = csv.write_csv if suffix == "csv" else parquet.write_table
    write(pa.table(TABLE), str(path))
    found = rows.load(path, model())
    np.testing.assert_array_equal(found.x, np.array([[0.5, 1], [np.nan, 2]], np.float32))
    np.testing.assert_array_equal(found.scores, np.array([0.25, 1], np.float32))
    np.testing.assert_array_equal(found.labels, [1, np.nan])


def test_what_pandas_adds_and_numbers_of_every_type_are_no_obstacle(tmp_path: Path):
    frame = pd.DataFrame({"delay": [True, False, True], "hour": [2**62 + 1, 1, 2]}, index=[5, 7, 9]).iloc[[0, 2]]
    frame.to_parquet(tmp_path / "rows.parquet")
    np.testing.assert_array_equal(rows.load(tmp_path / "rows.parquet", model()).x, [[1, np.float32(2**62)], [1, 2]])
    found = rows.load(written(tmp_path, "delay,hour\n,1\n,2\n"), model())
    np.testing.assert_array_equal(found.x, [[np.nan, 1], [np.nan, 2]])


def test_of_several_classes_there_is_a_score_each(tmp_path: Path):
    text = "delay,hour,score_2,score_0,score_1\n1,2,0.5,0.2,0.3\n"
    found = rows.load(written(tmp_path, text), model(classes=3))
    np.testing.assert_allclose(found.scores, [[0.2, 0.3, 0.5]])


def test_a_feature_may_be_called_as_a_score_is(tmp_path: Path):
    found = rows.load(written(tmp_path, "score,label\n7,8\n"), model(features=("label", "score")))
    np.testing.assert_array_equal(found.x, [[8, 7]])
    assert (found.scores, found.labels) == (None, None)


def test_arrays_are_taken_as_the_model_takes_them(tmp_path: Path):
    x = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    np.savez(tmp_path / "rows.npz", x=x, scores=np.full((2, 3), 1 / 3), y=np.array([2, 0]))
    found = rows.load(tmp_path / "rows.npz", model(3, (), (3, 4)))
    np.testing.assert_array_equal(found.x, x)
    assert found.labels is not None
    assert found.labels.tolist() == [2, 0]


def written(directory: Path, text: str) -> Path:
    (directory / "rows.csv").write_text(text)
    return directory / "rows.csv"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("delay,hou\n1,2\n", "column 'hou' is not a feature of the model; did you mean 'hour'?"),
        ("delay\n1\n", "has no column 'hour'"),
        ("delay,hour,hour\n1,2,2\n", "has two columns 'hour'"),
        ("delay,hour\n1,two\n", "column 'hour' must be numeric, but is string: 'two'"),
        ("delay,hour,lable\n1,2,1\n", "column 'lable' is not a feature of the model; did you mean 'label'?"),
        ("delay,hour,score,label\n1,2,0.5,2\n", "labels: 2 is not a class; classes are 0 to 1"),
        ("delay,hour,score,label\n1,2,0.5,0.5\n", "labels: 0.5 is not a class"),
        ("delay,hour,label\n1,2,1\n", "has labels but no scores to judge by them"),
        ("delay,hour,score\n1,2,1.5\n", "scores: must all be probabilities"),
        ("delay,hour,score\n1,2,\n", "scores: must all be probabilities"),
        ("delay,hour\n", "holds no rows"),
        ("", "can't be read: Empty CSV file"),
        ("delay,hour\n1\n", "can't be read: CSV parse error"),
    ],
)
def test_a_bad_table_is_one_line(tmp_path: Path, text: str, words: str):
    refused(written(tmp_path, text), model(), words)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"y": np.zeros(3)}, "has no array 'x'"),
        ({"x": np.zeros((0, 2))}, "holds no rows"),
        ({"x": np.zeros((3, 4))}, "x: its rows have the shape (4,), but the model takes (2,)"),
        ({"x": np.zeros(3)}, "x: its rows have the shape (), but the model takes (2,)"),
        ({"x": np.array(1.0)}, "x: must have rows, but is a single value"),
        ({"x": np.array([["a", "b"]])}, "x: must be numeric, but is <U1"),
        ({"x": np.array([["a", None]], object)}, "must hold only arrays of numbers"),
        ({"x": np.zeros((3, 2)), "score": np.zeros(3)}, "'score' is not a known array; did you mean 'scores'?"),
        ({"x": np.zeros((3, 2)), "scores": np.zeros((3, 2))}, "scores: have the shape (3, 2), but must have (3,)"),
        (
            {"x": np.zeros((3, 2)), "scores": np.zeros(3), "y": np.zeros((3, 1))},
            "labels: have the shape (3, 1), but must have (3,)",
        ),
    ],
)
def test_bad_arrays_are_one_line(tmp_path: Path, arrays: dict[str, np.ndarray], words: str):
    np.savez(tmp_path / "rows.npz", **arrays)
    refused(tmp_path / "rows.npz", model(), words)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("rows.txt", b"", "is not a .npz, .csv or .parquet file"),
        ("rows.npz", b"", "is not an NPZ file"),
        ("rows.npz", b"PK\x03\x04 and no more", "is not an NPZ file"),
        ("rows.parquet", b"", "can't be read"),
        ("rows.parquet", b"delay,hour\n1,2\n", "can't be read"),
        ("rows.csv", b"\xff\xfe\x00", "can't be read"),
    ],
)
def test_a_file_of_another_format_is_refused_in_one_line(tmp_path: Path, name: str, content: bytes, words: str):
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, model(), words)


@pytest.mark.parametrize("name", ["rows.csv", "rows.npz", "rows.parquet"])
def test_a_file_that_is_not_there_or_a_directory_is_one_line(tmp_path: Path, name: str):
    refused(tmp_path / name, model(), "doesn't exist")
    (tmp_path / name).mkdir()
    refused(tmp_path / name, model(), str(tmp_path / name))


def test_a_table_is_for_features_with_names(tmp_path: Path):
    refused(written(tmp_path, "a,b\n1,2\n"), model(features=()), "the model of late has no named columns")


def refused(path: Path, model: Model, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        rows.load(path, model)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
