"""What a worker says it saved is read or refused by name, and never more than what was saved."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from twinbench.launch import saved
from twinbench.launch.process import WorkerFailure
from twinbench.ops import arrays

VALUE = {"a": np.arange(5), "text": np.array(["x", "yyy"]), "none": np.zeros((0, 3))}

DTYPES = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(),
    hnp.unsigned_integer_dtypes(),
    hnp.floating_dtypes(),
    hnp.complex_number_dtypes(),
    hnp.unicode_string_dtypes(),
)
ARRAYS = hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, min_side=0, max_side=4))


@given(st.dictionaries(st.text(max_size=4), ARRAYS, max_size=4), st.booleans(), st.booleans())
def test_arrays_come_back_as_they_were_saved(tmp_path_factory, values, mapped, turned):
    directory = tmp_path_factory.mktemp("saved")
    values = {name: array.T if turned else array for name, array in values.items()}
    arrays.save(directory, values)
    loaded = arrays.load(directory, mapped=mapped)
    assert list(loaded) == list(values)
    for name, array in values.items():
        assert (loaded[name].dtype, loaded[name].shape) == (array.dtype, array.shape)
        assert loaded[name].tobytes() == array.tobytes()
        assert loaded[name].flags.f_contiguous == array.flags.f_contiguous or not array.flags.forc
        assert loaded[name].flags.aligned
    assert os.listdir(directory) == [arrays.FILE]


@given(st.data())
def test_a_damaged_file_is_refused_or_holds_arrays(tmp_path_factory, data):
    directory = tmp_path_factory.mktemp("damaged")
    arrays.save(directory, VALUE)
    content = bytearray((directory / arrays.FILE).read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        position = data.draw(st.integers(0, len(content) - 1))
        content[position] ^= data.draw(st.integers(1, 255))
    (directory / arrays.FILE).write_bytes(content)
    try:
        loaded = saved.output("step", directory)
    except WorkerFailure as failure:
        kind, size = failure.kind, 0
    else:
        kind, size = "protocol", max(array.nbytes for array in loaded.values())
    assert kind == "protocol"
    assert size <= len(content)


def table(entry: str) -> bytes:
    head = f"[{entry}]".encode()
    start = arrays.MAGIC + len(head).to_bytes(8, "little") + head
    return start.ljust(-(-len(start) // arrays.ALIGNMENT) * arrays.ALIGNMENT, b"\0") + bytes(64)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "an answer before the file"),
        (b"", "can't be read"),
        (table('["a", "<f8", [1000000000000], false, 0]'), "an array up to byte"),
        (table('["a", "<f8", [-1], false, 0]'), "of shape"),
        (table('["a", "<f8", [1], false, -64]'), "at -64"),
        (table('["a", "|O", [1], false, 0]'), "an array of object"),
        (table('["a", "<f8", [1]]'), "damaged"),
        (table('["a", "<f8", 1, false, 0]'), "damaged"),
        (table('["\\ud800", "<f8", [1], false, 0]'), "surrogates not allowed"),
        (table('["a", "<f8", [1], false, 0], ["a", "<f8", [1], false, 0]'), "a name that is there twice"),
        (table("[" * 100_000), "damaged"),
    ],
)
def test_what_is_not_a_value_is_refused(tmp_path: Path, content: bytes | None, said: str):
    if content is not None:
        (tmp_path / arrays.FILE).write_bytes(content)
    with pytest.raises(WorkerFailure, match=said) as failure:
        saved.output("step", tmp_path)
    assert failure.value.kind == "protocol"


def test_more_arrays_than_any_table_has_columns_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(saved, "MOST_ARRAYS", 2)
    arrays.save(tmp_path, VALUE)
    with pytest.raises(WorkerFailure, match="step: 3 arrays, where 2 are the most"):
        saved.output("step", tmp_path)


def test_a_name_of_any_length_is_refused(tmp_path: Path):
    arrays.save(tmp_path, {"a" * (saved.LONGEST_NAME + 1): np.zeros(1)})
    with pytest.raises(WorkerFailure, match="step: a name of more than"):
        saved.output("step", tmp_path)


def test_a_pipe_in_place_of_the_file_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / arrays.FILE)
    with pytest.raises(WorkerFailure, match="before the file"):
        saved.output("step", tmp_path)


def test_only_files_of_a_model_are_read_and_its_name_is_one_of_them(tmp_path: Path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_bytes(b"w")
    assert saved.model("mlp", tmp_path, "model") == {"model/weights": b"w"}
    with pytest.raises(WorkerFailure, match="no file of this name"):
        saved.model("mlp", tmp_path, "../secret")
    (tmp_path / "model" / "link").symlink_to("/etc/hostname")
    with pytest.raises(WorkerFailure, match="link is neither a file nor a directory"):
        saved.model("mlp", tmp_path, "model")
    (tmp_path / "model" / "link").unlink()
    os.mkfifo(tmp_path / "model" / "pipe")
    with pytest.raises(WorkerFailure, match="pipe is neither"):
        saved.model("mlp", tmp_path, "model")


def test_an_array_that_is_not_data_is_not_saved(tmp_path: Path):
    with pytest.raises(ValueError, match="object can't be saved"):
        arrays.save(tmp_path, {"a": np.array([{}])})
    assert not arrays.saved(tmp_path)


def test_a_file_that_is_shortened_after_it_was_read_changes_nothing(tmp_path: Path):
    """A mapped page that isn't there any more would end this process by SIGBUS."""
    arrays.save(tmp_path, {"a": np.arange(100_000)})
    loaded = saved.output("step", tmp_path)
    os.truncate(tmp_path / arrays.FILE, 0)
    assert (loaded["a"] == np.arange(100_000)).all()


def test_an_output_larger_than_memory_is_mapped(tmp_path: Path):
    """Its worker may have made a file with holes of any size."""
    head = b'[["a", "|u1", [1000000000000], false, 0]]'
    with (tmp_path / arrays.FILE).open("wb") as file:
        file.write(arrays.MAGIC + len(head).to_bytes(8, "little") + head)
        file.truncate(10**12 + 4096)
    assert saved.output("step", tmp_path)["a"].nbytes == 10**12


def test_a_bus_error_of_the_harness_is_a_line(tmp_path: Path):
    arrays.save(tmp_path, {"a": np.arange(100_000)})
    code = """
import os, sys
from pathlib import Path
from twinbench.launch import bus_errors
from twinbench.ops import arrays
bus_errors.announce()
loaded = arrays.load(Path(sys.argv[1]))
os.truncate(Path(sys.argv[1], arrays.FILE), 0)
print(loaded["a"].sum())
"""
    done = subprocess.run([sys.executable, "-P", "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("twinbench: error: a file of the cache or of a worker became shorter")
    assert len(done.stderr.splitlines()) == 1
