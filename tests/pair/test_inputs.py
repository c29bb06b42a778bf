"""Files and values of the command line become the values that both languages are handed."""

from __future__ import annotations

import struct
import wave
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twinbench.errors import BadInput
from twinbench.pair.callee.values import MISSING, Masked, Table
from twinbench.pair.inputs import from_options, read
from twinbench.pair.target import parse


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("48000", 48000),
        ("0.5", 0.5),
        ("true", True),
        ("null", None),
        ("[1, 2.5]", [1, 2.5]),
        ('{"a": "b"}', {"a": "b"}),
        ("plain words", "plain words"),
        ("a=b", "a=b"),
        ("missing.npy", "missing.npy"),
        ("", ""),
    ],
)
def test_a_named_value_is_json_or_else_text(text: str, value: Any):
    assert from_options([f"x={text}"]).named == {"x": value}


def test_arguments_by_position_and_by_name(here: Path):
    np.save("x.npy", np.array([1.0]))
    Path("t.txt").write_text("é", encoding="utf-8")
    example = from_options(["x.npy", "rate=3", "text=t.txt"])
    assert (example.positional, example.named) == ([np.array([1.0])], {"rate": 3, "text": "é"})


def test_arrays_of_numpy(here: Path):
    np.savez("a.npz", a=np.array([1, 2], ">i4"), b=np.array(["x", "yy"]))
    archive = read(Path("a.npz"))
    assert archive["a"].tolist() == [1, 2]
    assert archive["b"].tolist() == ["x", "yy"]
    np.save("o.npy", np.array([{}], object))
    with pytest.raises(BadInput, match=r"--input o.npy: can't be read: .*allow_pickle=False"):
        read(Path("o.npy"))


def test_columns_of_a_csv_file_have_the_type_of_all_their_fields(here: Path):
    Path("t.csv").write_text("whole,part,yes,text,gaps,day\n1,1.5,true,a,,2024-01-01\n-2,2,False,,7,2024-01-02\n")
    table = read(Path("t.csv"))
    assert isinstance(table, Table)
    columns = table.columns
    assert [columns[name].dtype.name for name in ("whole", "part", "yes")] == ["int64", "float64", "bool"]
    assert columns["text"].tolist() == ["a", MISSING]
    assert columns["day"].tolist() == ["2024-01-01", "2024-01-02"]
    assert isinstance(columns["gaps"], Masked)
    assert (columns["gaps"].values.tolist(), columns["gaps"].mask.tolist()) == ([0, 7], [True, False])


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("t.csv", b"a,b\n1\n", "line 2 has 1 fields, the header has 2"),
        ("t.csv", b"a,a\n1,2\n", "two columns are named 'a'"),
        ("t.csv", b"", "the file is empty"),
        ("t.json", b"{", "Expecting property name"),
        ("t.npy", b"garbage", "can't be read"),
        ("t.npy", b"", "can't be read"),
        ("t.npz", b"PK\x03\x04", "can't be read"),
        ("t.parquet", b"PAR1", "can't be read"),
        ("t.arrow", b"ARROW1", "can't be read"),
        ("t.jpg", b"\xff\xd8", "can't be read"),
        ("t.wav", b"RIFF", "can't be read"),
        ("t.png", b"\x89PNG\r\n\x1a\n", "can't be read"),
        ("t.txt", b"\xff\xfe", "can't be read"),
        ("t.xyz", b"", "files are .npy"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_one_line(here: Path, name: str, content: bytes, text: str):
    Path(name).write_bytes(content)
    with pytest.raises(BadInput) as error:
        read(Path(name))
    assert text in str(error.value)
    assert str(error.value).startswith(f"--input {name}: ")
    assert "\n" not in str(error.value)


def test_sound_and_pictures(here: Path):
    with wave.open("s.wav", "wb") as file:
        file.setparams((2, 2, 8000, 0, "NONE", ""))
        file.writeframes(struct.pack("<4h", 1, -2, 3, -4))
    assert read(Path("s.wav")).tolist() == [[1, -2], [3, -4]]

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 8, 0, 0, 0, 0))
    Path("p.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0\x05\xff")) + chunk(b"IEND", b"")
    )
    assert read(Path("p.png")).tolist() == [[5, 255]]


@pytest.mark.parametrize("name", ["t.parquet", "t.arrow"])
def test_columns_of_arrow_keep_types_and_gaps(here: Path, name: str):
    import pyarrow as pa
    import pyarrow.parquet as parquet

    table = pa.table({"a": [1, None], "s": ["x", None], "f": pa.array([1, 2], "float32")})
    if name == "t.parquet":
        parquet.write_table(table, name)
    else:
        with pa.ipc.new_file(name, table.schema) as file:
            file.write_table(table)
    columns = read(Path(name)).columns
    assert columns["a"].values.dtype == "int64"
    assert columns["a"].mask.tolist() == [False, True]
    assert columns["s"].tolist() == ["x", MISSING]
    assert columns["f"].dtype == "float32"


def test_the_parts_of_a_function_name(here: Path):
    Path("a.py").touch()
    Path("b.jl").touch()
    plain = parse("a.py:f")
    assert (plain.name, plain.source, plain.function, plain.where, plain.language) == (
        "a.py:f",
        "a.py",
        "f",
        None,
        "python",
    )
    full = parse("new=b.jl:Inner.g!@some/project")
    assert (full.name, full.source, full.function, full.where) == ("new", "b.jl", "Inner.g!", "some/project")
    assert full.language == "julia"
    assert full.text == "new=b.jl:Inner.g!@some/project"
    assert parse("os.path:join").source == "os.path"
