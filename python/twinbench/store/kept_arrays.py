"""The arrays in the files of a cell: read without trust in what the files say of themselves.

NPY and NPZ files hold their own shapes, and an archive can be larger than it looks. Shapes, types and sizes are checked
before memory is taken. No pickle is ever read.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from twinbench.errors import StoreError
from twinbench.store.fact_shapes import MOST_CLASSES
from twinbench.store.records import EXAMPLE, SCORES, TRAINED
from twinbench.store.store import Store
from twinbench.store.validation import DAMAGED

if TYPE_CHECKING:
    from numpy.typing import NDArray

NUMBERS = "fiu"
"""Kinds of numbers that an array may hold: floats, and integers."""

DIMENSIONS = {EXAMPLE: range(2, 9), SCORES: range(1, 3)}
"""Numbers of dimensions that an array may have, by file."""

ARRAYS = {TRAINED: {"sample": range(2, 3), "low": range(1, 2), "high": range(1, 2), "y_test": range(1, 2)}}
"""Numbers of dimensions of the arrays of an archive, by file. Each of them may be missing."""

LARGEST = 1 << 30
"""Most bytes of an archive's content, and of an array."""

HEADER = 10_000
"""Longest header of an array in bytes."""


class Unreadable(ValueError):
    """A file that doesn't hold the arrays that it should. The text says what it holds."""


def array(store: Store, cell_id: int, name: str) -> NDArray[Any] | None:
    """Return the array in a cell's NPY file, read-only; None if the cell has no file of that name.

    Raises StoreError if the file isn't such an array.
    """
    content = store.file(cell_id, name)
    if content is None:
        return None
    with _named(store, cell_id, name):
        return _read(content, DIMENSIONS[name])


def arrays(store: Store, cell_id: int, name: str) -> dict[str, NDArray[Any]] | None:
    """Return the arrays in a cell's NPZ file by their names; None if the cell has no file of that name.

    Raises StoreError if the file doesn't hold such arrays.
    """
    content = store.file(cell_id, name)
    if content is None:
        return None
    with _named(store, cell_id, name):
        return _archive(name, content)


@contextmanager
def _named(store: Store, cell_id: int, name: str) -> Iterator[None]:
    try:
        yield
    except Unreadable as error:
        raise StoreError(f"{store.path}: files: cell {cell_id}, name {name!r}: {error}; {DAMAGED}") from error


def _archive(name: str, content: bytes) -> dict[str, NDArray[Any]]:
    expected = ARRAYS[name]
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST:
                raise Unreadable(f"an archive of more than {LARGEST} bytes")
            members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
            if len(members) < len(archive.infolist()) or not members.keys() <= expected.keys():
                raise Unreadable(
                    f"an archive of {str(archive.namelist())[:80]}, where {', '.join(expected)} may be in it"
                )
            read = {key: _read(_member(archive, members[key]), expected[key]) for key in expected if key in members}
    except Unreadable:
        raise
    except Exception as error:  # a damaged archive makes its readers raise errors of many kinds
        raise Unreadable(f"not an archive of arrays ({str(error)[:80]!a})") from None
    if name == TRAINED:
        _require_columns(read)
    return read


def fits_labels(scores: NDArray[Any], labels: NDArray[Any]) -> bool:
    """Whether there is a score for each label, and each label is one of the classes that are scored."""
    classes = 2 if scores.ndim == 1 else scores.shape[1]
    if len(scores) != len(labels) or not 2 <= classes <= MOST_CLASSES:
        return False
    return bool(((labels >= 0) & (labels < classes) & (labels % 1 == 0)).all())


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Return the content of an archive's file, which must be as long as the archive says, and no longer."""
    with archive.open(member) as file:
        return file.read(member.file_size)


def _require_columns(read: Mapping[str, NDArray[Any]]) -> None:
    if not {"sample", "low", "high"} <= read.keys():
        return
    columns = read["sample"].shape[1]
    if not read["sample"].size or read["low"].shape != (columns,) or read["high"].shape != (columns,):
        raise Unreadable(f"a sample of shape {read['sample'].shape} with limits of {read['low'].shape}")


def _read(content: bytes, dimensions: range) -> NDArray[Any]:
    import numpy as np
    from numpy.lib import format as npy

    file = io.BytesIO(content)
    try:
        version = npy.read_magic(file)
        header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = header(file, max_header_size=HEADER)
    except Exception as error:  # NumPy reads a header as Python, by its tokenizer and its parser
        raise Unreadable(f"not an array ({str(error)[:80]!a})") from None
    data = content[file.tell() :]
    if dtype.kind not in NUMBERS or dtype.hasobject or dtype.names or dtype.subdtype:
        raise Unreadable(f"an array of {str(dtype)[:40]}")
    if len(shape) not in dimensions or any(not 0 <= size < 2**31 for size in shape):
        raise Unreadable(f"an array of shape {str(shape)[:60]}")
    if math.prod(shape) * dtype.itemsize != len(data):
        raise Unreadable(f"{len(data)} bytes for an array of shape {shape}")
    values = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
    if not len(values):
        raise Unreadable("an array without rows")
    return values
