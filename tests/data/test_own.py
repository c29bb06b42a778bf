"""The user's own data: cut evenly whatever is quoted, checked before anything is made of it, never unpickled."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinbench.data.columns import columns
from twinbench.data.own import OwnArrays, OwnTables
from twinbench.errors import BadInput

COMMON: dict[str, Any] = {
    "name": "mine",
    "summary": "",
    "source": "",
    "licence": "",
    "most": None,
    "split": "",
}
WORDS = st.lists(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0")), min_size=2, max_size=2)


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(tmp_path / "cache"))


def tables(path: Path, **more: Any) -> OwnTables:
    return OwnTables(**COMMON, modality="tables", unit="rows", files=("a", *more), main="a", paths={"a": path, **more})


def examples(path: Path, modality: str = "signals") -> OwnArrays:
    unit: Any = "records" if modality == "signals" else "images"
    return OwnArrays(**COMMON, modality=modality, unit=unit, value_kind="arrays", paths={"arrays": path})


def saved(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(WORDS, min_size=1, max_size=12), ending=st.sampled_from(["\n", "\r\n"]), data=st.data())
def test_rows_are_evenly_spaced_and_may_go_over_several_lines(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], ending: str, data: st.DataObject
):
    wanted = data.draw(st.integers(1, len(rows)))
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator=ending).writerows([["p", "q"], *rows])
    path = tmp_path_factory.mktemp("own") / "a.csv"
    path.write_bytes(text.getvalue().encode())
    with tables(path).file("a", wanted).open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["p", "q"], *(rows[k * len(rows) // wanted] for k in range(wanted))]


def test_only_the_main_table_is_cut(tmp_path: Path):
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text("a,b\n1,x\n2,\n3,z")
    two.write_text("a\n1\n2\n3\n")
    dataset = tables(one, b=two)
    cut = columns(dataset, "a", 2)
    np.testing.assert_array_equal(cut["a"], [1, 2])
    np.testing.assert_array_equal(cut["b"], ["x", ""])
    assert len(columns(dataset, "b", 2)["a"]) == 3
    assert list(tmp_path.glob("*.csv")) == [one, two], "nothing is written beside the user's files"


def test_a_changed_file_is_another_dataset(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n2\n")
    dataset = tables(path)
    before, checksum = dataset.file("a", None).read_text(), dataset.checksum()
    path.write_text("a\n1\n2\n3\n")
    assert dataset.checksum() != checksum
    assert (before, dataset.file("a", None).read_text()) == ("a\n1\n2\n", "a\n1\n2\n3\n")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "does not exist"),
        (b"a\n1\n", "2 rows asked for, but .* has 1"),
        (b"", "2 rows asked for, but .* has 0"),
        (b"a\n\xff\n\xff\n", "line 2: byte 0xff is not UTF-8; save the file in UTF-8"),
    ],
)
def test_a_bad_table_is_refused_in_a_line(tmp_path: Path, content: bytes | None, words: str):
    path = tmp_path / "a.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput, match=words):
        tables(path).file("a", 2)
    assert not list((tmp_path / "cache").rglob("*.csv*"))


def test_arrays_come_cut_and_with_the_dtypes_of_the_contracts(tmp_path: Path):
    x = np.arange(12.0).reshape(6, 2)
    path = saved(tmp_path / "a.npz", x=x, y=np.arange(6, dtype=np.int32), test=np.arange(6) > 3)
    value = examples(path).value(3)
    np.testing.assert_array_equal(value["x"], x[::2])
    np.testing.assert_array_equal(value["y"], [0, 2, 4])
    np.testing.assert_array_equal(value["test"], [0, 0, 1])
    assert [value[name].dtype for name in ("x", "y", "test")] == ["float64", "int64", "uint8"]
    assert isinstance(value["x"].base, np.memmap)


def test_arrays_of_another_byte_order_come_in_the_machines_own(tmp_path: Path):
    x = np.arange(12.0).reshape(6, 2)
    value = examples(saved(tmp_path / "a.npz", x=x.astype(">f8"), rate=np.arange(6, dtype=">i4"))).value(None)
    np.testing.assert_array_equal(value["x"], x)
    assert [value[name].dtype for name in ("x", "rate")] == ["float64", "int64"]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        *((np.arange(6, dtype=dtype), "int64") for dtype in ("int8", "int16", "uint16", "uint64")),
        *((np.arange(6).astype(dtype), "float64") for dtype in ("float16", "float64")),
        *((np.arange(6, dtype=dtype), dtype) for dtype in ("uint8", "float32")),
        (np.arange(6) > 2, "uint8"),
    ],
)
def test_arrays_beside_x_come_in_a_dtype_that_every_library_holds(tmp_path: Path, values: Any, dtype: str):
    value = examples(saved(tmp_path / "a.npz", x=np.ones((6, 2)), extra=values)).value(None)
    assert value["extra"].dtype == dtype
    np.testing.assert_array_equal(value["extra"], values)


X = np.ones((4, 3))


@pytest.mark.parametrize(
    ("modality", "arrays", "words"),
    [
        ("signals", {"z": X}, "no array x, but z"),
        ("signals", {"x": X.astype(np.float32)}, r"x is float32 \(4, 3\), and must be float64 \(records, samples\)"),
        ("signals", {"x": X[0]}, "must be float64"),
        ("signals", {"x": X[:, :0]}, "must not be empty"),
        ("signals", {"x": X * np.nan}, r"x\[0, 0\] is nan, and must be a finite number; replace"),
        ("signals", {"x": X, "names": np.array(list("abcd"))}, "names holds <U1, .* leave it out"),
        ("images", {"x": np.ones((4, 2, 2), np.uint8), "y": np.array(list("abcd"))}, "y holds <U1"),
        ("signals", {"x": X, "id": np.full(4, 2**63, np.uint64)}, "id holds 9223372036854775808, and no library takes"),
        ("signals", {"x": X, "long": np.ones(4, np.longdouble)}, "long holds float128, .* leave it out"),
        ("signals", {"x": X, "day": np.zeros(4, "datetime64[D]")}, "day holds datetime64"),
        ("signals", {"x": X, "fs": np.array(250.0)}, r"fs is \(\), but x has 4 examples; leave it out"),
        ("signals", {"x": X, "y": np.zeros(3, int)}, "y is .* but x has 4 examples"),
        ("signals", {"x": X, "y": np.zeros(4)}, "y must be a whole number"),
        ("signals", {"x": X, "y": np.full(4, -1)}, "y must be a whole number from 0"),
        ("signals", {"x": X, "test": np.full(4, 2)}, "test must be 0 or 1"),
        ("signals", {"x": np.array([{"a": 1}] * 4, dtype=object)}, "not an NPZ file of numbers"),
        ("images", {"x": np.ones((2, 4, 4))}, "must be uint8"),
        ("images", {"x": np.ones((2, 4, 4, 4), np.uint8)}, "must be uint8"),
    ],
)
def test_bad_arrays_are_refused_in_a_line(tmp_path: Path, modality: str, arrays: dict[str, Any], words: str):
    dataset = examples(saved(tmp_path / "a.npz", **arrays), modality)
    with pytest.raises(BadInput, match=words) as refused:
        dataset.value(None)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("modality", "x"),
    [
        *(("signals", x) for x in (X[0], np.ones((3, 4, 5)), X.astype(np.float32), X.astype(int), X > 0)),
        *(("images", np.ones(shape, np.uint8)) for shape in ((6, 5), (2, 6, 5, 1), (2, 6, 5, 4), (2, 3, 6, 5))),
        *(("images", np.ones((2, 6, 5), dtype)) for dtype in (bool, np.uint16, np.float64)),
    ],
)
def test_what_a_message_says_makes_the_array_right(tmp_path: Path, modality: str, x: Any):
    with pytest.raises(BadInput, match=r"; .*save ") as refused:
        examples(saved(tmp_path / "a.npz", x=x), modality).value(None)
    remedy = str(refused.value).rpartition("save ")[2].removesuffix(", if this is a single one")
    assert len(examples(saved(tmp_path / "b.npz", x=eval(remedy, {"x": x, "numpy": np})), modality).value(None)["x"])


def test_a_directory_is_not_a_missing_file(tmp_path: Path):
    with pytest.raises(BadInput, match="is a directory; name a file"):
        tables(tmp_path).file("a", None)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive"])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="not an NPZ file"):
        examples(path).value(None)


def test_more_than_there_is_is_refused(tmp_path: Path):
    with pytest.raises(BadInput, match=r"9 records asked for, but .* has 4"):
        examples(saved(tmp_path / "a.npz", x=X)).value(9)
