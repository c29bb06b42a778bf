"""Other data of the same shapes: rows of the data in their order, whole records, files with exchanged contents."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from twinbench.run.agree.variation import RULES, rows, size_of, vary_arrays, vary_file


@given(count=st.integers(2, 50), rule=st.sampled_from(RULES[:3]), number=st.integers(0, 2))
def test_other_rows_are_rows_of_the_data_and_not_the_same_ones(count, rule, number):
    taken = rows(count, rule, number)
    assert len(taken) == count
    assert set(taken) <= set(range(count))
    assert count == 2 or not np.array_equal(taken, np.arange(count))
    if rule == "drawn" and len(set(taken)) < count:
        assert list(taken) == sorted(taken), "sorted data stay sorted"
    if rule != "drawn":
        assert sorted(taken) == list(range(count))


@given(st.lists(st.sampled_from([0, 1]), min_size=4, max_size=30), st.sampled_from(RULES))
def test_training_rows_stay_training_rows(test, rule):
    values = {
        "x": np.arange(len(test)) * 1.0,
        "y": np.arange(len(test)),
        "test": np.array(test),
        "rate": np.array(50.0),
    }
    other = vary_arrays(values, rule, 0)
    assert np.array_equal(other["test"], values["test"])
    assert np.array_equal(other["x"], other["y"]), "a row's values stay together"
    assert other["rate"] == 50.0


def test_a_single_row_is_turned_along_its_own_axis():
    record = vary_arrays({"x": np.arange(6.0).reshape(1, 6)}, "drawn", 0)["x"]
    assert sorted(record[0]) == list(range(6))
    assert list(record[0]) != list(range(6))
    picture = np.arange(24).reshape(1, 2, 4, 3)
    turned = vary_arrays({"x": picture}, "drawn", 0)["x"]
    assert np.array_equal(turned, np.roll(picture, 2, axis=2)), "the colours of a pixel stay together"


FIELDS = st.lists(st.text(st.sampled_from('ab,"\n é'), max_size=4), min_size=2, max_size=2)


@given(st.lists(FIELDS, min_size=3, max_size=8), st.booleans(), st.sampled_from(RULES))
def test_records_of_a_csv_file_stay_whole(tmp_path_factory, records, ended, rule):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([["k", "v"], *records])
    source, target = (tmp_path_factory.mktemp("csv") / name for name in ("a.csv", "b.csv"))
    source.write_text(text.getvalue() if ended else text.getvalue()[:-1], encoding="utf-8", newline="")
    vary_file(source, target, rule, 0)
    header, *other = csv.reader(io.StringIO(target.read_text(encoding="utf-8"), newline=""))
    assert header == ["k", "v"]
    assert len(other) == len(records)
    assert all(record in records for record in other)


def test_files_of_a_directory_exchange_their_contents_within_a_type(tmp_path: Path):
    source = tmp_path / "a"
    source.mkdir()
    for name in ("1.wav", "2.wav", "3.wav", "notes.txt"):
        (source / name).write_text(name)
    vary_file(source, tmp_path / "b", "drawn", 0)
    contents = {path.name: path.read_text() for path in (tmp_path / "b").iterdir()}
    assert contents == {"1.wav": "2.wav", "2.wav": "3.wav", "3.wav": "1.wav", "notes.txt": "notes.txt"}


def test_directories_inside_a_directory_keep_their_files_apart(tmp_path: Path):
    for name in ("train/1.wav", "train/2.wav", "test/3.wav", "test/4.wav"):
        path = tmp_path / "a" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    vary_file(tmp_path / "a", tmp_path / "b", "drawn", 0)
    vary_file(tmp_path / "a", tmp_path / "c", "same", 0)
    varied, same = (
        {str(path.relative_to(root)): path.read_text() for path in root.rglob("*.wav")}
        for root in (tmp_path / "b", tmp_path / "c")
    )
    assert varied["train/1.wav"] == "train/2.wav"
    assert varied["test/3.wav"] == "test/4.wav"
    assert same == {name: name for name in varied}
    assert size_of(tmp_path / "a") == 2 * 11 + 2 * 10
